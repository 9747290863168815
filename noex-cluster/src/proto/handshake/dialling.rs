//! Pure: `Dialling`, the handshake of the node that dialled.
//!
//! ```text
//! start ──message 1──▶ Dialling ──message 2──▶ Dialled, message 3 to be sent
//! ```

use snow::HandshakeState;

use super::channel::Channel;
use super::error::HandshakeError;
use super::hello::Hello;
use super::noise::{self, Side};
use super::preamble::{PREAMBLE, to_wire};
use crate::secret::{LinkKey, StaticKey};

/// A dialler that waits for the second message.
#[derive(Debug)]
pub(crate) struct Dialling {
    state: HandshakeState,
    hello: Hello,
}

/// A dialler that has all it needs. The peer has not, before it has read `third`.
#[derive(Debug)]
pub(crate) struct Dialled {
    /// To be written to the wire, before anything that `channel` seals.
    pub(crate) third: Vec<u8>,
    /// Who answered.
    pub(crate) peer: Hello,
    /// The key of the peer's life.
    pub(crate) peer_key: [u8; 32],
    /// The version of the wire format to speak.
    pub(crate) version: u16,
    /// What everything else goes through.
    pub(crate) channel: Channel,
}

impl Dialling {
    /// Starts a handshake with `key`. The bytes are to be written to the wire.
    ///
    /// # Errors
    /// [`HandshakeError::TooLarge`], which no first message is.
    pub(crate) fn start(
        key: &LinkKey,
        own: &StaticKey,
        cluster_name: &str,
        hello: &Hello,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let mut state = noise::fresh_state(Side::Dialler, key, own, cluster_name);
        let message = noise::write(&mut state, &[])?;
        Ok((
            Self {
                state,
                hello: hello.clone(),
            },
            to_wire(&PREAMBLE, &message),
        ))
    }

    /// Reads the second message, as [`take_message`](super::take_message) gave it.
    ///
    /// # Errors
    /// [`HandshakeError::BadMessage`] if it is not an answer to this handshake's first message,
    /// [`HandshakeError::Incompatible`] if the peer speaks no version that this node speaks.
    pub(crate) fn read_second(mut self, message: &[u8]) -> Result<Dialled, HandshakeError> {
        noise::check_size(message)?;
        let payload = noise::read(&mut self.state, message)
            .map_err(|_details_help_forgers| HandshakeError::BadMessage)?;
        let peer = Hello::decode(&payload)?;
        let version = self.hello.common_version(&peer)?;
        let peer_key = noise::peer_key(&self.state)?;
        let message = noise::write(&mut self.state, &self.hello.encode())?;
        let channel = Channel::new(self.state)?;
        Ok(Dialled {
            third: to_wire(&[], &message),
            peer,
            peer_key,
            version,
            channel,
        })
    }
}
