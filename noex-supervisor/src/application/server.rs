//! `ApplicationServer`: runs an application: its hooks, and its root supervisor.

use std::fmt;
use std::time::Duration;

use noex_core::mailbox::Info;
use noex_core::{CallError, ExitReason, LocalNode, Pid, ReplyTo};
use noex_gen_server::task::Task;
use noex_gen_server::{Context, Flow, GenServer, ServerRef, Start, StartError};
use serde::{Deserialize, Serialize};

use super::hooks::{AnyApplication, Application, Hook};
use crate::Shutdown;
use crate::stop_child::stop_child;

/// The local name of each node's application.
const NAME: &str = "noex.application";

/// How long a hook may take that runs while the program ends.
const HOOK_PATIENCE: Duration = Duration::from_secs(5);

/// Runs an [`Application`]; at most one on each node.
///
/// It is started when the application's root supervisor is, with all children. When it is asked to
/// stop it runs the hooks and stops the supervisor between them, which may take as long as it
/// needs, unless [`prepare_stop`](Self::prepare_stop) has said more. When the supervisor ends by
/// itself so does this, with the same reason.
///
/// A hook that panics or takes longer than 5 s is the last that runs; the children stop all the
/// same.
pub struct ApplicationServer {
    /// `None` when a hook has failed.
    application: Option<Box<dyn AnyApplication>>,
    /// The root supervisor, while it runs.
    root: Option<Pid>,
    /// How the root supervisor is stopped.
    shutdown: Shutdown,
    is_prepared: bool,
}

/// What an [`ApplicationServer`] is started with; made from an [`Application`].
pub struct ApplicationArgs(Box<dyn AnyApplication>);

impl<A: Application> From<A> for ApplicationArgs {
    fn from(application: A) -> Self {
        Self(Box::new(application))
    }
}

/// What an application's server can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ApplicationCall {
    /// Runs the hook before the stop, unless it ran before, and says how long the children have.
    PrepareStop(Duration, ReplyTo<()>),
}

impl ApplicationServer {
    /// Starts `application`, and is ready when all children of its root supervisor are.
    ///
    /// # Errors
    /// [`StartError::Init`], with the reason why its hook or its supervisor failed;
    /// [`StartError::AlreadyStarted`] if the node has an application.
    pub fn start(application: impl Application) -> Start<Self> {
        <Self as GenServer>::start(application.into()).name(NAME)
    }

    /// The application of `node`, if it has one.
    #[must_use]
    pub fn of(node: &LocalNode) -> Option<ServerRef<Self>> {
        let _inside = node.enter();
        node.whereis(NAME).map(ServerRef::from_pid)
    }

    /// Runs the application's [`prep_stop`](Application::prep_stop), unless it ran before. Its
    /// children run on. When the server is stopped after this, they have `patience` for their end;
    /// then their supervisor is killed, and they end through their links.
    ///
    /// # Errors
    /// [`CallError`] if the server did not answer within 5 s; the hook goes on.
    pub async fn prepare_stop(
        server: &ServerRef<Self>,
        patience: Duration,
    ) -> Result<(), CallError> {
        let call = server.call(|reply| ApplicationCall::PrepareStop(patience, reply));
        call.await
    }

    async fn run_prep_stop(&mut self) {
        if !std::mem::replace(&mut self.is_prepared, true) {
            self.run("prep_stop", |application| application.prep_stop())
                .await;
        }
    }

    /// Runs a hook as a task of its own: it must not keep the children from their end.
    async fn run(
        &mut self,
        name: &str,
        hook: impl for<'a> FnOnce(&'a mut dyn AnyApplication) -> Hook<'a> + Send + 'static,
    ) {
        let Some(mut application) = self.application.take() else {
            return;
        };
        let mut task = Task::spawn_unlinked(async move {
            hook(&mut *application).await;
            application
        });
        match task.yield_for(HOOK_PATIENCE).await {
            Some(Ok(application)) => self.application = Some(application),
            Some(Err(reason)) => tracing::error!(hook = name, %reason, "a hook failed"),
            None => {
                tracing::error!(hook = name, "a hook takes too long; it is killed");
                drop(task.shutdown(Duration::ZERO).await);
            }
        }
    }
}

impl GenServer for ApplicationServer {
    type Args = ApplicationArgs;
    type Call = ApplicationCall;
    type Cast = ();

    async fn init(args: ApplicationArgs, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        let mut application = args.0;
        let supervisor = application.start().await.map_err(ExitReason::error)?;
        let root = supervisor.start_link().await.map_err(|error| match error {
            StartError::Init(reason) => reason,
            other => ExitReason::error(other),
        })?;
        Ok(Self {
            application: Some(application),
            root: Some(root.pid()),
            shutdown: Shutdown::Unlimited,
            is_prepared: false,
        })
    }

    async fn handle_call(&mut self, call: ApplicationCall, _cx: &mut Context<Self>) -> Flow {
        let ApplicationCall::PrepareStop(patience, reply) = call;
        self.shutdown = Shutdown::After(patience);
        self.run_prep_stop().await;
        reply.send(());
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Context<Self>) -> Flow {
        match info {
            Info::Exit(exit) if self.root == Some(exit.from) => {
                self.root = None;
                Flow::Stop(exit.reason)
            }
            // What else is linked with it was started by the hook, and is a part of the program.
            Info::Exit(exit) if exit.reason != ExitReason::Normal => Flow::Stop(exit.reason),
            _other => Flow::Continue,
        }
    }

    async fn terminate(&mut self, _reason: &ExitReason, cx: &mut Context<Self>) {
        if let Some(root) = self.root.take() {
            self.run_prep_stop().await;
            stop_child(cx.node(), cx.pid(), root, self.shutdown).await;
        }
        self.run("stop", |application| application.stop()).await;
    }

    /// Fixed, so that the module can move.
    fn protocol() -> &'static str {
        "noex.application.1"
    }
}

impl fmt::Debug for ApplicationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationServer")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ApplicationArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationArgs").finish_non_exhaustive()
    }
}
