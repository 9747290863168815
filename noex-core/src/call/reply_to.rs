//! `ReplyTo`: answers one call, now, later, or from elsewhere.

use std::fmt;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CallError;
use super::cell::{Handle, Right};
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
pub struct ReplyTo<R: Send + 'static>(Handle<R>);

impl<R: Send + 'static> ReplyTo<R> {
    pub(super) const fn local(handle: Handle<R>) -> Self {
        Self(handle)
    }

    /// Whether its caller may still wait.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_wanted()
    }
}

impl<R: Wire> ReplyTo<R> {
    /// Sends the reply. A caller that gave up never sees it; one on another node learns if the
    /// reply can't be encoded.
    #[inline]
    pub fn send(mut self, reply: R) {
        if let Some((remote, reply)) = self.0.reply(reply) {
            remote.reply(&reply);
        }
    }

    /// Fails the call with `error`.
    pub fn fail(mut self, error: CallError) {
        match self.0.take_own() {
            Some(Right::Own(duty)) => duty.fail(error),
            Some(Right::Foreign(remote)) => remote.fail(error),
            None => {}
        }
    }
}

impl<R: Send + 'static> Drop for ReplyTo<R> {
    #[inline]
    fn drop(&mut self) {
        if let Some(right) = self.0.take_own() {
            leave(right);
        }
    }
}

#[cold]
fn leave(right: Right) {
    match right {
        Right::Own(duty) => leave_unanswered(Unanswered::Local(duty)),
        Right::Foreign(remote) => {
            if let Some(remote) = codec::give_back(remote) {
                leave_unanswered(Unanswered::Remote(remote));
            }
        }
    }
}

impl<R: Send + 'static> Serialize for ReplyTo<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // First of all: a foreign serializer leaves the handle as it was.
        let (node, to) = codec::destination().map_err(S::Error::custom)?;
        let address = match self.0.take() {
            Some(Right::Own(duty)) => node.open_call(duty, to),
            Some(Right::Foreign(remote)) => remote.pass_on(to),
            None => return Err(S::Error::custom("a reply handle can be encoded once")),
        };
        let place = codec::export(address).map_err(S::Error::custom)?;
        serializer.serialize_u32(place)
    }
}

impl<'de, R: Send + 'static> Deserialize<'de> for ReplyTo<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = u32::deserialize(deserializer)?;
        let remote = codec::import(place).map_err(D::Error::custom)?;
        Ok(Self(Handle::foreign(remote)))
    }
}

impl<R: Send + 'static> fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyTo")
    }
}
