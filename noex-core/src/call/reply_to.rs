//! `ReplyTo`: answers one call, now, later, or from elsewhere.

use std::fmt;

use parking_lot::Mutex;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cell::Handle;
use super::{CallError, Remote};
use crate::codec::{self, Wire};
use crate::process::{Unanswered, leave_unanswered};

/// Answers one call (OTP's `From`): now, later, from another process or from another node.
///
/// A handle that is dropped fails its call at once: with the reason of its process if that ends,
/// else with [`CallError::ReplyDropped`]. Only noex's own encoder can serialize a handle, and only
/// once: the copy that arrives answers from then on.
///
/// # Examples
/// ```
/// use noex_core::call::ReplyTo;
///
/// fn later(waiting: &mut Vec<ReplyTo<u64>>, reply: ReplyTo<u64>) {
///     waiting.push(reply);
/// }
/// ```
pub struct ReplyTo<R: Send + 'static>(Option<Inner<R>>);

enum Inner<R> {
    Local(Handle<R>),
    /// Boxed, so that the handles of local calls are small where they queue.
    Remote(Mutex<Option<Box<Remote>>>),
}

impl<R: Send + 'static> ReplyTo<R> {
    pub(super) const fn local(handle: Handle<R>) -> Self {
        Self(Some(Inner::Local(handle)))
    }
}

impl<R: Wire> ReplyTo<R> {
    /// Sends the reply. A caller that gave up never sees it; one on another node learns if the
    /// reply can't be encoded.
    pub fn send(mut self, reply: R) {
        match self.0.take() {
            Some(Inner::Local(handle)) => handle.reply(reply),
            Some(Inner::Remote(remote)) => {
                if let Some(remote) = remote.into_inner() {
                    remote.reply(&reply);
                }
            }
            None => {}
        }
    }

    /// Fails the call with `error`.
    pub fn fail(mut self, error: CallError) {
        match self.0.take() {
            Some(Inner::Local(handle)) => handle.fail(error),
            Some(Inner::Remote(remote)) => {
                if let Some(remote) = remote.into_inner() {
                    remote.fail(error);
                }
            }
            None => {}
        }
    }
}

impl<R: Send + 'static> Drop for ReplyTo<R> {
    fn drop(&mut self) {
        match self.0.take() {
            Some(Inner::Local(handle)) => {
                if let Some(duty) = handle.take() {
                    leave_unanswered(Unanswered::Local(duty));
                }
            }
            Some(Inner::Remote(remote)) => {
                let remote = remote.into_inner();
                if let Some(remote) = remote.and_then(|remote| codec::give_back(*remote)) {
                    leave_unanswered(Unanswered::Remote(remote));
                }
            }
            None => {}
        }
    }
}

impl<R: Send + 'static> Serialize for ReplyTo<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // First of all: a foreign serializer leaves the handle as it was.
        let (node, to) = codec::destination().map_err(S::Error::custom)?;
        let address = match &self.0 {
            Some(Inner::Local(handle)) => handle.take().map(|duty| node.open_call(duty, to)),
            Some(Inner::Remote(remote)) => {
                let remote = remote.lock().take();
                remote.map(|remote| remote.pass_on(to))
            }
            None => None,
        };
        let Some(address) = address else {
            return Err(S::Error::custom("a reply handle can be encoded once"));
        };
        let place = codec::export(address).map_err(S::Error::custom)?;
        serializer.serialize_u32(place)
    }
}

impl<'de, R: Send + 'static> Deserialize<'de> for ReplyTo<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)?;
        let remote = codec::import(place).map_err(D::Error::custom)?;
        let remote = Mutex::new(Some(Box::new(remote)));
        Ok(Self(Some(Inner::Remote(remote))))
    }
}

impl<R: Send + 'static> fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyTo")
    }
}
