//! `PendingCalls`: the calls of this node that wait for another one.

use std::sync::Arc;

use parking_lot::Mutex;
use slab::Slab;

use super::{AnyCell, CallError};
use crate::id::{CallRef, Creation};

/// The calls of this node whose reply handle is on another node.
#[derive(Debug, Default)]
pub(crate) struct PendingCalls(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    entries: Slab<Entry>,
    /// Counts the entries ever made: the upper half of a reference, so that a late reply to a
    /// call that is over finds nothing.
    made: u32,
}

#[derive(Debug)]
struct Entry {
    cell: Arc<dyn AnyCell>,
    holder: Creation,
    made: u32,
}

impl PendingCalls {
    /// The handle of `cell` goes to the node `holder`.
    pub(crate) fn open(&self, cell: Arc<dyn AnyCell>, holder: Creation) -> CallRef {
        let mut table = self.0.lock();
        table.made = table.made.wrapping_add(1);
        let made = table.made;
        let index = table.entries.insert(Entry { cell, holder, made });
        let index = u64::try_from(index).expect("a slab index is no wider than 64 bits");
        CallRef::from_bits(u64::from(made) << 32 | index)
    }

    /// Takes a call out, if it is still open.
    pub(crate) fn close(&self, call: CallRef) -> Option<(Arc<dyn AnyCell>, Creation)> {
        let mut table = self.0.lock();
        let index = index_of(call)?;
        let entry = table.entries.get(index)?;
        if u64::from(entry.made) != call.bits() >> 32 {
            return None;
        }
        let Entry { cell, holder, .. } = table.entries.remove(index);
        Some((cell, holder))
    }

    /// The handle went from one node to the next. `false`: the call is over.
    pub(crate) fn moved(&self, call: CallRef, to: Creation) -> bool {
        let mut table = self.0.lock();
        let entry = index_of(call).and_then(|index| table.entries.get_mut(index));
        match entry {
            Some(entry) if u64::from(entry.made) == call.bits() >> 32 => {
                entry.holder = to;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Fails every call whose handle was on the node `lost`.
    pub(crate) fn sever(&self, lost: Creation) {
        let mut table = self.0.lock();
        let gone: Vec<usize> = table
            .entries
            .iter()
            .filter(|(_, entry)| entry.holder == lost)
            .map(|(index, _)| index)
            .collect();
        let gone: Vec<Entry> = gone
            .into_iter()
            .map(|index| table.entries.remove(index))
            .collect();
        drop(table);
        for entry in gone {
            entry.cell.fail(CallError::NoConnection { sent: true });
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().entries.len()
    }
}

fn index_of(call: CallRef) -> Option<usize> {
    usize::try_from(call.bits() & u64::from(u32::MAX)).ok()
}
