//! `Application`: what a program is made of, and what it does before and after.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use crate::supervisor::SupervisorBuilder;

/// What a program is made of: a root [`Supervisor`](crate::Supervisor), and what is to be done
/// before it starts, before it stops, and when it has stopped (OTP's `Application`).
///
/// A [`SupervisorBuilder`] is an application by itself, for programs that need no more than that.
/// An [`ApplicationServer`](crate::ApplicationServer) runs an application; `noex::run_application`
/// makes it the program.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Till;
/// # impl GenServer for Till {
/// #     type Args = String;
/// #     type Call = ();
/// #     type Cast = ();
/// #     async fn init(_: String, _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self) }
/// #     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow { Flow::Continue }
/// # }
/// use std::error::Error;
///
/// use noex_supervisor::supervisor::SupervisorBuilder;
/// use noex_supervisor::{Application, ApplicationServer, ChildSpec, Supervisor};
///
/// struct Shop;
///
/// impl Application for Shop {
///     async fn start(&mut self) -> Result<SupervisorBuilder, Box<dyn Error + Send + Sync>> {
///         let prices = std::str::from_utf8(b"bread 3")?;
///         let till = ChildSpec::new("till", || Till::start(prices.to_owned()).name("till"));
///         Ok(Supervisor::builder().child(till))
///     }
///
///     async fn stop(&mut self) {
///         println!("the shop is closed");
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let shop = ApplicationServer::start(Shop).on(&node).await?;
/// assert!(node.whereis("till").is_some());
/// shop.stop().await?;
/// assert_eq!(node.process_count(), 0);
/// # Ok(())
/// # }
/// ```
pub trait Application: Send + 'static {
    /// Says what the program is made of. The supervisor is started then, and the program counts as
    /// started when all children of it have. What they need before is made here.
    ///
    /// # Errors
    /// With an error the program does not start; no other hook runs.
    fn start(
        &mut self,
    ) -> impl Future<Output = Result<SupervisorBuilder, Box<dyn Error + Send + Sync>>> + Send;

    /// Runs when the program is asked to end, while all its children still run: the place to stop
    /// taking work. It has 5 s. It does not run when the root supervisor ended by itself.
    fn prep_stop(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Runs last, when all children have ended, also if the root supervisor ended by itself. It has
    /// 5 s.
    fn stop(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

impl Application for SupervisorBuilder {
    async fn start(&mut self) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(std::mem::take(self))
    }
}

/// What a hook does.
pub(super) type Hook<'a, T = ()> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An application of any type.
pub(super) trait AnyApplication: Send {
    fn start(&mut self) -> Hook<'_, Result<SupervisorBuilder, Box<dyn Error + Send + Sync>>>;
    fn prep_stop(&mut self) -> Hook<'_>;
    fn stop(&mut self) -> Hook<'_>;
}

impl<A: Application> AnyApplication for A {
    fn start(&mut self) -> Hook<'_, Result<SupervisorBuilder, Box<dyn Error + Send + Sync>>> {
        Box::pin(Application::start(self))
    }

    fn prep_stop(&mut self) -> Hook<'_> {
        Box::pin(Application::prep_stop(self))
    }

    fn stop(&mut self) -> Hook<'_> {
        Box::pin(Application::stop(self))
    }
}
