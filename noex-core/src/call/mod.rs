//! Calls: reply handles, the cells behind them, deadlines, and calls that wait for other nodes.

mod cell;
mod custody;
mod deadline;
mod deadlock;
mod error;
mod inbound;
mod parties;
mod pending;
#[cfg_attr(noex_loom, path = "pool_modelled.rs")]
mod pool;
mod reply_future;
mod reply_to;
mod skipped;
#[cfg(test)]
#[cfg(not(noex_loom))]
mod tests;

pub use deadline::{Wait, deadline_after};
pub use deadlock::{Deadlock, Deadlocks, Stuck};
pub use error::{CallError, ReplyAddress};
pub use inbound::Inbound;
pub use parties::Parties;
pub use reply_future::{CallGuard, ReplyFuture};
pub use reply_to::ReplyTo;
pub use skipped::{SkippedCalls, Unwanted};

pub(crate) use cell::Duty;
pub(crate) use custody::{Answer, Custody, Step};
pub(crate) use deadline::Deadlines;
pub(crate) use deadlock::DeadlockNews;
pub(crate) use inbound::{InboundCalls, Remote};
pub(crate) use pending::{PendingCalls, Taken};
pub(crate) use skipped::SkipCounters;
