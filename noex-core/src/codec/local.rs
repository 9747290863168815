//! `Local`: a field that can't leave its node.

use std::ops::{Deref, DerefMut};

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::payload::refuse_to_leave;

/// A part of a message that can't leave its node, such as a channel or a closure.
///
/// It satisfies [`Wire`](super::Wire), so that a message type may have such fields; sending that
/// message to another node fails with [`CallError::LocalOnly`](crate::CallError::LocalOnly).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a transparent wrapper")]
pub struct Local<T>(pub T);

impl<T> Deref for Local<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Local<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Serialize for Local<T> {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        refuse_to_leave();
        Err(S::Error::custom("a local value can't leave its node"))
    }
}

impl<'de, T> Deserialize<'de> for Local<T> {
    fn deserialize<D: Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(
            "a local value can't come from another node",
        ))
    }
}
