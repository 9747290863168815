//! Calls: reply handles, the cells behind them, deadlines, and calls that wait for other nodes.

mod cell;
mod custody;
mod deadline;
mod error;
mod inbound;
mod pending;
mod pool;
mod reply_future;
mod reply_to;
mod skipped;
mod sync;

pub use deadline::deadline_after;
pub use error::{CallError, ReplyAddress};
pub use inbound::Inbound;
pub use reply_future::{CallGuard, ReplyFuture};
pub use reply_to::ReplyTo;
pub use skipped::{SkippedCalls, Unwanted};

pub(crate) use cell::Duty;
pub(crate) use custody::{Answer, Custody, Step};
pub(crate) use deadline::Deadlines;
pub(crate) use inbound::{InboundCalls, Remote};
pub(crate) use pending::{PendingCalls, Taken};
pub(crate) use skipped::SkipCounters;
