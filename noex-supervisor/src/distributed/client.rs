//! What a distributed supervisor can be asked, and how.

use std::future::Future;

use noex_core::{CallError, ReplyTo};
use noex_gen_server::ServerRef;
use serde::{Deserialize, Serialize};

use super::child::RemoteChildInfo;
use super::server::DistributedSupervisor;

/// What a distributed supervisor can be asked; [`DistributedSupervisorClient`] asks it.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DistributedSupervisorCall {
    /// Its children, in order.
    WhichChildren(ReplyTo<Vec<RemoteChildInfo>>),
}

/// What can be asked of a distributed supervisor, here or on another node.
pub trait DistributedSupervisorClient {
    /// Its children, in the order given, each with its node.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn which_children(
        &self,
    ) -> impl Future<Output = Result<Vec<RemoteChildInfo>, CallError>> + Send;
}

impl DistributedSupervisorClient for ServerRef<DistributedSupervisor> {
    async fn which_children(&self) -> Result<Vec<RemoteChildInfo>, CallError> {
        self.call(DistributedSupervisorCall::WhichChildren).await
    }
}
