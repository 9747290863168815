//! How a supervisor ends a child: it asks, waits, and kills.

use std::time::Duration;

use noex_core::{ExitReason, LocalNode, Pid};
use tokio::time::timeout;

use crate::Shutdown;

/// How long a killed child has to be gone. Only code that never yields outlasts it.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// Ends `child`, here or on another node, and waits until it has ended.
pub(crate) async fn stop_child(node: &LocalNode, parent: Pid, child: Pid, shutdown: Shutdown) {
    let mut ended = node.ended(child);
    let ask = |reason| {
        if let Err(error) = node.exit(parent, child, reason) {
            // Its monitor then says that the connection is lost, and its link ends the child.
            tracing::debug!(%child, %error, "a child was not asked to end");
        }
    };
    let in_time = match shutdown {
        Shutdown::After(patience) => {
            ask(ExitReason::Shutdown);
            timeout(patience, &mut ended).await.is_ok()
        }
        Shutdown::Unlimited => {
            ask(ExitReason::Shutdown);
            (&mut ended).await;
            true
        }
        Shutdown::Kill => false,
    };
    if in_time {
        return;
    }
    ask(ExitReason::Killed);
    if timeout(KILL_TIMEOUT, ended).await.is_err() {
        tracing::error!(%child, "a killed child has not ended; its supervisor goes on without it");
    }
}
