//! `SupervisorBuilder`: what a supervisor is told before it starts.

use std::time::Duration;

use noex_gen_server::{GenServer, Start};

use super::child_spec::ChildSpec;
use super::server::{Supervisor, SupervisorArgs};
use crate::intensity::Intensity;
use crate::{AutoShutdown, RestartDelay, Strategy};

/// What a supervisor is told before it starts; made by [`Supervisor::builder`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing is started before `start`"]
pub struct SupervisorBuilder {
    args: SupervisorArgs,
}

impl SupervisorBuilder {
    /// Which children are started again when one has to be; that one alone, unless said.
    pub const fn strategy(mut self, strategy: Strategy) -> Self {
        self.args.rules.strategy = strategy;
        self
    }

    /// Bears `restarts` restarts in `period`, and gives up at the next; 3 in 5 s unless said.
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.args.rules.intensity = Intensity::new(restarts, period);
        self
    }

    /// Lets a child that ended wait before its restart; it does not, unless said. The children
    /// that a strategy restarts with it run on until then.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use noex_supervisor::{RestartDelay, Supervisor};
    ///
    /// let builder = Supervisor::builder().restart_delay(RestartDelay {
    ///     first: Duration::from_millis(100),
    ///     max: Duration::from_secs(30),
    /// });
    /// # drop(builder);
    /// ```
    pub const fn restart_delay(mut self, delay: RestartDelay) -> Self {
        self.args.rules.restart_delay = delay;
        self
    }

    /// Ends by itself, with [`ExitReason::Shutdown`](noex_core::ExitReason::Shutdown), when its
    /// [significant](ChildSpec::significant) children have ended; never, unless said. What stops
    /// children by hand, or for the sake of others, does not count.
    ///
    /// A supervisor above it starts it again unless it is
    /// [transient](crate::Restart::Transient) or temporary there.
    ///
    /// # Examples
    /// Workers that are of use as long as there is work:
    /// ```
    /// # use noex_core::{ExitReason, LocalNode};
    /// # use noex_gen_server::{Context, Flow, GenServer};
    /// # struct Server;
    /// # impl GenServer for Server {
    /// #     type Args = ();
    /// #     type Call = ();
    /// #     type Cast = ();
    /// #     async fn init(_: (), _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self) }
    /// #     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow {
    /// #         Flow::Continue
    /// #     }
    /// # }
    /// use noex_supervisor::{AutoShutdown, ChildSpec, Restart, Supervisor};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
    /// let job = ChildSpec::new("job", || Server::start(()).name("job"));
    /// let supervisor = Supervisor::builder()
    ///     .auto_shutdown(AutoShutdown::AnySignificant)
    ///     .child(ChildSpec::new("cache", || Server::start(())))
    ///     .child(job.restart(Restart::Transient).significant())
    ///     .start()
    ///     .on(&node)
    ///     .await?;
    ///
    /// let ended = node.ended(supervisor.pid());
    /// let _inside = node.enter();
    /// Server::stop("job").await?;
    /// assert_eq!(ended.await, ExitReason::Shutdown);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.args.rules.auto_shutdown = auto_shutdown;
        self
    }

    /// Adds a child. They start in the order given, and stop in reverse order.
    pub fn child(mut self, spec: ChildSpec) -> Self {
        self.args.children.push(spec);
        self
    }

    /// Adds children, in order.
    pub fn children(mut self, specs: impl IntoIterator<Item = ChildSpec>) -> Self {
        self.args.children.extend(specs);
        self
    }

    /// Starts the supervisor; the future is ready when all its children have started.
    ///
    /// # Errors
    /// [`StartError`](noex_gen_server::StartError), as any server; if a child does not start,
    /// those before it are stopped.
    pub fn start(self) -> Start<Supervisor> {
        Supervisor::start(self.args)
    }

    /// As [`start`](Self::start), linked with the calling process.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_link(self) -> Start<Supervisor> {
        Supervisor::start_link(self.args)
    }
}
