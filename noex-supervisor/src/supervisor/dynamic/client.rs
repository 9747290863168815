//! What a dynamic supervisor can be asked, and how.

use std::future::Future;

use noex_core::{CallError, Local, Pid, ReplyTo};
use noex_gen_server::ServerRef;
use serde::{Deserialize, Serialize};

use super::server::DynamicSupervisor;
use crate::supervisor::client::PATIENCE;
use crate::supervisor::{ChildCounts, ChildInfo, ChildSpec, StartChildError, TerminateChildError};

/// What a dynamic supervisor can be asked; [`DynamicSupervisorClient`] asks it.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DynamicSupervisorCall {
    /// Its children, in the order in which they were started.
    WhichChildren(ReplyTo<Vec<ChildInfo>>),
    /// How many children it has.
    CountChildren(ReplyTo<ChildCounts>),
    /// Adds a child and starts it.
    StartChild(Local<ChildSpec>, ReplyTo<Result<Pid, StartChildError>>),
    /// Stops a child.
    TerminateChild(Pid, ReplyTo<Result<(), TerminateChildError>>),
}

/// What can be asked of a dynamic supervisor, here or (but for
/// [`start_child`](Self::start_child)) on another node.
pub trait DynamicSupervisorClient {
    /// Its children, in the order in which they were started.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn which_children(&self) -> impl Future<Output = Result<Vec<ChildInfo>, CallError>> + Send;

    /// How many children it has.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn count_children(&self) -> impl Future<Output = Result<ChildCounts, CallError>> + Send;

    /// Starts a child. Any number of them may have the same id.
    ///
    /// # Errors
    /// [`StartChildError`]; the child was not added, unless the supervisor did not answer.
    fn start_child(
        &self,
        spec: ChildSpec,
    ) -> impl Future<Output = Result<Pid, StartChildError>> + Send;

    /// Stops the child that runs as `pid`, or did and waits for its restart. It goes for good.
    ///
    /// # Errors
    /// [`TerminateChildError`].
    fn terminate_child(
        &self,
        pid: Pid,
    ) -> impl Future<Output = Result<(), TerminateChildError>> + Send;
}

impl DynamicSupervisorClient for ServerRef<DynamicSupervisor> {
    async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        let call = self.call(DynamicSupervisorCall::WhichChildren);
        call.timeout(PATIENCE).await
    }

    async fn count_children(&self) -> Result<ChildCounts, CallError> {
        let call = self.call(DynamicSupervisorCall::CountChildren);
        call.timeout(PATIENCE).await
    }

    async fn start_child(&self, spec: ChildSpec) -> Result<Pid, StartChildError> {
        let call = self.call(|reply| DynamicSupervisorCall::StartChild(Local(spec), reply));
        call.timeout(PATIENCE).await?
    }

    async fn terminate_child(&self, pid: Pid) -> Result<(), TerminateChildError> {
        let call = self.call(|reply| DynamicSupervisorCall::TerminateChild(pid, reply));
        call.timeout(PATIENCE).await?
    }
}
