//! `Floor`: how much there is of everything when nothing goes on.

use std::fs;
use std::time::Duration;

use noex::Node;

use crate::token::Token;

/// How long it may take until all is as it was.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much there is of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Floor {
    processes: usize,
    names: usize,
    global_names: usize,
    /// Calls that wait for another node.
    pending_calls: usize,
    /// Calls that this node has yet to answer.
    calls_in_flight: usize,
    /// What servers, messages, timers and tasks hold.
    tokens: usize,
}

impl Floor {
    pub(crate) fn of(node: &Node) -> Self {
        let local = node.local();
        Self {
            processes: local.process_count(),
            names: local.names().len(),
            global_names: node.registry().names().len(),
            pending_calls: local.pending_calls(),
            calls_in_flight: local.calls_in_flight(),
            tokens: Token::count(),
        }
    }

    /// Waits until there is no more than this.
    pub(crate) async fn returns(&self, node: &Node) -> Result<(), String> {
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let returned = async {
            while Self::of(node) != *self {
                look.tick().await;
            }
        };
        let returned = tokio::time::timeout(PATIENCE, returned).await;
        returned.map_err(|_late| format!("at first {self:?}, now {:?}", Self::of(node)))
    }
}

/// The memory that this program holds, in KiB; nothing where the system does not tell.
pub(crate) fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    size.unwrap_or(0)
}
