//! Pure: signals into frames.

use bytes::{BufMut, BytesMut};
use noex_core::{Encoded, Signal, Target};

use super::address::{SessionEnds, put_creation, put_sender, put_target};
use super::cold::{put_call_error, put_reason};
use super::error::EncodeError;
use super::frame::put_frame;
use super::limits::REPLIES_MAX;
use super::varint::put_varint;

/// The kinds of frames that carry a signal.
pub(super) mod kind {
    pub(in super::super) const MESSAGE: u8 = 16;
    pub(in super::super) const LINK: u8 = 17;
    pub(in super::super) const UNLINK: u8 = 18;
    pub(in super::super) const EXIT: u8 = 19;
    pub(in super::super) const MONITOR: u8 = 20;
    pub(in super::super) const DEMONITOR: u8 = 21;
    pub(in super::super) const DOWN: u8 = 22;
    pub(in super::super) const STOP: u8 = 23;
    pub(in super::super) const REPLY: u8 = 24;
    pub(in super::super) const CALL_FAILED: u8 = 25;
    pub(in super::super) const CALL_MOVED: u8 = 26;
    pub(in super::super) const CALL_CANCELLED: u8 = 27;
    pub(in super::super) const FLOOD: u8 = 28;
}

/// What a message has besides its target, protocol and replies.
pub(super) const HAS_SENDER: u8 = 1;
/// It is a call: how long its caller still waits is there, in microseconds.
pub(super) const IS_CALL: u8 = 2;

/// Appends the frame of a signal from this node.
///
/// # Errors
/// [`EncodeError`]; nothing was appended.
pub(crate) fn encode_signal(
    to: &Target,
    signal: &Signal,
    ends: SessionEnds,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let kind = kind_of(signal).ok_or(EncodeError::Unsupported)?;
    put_frame(kind, out, |out| {
        put_target(out, to, ends)?;
        put_signal(signal, ends, out)
    })
}

fn kind_of(signal: &Signal) -> Option<u8> {
    match signal {
        Signal::Message(_) => Some(kind::MESSAGE),
        Signal::Link { .. } => Some(kind::LINK),
        Signal::Unlink { .. } => Some(kind::UNLINK),
        Signal::Exit { .. } => Some(kind::EXIT),
        Signal::Monitor { .. } => Some(kind::MONITOR),
        Signal::Demonitor { .. } => Some(kind::DEMONITOR),
        Signal::Down { .. } => Some(kind::DOWN),
        Signal::Stop { .. } => Some(kind::STOP),
        Signal::Reply { .. } => Some(kind::REPLY),
        Signal::CallFailed { .. } => Some(kind::CALL_FAILED),
        Signal::CallMoved { .. } => Some(kind::CALL_MOVED),
        Signal::CallCancelled { .. } => Some(kind::CALL_CANCELLED),
        Signal::Flood { .. } => Some(kind::FLOOD),
        _ => None,
    }
}

fn put_signal(signal: &Signal, ends: SessionEnds, out: &mut BytesMut) -> Result<(), EncodeError> {
    match signal {
        Signal::Message(message) => put_message(message, ends, out)?,
        Signal::Link { from } | Signal::Unlink { from } => put_sender(out, *from, ends)?,
        Signal::Exit {
            from,
            reason,
            linked,
        } => {
            put_sender(out, *from, ends)?;
            out.put_u8(u8::from(*linked));
            put_reason(out, reason);
        }
        Signal::Monitor { from, monitor } | Signal::Demonitor { from, monitor } => {
            put_sender(out, *from, ends)?;
            put_varint(out, monitor.bits());
        }
        Signal::Down {
            pid,
            monitor,
            reason,
        } => {
            put_sender(out, *pid, ends)?;
            put_varint(out, monitor.bits());
            put_reason(out, reason);
        }
        Signal::Stop { reason } => put_reason(out, reason),
        Signal::Reply { call, body } => {
            put_varint(out, call.bits());
            out.put_slice(body);
        }
        Signal::CallFailed { call, error } => {
            put_varint(out, call.bits());
            put_call_error(out, error);
        }
        Signal::CallMoved { call, to } => {
            put_varint(out, call.bits());
            put_creation(out, *to, ends);
        }
        Signal::CallCancelled { call } if call.node == ends.local => {
            put_varint(out, call.call.bits());
        }
        Signal::CallCancelled { .. } => return Err(EncodeError::ForeignSender),
        Signal::Flood { from, payload } if *from == ends.local => out.put_slice(payload),
        Signal::Flood { .. } => return Err(EncodeError::ForeignSender),
        _ => return Err(EncodeError::Unsupported),
    }
    Ok(())
}

/// `flags, protocol, [sender], [remaining], count of replies, (creation, call) of each, payload`
fn put_message(
    message: &Encoded,
    ends: SessionEnds,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let (count, limit) = (message.replies.len(), REPLIES_MAX);
    if count > limit {
        return Err(EncodeError::TooManyReplies { count, limit });
    }
    let sender = if message.from.is_some() {
        HAS_SENDER
    } else {
        0
    };
    let call = if message.remaining.is_some() {
        IS_CALL
    } else {
        0
    };
    out.put_u8(sender | call);
    out.put_u64(message.protocol);
    if let Some(from) = message.from {
        put_sender(out, from, ends)?;
    }
    if let Some(remaining) = message.remaining {
        // Whoever waits longer than 64 bits of microseconds waits for ever.
        put_varint(
            out,
            u64::try_from(remaining.as_micros()).unwrap_or(u64::MAX),
        );
    }
    put_varint(
        out,
        u64::try_from(count).expect("the count is at most its limit"),
    );
    for reply in &message.replies {
        put_creation(out, reply.node, ends);
        put_varint(out, reply.call.bits());
    }
    out.put_slice(&message.payload);
    Ok(())
}
