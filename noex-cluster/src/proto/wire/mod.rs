//! Pure: the plaintext that goes through a channel: frames, and the signals in them.
//!
//! A frame is its length in four bytes, one byte for its kind, and a body; the length counts kind
//! and body. Kinds from 128 on are optional: who does not know one skips it. Signals are laid out
//! by hand, a common call in 32 bytes besides its payload. Numbers are LEB128 unless said
//! otherwise.
//!
//! The sender of a signal is always a process of the writer's life, so that life is not on the
//! wire at all: a frame that speaks for a process of another node can't even be written.

mod limits;
mod varint;
mod body;
mod address;
mod cold;
mod encode;
mod decode;
mod verdict;
mod frame;
mod error;
#[cfg(test)]
mod tests;

pub(crate) use address::SessionEnds;
pub(crate) use encode::encode_signal;
pub(crate) use error::{EncodeError, WireError};
pub(crate) use frame::{Frame, FrameReader, encode_frame};
pub(crate) use limits::{frame_size_max, message_size};
pub use verdict::Refusal;
pub(crate) use verdict::Verdict;
