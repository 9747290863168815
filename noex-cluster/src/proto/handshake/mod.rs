//! Pure: how two nodes prove the secret to each other and agree on keys, before all else.
//!
//! `Noise_XXpsk0_25519_AESGCM_SHA256`, from the Noise Protocol Framework (revision 34). The key
//! from the secret is mixed in before the first message, so a stranger gets no answer; the keys of
//! the traffic come from fresh ones, so a secret that leaks later opens no recorded traffic. We
//! add a plain preamble before the first message, by which anything but noex is recognised at
//! once. Message 1 carries no payload, messages 2 and 3 carry a [`Hello`] each.
//!
//! On the wire: `NOEX`, the handshake's version, then three messages, each as its length in two
//! bytes and itself. The bytes that [`Dialling`] and [`Accepting`] hand out are to be written as
//! they are; [`take_first`], [`take_second`] and [`take_third`] cut what has come into what they
//! take. A node that does not speak the dialler's version says which ones it speaks, and ends.
//!
//! One thing is not pure: snow draws the one-time keys from the operating system, since nobody
//! else may choose or see them.

mod speech;
mod preamble;
mod first_messages;
mod hello;
mod noise;
mod dialling;
mod accepting;
mod channel;
mod error;
mod transcripts;
#[cfg(test)]
mod tests;

pub(crate) use accepting::{Accepted, Accepting};
pub(crate) use channel::{Channel, Opener, RecordError, Sealer};
pub(crate) use dialling::{Dialled, Dialling, Unfit};
pub(crate) use error::HandshakeError;
pub(crate) use first_messages::FirstMessages;
pub(crate) use hello::{Hello, Purpose};
pub(crate) use noise::PATTERN;
pub(crate) use preamble::{First, take_first, take_second, take_third, version_refusal};
pub use speech::NextVersion;
pub(crate) use speech::Speech;
