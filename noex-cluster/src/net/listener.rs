//! The listener: takes in strangers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use noex_core::task::spawn_on;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::accept::Acceptor;
use super::warnings::Warnings;

/// The pause after an error of the listener, such as too many open files.
const ERROR_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections for as long as the runtime lives.
pub(super) async fn listen(listener: TcpListener, acceptor: Arc<Acceptor>) {
    let warnings = Warnings::default();
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                complain(&error, &warnings);
                sleep(ERROR_PAUSE).await;
                continue;
            }
        };
        let guest = acceptor.entrance.admit(address.ip());
        // It ends by itself in bounded time, or with its runtime.
        drop(spawn_on(
            &Handle::current(),
            Arc::clone(&acceptor).accept(stream, address, guest),
        ));
    }
}

/// A connection that its dialler has given up meanwhile is nobody's trouble.
fn complain(error: &io::Error, warnings: &Warnings<()>) {
    let is_given_up = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if is_given_up || !warnings.is_due(()) {
        return tracing::debug!(%error, "connection can't be accepted");
    }
    tracing::warn!(
        %error,
        "connections can't be accepted, so nobody can dial this node; if too many files are open, \
         raise the limit for this process"
    );
}
