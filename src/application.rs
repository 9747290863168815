//! `run_application`: makes an application the program.

use std::fmt;

use noex_core::ExitReason;
use noex_gen_server::StartError;
use noex_supervisor::{Application, ApplicationServer};
use thiserror::Error;

use crate::until_stopped;

/// Why a program that is an [`Application`] failed. Its children have been stopped.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// A hook, or a child, did not start.
    #[error("the program does not start: {0}")]
    Start(#[from] StartError),
    /// It ended by itself, and not in order: mostly as its root supervisor gave up.
    #[error("the program failed: {0}")]
    Failed(ExitReason),
}

/// As it is displayed: this is how Rust prints the error of a `main`.
impl fmt::Debug for ApplicationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs `application` as the program: starts its root supervisor on the current node, and waits
/// until it ends or, under [`#[noex::main]`](macro@crate::main), a signal asks the program to end.
/// A [`SupervisorBuilder`](crate::supervisor::SupervisorBuilder) is an application, too.
///
/// After a signal the application runs on when this returns. Its end is a part of that of the
/// [node](crate::Node::stop): first [`prep_stop`](Application::prep_stop), then the calls in flight
/// are answered and names go, then its children stop in reverse order, then comes
/// [`stop`](Application::stop), and the cluster is left.
///
/// A root supervisor that ends in order, because its
/// [significant](crate::ChildSpec::significant) children have or somebody stopped it, is a program
/// that is done. One that gives up (OTP: a permanent application) is an error.
///
/// # Errors
/// [`ApplicationError`]; a `main` that returns it prints it, and the program ends with code 1.
///
/// # Cancel safety
/// Dropped during the start, it kills the application; later, it leaves it alone.
///
/// # Examples
/// ```no_run
/// use noex::prelude::*;
/// use noex::{ApplicationError, ChildSpec, run_application};
/// # struct Log;
/// # #[noex::server]
/// # impl Log { fn init() -> Self { Self } }
/// # struct Till;
/// # #[noex::server]
/// # impl Till { fn init() -> Self { Self } }
///
/// #[noex::main]
/// async fn main() -> Result<(), ApplicationError> {
///     let shop = Supervisor::builder()
///         .child(ChildSpec::new("log", || Log::start(()).name("log")))
///         .child(ChildSpec::new("till", || Till::start(()).name(Global("till"))));
///     run_application(shop).await
/// }
/// ```
pub async fn run_application(application: impl Application) -> Result<(), ApplicationError> {
    let outcome = run(application).await;
    if let Err(error) = &outcome {
        tracing::error!("{error}");
    }
    outcome
}

async fn run(application: impl Application) -> Result<(), ApplicationError> {
    let mut start = ApplicationServer::start(application);
    // What has been started can be stopped in order when the start is over.
    let server = tokio::select! {
        biased;
        started = &mut start => started?,
        () = until_stopped() => start.await?,
    };
    tracing::info!("the program has started");
    let ended = server.ended();
    tokio::select! {
        biased;
        () = until_stopped() => Ok(()),
        reason = ended => match reason {
            ExitReason::Normal | ExitReason::Shutdown => Ok(()),
            failure => Err(ApplicationError::Failed(failure)),
        },
    }
}
