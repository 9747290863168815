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
use super::preamble::{preamble, to_wire};
use crate::secret::{LinkKey, StaticKey};

/// A dialler that waits for the second message.
#[derive(Debug)]
pub(crate) struct Dialling {
    state: HandshakeState,
    hello: Hello,
    handshake: u8,
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

/// The second message is not one to go on from.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) error: HandshakeError,
    /// To be written to the wire before the connection is closed, so that the peer's operator
    /// learns who can't speak with it: where the peer proved to know the secret.
    pub(crate) third: Option<Vec<u8>>,
}

impl From<HandshakeError> for Unfit {
    fn from(error: HandshakeError) -> Self {
        Self { error, third: None }
    }
}

impl Dialling {
    /// Starts a handshake of this version with `key`. The bytes are to be written to the wire.
    ///
    /// # Errors
    /// [`HandshakeError::TooLarge`], which no first message is.
    pub(crate) fn start(
        handshake: u8,
        key: &LinkKey,
        own: &StaticKey,
        cluster_name: &str,
        hello: &Hello,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let prologue = noise::prologue(handshake, cluster_name);
        let state = noise::fresh_state(Side::Dialler, key, own, &prologue);
        Self::begin(state, handshake, hello)
    }

    pub(super) fn begin(
        mut state: HandshakeState,
        handshake: u8,
        hello: &Hello,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let message = noise::write(&mut state, &[])?;
        noise::forget_key(&mut state);
        Ok((
            Self {
                state,
                hello: hello.clone(),
                handshake,
            },
            to_wire(&preamble(handshake), &message),
        ))
    }

    /// Reads the second message, as [`take_second`](super::take_second) gave it.
    ///
    /// # Errors
    /// [`Unfit`] with [`HandshakeError::BadMessage`] if it is no answer to this handshake's first
    /// message, with [`HandshakeError::Incompatible`] if the peer speaks no version that this node
    /// speaks, with [`HandshakeError::Downgraded`] if both speak a later one of the handshake.
    pub(crate) fn read_second(mut self, message: &[u8]) -> Result<Dialled, Unfit> {
        noise::check_size(message)?;
        let payload = noise::read(&mut self.state, message)
            .map_err(|_details_help_forgers| HandshakeError::BadMessage)?;
        let peer = Hello::decode(&payload)?;
        let agreed = self.hello.agree(&peer, self.handshake);
        let peer_key = noise::peer_key(&self.state)?;
        let message = noise::write(&mut self.state, &self.hello.encode())?;
        let third = to_wire(&[], &message);
        let version = match agreed {
            Ok(version) => version,
            Err(error) => {
                let third = Some(third);
                return Err(Unfit { error, third });
            }
        };
        let channel = Channel::new(self.state, Side::Dialler);
        Ok(Dialled {
            third,
            peer,
            peer_key,
            version,
            channel,
        })
    }
}
