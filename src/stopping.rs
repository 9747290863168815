//! Signals that ask the program to end, and the news that it does.

use std::sync::OnceLock;

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
