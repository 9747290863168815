//! Pure: `Body`, a frame's body that is read from front to back and never past its end.

use bytes::{Buf, Bytes};

use super::error::WireError;
use super::varint::read_varint;

/// What is left of a frame's body.
#[derive(Debug)]
pub(super) struct Body(Bytes);

impl Body {
    pub(super) const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    pub(super) fn take_u8(&mut self) -> Result<u8, WireError> {
        self.0.try_get_u8().map_err(|_ended| WireError::Truncated)
    }

    /// A number of always eight bytes, the highest first.
    pub(super) fn take_u64(&mut self) -> Result<u64, WireError> {
        self.0.try_get_u64().map_err(|_ended| WireError::Truncated)
    }

    pub(super) fn take_varint(&mut self) -> Result<u64, WireError> {
        read_varint(|| self.take_u8())
    }

    /// A count or length of at most `max`, named `what` if it is more.
    pub(super) fn take_count(
        &mut self,
        max: usize,
        what: &'static str,
    ) -> Result<usize, WireError> {
        match usize::try_from(self.take_varint()?) {
            Ok(count) if count <= max => Ok(count),
            Ok(_) | Err(_) => Err(WireError::TooLong(what)),
        }
    }

    /// The next `size` bytes, without copying them.
    pub(super) fn take_bytes(&mut self, size: usize) -> Result<Bytes, WireError> {
        if size > self.0.len() {
            return Err(WireError::Truncated);
        }
        Ok(self.0.split_to(size))
    }

    /// How much is left.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All that is left, without copying it.
    pub(super) fn into_rest(self) -> Bytes {
        self.0
    }

    /// Refuses whatever is left.
    pub(super) fn finish(self) -> Result<(), WireError> {
        match self.0.len() {
            0 => Ok(()),
            size => Err(WireError::Trailing(size)),
        }
    }
}
