//! Pure: the Noise state of either side, but for the one-time key that snow draws by itself.

use snow::{Builder, HandshakeState};

use super::error::HandshakeError;
use super::preamble::{HANDSHAKE_MESSAGE_SIZE_MAX, preamble};
use crate::secret::{LinkKey, StaticKey};

/// The handshake, in the notation of the Noise Protocol Framework.
pub(crate) const PATTERN: &str = "Noise_XXpsk0_25519_AESGCM_SHA256";

/// Which side of the connection a state is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Dialler,
    Acceptor,
}

/// A fresh state. Both sides must have the same key, version and cluster name to get anywhere.
pub(super) fn fresh_state(
    side: Side,
    key: &LinkKey,
    own: &StaticKey,
    prologue: &[u8],
) -> HandshakeState {
    let params = PATTERN.parse().expect("the pattern is one that snow knows");
    let builder = Builder::new(params)
        .psk(0, key.bytes())
        .and_then(|builder| builder.local_private_key(own.private()))
        .and_then(|builder| builder.prologue(prologue))
        .expect("each part is given once");
    let state = match side {
        Side::Dialler => builder.build_initiator(),
        Side::Acceptor => builder.build_responder(),
    };
    state.expect("the pattern's keys are all given, and of the right size")
}

/// As [`fresh_state`], with keys that are not secret and no chance.
#[cfg(test)]
pub(super) fn fixed_state(
    side: Side,
    key: &LinkKey,
    private: &[u8; 32],
    one_time: &[u8; 32],
    prologue: &[u8],
) -> HandshakeState {
    let builder = Builder::new(PATTERN.parse().unwrap()).psk(0, key.bytes());
    let builder = builder.unwrap().local_private_key(private).unwrap();
    let builder = builder.fixed_ephemeral_key_for_testing_only(one_time);
    let builder = builder.prologue(prologue).unwrap();
    match side {
        Side::Dialler => builder.build_initiator().unwrap(),
        Side::Acceptor => builder.build_responder().unwrap(),
    }
}

/// What both sides must agree on without having said it.
pub(super) fn prologue(version: u8, cluster_name: &str) -> Vec<u8> {
    let length = u64::try_from(cluster_name.len()).expect("lengths fit 64 bits");
    [
        &preamble(version)[..],
        &length.to_be_bytes(),
        cluster_name.as_bytes(),
    ]
    .concat()
}

/// Wipes the key out of a state that has done its first message, and needs it no more.
pub(super) fn forget_key(state: &mut HandshakeState) {
    state
        .set_psk(0, &[0; 32])
        .expect("the place and the size are those of the key");
}

/// The next message, with this payload.
pub(super) fn write(state: &mut HandshakeState, payload: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let (size, limit) = (payload.len(), HANDSHAKE_MESSAGE_SIZE_MAX);
    let mut message = vec![0; limit];
    let size = state
        .write_message(payload, &mut message)
        .map_err(|_it_did_not_fit| HandshakeError::TooLarge { size, limit })?;
    message.truncate(size);
    Ok(message)
}

/// The payload of the peer's next message.
pub(super) fn read(state: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, snow::Error> {
    // Larger than the message, as snow asks for; the caller has checked the message's size.
    let mut payload = vec![0; message.len()];
    let size = state.read_message(message, &mut payload)?;
    payload.truncate(size);
    Ok(payload)
}

/// Refuses a message that is larger than any handshake message.
pub(super) fn check_size(message: &[u8]) -> Result<(), HandshakeError> {
    let (size, limit) = (message.len(), HANDSHAKE_MESSAGE_SIZE_MAX);
    if size > limit {
        Err(HandshakeError::TooLarge { size, limit })
    } else {
        Ok(())
    }
}

/// The key that the peer proved to have.
pub(super) fn peer_key(state: &HandshakeState) -> Result<[u8; 32], HandshakeError> {
    state
        .get_remote_static()
        .and_then(|key| key.try_into().ok())
        .ok_or(HandshakeError::BadMessage)
}
