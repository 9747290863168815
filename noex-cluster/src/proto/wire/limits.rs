//! Pure: every limit of the wire format, with its reason.

use noex_core::Signal;

/// The bytes of a frame's length.
pub(super) const LENGTH_SIZE: usize = 4;

/// The most bytes of a local name. Names are routing keys, not data; 1 KiB is four times what a
/// host name may have.
pub(super) const NAME_SIZE_MAX: usize = 1024;

/// The most reply handles in one message. Each is 16 bytes in memory and as few as 2 on the wire,
/// so the count of a small frame must not decide how much is reserved.
pub(super) const REPLIES_MAX: usize = 1024;

/// The most bytes of a text in an exit reason or an error. A longer one is cut: why a process
/// ended must arrive, and nobody reads more.
pub(super) const TEXT_SIZE_MAX: usize = 8 << 10;

/// The most bytes of an encoded exit reason or error: a panic has two texts.
pub(super) const COLD_SIZE_MAX: usize = 3 * TEXT_SIZE_MAX;

/// How deep an encoded exit reason or error may be nested; the deepest has four levels.
pub(super) const COLD_DEPTH_MAX: usize = 16;

/// The most bytes of the text that says why a session was refused.
pub(super) const REFUSAL_SIZE_MAX: usize = 256;

/// The most bytes of everything in a frame that is not payload: a name, [`REPLIES_MAX`] handles of
/// up to 19 bytes, and fields of fixed size; and more than [`COLD_SIZE_MAX`].
const HEADER_SIZE_MAX: usize = 32 << 10;

/// The largest frame where messages have at most `message_size_max` bytes.
pub(crate) const fn frame_size_max(message_size_max: usize) -> usize {
    message_size_max.saturating_add(HEADER_SIZE_MAX)
}

/// The bytes of a signal that the limit for messages counts: what a user put in.
pub(crate) fn message_size(signal: &Signal) -> usize {
    match signal {
        Signal::Message(message) => message.payload.len(),
        Signal::Reply { body, .. } => body.len(),
        Signal::Flood { payload, .. } => payload.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use noex_core::CallRef;

    use super::*;

    #[test]
    fn only_what_a_user_put_in_counts_as_message() {
        let body = Bytes::from_static(b"12345");
        let call = CallRef::from_bits(1);
        assert_eq!(message_size(&Signal::Reply { call, body }), 5);
        let error = noex_core::CallError::Codec("a long text".into());
        assert_eq!(message_size(&Signal::CallFailed { call, error }), 0);
    }

    #[test]
    fn a_frame_has_room_for_the_largest_message_and_everything_around_it() {
        let (name, varint, creation) = (NAME_SIZE_MAX + 2, 10, 9);
        let replies = REPLIES_MAX * (creation + varint);
        let message = 1 + creation + name + 1 + 8 + 2 * varint + 2 + replies;
        let reason = 1 + creation + name + 2 * varint + 1 + COLD_SIZE_MAX;
        assert!(frame_size_max(0) >= message.max(reason));
        assert_eq!(frame_size_max(usize::MAX), usize::MAX);
    }
}
