//! Pure: `Accepting`, the handshake of the node that was dialled.
//!
//! ```text
//! message 1 ──read_first──▶ Accepting, message 2 to be sent ──message 3──▶ Accepted
//! ```

use snow::HandshakeState;

use super::channel::Channel;
use super::error::HandshakeError;
use super::hello::Hello;
use super::noise::{self, Side};
use super::preamble::{First, to_wire};
use crate::secret::{Keyring, StaticKey};

/// An acceptor that has answered and waits for the third message.
#[derive(Debug)]
pub(crate) struct Accepting {
    state: HandshakeState,
    hello: Hello,
    handshake: u8,
    key_index: usize,
}

/// An acceptor that knows who dialled.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Who dialled.
    pub(crate) peer: Hello,
    /// The key of the peer's life.
    pub(crate) peer_key: [u8; 32],
    /// The version of the wire format to speak.
    pub(crate) version: u16,
    /// What everything else goes through.
    pub(crate) channel: Channel,
    /// Which key of the keyring the peer used; 0 is the current one.
    pub(crate) key_index: usize,
}

impl Accepting {
    /// Reads the first message, as [`take_first`](super::take_first) gave it. The bytes are the
    /// answer, to be written to the wire.
    ///
    /// # Errors
    /// [`HandshakeError::WrongSecret`] if it was made with none of the keys: nothing is to be
    /// answered then. [`HandshakeError::BadMessage`] if it can't be a first message.
    pub(crate) fn read_first(
        keys: &Keyring,
        own: &StaticKey,
        cluster_name: &str,
        hello: &Hello,
        first: &First,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        noise::check_size(&first.message)?;
        let prologue = noise::prologue(first.handshake, cluster_name);
        for (key_index, key) in keys.iter().enumerate() {
            // A state that failed once keeps a wrong cipher key, so each key gets a fresh one.
            let mut state = noise::fresh_state(Side::Acceptor, key, own, &prologue);
            match noise::read(&mut state, &first.message) {
                Ok(_nothing) => return Self::answer(state, hello, first.handshake, key_index),
                Err(snow::Error::Decrypt) => {}
                Err(_malformed) => return Err(HandshakeError::BadMessage),
            }
        }
        Err(HandshakeError::WrongSecret)
    }

    pub(super) fn answer(
        mut state: HandshakeState,
        hello: &Hello,
        handshake: u8,
        key_index: usize,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        noise::forget_key(&mut state);
        let answer = noise::write(&mut state, &hello.encode())?;
        let accepting = Self {
            state,
            hello: hello.clone(),
            handshake,
            key_index,
        };
        Ok((accepting, to_wire(&[], &answer)))
    }

    /// Reads the third message, as [`take_message`](super::take_message) gave it.
    ///
    /// # Errors
    /// [`HandshakeError::BadMessage`] if it does not belong to this handshake,
    /// [`HandshakeError::Incompatible`] if the peer speaks no version that this node speaks,
    /// [`HandshakeError::Downgraded`] if both speak a later version of the handshake.
    pub(crate) fn read_third(mut self, message: &[u8]) -> Result<Accepted, HandshakeError> {
        noise::check_size(message)?;
        let payload = noise::read(&mut self.state, message)
            .map_err(|_details_help_forgers| HandshakeError::BadMessage)?;
        let peer = Hello::decode(&payload)?;
        let version = self.hello.agree(&peer, self.handshake)?;
        let peer_key = noise::peer_key(&self.state)?;
        let channel = Channel::new(self.state, Side::Acceptor);
        Ok(Accepted {
            peer,
            peer_key,
            version,
            channel,
            key_index: self.key_index,
        })
    }
}
