//! The same cast to many servers.

use noex_core::Pid;

use crate::{CastError, DestMany, GenServer};

/// A cast that was not queued, and for whom.
pub type Refused<C> = (Pid, CastError<C>);

/// Queues `message` for each server in `to`; those that did not take it.
pub(crate) fn send_many<S, M>(
    to: &M,
    message: S::Cast,
) -> Result<Vec<Refused<S::Cast>>, CastError<S::Cast>>
where
    S: GenServer<Cast: Clone>,
    M: DestMany<S>,
{
    let servers = match to.resolve_many() {
        Ok(servers) => servers.into_iter(),
        Err(error) => return Err(CastError::of(message, error)),
    };
    let refused = servers.filter_map(|(pid, each)| {
        let sent = S::cast(each, message.clone());
        sent.err().map(|error| (pid, error))
    });
    Ok(refused.collect())
}
