//! `PendingCalls`: the calls of this node that wait for another one.

use std::sync::Arc;

use parking_lot::Mutex;
use slab::Slab;

use super::{Answer, AnyCell, CallError, Custody, Step};
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
    custody: Custody,
    made: u32,
}

/// What became of a call by what a node said of it.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It was over before.
    Over,
    /// It waits on, for this node.
    Open(Creation),
    /// It is over: its cell is to be told.
    Answered(Arc<dyn AnyCell>, Answer),
}

impl PendingCalls {
    /// The handle of `cell` goes on its way to other nodes.
    pub(crate) fn open(&self, cell: Arc<dyn AnyCell>, custody: Custody) -> CallRef {
        let mut table = self.0.lock();
        table.made = table.made.wrapping_add(1);
        let made = table.made;
        let index = table.entries.insert(Entry {
            cell,
            custody,
            made,
        });
        let index = u64::try_from(index).expect("a slab index is no wider than 64 bits");
        CallRef::from_bits(u64::from(made) << 32 | index)
    }

    /// Takes a call out, if it is still open. Where its handle is.
    pub(crate) fn close(&self, call: CallRef) -> Option<Creation> {
        let mut table = self.0.lock();
        let (index, entry) = table.find(call)?;
        let holder = entry.custody.holder();
        table.entries.remove(index);
        Some(holder)
    }

    /// The node `from` says what it did with the handle of a call.
    pub(crate) fn take(&self, call: CallRef, from: Creation, step: Step) -> Taken {
        let mut table = self.0.lock();
        let Some((index, entry)) = table.find(call) else {
            return Taken::Over;
        };
        match entry.custody.take(from, step) {
            None => Taken::Open(entry.custody.holder()),
            Some(answer) => Taken::Answered(table.entries.remove(index).cell, answer),
        }
    }

    /// Fails every call whose handle was on the node `lost`.
    pub(crate) fn sever(&self, lost: Creation) {
        let mut table = self.0.lock();
        let gone: Vec<usize> = table
            .entries
            .iter()
            .filter(|(_, entry)| entry.custody.holder() == lost)
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

impl Table {
    fn find(&mut self, call: CallRef) -> Option<(usize, &mut Entry)> {
        let index = usize::try_from(call.bits() & u64::from(u32::MAX)).ok()?;
        let entry = self.entries.get_mut(index)?;
        (u64::from(entry.made) == call.bits() >> 32).then_some((index, entry))
    }
}
