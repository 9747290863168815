//! The pure membership machine, for the simulator, which drives the very code that production runs.
//! It is no part of the public interface.

pub use crate::proto::backoff::BackoffPolicy;
pub use crate::proto::membership::{
    DialFailure, DialId, Endpoint, Facts, Flaw, Input, Machine, Message, News, Notice, OBSERVERS,
    Output, Own, Record, Rules, SessionId, Standing, Stream, Via, Who,
};
pub use crate::proto::wire::Refusal;
