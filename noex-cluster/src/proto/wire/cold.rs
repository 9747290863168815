//! Pure: exit reasons and call errors on the wire, as MessagePack with named fields.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use noex_core::{CallError, ExitReason, Panic};
use rmp_serde::Deserializer;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::body::Body;
use super::error::WireError;
use super::limits::{COLD_DEPTH_MAX, COLD_SIZE_MAX, TEXT_SIZE_MAX};

/// Appends why a process ended. What follows must be nothing: it has no length of its own.
pub(super) fn put_reason(out: &mut BytesMut, reason: &ExitReason) {
    put_cold(out, &*bound_reason(reason));
}

/// Appends why a call failed. What follows must be nothing.
pub(super) fn put_call_error(out: &mut BytesMut, error: &CallError) {
    match error {
        CallError::Exited(reason) => {
            put_cold(out, &CallError::Exited(bound_reason(reason).into_owned()));
        }
        CallError::Codec(text) => put_cold(out, &CallError::Codec(bound_text(text))),
        short => put_cold(out, short),
    }
}

/// Reads why a process ended, to the end of the frame.
pub(super) fn take_reason(body: Body) -> Result<ExitReason, WireError> {
    let unknown = || ExitReason::error("the node gave a reason that this version does not know");
    take_cold(body, unknown)
}

/// Reads why a call failed, to the end of the frame.
pub(super) fn take_call_error(body: Body) -> Result<CallError, WireError> {
    let unknown = || CallError::Codec(Arc::from("an error that this version does not know"));
    take_cold(body, unknown)
}

fn put_cold(out: &mut BytesMut, value: &impl Serialize) {
    rmp_serde::encode::write_named(&mut out.writer(), value)
        .expect("plain data is encoded into memory");
}

/// What is whole MessagePack but no `T` was written by a later version, and becomes `unknown`.
fn take_cold<T: DeserializeOwned>(body: Body, unknown: impl Fn() -> T) -> Result<T, WireError> {
    if body.len() > COLD_SIZE_MAX {
        return Err(WireError::TooLong("reason"));
    }
    let bytes = body.into_rest();
    match decode_whole(&bytes) {
        Some(value) => Ok(value),
        None if decode_whole::<IgnoredAny>(&bytes).is_some() => Ok(unknown()),
        None => Err(WireError::Field("reason")),
    }
}

fn decode_whole<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut rest = bytes;
    let mut decoder = Deserializer::new(&mut rest);
    decoder.set_max_depth(COLD_DEPTH_MAX);
    let value = T::deserialize(&mut decoder).ok()?;
    rest.is_empty().then_some(value)
}

/// The reason, its texts cut if they are too long.
fn bound_reason(reason: &ExitReason) -> Cow<'_, ExitReason> {
    match reason {
        ExitReason::ShutdownWith(text) => Cow::Owned(ExitReason::ShutdownWith(bound_text(text))),
        ExitReason::Error(text) => Cow::Owned(ExitReason::Error(bound_text(text))),
        ExitReason::Panic(Panic {
            message, location, ..
        }) => {
            let location = location.as_ref().map(bound_text);
            Cow::Owned(ExitReason::Panic(Panic::new(bound_text(message), location)))
        }
        short => Cow::Borrowed(short),
    }
}

fn bound_text(text: &Arc<str>) -> Arc<str> {
    if text.len() <= TEXT_SIZE_MAX {
        return Arc::clone(text);
    }
    text.get(..text.floor_char_boundary(TEXT_SIZE_MAX))
        .map_or_else(|| Arc::from(""), Arc::from)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn read(bytes: impl Into<Bytes>) -> Result<ExitReason, WireError> {
        take_reason(Body::new(bytes.into()))
    }

    #[test]
    fn a_reason_of_a_later_version_is_an_error_with_a_text() {
        for later in [&b"\xa8Migrated"[..], b"\x81\xa8Migrated\x91\x01"] {
            assert!(matches!(read(later), Ok(ExitReason::Error(_))), "{later:?}");
        }
    }

    #[test]
    fn what_is_not_messagepack_is_refused() {
        for bad in [&b""[..], b"\xc1", b"\xa8Migr", b"\xa6Normal\x00"] {
            assert_eq!(read(bad), Err(WireError::Field("reason")), "{bad:?}");
        }
        assert_eq!(read(vec![0x91; 10_000]), Err(WireError::Field("reason")));
        assert_eq!(
            read(vec![0; COLD_SIZE_MAX + 1]),
            Err(WireError::TooLong("reason"))
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long: Arc<str> = Arc::from("xč".repeat(TEXT_SIZE_MAX));
        let panic = Panic::new(Arc::clone(&long), Some(Arc::clone(&long)));
        for reason in [
            ExitReason::Error(Arc::clone(&long)),
            ExitReason::ShutdownWith(Arc::clone(&long)),
            ExitReason::Panic(panic),
        ] {
            let mut out = BytesMut::new();
            put_reason(&mut out, &reason);
            assert!(out.len() <= COLD_SIZE_MAX);
            let read = read(out).unwrap();
            assert_eq!(read.is_orderly(), reason.is_orderly());
            assert!(
                reason
                    .to_string()
                    .starts_with(read.to_string().split("xčxč").next().unwrap())
            );
        }
    }
}
