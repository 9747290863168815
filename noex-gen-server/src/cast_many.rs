//! The same cast to many servers.

use noex_core::{CallError, Pid};

use crate::{CastError, DestMany, GenServer};

/// A cast that was not queued, and for whom.
pub type Refused<C> = (Pid, CastError<C>);

/// Queues what `make` builds for each server in `to`; those that did not take it.
pub(crate) fn send_many<S: GenServer, M: DestMany<S>>(
    to: &M,
    make: impl Fn() -> S::Cast,
) -> Result<Vec<Refused<S::Cast>>, CallError> {
    let servers = to.resolve_many()?.into_iter();
    let refused = servers.filter_map(|(pid, each)| {
        let sent = S::cast(each, make());
        sent.err().map(|error| (pid, error))
    });
    Ok(refused.collect())
}
