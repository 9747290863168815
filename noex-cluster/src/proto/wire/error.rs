//! Pure: `WireError` and `EncodeError`, why bytes are no frame and why a frame is not written.

use thiserror::Error;

/// Why bytes from a peer are no frame. The connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    /// The frame says it is longer than any frame may be. Nothing was reserved for it.
    #[error("frame of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most bytes that a frame may have.
        limit: usize,
    },
    /// The frame has no kind.
    #[error("frame is empty")]
    Empty,
    /// The frame is of a kind that must be understood, and is not.
    #[error("frame of the unknown kind {0}")]
    UnknownKind(u8),
    /// The frame ends before its fields do.
    #[error("frame is too short for its fields")]
    Truncated,
    /// The frame goes on behind its last field.
    #[error("frame has {0} bytes behind its last field")]
    Trailing(usize),
    /// A number is not written in its shortest form, or is larger than 64 bits.
    #[error("frame has a malformed number")]
    Number,
    /// A field has a value that it can't have.
    #[error("frame has an impossible {0}")]
    Field(&'static str),
    /// A count or a length within the frame is over its limit.
    #[error("frame has too long a {0}")]
    TooLong(&'static str),
}

/// Why a frame was not written. Nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum EncodeError {
    /// The name of the target is too long.
    #[error("name of {size} bytes is over the limit of {limit}")]
    NameTooLong {
        /// Its size in bytes.
        size: usize,
        /// The most bytes that a name may have.
        limit: usize,
    },
    /// The message has too many reply handles.
    #[error("{count} reply handles in one message are over the limit of {limit}")]
    TooManyReplies {
        /// How many it has.
        count: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The sender is not a process of this node's life.
    #[error("the sender is not a process of this node")]
    ForeignSender,
    /// The frame's length does not fit its four bytes.
    #[error("frame of {0} bytes is too large")]
    TooLarge(usize),
    /// The wire format has no form for this.
    #[error("the wire format can't carry this")]
    Unsupported,
}
