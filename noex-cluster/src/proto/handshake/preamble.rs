//! Pure: the first bytes of a connection, and how handshake messages are cut out of what comes.

use bytes::{Buf, Bytes, BytesMut};

use super::error::{HandshakeError, Stranger};
use super::speech::Speech;

/// The most bytes of a handshake message. A hello has two names of at most 253 bytes and 200 bytes
/// besides; twice of that leaves room for later fields, and a stranger gets no more memory.
pub(crate) const HANDSHAKE_MESSAGE_SIZE_MAX: usize = 1024;

const MAGIC: [u8; 4] = *b"NOEX";

/// The bytes in front of the first message: the magic and the version of the handshake.
const PREAMBLE_SIZE: usize = MAGIC.len() + 1;

/// The bytes in place of a second message that say which versions are spoken.
const REFUSAL_SIZE: usize = MAGIC.len() + 2;

/// What a connection begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct First {
    /// The version of the handshake.
    pub(crate) handshake: u8,
    /// The first message of it.
    pub(crate) message: Bytes,
}

/// The bytes that every connection with a handshake of this version begins with.
pub(super) const fn preamble(handshake: u8) -> [u8; PREAMBLE_SIZE] {
    [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], handshake]
}

/// What is answered to a handshake of another version than these. It can't be mistaken for a
/// message: as a length, its first two bytes are over the limit.
pub(crate) const fn version_refusal(versions: (u8, u8)) -> [u8; REFUSAL_SIZE] {
    [
        MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], versions.0, versions.1,
    ]
}

/// Checks the beginning of a connection, however little of it has come.
///
/// # Errors
/// [`HandshakeError::NotNoex`] or [`HandshakeError::UnsupportedVersion`] as soon as it is certain.
fn check_preamble(start: &[u8], ours: (u8, u8)) -> Result<(), HandshakeError> {
    if start.iter().zip(MAGIC).any(|(byte, magic)| *byte != magic) {
        return Err(HandshakeError::NotNoex(recognise(start)));
    }
    match start.get(MAGIC.len()) {
        Some(&version) => Speech::common_handshake(ours, (version, version)).map(drop),
        None => Ok(()),
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

/// Takes preamble and first message off what has come to a node that speaks these versions of
/// the handshake, once they are whole.
///
/// # Errors
/// [`HandshakeError::NotNoex`], [`HandshakeError::UnsupportedVersion`] or
/// [`HandshakeError::TooLarge`] as soon as it is certain.
pub(crate) fn take_first(
    wire: &mut BytesMut,
    ours: (u8, u8),
) -> Result<Option<First>, HandshakeError> {
    check_preamble(wire, ours)?;
    let Some((preamble, message)) = wire.split_first_chunk::<PREAMBLE_SIZE>() else {
        return Ok(None);
    };
    let handshake = preamble[MAGIC.len()];
    if message_size(message)?.is_none_or(|size| message.len() < 2 + size) {
        return Ok(None);
    }
    wire.advance(PREAMBLE_SIZE);
    let message = take_third(wire)?;
    Ok(message.map(|message| First { handshake, message }))
}

/// Takes the answer to the first message off what has come, once it is whole.
///
/// # Errors
/// [`HandshakeError::UnsupportedVersion`] if the peer speaks only other versions of the handshake,
/// [`HandshakeError::TooLarge`] as soon as its length has come.
pub(crate) fn take_second(
    wire: &mut BytesMut,
    ours: (u8, u8),
) -> Result<Option<Bytes>, HandshakeError> {
    if !wire.starts_with(&MAGIC) {
        // As long as it may still become a refusal, its length is not judged.
        return if MAGIC.starts_with(wire) {
            Ok(None)
        } else {
            take_third(wire)
        };
    }
    let Some(&[_, _, _, _, lowest, highest]) = wire.first_chunk::<REFUSAL_SIZE>() else {
        return Ok(None);
    };
    let theirs = (lowest, highest);
    Err(HandshakeError::UnsupportedVersion { ours, theirs })
}

/// Takes the next handshake message off what has come, once it is whole.
///
/// # Errors
/// [`HandshakeError::TooLarge`] as soon as its length has come.
pub(crate) fn take_third(wire: &mut BytesMut) -> Result<Option<Bytes>, HandshakeError> {
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

    const OURS: (u8, u8) = (1, 1);

    #[test]
    fn a_stranger_is_recognised_by_its_first_bytes() {
        let stranger = |start: &[u8]| match check_preamble(start, OURS) {
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
        for size in 0..=PREAMBLE_SIZE {
            assert_eq!(check_preamble(&preamble(1)[..size], OURS), Ok(()));
        }
    }

    #[test]
    fn a_version_that_is_not_spoken_is_named_with_those_that_are() {
        let error = check_preamble(&preamble(2), OURS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "handshake versions 2-2 of the peer have nothing in common with our 1-1; upgrade the \
             older of the two nodes"
        );
        assert_eq!(check_preamble(&preamble(2), (1, 3)), Ok(()));
    }

    #[test]
    fn a_refusal_of_the_version_is_no_message() {
        let whole = version_refusal((2, 3));
        for size in 0..whole.len() {
            let mut wire = BytesMut::from(&whole[..size]);
            assert_eq!(take_second(&mut wire, OURS), Ok(None));
        }
        assert_eq!(
            take_second(&mut BytesMut::from(&whole[..]), OURS),
            Err(HandshakeError::UnsupportedVersion {
                ours: OURS,
                theirs: (2, 3)
            })
        );
    }

    #[test]
    fn messages_are_cut_out_whole_or_not_at_all() {
        let whole = [&preamble(1)[..], &[0, 3], b"abc"].concat();
        for size in 0..whole.len() {
            let mut wire = BytesMut::from(&whole[..size]);
            assert_eq!(take_first(&mut wire, OURS), Ok(None));
            assert_eq!(wire.len(), size);
        }
        let mut wire = BytesMut::from(&[&whole[..], &[0, 1], b"d", &[0]].concat()[..]);
        let first = take_first(&mut wire, OURS).unwrap().unwrap();
        assert_eq!((first.handshake, &*first.message), (1, &b"abc"[..]));
        assert_eq!(take_second(&mut wire, OURS).unwrap().unwrap(), "d");
        assert_eq!(take_second(&mut wire, OURS), Ok(None));
        assert_eq!(take_third(&mut wire), Ok(None));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_message_comes() {
        let mut wire = BytesMut::from(&[&preamble(1)[..], &[4, 1]].concat()[..]);
        let error = HandshakeError::TooLarge {
            size: 1025,
            limit: 1024,
        };
        assert_eq!(take_first(&mut wire, OURS), Err(error.clone()));
        let mut wire = BytesMut::from(&[4, 1][..]);
        assert_eq!(take_second(&mut wire, OURS), Err(error.clone()));
        assert_eq!(take_third(&mut wire), Err(error));
    }
}
