//! Pure: creations and targets on the wire, in few bytes for the two ends of a session.

use std::sync::Arc;

use bytes::BufMut;
use noex_core::{Creation, Pid, Target};

use super::body::Body;
use super::error::{EncodeError, WireError};
use super::limits::NAME_SIZE_MAX;
use super::varint::put_varint;

/// The two lives that a session connects, as seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionEnds {
    /// This node's.
    pub(crate) local: Creation,
    /// The peer's.
    pub(crate) remote: Creation,
}

/// How a creation is written: as one of the session's ends, or in full behind its tag.
const OF_READER: u8 = 0;
const OF_WRITER: u8 = 1;
const IN_FULL: u8 = 2;

/// What kind of target a tag stands for; the tag's lowest two bits are those of its creation.
const PROCESS: u8 = 0 << 2;
const NAMED: u8 = 1 << 2;
const NODE: u8 = 2 << 2;
const CREATION_BITS: u8 = 0b11;

/// Appends `creation`, its tag combined with `flags`.
fn put_creation_with(out: &mut impl BufMut, flags: u8, creation: Creation, ends: SessionEnds) {
    if creation == ends.remote {
        out.put_u8(flags | OF_READER);
    } else if creation == ends.local {
        out.put_u8(flags | OF_WRITER);
    } else {
        out.put_u8(flags | IN_FULL);
        out.put_u64(creation.bits());
    }
}

fn take_creation_with(tag: u8, body: &mut Body, ends: SessionEnds) -> Result<Creation, WireError> {
    match tag & CREATION_BITS {
        OF_READER => Ok(ends.local),
        OF_WRITER => Ok(ends.remote),
        IN_FULL => body.take_u64().map(Creation::from_bits),
        _ => Err(WireError::Field("tag of a creation")),
    }
}

/// Appends any creation.
pub(super) fn put_creation(out: &mut impl BufMut, creation: Creation, ends: SessionEnds) {
    put_creation_with(out, 0, creation, ends);
}

/// Reads any creation.
pub(super) fn take_creation(body: &mut Body, ends: SessionEnds) -> Result<Creation, WireError> {
    match body.take_u8()? {
        tag if tag <= CREATION_BITS => take_creation_with(tag, body, ends),
        _ => Err(WireError::Field("tag of a creation")),
    }
}

/// Appends to whom a signal goes.
pub(super) fn put_target(
    out: &mut impl BufMut,
    to: &Target,
    ends: SessionEnds,
) -> Result<(), EncodeError> {
    match to {
        Target::Process(pid) => {
            put_creation_with(out, PROCESS, pid.creation(), ends);
            put_varint(out, pid.serial());
        }
        Target::Named { node, name } => {
            let (size, limit) = (name.len(), NAME_SIZE_MAX);
            if size > limit {
                return Err(EncodeError::NameTooLong { size, limit });
            }
            put_creation_with(out, NAMED, *node, ends);
            put_varint(out, u64::try_from(size).expect("names are short"));
            out.put_slice(name.as_bytes());
        }
        Target::Node(node) => put_creation_with(out, NODE, *node, ends),
        _ => return Err(EncodeError::Unsupported),
    }
    Ok(())
}

/// Reads to whom a signal goes.
pub(super) fn take_target(body: &mut Body, ends: SessionEnds) -> Result<Target, WireError> {
    let tag = body.take_u8()?;
    let kind = tag & !CREATION_BITS;
    if ![PROCESS, NAMED, NODE].contains(&kind) {
        return Err(WireError::Field("kind of target"));
    }
    let node = take_creation_with(tag, body, ends)?;
    match kind {
        PROCESS => Ok(Target::Process(Pid::new(node, body.take_varint()?))),
        NAMED => {
            let size = body.take_count(NAME_SIZE_MAX, "name")?;
            let bytes = body.take_bytes(size)?;
            let name = std::str::from_utf8(&bytes).map_err(|_bytes| WireError::Field("name"))?;
            Ok(Target::Named {
                node,
                name: Arc::from(name),
            })
        }
        _ => Ok(Target::Node(node)),
    }
}

/// Appends a process of this node; its creation is implied.
pub(super) fn put_sender(
    out: &mut impl BufMut,
    pid: Pid,
    ends: SessionEnds,
) -> Result<(), EncodeError> {
    if pid.creation() != ends.local {
        return Err(EncodeError::ForeignSender);
    }
    put_varint(out, pid.serial());
    Ok(())
}

/// Reads a process of the peer; nobody else's can be written.
pub(super) fn take_sender(body: &mut Body, ends: SessionEnds) -> Result<Pid, WireError> {
    Ok(Pid::new(ends.remote, body.take_varint()?))
}
