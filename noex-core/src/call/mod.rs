//! Calls: their errors, their reply cells, and the calls that wait for other nodes.

mod error;

pub use error::{CallError, ReplyAddress};
