//! `ProcessInfo`: what can be seen of a process from outside.

use std::sync::Arc;
use std::time::Duration;

use super::{MessageKind, Origin};
use crate::call::{ReplyTo, SkippedCalls};
use crate::id::Pid;
use crate::mailbox::Mailbox;
use crate::node::LocalNode;
use crate::process::Process;

/// What can be seen of a process from outside, without its help (OTP's `process_info`). A snapshot:
/// its parts are of the same moment only as far as the process holds still.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Its pid.
    pub pid: Pid,
    /// The local names that it holds.
    pub names: Vec<Arc<str>>,
    /// The type of server that it is; `None` if it is none.
    pub server: Option<&'static str>,
    /// What it is doing.
    pub status: Status,
    /// The kind of the message that it handles, or handled last.
    pub last_message: Option<MessageKind>,
    /// Its mailbox.
    pub mailbox: MailboxInfo,
    /// The processes that it is linked with.
    pub links: Vec<Pid>,
    /// The processes that it monitors, each once for each monitor.
    pub monitors: Vec<Pid>,
    /// The processes that monitor it, each once for each monitor. A node's own pid stands for code
    /// that is no process.
    pub monitored_by: Vec<Pid>,
    /// Whether exit signals come to it as messages.
    pub trap_exit: bool,
    /// The process of this node that it was linked with at its start, or in whose code it was
    /// started.
    pub parent: Option<Pid>,
    /// Whether it was started with a link. If not, nobody else stops it.
    pub started_linked: bool,
    /// Whether each message that it takes is [traced](LocalNode::trace).
    pub traced: bool,
    /// How long it has been running.
    pub uptime: Duration,
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It waits for a message.
    Waiting,
    /// It handles a message, or has one before it, or is busy with something else.
    Handling,
    /// It is [suspended](LocalNode::suspend): it takes no further message.
    Suspended,
    /// It is about to end.
    Exiting,
}

/// What can be seen of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxInfo {
    /// How many messages wait.
    pub len: usize,
    /// The most that ever waited.
    pub high_water: usize,
    /// The most that may wait; `None` if there is no bound.
    pub capacity: Option<usize>,
    /// How many messages were dropped for want of room.
    pub dropped: u64,
    /// How many messages its process has taken out, to handle them.
    pub handled: u64,
    /// How many of these were calls for which nobody waited any more.
    pub skipped_calls: SkippedCalls,
}

impl LocalNode {
    /// What can be seen of `pid`, a process of this node, without its help. `None` if it does not
    /// run.
    ///
    /// # Examples
    /// ```
    /// use noex_core::inspect::Status;
    /// use noex_core::process::SpawnOptions;
    /// use noex_core::{ExitReason, LocalNode};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    /// let process = node.spawn(SpawnOptions::default(), |mut mailbox| async move {
    ///     loop {
    ///         let _message = mailbox.next().await;
    ///     }
    /// });
    /// node.register("sink", process.pid()).unwrap();
    /// node.suspend(process.pid());
    /// process.mailbox().push("a message").unwrap();
    ///
    /// let info = node.process_info(process.pid()).unwrap();
    /// assert_eq!(*info.names[0], *"sink");
    /// assert_eq!((info.status, info.mailbox.len), (Status::Suspended, 1));
    /// # }
    /// ```
    #[must_use]
    pub fn process_info(&self, pid: Pid) -> Option<ProcessInfo> {
        let process = self.process(pid)?;
        let relatives = process.relations().lock().relatives();
        let origin = process.origin();
        Some(ProcessInfo {
            pid,
            names: relatives.names,
            server: origin.nature().server_type(),
            status: process.status(),
            last_message: process.last_message(),
            mailbox: process.mailbox_info(),
            links: relatives.links,
            monitors: relatives.monitors,
            monitored_by: relatives.monitored_by,
            trap_exit: relatives.trap_exit,
            parent: process.parent().or_else(|| origin.parent(self)),
            started_linked: origin.is_linked(),
            traced: process.is_traced(),
            uptime: origin.age(self),
        })
    }
}

/// A process as those see it who look at it, whatever messages it takes.
pub(crate) trait Inspect {
    fn origin(&self) -> &Origin;
    fn parent(&self) -> Option<Pid>;
    fn status(&self) -> Status;
    fn last_message(&self) -> Option<MessageKind>;
    fn mailbox_info(&self) -> MailboxInfo;
    fn is_traced(&self) -> bool;
    /// These tell whether the process lives.
    fn describe(&self, reply: ReplyTo<Option<String>>) -> bool;
    fn suspend(&self) -> bool;
    fn resume(&self) -> bool;
    fn trace(&self, on: bool) -> bool;
}

impl<M: Send + 'static> Inspect for Process<M> {
    fn origin(&self) -> &Origin {
        self.origin()
    }

    fn parent(&self) -> Option<Pid> {
        self.parent()
    }

    fn status(&self) -> Status {
        let mailbox = self.mailbox();
        if mailbox.is_closed() || mailbox.is_exiting() {
            Status::Exiting
        } else if mailbox.is_suspended() {
            Status::Suspended
        } else if mailbox.is_awaited() {
            Status::Waiting
        } else {
            Status::Handling
        }
    }

    fn last_message(&self) -> Option<MessageKind> {
        self.mailbox().last_kind().get()
    }

    fn mailbox_info(&self) -> MailboxInfo {
        look(self.mailbox())
    }

    fn is_traced(&self) -> bool {
        self.mailbox().is_traced()
    }

    fn describe(&self, reply: ReplyTo<Option<String>>) -> bool {
        self.mailbox().describe(reply)
    }

    fn suspend(&self) -> bool {
        self.mailbox().suspend()
    }

    fn resume(&self) -> bool {
        self.mailbox().resume()
    }

    fn trace(&self, on: bool) -> bool {
        self.mailbox().trace(on)
    }
}

fn look<M>(mailbox: &Mailbox<M>) -> MailboxInfo {
    MailboxInfo {
        len: mailbox.len(),
        high_water: mailbox.high_water(),
        capacity: mailbox.capacity(),
        dropped: mailbox.dropped(),
        handled: mailbox.handled(),
        skipped_calls: mailbox.skipped_calls(),
    }
}
