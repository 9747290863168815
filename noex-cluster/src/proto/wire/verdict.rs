//! Pure: `Verdict`, what the node that was dialled decides about the session.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::body::Body;
use super::error::WireError;
use super::limits::REFUSAL_SIZE_MAX;

/// What the node that was dialled decides about the session or lane, once it knows who dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It begins.
    Accepted {
        /// The session's number, by which further lanes name it.
        session: u64,
    },
    /// It does not; the connection ends.
    Refused(Refusal),
}

/// Why a session or lane was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(
    clippy::exhaustive_enums,
    reason = "of other crates, the simulator alone sees it"
)]
pub enum Refusal {
    /// There is a session between these two lives.
    #[error("there is a session already")]
    AlreadyConnected,
    /// Both dialled at once, and the other connection is the one to keep.
    #[error("the connection dialled in the other direction is kept")]
    Crossing,
    /// A node dialled itself.
    #[error("this is the node's own address")]
    OwnAddress,
    /// Another live node has the same name, host and port.
    #[error("another live node has this name, host and port")]
    NameTaken,
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopping,
    /// The key is not the one that this life of the node began with.
    #[error("the key is not the one of this life of the node")]
    WrongKey,
    /// There is no such session to add a lane to.
    #[error("there is no such session")]
    UnknownSession,
    /// A later version of noex has another reason.
    #[error("{message}")]
    Other {
        /// The reason's number.
        code: u8,
        /// What the peer says about it.
        message: String,
    },
}

/// The code of an accepted session; every other one refuses it.
const ACCEPTED: u8 = 0;

pub(super) fn put_verdict(out: &mut BytesMut, verdict: &Verdict) {
    match verdict {
        Verdict::Accepted { session } => {
            out.put_u8(ACCEPTED);
            out.put_u64(*session);
        }
        Verdict::Refused(refusal) => {
            out.put_u8(refusal.code());
            let message = refusal.to_string();
            let end = message.floor_char_boundary(REFUSAL_SIZE_MAX);
            out.extend(message.bytes().take(end));
        }
    }
}

pub(super) fn take_verdict(mut body: Body) -> Result<Verdict, WireError> {
    let code = body.take_u8()?;
    if code == ACCEPTED {
        let session = body.take_u64()?;
        body.finish()?;
        return Ok(Verdict::Accepted { session });
    }
    if body.len() > REFUSAL_SIZE_MAX {
        return Err(WireError::TooLong("refusal"));
    }
    let message = body.into_rest();
    let message = std::str::from_utf8(&message).map_err(|_bytes| WireError::Field("refusal"))?;
    Ok(Verdict::Refused(Refusal::from_code(code, message)))
}

impl Refusal {
    const fn code(&self) -> u8 {
        match self {
            Self::AlreadyConnected => 1,
            Self::Crossing => 2,
            Self::OwnAddress => 3,
            Self::NameTaken => 4,
            Self::Stopping => 5,
            Self::WrongKey => 6,
            Self::UnknownSession => 7,
            Self::Other { code, .. } => *code,
        }
    }

    fn from_code(code: u8, message: &str) -> Self {
        match code {
            1 => Self::AlreadyConnected,
            2 => Self::Crossing,
            3 => Self::OwnAddress,
            4 => Self::NameTaken,
            5 => Self::Stopping,
            6 => Self::WrongKey,
            7 => Self::UnknownSession,
            // Peers choose the text, and logs show it: no line breaks, no control characters.
            _ => Self::Other {
                code,
                message: message.replace(char::is_control, " "),
            },
        }
    }
}
