//! Signals that ask the program to end, and the news that it does.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Whether a signal came, for the code that [`#[noex::main]`](macro@crate::main) runs.
static STOPPING: OnceLock<watch::Sender<bool>> = OnceLock::new();

fn stopping() -> &'static watch::Sender<bool> {
    STOPPING.get_or_init(|| watch::Sender::new(false))
}

/// Waits until SIGTERM or SIGINT asks the program to end. Under
/// [`#[noex::main]`](macro@crate::main) the body has 5 s from then to return; without
/// it this waits for ever.
///
/// # Cancel safety
/// It only looks.
pub async fn until_stopped() {
    let mut news = stopping().subscribe();
    // The sender is never dropped.
    if news.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether somebody waits in [`until_stopped`].
pub(crate) fn is_awaited() -> bool {
    stopping().receiver_count() > 0
}

pub(crate) fn announce() {
    stopping().send_replace(true);
}

/// How long a program that is asked to end for the second time may take.
const SECOND_PATIENCE: Duration = Duration::from_secs(1);

/// SIGTERM and SIGINT.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self {
            terminate,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Ends the program with code 1 if it still runs this long after a signal asked it to end, or a
/// second after the next one. That takes a thread and a runtime of its own: where every worker of
/// the program's runtime is blocked, no timer of it fires and no signal is seen.
pub(crate) fn end_within(limit: Duration) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let end = async move {
        let Ok(mut signals) = StopSignals::listen() else {
            // The main task says why.
            return;
        };
        signals.next().await;
        tokio::select! {
            () = tokio::time::sleep(limit) => {}
            _ = signals.next() => tokio::time::sleep(SECOND_PATIENCE).await,
        }
        tracing::error!(
            ?limit,
            "asked to end, and has not ended in time: it is cut off, and other nodes see that its \
             connections close; look for what blocks the workers of the runtime, and let it block \
             a thread of its own"
        );
        end_now();
    };
    let thread = std::thread::Builder::new().name("noex-end".into());
    // It lives as long as the program.
    drop(thread.spawn(move || runtime.block_on(end))?);
    Ok(())
}

#[expect(clippy::exit, reason = "nothing that could return is able to run")]
fn end_now() -> ! {
    std::process::exit(1)
}
