//! Pure: frames into signals. Survives any bytes.

use std::time::Duration;

use noex_core::{CallRef, Encoded, MonitorRef, ReplyAddress, Signal, Target};

use super::address::{SessionEnds, take_creation, take_sender, take_target};
use super::body::Body;
use super::cold::{take_call_error, take_reason};
use super::encode::{HAS_SENDER, IS_CALL, kind};
use super::error::WireError;
use super::limits::REPLIES_MAX;

/// The fewest bytes of a reply handle: the tag of its creation, and its call.
const REPLY_SIZE_MIN: usize = 2;

/// Whether frames of this kind carry a signal.
pub(super) fn is_signal(kind: u8) -> bool {
    (kind::MESSAGE..=kind::FLOOD).contains(&kind)
}

/// Reads the body of a frame that carries a signal to this node.
pub(super) fn decode_signal(
    kind: u8,
    mut body: Body,
    ends: SessionEnds,
) -> Result<(Target, Signal), WireError> {
    let to = take_target(&mut body, ends)?;
    let signal = match kind {
        kind::MESSAGE => Signal::Message(take_message(body, ends)?),
        kind::EXIT => {
            let from = take_sender(&mut body, ends)?;
            let linked = take_bool(&mut body)?;
            Signal::Exit {
                from,
                reason: take_reason(body)?,
                linked,
            }
        }
        kind::DOWN => {
            let pid = take_sender(&mut body, ends)?;
            let monitor = take_monitor(&mut body)?;
            Signal::Down {
                pid,
                monitor,
                reason: take_reason(body)?,
            }
        }
        kind::STOP => Signal::Stop {
            reason: take_reason(body)?,
        },
        kind::REPLY => {
            let call = take_call(&mut body)?;
            Signal::Reply {
                call,
                body: body.into_rest(),
            }
        }
        kind::CALL_FAILED => {
            let call = take_call(&mut body)?;
            Signal::CallFailed {
                call,
                error: take_call_error(body)?,
            }
        }
        kind::FLOOD => Signal::Flood {
            from: ends.remote,
            payload: body.into_rest(),
        },
        _ => take_short_signal(kind, body, ends)?,
    };
    Ok((to, signal))
}

/// The signals of which every field has an end of its own.
fn take_short_signal(kind: u8, mut body: Body, ends: SessionEnds) -> Result<Signal, WireError> {
    let signal = match kind {
        kind::LINK => Signal::Link {
            from: take_sender(&mut body, ends)?,
        },
        kind::UNLINK => Signal::Unlink {
            from: take_sender(&mut body, ends)?,
        },
        kind::MONITOR => {
            let from = take_sender(&mut body, ends)?;
            Signal::Monitor {
                from,
                monitor: take_monitor(&mut body)?,
            }
        }
        kind::DEMONITOR => {
            let from = take_sender(&mut body, ends)?;
            Signal::Demonitor {
                from,
                monitor: take_monitor(&mut body)?,
            }
        }
        kind::CALL_MOVED => {
            let call = take_call(&mut body)?;
            Signal::CallMoved {
                call,
                to: take_creation(&mut body, ends)?,
            }
        }
        kind::CALL_CANCELLED => {
            let call = ReplyAddress::new(ends.remote, take_call(&mut body)?);
            Signal::CallCancelled { call }
        }
        unknown => return Err(WireError::UnknownKind(unknown)),
    };
    body.finish()?;
    Ok(signal)
}

fn take_message(mut body: Body, ends: SessionEnds) -> Result<Encoded, WireError> {
    let flags = body.take_u8()?;
    if flags & !(HAS_SENDER | IS_CALL) != 0 {
        return Err(WireError::Field("flag of a message"));
    }
    let protocol = body.take_u64()?;
    let from = match flags & HAS_SENDER {
        0 => None,
        _ => Some(take_sender(&mut body, ends)?),
    };
    let remaining = match flags & IS_CALL {
        0 => None,
        _ => Some(Duration::from_micros(body.take_varint()?)),
    };
    let count = body.take_count(REPLIES_MAX, "list of replies")?;
    if count > body.len() / REPLY_SIZE_MIN {
        return Err(WireError::Truncated);
    }
    let mut replies = Vec::with_capacity(count);
    for _ in 0..count {
        let node = take_creation(&mut body, ends)?;
        replies.push(ReplyAddress::new(node, take_call(&mut body)?));
    }
    Ok(Encoded::new(
        from,
        protocol,
        remaining,
        replies,
        body.into_rest(),
    ))
}

fn take_call(body: &mut Body) -> Result<CallRef, WireError> {
    body.take_varint().map(CallRef::from_bits)
}

fn take_monitor(body: &mut Body) -> Result<MonitorRef, WireError> {
    body.take_varint().map(MonitorRef::from_bits)
}

fn take_bool(body: &mut Body) -> Result<bool, WireError> {
    match body.take_u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(WireError::Field("boolean")),
    }
}
