//! `Process`: what a node and the holders of references share with a process.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::SpawnOptions;
use super::relations::Relations;
use super::scope::is_current;
use crate::call::{Inbound, ReplyFuture, ReplyTo};
use crate::exit::ExitReason;
use crate::id::{Creation, Pid};
use crate::inspect::{Inspect, MessageKind, Origin};
use crate::mailbox::{Info, Mailbox, Observers, PushError};
use crate::node::{Ended, LocalNode};

/// One process that takes messages of type `M`: its pid, its mailbox, its relations.
///
/// A process that has ended leaves an empty shell in whoever still refers to it.
pub struct Process<M> {
    serial: u64,
    node: LocalNode,
    mailbox: Mailbox<M>,
    relations: Mutex<Relations>,
    origin: Origin,
}

impl<M> Process<M> {
    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::new(self.node.creation(), self.serial)
    }
}

impl<M: Send + 'static> Process<M> {
    pub(crate) fn new(pid: Pid, node: LocalNode, options: SpawnOptions) -> Self {
        let origin = Origin::new(&node, &options);
        let mailbox = Mailbox::new(options.capacity, options.overflow);
        if let Some(parent) = options.link
            && origin.parent(&node).is_none()
        {
            mailbox.set_remote_parent(parent);
        }
        Self {
            serial: pid.serial(),
            node,
            mailbox,
            relations: Mutex::new(Relations::default()),
            origin,
        }
    }

    /// The node that it runs on.
    #[must_use]
    pub const fn node(&self) -> &LocalNode {
        &self.node
    }

    /// The process that it was linked with as it was started, if any.
    #[must_use]
    pub fn parent(&self) -> Option<Pid> {
        if !self.origin.is_linked() {
            return None;
        }
        let local = self.origin.parent(&self.node);
        local.or_else(|| self.mailbox.remote_parent())
    }

    /// Waits for the end of the process. The output is its reason, also if it has ended already.
    pub fn ended(&self) -> Ended {
        Ended::of_process(self)
    }

    /// Asks the process to end in order, behind what it was sent before, and waits for its end,
    /// whose reason is the reply: [`ExitReason::NoProcess`] if it has ended already.
    pub fn stop(
        &self,
        reason: ExitReason,
        timeout: Duration,
        caller: &Waker,
    ) -> ReplyFuture<ExitReason> {
        let (ended, observer, _guard) = ReplyFuture::new(&self.node, timeout, caller);
        if let Err(observer) = self.mailbox.stop(reason, observer) {
            observer.send(ExitReason::NoProcess);
        }
        ended
    }

    /// Leaves for others to see what kind of message it handles.
    #[inline]
    pub fn note_kind(&self, kind: MessageKind) {
        self.mailbox.last_kind().set(kind);
    }

    /// As [`note_kind`](Self::note_kind), but for a question that only looks: what was handled
    /// before it is still to be seen.
    pub fn note_info(&self, info: &Info) {
        if !matches!(info, Info::Describe(_)) {
            self.note_kind(MessageKind::of_info(info));
        }
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the code that runs is this process's own.
    #[must_use]
    pub fn is_current(&self) -> bool {
        is_current(self)
    }

    /// Its mailbox.
    #[must_use]
    pub const fn mailbox(&self) -> &Mailbox<M> {
        &self.mailbox
    }
}

impl<M> fmt::Debug for Process<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.pid())
    }
}

/// A process as its node sees it, whatever messages it takes.
pub(crate) trait AnyProcess: Inspect + Any + Send + Sync {
    fn pid(&self) -> Pid;
    /// Whether it was started without a link: nobody else stops it.
    fn is_root(&self) -> bool;
    fn relations(&self) -> &Mutex<Relations>;
    fn post(&self, info: Info) -> bool;
    fn post_encoded(&self, message: Box<Inbound>) -> Result<(), PushError<Box<Inbound>>>;
    fn post_flood(&self, from: Creation, payload: Bytes) -> bool;
    fn node(&self) -> &LocalNode;
    /// Answers with the reason when the process has ended, or if it has.
    fn observe_end(&self, observer: ReplyTo<ExitReason>);
    /// The process has ended with this reason, and nobody finds it any more: who is to be told.
    fn end(&self, reason: &ExitReason) -> Observers;
    fn request_exit(&self, reason: ExitReason);
    /// What goes ahead of the mailbox's queue, as flags.
    fn ahead(&self) -> u8;
    fn take_exit(&self) -> Option<ExitReason>;
    /// Remembers whom to wake for what goes ahead of the mailbox's queue.
    fn bind_task(&self, waker: &Waker);
    /// Closes the mailbox and drops what is left in it.
    fn close(&self);
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Send + 'static> AnyProcess for Process<M> {
    fn pid(&self) -> Pid {
        self.pid()
    }

    fn is_root(&self) -> bool {
        !self.origin.is_linked()
    }

    fn relations(&self) -> &Mutex<Relations> {
        &self.relations
    }

    fn post(&self, info: Info) -> bool {
        self.mailbox.push_info(info)
    }

    fn post_encoded(&self, message: Box<Inbound>) -> Result<(), PushError<Box<Inbound>>> {
        self.mailbox.push_encoded(message)
    }

    fn post_flood(&self, from: Creation, payload: Bytes) -> bool {
        self.mailbox.push_flood(from, payload)
    }

    fn node(&self) -> &LocalNode {
        &self.node
    }

    fn observe_end(&self, observer: ReplyTo<ExitReason>) {
        if let Err((observer, reason)) = self.mailbox.observe_end(observer) {
            observer.send(reason);
        }
    }

    fn end(&self, reason: &ExitReason) -> Observers {
        self.mailbox.end(reason)
    }

    fn request_exit(&self, reason: ExitReason) {
        self.mailbox.request_exit(reason);
    }

    fn ahead(&self) -> u8 {
        self.mailbox.urgent()
    }

    fn take_exit(&self) -> Option<ExitReason> {
        self.mailbox.take_exit()
    }

    fn bind_task(&self, waker: &Waker) {
        self.mailbox.bind_task(waker);
    }

    fn close(&self) {
        drop(self.mailbox.close());
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl fmt::Debug for dyn AnyProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.pid())
    }
}
