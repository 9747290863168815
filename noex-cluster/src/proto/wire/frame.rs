//! Pure: `Frame`, and how frames are cut out of the plaintext and put into it.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use noex_core::{Signal, Target};

use super::address::SessionEnds;
use super::body::Body;
use super::decode::{decode_signal, is_signal};
use super::encode::encode_signal;
use super::error::{EncodeError, WireError};
use super::limits::LENGTH_SIZE;
use super::verdict::{Verdict, put_verdict, take_verdict};

/// The kinds of frames besides those of signals.
const VERDICT: u8 = 1;
const CONTROL: u8 = 2;
const LANE_END: u8 = 3;
const GOODBYE: u8 = 4;
/// Kinds from here on may be skipped by who does not know them.
const OPTIONAL: u8 = 128;

/// One thing that a peer says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// What a process does to another.
    Signal {
        /// To whom.
        to: Target,
        /// What.
        signal: Signal,
    },
    /// What membership says; it knows the form.
    Control(Bytes),
    /// Nothing more comes on this lane, and that is no accident.
    LaneEnd,
    /// The session ends, and that is no accident.
    Goodbye,
    /// Whether the session begins.
    Verdict(Verdict),
    /// Something optional that this version does not know. It is only read, never written.
    Unknown {
        /// Its kind, from 128 on.
        kind: u8,
    },
}

/// Cuts frames out of the plaintext of one connection.
#[derive(Debug)]
pub(crate) struct FrameReader {
    limit: usize,
    ends: SessionEnds,
}

impl FrameReader {
    /// A reader that refuses frames of more than `limit` bytes.
    pub(crate) const fn new(limit: usize, ends: SessionEnds) -> Self {
        Self { limit, ends }
    }

    /// Takes the next frame off `plain`, once it is whole. What a frame carries is cut out of
    /// `plain` without copying.
    ///
    /// # Errors
    /// [`WireError`]; a length over the limit is refused before anything is reserved for it.
    pub(crate) fn next(&self, plain: &mut BytesMut) -> Result<Option<Frame>, WireError> {
        let Some(length) = plain.first_chunk::<LENGTH_SIZE>() else {
            return Ok(None);
        };
        let size = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let limit = self.limit;
        match size {
            0 => return Err(WireError::Empty),
            _ if size > limit => return Err(WireError::TooLarge { size, limit }),
            _ if plain.len() - LENGTH_SIZE < size => return Ok(None),
            _ => plain.advance(LENGTH_SIZE),
        }
        let mut body = Body::new(plain.split_to(size).freeze());
        let kind = body.take_u8()?;
        self.decode(kind, body).map(Some)
    }

    fn decode(&self, kind: u8, body: Body) -> Result<Frame, WireError> {
        match kind {
            VERDICT => take_verdict(body).map(Frame::Verdict),
            CONTROL => Ok(Frame::Control(body.into_rest())),
            LANE_END => body.finish().map(|()| Frame::LaneEnd),
            GOODBYE => body.finish().map(|()| Frame::Goodbye),
            _ if is_signal(kind) => {
                let (to, signal) = decode_signal(kind, body, self.ends)?;
                Ok(Frame::Signal { to, signal })
            }
            OPTIONAL.. => Ok(Frame::Unknown { kind }),
            _ => Err(WireError::UnknownKind(kind)),
        }
    }
}

/// Appends `frame` to the plaintext.
///
/// # Errors
/// [`EncodeError`]; nothing was appended.
pub(crate) fn encode_frame(
    frame: &Frame,
    ends: SessionEnds,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    match frame {
        Frame::Signal { to, signal } => encode_signal(to, signal, ends, out),
        Frame::Control(body) => put_frame(CONTROL, out, |out| {
            out.put_slice(body);
            Ok(())
        }),
        Frame::LaneEnd => put_frame(LANE_END, out, |_out| Ok(())),
        Frame::Goodbye => put_frame(GOODBYE, out, |_out| Ok(())),
        Frame::Verdict(verdict) => put_frame(VERDICT, out, |out| {
            put_verdict(out, verdict);
            Ok(())
        }),
        Frame::Unknown { .. } => Err(EncodeError::Unsupported),
    }
}

/// Appends a frame with the body that `put_body` appends, or nothing if that fails.
pub(super) fn put_frame(
    kind: u8,
    out: &mut BytesMut,
    put_body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_bytes(0, LENGTH_SIZE);
    out.put_u8(kind);
    let written = put_body(out).and_then(|()| {
        let size = out.len() - start - LENGTH_SIZE;
        u32::try_from(size).map_err(|_too_large| EncodeError::TooLarge(size))
    });
    match (written, out.get_mut(start..start + LENGTH_SIZE)) {
        (Ok(size), Some(length)) => {
            length.copy_from_slice(&size.to_be_bytes());
            Ok(())
        }
        (Ok(_), None) => unreachable!("room for the length was made above"),
        (Err(error), _) => {
            out.truncate(start);
            Err(error)
        }
    }
}
