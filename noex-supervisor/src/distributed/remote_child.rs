//! `RemoteChild`: how to start a child on any node, and what its end means.

use std::sync::Arc;

use noex_core::Wire;
use noex_gen_server::GenServer;

use crate::spawner::encode_args;
use crate::{Restart, Shutdown};

/// How to start a child on any node, and what its end means. A value: clones are the same child.
///
/// The server's type must be [registered](crate::register_server) in the program of each node
/// that may run it.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Worker;
/// # impl GenServer for Worker {
/// #     type Args = u32;
/// #     type Call = ();
/// #     type Cast = ();
/// #     async fn init(_: u32, _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self) }
/// #     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow { Flow::Continue }
/// # }
/// # noex_supervisor::register_server!(Worker);
/// use noex_supervisor::{RemoteChild, Restart};
///
/// # fn main() {
/// let child = RemoteChild::of::<Worker>("w-1", 7)
///     .global_name("w-1")
///     .restart(Restart::Transient);
/// assert_eq!(child.id(), "w-1");
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a specification starts nothing"]
pub struct RemoteChild {
    pub(super) id: Arc<str>,
    pub(super) protocol: &'static str,
    pub(super) args: Result<Vec<u8>, Arc<str>>,
    pub(super) global_name: Option<String>,
    pub(super) restart: Restart,
    pub(super) shutdown: Shutdown,
}

impl RemoteChild {
    /// A server of type `S` that is started with `args`, each time anew. It is permanent, has
    /// 5 s for its shutdown, and has no name.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "arguments are given away, as to any start"
    )]
    pub fn of<S: GenServer<Args: Wire>>(id: impl Into<Arc<str>>, args: S::Args) -> Self {
        Self {
            id: id.into(),
            protocol: S::protocol(),
            args: encode_args(&args),
            global_name: None,
            restart: Restart::default(),
            shutdown: Shutdown::default(),
        }
    }

    /// Starts it under this cluster-wide name.
    pub fn global_name(mut self, name: impl Into<String>) -> Self {
        self.global_name = Some(name.into());
        self
    }

    /// When it is started again after an end of its own; always, unless said. A child that is
    /// lost with its node is started again unless it is [`Temporary`](Restart::Temporary).
    pub const fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How it is ended; it is asked and has 5 s, unless said.
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// Its name within its supervisor.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}
