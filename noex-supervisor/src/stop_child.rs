//! How a supervisor ends its children: it asks, waits, and kills.

use std::time::Duration;

use noex_core::node::Ended;
use noex_core::{ExitReason, LocalNode, Pid};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout, timeout_at};

use crate::Shutdown;

/// How long a killed child has to be gone. Only code that never yields outlasts it.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// Ends `child`, here or on another node, and waits until it has ended.
pub(crate) async fn stop_child(node: &LocalNode, parent: Pid, child: Pid, shutdown: Shutdown) {
    let mut ended = node.ended(child);
    let ask = |reason| ask(node, parent, child, reason);
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
        left_behind(child);
    }
}

/// Ends all `children` at the same time, each in its own way, and waits until they have ended.
pub(crate) async fn stop_children(node: &LocalNode, parent: Pid, children: Vec<(Pid, Shutdown)>) {
    let mut waiting: Vec<(Option<Instant>, Pid, Ended)> = Vec::with_capacity(children.len());
    let mut killed: Vec<(Pid, Ended)> = Vec::new();
    for (child, shutdown) in children {
        // Many children must not keep the runtime's thread from others.
        consume_budget().await;
        let ended = node.ended(child);
        let patience = match shutdown {
            Shutdown::After(patience) => Some(patience),
            Shutdown::Unlimited => None,
            Shutdown::Kill => {
                ask(node, parent, child, ExitReason::Killed);
                killed.push((child, ended));
                continue;
            }
        };
        ask(node, parent, child, ExitReason::Shutdown);
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        waiting.push((deadline, child, ended));
    }
    // Who has the least time is waited for first, so that nobody is killed late.
    waiting.sort_by_key(|(deadline, ..)| (deadline.is_none(), *deadline));
    for (deadline, child, mut ended) in waiting {
        let Some(deadline) = deadline else {
            ended.await;
            continue;
        };
        if timeout_at(deadline, &mut ended).await.is_err() {
            ask(node, parent, child, ExitReason::Killed);
            killed.push((child, ended));
        }
    }
    let deadline = Instant::now() + KILL_TIMEOUT;
    for (child, ended) in killed {
        if timeout_at(deadline, ended).await.is_err() {
            left_behind(child);
        }
    }
}

fn ask(node: &LocalNode, parent: Pid, child: Pid, reason: ExitReason) {
    if let Err(error) = node.exit(parent, child, reason) {
        // Its monitor then says that the connection is lost, and its link ends the child.
        tracing::debug!(%child, %error, "a child was not asked to end");
    }
}

fn left_behind(child: Pid) {
    tracing::error!(%child, "a killed child has not ended; its supervisor goes on without it");
}
