//! Pure: what goes into the machine and what comes out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, Pid};

use super::group_event::GroupEvent;
use super::message::Message;

/// The present, by two clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// For deadlines.
    pub(crate) at: Instant,
    /// Since the Unix epoch, for the age of claims.
    pub(crate) wall: Duration,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A process of this node claims a name; `replaces` is known to be dead.
    Register {
        name: Arc<str>,
        pid: Pid,
        replaces: Option<Pid>,
    },
    /// Whoever holds the name is to lose it.
    Unregister { name: Arc<str> },
    /// A process of this node joins a group, perhaps once more.
    Join { group: Arc<str>, pid: Pid },
    /// It takes one join back.
    Leave { group: Arc<str>, pid: Pid },
    /// The node begins to stop: others may have the names of its processes, which are in no groups
    /// any more. These nodes are to confirm that they know.
    Drain { asked: BTreeSet<Creation> },
    /// The processes of this node lose all that they hold.
    Withdraw,
    /// A process of this node wants to hear of the group's changes.
    WatchGroup { group: Arc<str>, watcher: Pid },
    /// It does not any more.
    UnwatchGroup { group: Arc<str>, watcher: Pid },
    /// A process of this node ended.
    ProcessEnded { pid: Pid },
    /// A node is up.
    NodeUp { node: Creation },
    /// A node is down.
    NodeDown { node: Creation },
    /// News is passed on to these nodes from now on, in messages of at most so many bytes.
    Neighbours {
        nodes: BTreeSet<Creation>,
        message_size_max: usize,
    },
    /// What was on its way between this node and another may be lost.
    Reconnected { node: Creation },
    /// The registry of another node says something.
    Message { from: Creation, message: Message },
}

/// What must be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    /// The name is held by this process from now on, or by none.
    Publish { name: Arc<str>, holder: Option<Pid> },
    /// Nobody holds the name for now, since the node of its holder is stopping: somebody else may
    /// soon. Or nobody is awaited any more.
    Await { name: Arc<str>, is_awaited: bool },
    /// Whoever had to confirm that this node is draining has, or is down.
    Drained,
    /// The group changed.
    Regroup(GroupEvent),
    /// Tell this process of this node of it.
    Tell { watcher: Pid, event: GroupEvent },
    /// The claim was not made: this process holds the name.
    Refused { holder: Pid },
    /// The end of this process of this node must be reported.
    Watch { pid: Pid },
    /// Its end does not matter any more.
    Unwatch { pid: Pid },
    /// It lost its name to an older claim and must end.
    Evict { pid: Pid },
    /// Tell these neighbours.
    Flood { to: Vec<Creation>, message: Message },
    /// Tell one node.
    Send { to: Creation, message: Message },
    /// The wall clock of that node is far ahead of ours.
    Drifted { node: Creation },
}
