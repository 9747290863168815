//! The listener: takes in strangers.

use std::sync::Arc;
use std::time::Duration;

use noex_core::task::spawn_on;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::accept::Acceptor;

/// The pause after an error of the listener, such as too many open files.
const ERROR_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections for as long as the runtime lives.
pub(super) async fn listen(listener: TcpListener, acceptor: Arc<Acceptor>) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "connection can't be accepted");
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
