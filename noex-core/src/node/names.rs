//! Local names: one process each, gone with it.

use std::sync::Arc;

use dashmap::Entry;
use thiserror::Error;

use super::LocalNode;
use crate::id::Pid;

/// The most bytes that a name has.
const NAME_SIZE_MAX: usize = 255;

/// Why a name was not registered. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Another process holds the name.
    #[error("the name is held by {0}")]
    Taken(Pid),
    /// The process has ended, or is of another node.
    #[error("no such process on this node")]
    NoProcess,
    /// A name has 1 to 255 bytes.
    #[error("a name has 1 to 255 bytes")]
    Invalid,
}

impl LocalNode {
    /// Registers a local name for a process of this node. It is gone when the process ends.
    ///
    /// # Errors
    /// [`NameError`]; the name stays with whoever had it.
    pub fn register(&self, name: &str, pid: Pid) -> Result<(), NameError> {
        if name.is_empty() || name.len() > NAME_SIZE_MAX {
            return Err(NameError::Invalid);
        }
        let process = self.process(pid).ok_or(NameError::NoProcess)?;
        let name: Arc<str> = name.into();
        match self.inner().names.entry(Arc::clone(&name)) {
            Entry::Occupied(held) => Err(NameError::Taken(*held.get())),
            Entry::Vacant(free) => {
                let named = process.relations().lock().name(Arc::clone(&name));
                named.map_err(|_ended| NameError::NoProcess)?;
                free.insert(pid);
                Ok(())
            }
        }
    }

    /// Takes a local name away. The process that held it, if any.
    pub fn unregister(&self, name: &str) -> Option<Pid> {
        let Entry::Occupied(held) = self.inner().names.entry(name.into()) else {
            return None;
        };
        // While the entry is held, so that a name which is registered anew stays with its process.
        if let Some(process) = self.process(*held.get()) {
            process.relations().lock().unname(name);
        }
        Some(held.remove())
    }

    /// The process that holds a local name.
    #[must_use]
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.inner().names.get(name).map(|entry| *entry)
    }

    /// All local names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<(Arc<str>, Pid)> {
        let names = self.inner().names.iter();
        let mut names: Vec<_> = names
            .map(|entry| (Arc::clone(entry.key()), *entry))
            .collect();
        names.sort();
        names
    }
}
