//! `PendingCalls`: the calls of this node that wait for another one.

use std::collections::BTreeSet;

use slab::Slab;

use super::{Answer, CallError, Custody, Duty, Step};
use crate::id::{CallRef, Creation};
use crate::node::LocalNode;
use crate::sync::Mutex;

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
    duty: Duty,
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
    /// It is over: its caller is to be told.
    Answered(Duty, Answer),
}

impl PendingCalls {
    /// The handle of a call of `node` goes on its way to other nodes.
    pub(crate) fn open(&self, node: &LocalNode, duty: Duty, custody: Custody) -> CallRef {
        let mut table = self.0.lock();
        table.made = table.made.wrapping_add(1);
        let made = table.made;
        let index = table.entries.insert(Entry {
            duty,
            custody,
            made,
        });
        let wide = u64::try_from(index).expect("a slab index is no wider than 64 bits");
        let call = CallRef::from_bits(u64::from(made) << 32 | wide);
        // Under the lock: whoever answers finds it noted.
        let wanted = table.entries[index].duty.export(node, call);
        let given_up = (!wanted).then(|| table.entries.remove(index));
        drop(table);
        drop(given_up);
        call
    }

    /// Takes a call out, if it is still open. Where its handle is.
    pub(crate) fn close(&self, call: CallRef) -> Option<Creation> {
        let mut table = self.0.lock();
        let (index, _) = table.find(call)?;
        let entry = table.entries.remove(index);
        drop(table);
        Some(entry.custody.holder())
    }

    /// The node `from` says what it did with the handle of a call.
    pub(crate) fn take(&self, call: CallRef, from: Creation, step: Step) -> Taken {
        let mut table = self.0.lock();
        let Some((index, entry)) = table.find(call) else {
            return Taken::Over;
        };
        match entry.custody.take(from, step) {
            None => Taken::Open(entry.custody.holder()),
            Some(answer) => Taken::Answered(table.entries.remove(index).duty, answer),
        }
    }

    /// Fails every call whose handle was on the node `lost`; or was to be, if nothing was `sent`
    /// to it since the last time.
    pub(crate) fn sever(&self, lost: Creation, sent: bool) {
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
            let sent = sent || entry.custody.has_moved();
            entry.duty.fail(CallError::NoConnection { sent });
        }
    }

    /// The nodes that hold the handles.
    pub(crate) fn holders(&self) -> BTreeSet<Creation> {
        let table = self.0.lock();
        let entries = table.entries.iter();
        entries.map(|(_, entry)| entry.custody.holder()).collect()
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
