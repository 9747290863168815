//! `Context`: what a running server may do.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use noex_core::call::{CallGuard, Unwanted};
use noex_core::process::Process;
use noex_core::{ExitReason, LocalNode, MonitorRef, Peer, Pid};
use once_cell::race::OnceBox;
use tokio::time::Instant;

use crate::agenda::Agenda;
use crate::{GenServer, Request, ServerRef};

/// What a running server may do as a process. Each callback gets it.
///
/// # Examples
/// A server that watches others, and ends with the last of them:
/// ```
/// use noex_core::mailbox::Info;
/// use noex_core::{ExitReason, Pid};
/// use noex_gen_server::{Context, Flow, GenServer};
///
/// struct Watcher(usize);
///
/// impl GenServer for Watcher {
///     type Args = Vec<Pid>;
///     type Call = ();
///     type Cast = ();
///
///     async fn init(others: Vec<Pid>, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
///         for pid in &others {
///             cx.monitor(*pid);
///         }
///         Ok(Self(others.len()))
///     }
///
///     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow {
///         Flow::Continue
///     }
///
///     async fn handle_info(&mut self, info: Info, _: &mut Context<Self>) -> Flow {
///         if let Info::Down(down) = info {
///             println!("{} ended: {}", down.pid, down.reason);
///             self.0 -= 1;
///         }
///         if self.0 == 0 { Flow::Stop(ExitReason::Normal) } else { Flow::Continue }
///     }
/// }
/// ```
pub struct Context<S: GenServer> {
    process: Arc<Process<Request<S>>>,
    deadline: Deadline,
    /// Made when it is first needed: most servers set no timer.
    agenda: OnceBox<Arc<Agenda<S>>>,
}

/// When the caller of the call that is being handled stops waiting.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deadline {
    None,
    At(Instant),
    /// The call is of this node, and its cell knows.
    OfCall(CallGuard),
}

impl From<Option<Instant>> for Deadline {
    fn from(at: Option<Instant>) -> Self {
        at.map_or(Self::None, Self::At)
    }
}

impl<S: GenServer> Context<S> {
    pub(crate) const fn new(process: Arc<Process<Request<S>>>) -> Self {
        Self {
            process,
            deadline: Deadline::None,
            agenda: OnceBox::new(),
        }
    }

    /// The same context for another thread.
    pub(crate) fn twin(&self) -> Self {
        Self {
            process: Arc::clone(&self.process),
            deadline: self.deadline,
            agenda: OnceBox::with_value(Box::new(Arc::clone(self.agenda_made()))),
        }
    }

    fn agenda_made(&self) -> &Arc<Agenda<S>> {
        let make = || Box::new(Arc::new(Agenda::new()));
        self.agenda.get_or_init(make)
    }

    pub(crate) fn agenda(&self) -> &Agenda<S> {
        self.agenda_made()
    }

    /// Whether there is something to do before the next message.
    pub(crate) fn is_agenda_pending(&self) -> bool {
        self.agenda.get().is_some_and(|agenda| agenda.is_pending())
    }

    /// What is being handled is no message.
    pub(crate) fn overlook(&self) {
        if let Some(agenda) = self.agenda.get() {
            agenda.overlook();
        }
    }

    pub(crate) fn next_continuation(&self) -> Option<Box<dyn Any + Send>> {
        let agenda = self.agenda.get().filter(|agenda| agenda.is_pending())?;
        agenda.next_continuation()
    }

    /// What [`deadline`](Self::deadline) looks at, for another thread.
    pub(crate) const fn deadline_mark(&self) -> Deadline {
        self.deadline
    }

    pub(crate) const fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// What comes next belongs to a call that came earlier, whose caller waits for so long. If it
    /// does not wait any more, that is counted, and this is `false`.
    pub(crate) fn resume(&mut self, deadline: Deadline) -> bool {
        let unwanted = match deadline {
            Deadline::None => None,
            Deadline::At(at) => (Instant::now() >= at).then_some(Unwanted::Expired),
            Deadline::OfCall(guard) => guard.unwanted(self.node()),
        };
        if let Some(why) = unwanted {
            self.count_skipped(why);
        }
        self.deadline = deadline;
        unwanted.is_none()
    }

    /// The call in hand is not handled.
    pub(crate) fn count_skipped(&self, why: Unwanted) {
        self.process.count_skipped(why);
    }

    pub(crate) const fn process(&self) -> &Arc<Process<Request<S>>> {
        &self.process
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        self.process.parent()
    }

    /// The server's pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// A reference to the server itself, to be given to others.
    #[must_use]
    pub fn this(&self) -> ServerRef<S> {
        ServerRef::local(Arc::clone(&self.process))
    }

    /// The node that it runs on.
    #[must_use]
    pub fn node(&self) -> &LocalNode {
        self.process.node()
    }

    /// When the caller of the call that is being handled stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.deadline {
            Deadline::None => None,
            Deadline::At(at) => Some(at),
            Deadline::OfCall(guard) => guard.deadline(self.node()),
        }
    }

    /// Asks for a [`Down`](noex_core::mailbox::Down) when `pid` ends, here or on another node.
    pub fn monitor(&self, pid: Pid) -> MonitorRef {
        self.node().monitor(self.pid(), pid)
    }

    /// Takes a monitor back.
    pub fn demonitor(&self, monitor: MonitorRef) {
        self.node().demonitor(self.pid(), monitor);
    }

    /// Binds the lives of this server and `pid`.
    pub fn link(&self, pid: Pid) {
        self.node().link(self.pid(), pid);
    }

    /// Takes a link back.
    pub fn unlink(&self, pid: Pid) {
        self.node().unlink(self.pid(), pid);
    }

    /// Whether exit signals come to [`handle_info`](GenServer::handle_info) instead of ending the
    /// server.
    pub fn trap_exit(&self, trap: bool) {
        self.node().trap_exit(self.pid(), trap);
    }

    /// Asks `pid` to end.
    pub fn exit(&self, pid: Pid, reason: ExitReason) {
        if let Err(error) = self.node().exit(self.pid(), pid, reason) {
            tracing::debug!(process = %pid, %error, "an exit signal was not sent");
        }
    }

    /// Asks for the comings and goings of nodes from now on; the nodes that are up now.
    pub fn monitor_nodes(&self) -> Vec<Peer> {
        self.node().monitor_nodes(self.pid())
    }
}

impl<S: GenServer> fmt::Debug for Context<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({})", self.pid())
    }
}
