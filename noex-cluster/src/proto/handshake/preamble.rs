//! Pure: the first bytes of a connection, and how handshake messages are cut out of what comes.

use bytes::{Buf, Bytes, BytesMut};

use super::error::{HandshakeError, Stranger};

/// The most bytes of a handshake message. A hello has two names of at most 253 bytes and 200 bytes
/// besides; twice of that leaves room for later fields, and a stranger gets no more memory.
pub(crate) const HANDSHAKE_MESSAGE_SIZE_MAX: usize = 1024;

/// The version of the handshake itself. What is said after it has versions of its own.
pub(crate) const HANDSHAKE_VERSION: u8 = 1;

const MAGIC: [u8; 4] = *b"NOEX";

/// The bytes that every connection begins with.
pub(super) const PREAMBLE: [u8; 5] = [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], HANDSHAKE_VERSION];

/// Checks the beginning of a connection, however little of it has come.
///
/// # Errors
/// [`HandshakeError::NotNoex`] or [`HandshakeError::UnsupportedVersion`] as soon as it is certain.
pub(crate) fn check_preamble(start: &[u8]) -> Result<(), HandshakeError> {
    if start.iter().zip(MAGIC).any(|(byte, magic)| *byte != magic) {
        return Err(HandshakeError::NotNoex(recognise(start)));
    }
    match start.get(MAGIC.len()) {
        Some(&theirs) if theirs != HANDSHAKE_VERSION => Err(HandshakeError::UnsupportedVersion {
            ours: HANDSHAKE_VERSION,
            theirs,
        }),
        Some(_) | None => Ok(()),
    }
}

/// What these bytes are the beginning of.
fn recognise(start: &[u8]) -> Stranger {
    const METHODS: [&[u8]; 7] = [
        b"GET ",
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"DELETE ",
        b"OPTIONS ",
        b"PRI * ",
    ];
    let begins = |whole: &[u8]| {
        start.len() >= 2
            && start
                .iter()
                .zip(whole)
                .all(|(byte, expected)| byte == expected)
    };
    match start {
        _ if METHODS.into_iter().any(begins) => Stranger::Http,
        _ if begins(&[0x16, 0x03]) => Stranger::Tls,
        _ if begins(b"SSH-") => Stranger::Ssh,
        _ => Stranger::Unknown,
    }
}

/// Takes preamble and first message off what has come, once they are whole.
///
/// # Errors
/// As [`check_preamble`] and [`take_message`].
pub(crate) fn take_first(wire: &mut BytesMut) -> Result<Option<Bytes>, HandshakeError> {
    check_preamble(wire)?;
    let Some(message) = wire.get(PREAMBLE.len()..) else {
        return Ok(None);
    };
    if message_size(message)?.is_none_or(|size| message.len() < 2 + size) {
        return Ok(None);
    }
    wire.advance(PREAMBLE.len());
    take_message(wire)
}

/// Takes the next handshake message off what has come, once it is whole.
///
/// # Errors
/// [`HandshakeError::TooLarge`] as soon as its length has come.
pub(crate) fn take_message(wire: &mut BytesMut) -> Result<Option<Bytes>, HandshakeError> {
    match message_size(wire)? {
        Some(size) if wire.len() >= 2 + size => {
            wire.advance(2);
            Ok(Some(wire.split_to(size).freeze()))
        }
        Some(_) | None => Ok(None),
    }
}

fn message_size(wire: &[u8]) -> Result<Option<usize>, HandshakeError> {
    let Some(length) = wire.first_chunk() else {
        return Ok(None);
    };
    let (size, limit) = (
        usize::from(u16::from_be_bytes(*length)),
        HANDSHAKE_MESSAGE_SIZE_MAX,
    );
    if size > limit {
        Err(HandshakeError::TooLarge { size, limit })
    } else {
        Ok(Some(size))
    }
}

/// A handshake message as it goes on the wire, behind `before`.
pub(super) fn to_wire(before: &[u8], message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("handshake messages are checked when made");
    [before, &length.to_be_bytes(), message].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_recognised_by_its_first_bytes() {
        let stranger = |start: &[u8]| match check_preamble(start) {
            Err(HandshakeError::NotNoex(stranger)) => stranger,
            other => panic!("{other:?}"),
        };
        assert_eq!(stranger(b"GET / HTTP/1.1\r\n"), Stranger::Http);
        assert_eq!(stranger(b"POST "), Stranger::Http);
        assert_eq!(stranger(b"PRI * HTTP/2.0"), Stranger::Http);
        assert_eq!(stranger(&[0x16, 0x03, 0x01, 0, 5]), Stranger::Tls);
        assert_eq!(stranger(b"SSH-2"), Stranger::Ssh);
        assert_eq!(stranger(b"x"), Stranger::Unknown);
        assert_eq!(stranger(b"NOPE"), Stranger::Unknown);
    }

    #[test]
    fn a_preamble_is_fine_however_little_of_it_has_come() {
        for size in 0..=PREAMBLE.len() {
            assert_eq!(check_preamble(&PREAMBLE[..size]), Ok(()));
        }
    }

    #[test]
    fn another_version_is_named() {
        let error = check_preamble(b"NOEX\x02").unwrap_err();
        assert_eq!(
            error.to_string(),
            "handshake version 2 is not supported, only 1"
        );
    }

    #[test]
    fn messages_are_cut_out_whole_or_not_at_all() {
        let whole = [&PREAMBLE[..], &[0, 3], b"abc"].concat();
        for size in 0..whole.len() {
            let mut wire = BytesMut::from(&whole[..size]);
            assert_eq!(take_first(&mut wire), Ok(None));
            assert_eq!(wire.len(), size);
        }
        let mut wire = BytesMut::from(&[&whole[..], &[0, 1], b"d", &[0]].concat()[..]);
        assert_eq!(take_first(&mut wire).unwrap().unwrap(), "abc");
        assert_eq!(take_message(&mut wire).unwrap().unwrap(), "d");
        assert_eq!(take_message(&mut wire), Ok(None));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_message_comes() {
        let mut wire = BytesMut::from(&[&PREAMBLE[..], &[4, 1]].concat()[..]);
        let error = take_first(&mut wire).unwrap_err();
        assert_eq!(
            error,
            HandshakeError::TooLarge {
                size: 1025,
                limit: 1024
            }
        );
    }
}
