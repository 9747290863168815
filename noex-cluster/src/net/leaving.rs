//! What comes before a leave: who leaves opens no sessions, and signals may still wait for one.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use crate::router::ClusterRouter;

/// The longest that a leave waits for sessions that are being opened.
pub(super) const SESSION_PATIENCE: Duration = Duration::from_millis(500);

/// Waits until no signal waits for a session, or until `deadline`; for ever if there is none.
///
/// # Cancel safety
/// It only looks.
pub(super) async fn settled(router: &ClusterRouter, deadline: Option<Instant>) {
    let Some(deadline) = deadline else {
        return pending().await;
    };
    let settled = timeout_at(deadline.into(), router.settled());
    if settled.await.is_err() {
        tracing::debug!("what waits for a session is not sent: the node leaves");
    }
}
