//! What a supervisor can be asked, and how.

use std::future::Future;
use std::time::Duration;

use noex_core::{CallError, Local, Pid, ReplyTo};
use noex_gen_server::ServerRef;
use serde::{Deserialize, Serialize};

use super::child_spec::ChildSpec;
use super::children::{ChildCounts, ChildInfo};
use super::error::{DeleteChildError, RestartChildError, StartChildError, TerminateChildError};
use super::server::Supervisor;

/// How long to wait for what takes a child's `init` or end. Those have bounds of their own.
pub(super) const PATIENCE: Duration = Duration::from_secs(3600);

/// What a supervisor can be asked; [`SupervisorClient`] asks it.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SupervisorCall {
    /// Its children, in order.
    WhichChildren(ReplyTo<Vec<ChildInfo>>),
    /// How many children it has.
    CountChildren(ReplyTo<ChildCounts>),
    /// Adds a child and starts it.
    StartChild(Local<ChildSpec>, ReplyTo<Result<Pid, StartChildError>>),
    /// Stops a child.
    TerminateChild(String, ReplyTo<Result<(), TerminateChildError>>),
    /// Starts a child that is stopped.
    RestartChild(String, ReplyTo<Result<Pid, RestartChildError>>),
    /// Takes a child away that is stopped.
    DeleteChild(String, ReplyTo<Result<(), DeleteChildError>>),
}

/// What can be asked of a supervisor, here or (but for [`start_child`](Self::start_child)) on
/// another node.
pub trait SupervisorClient {
    /// Its children, in the order in which they start.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn which_children(&self) -> impl Future<Output = Result<Vec<ChildInfo>, CallError>> + Send;

    /// How many children it has.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn count_children(&self) -> impl Future<Output = Result<ChildCounts, CallError>> + Send;

    /// Adds a child behind the others and starts it.
    ///
    /// # Errors
    /// [`StartChildError`]; the child was not added, unless it has
    /// [nothing to do](StartChildError::Ignored) or the supervisor did not answer.
    fn start_child(
        &self,
        spec: ChildSpec,
    ) -> impl Future<Output = Result<Pid, StartChildError>> + Send;

    /// Stops a child; a temporary one goes, any other can be
    /// [restarted](Self::restart_child) or [deleted](Self::delete_child).
    ///
    /// # Errors
    /// [`TerminateChildError`].
    fn terminate_child(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<(), TerminateChildError>> + Send;

    /// Starts a child that is stopped.
    ///
    /// # Errors
    /// [`RestartChildError`]; the child stays as it was, unless the supervisor did not answer.
    fn restart_child(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Pid, RestartChildError>> + Send;

    /// Takes a child away that is stopped.
    ///
    /// # Errors
    /// [`DeleteChildError`]; the child stays, unless the supervisor did not answer.
    fn delete_child(&self, id: &str) -> impl Future<Output = Result<(), DeleteChildError>> + Send;
}

impl SupervisorClient for ServerRef<Supervisor> {
    async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        let call = self.call(SupervisorCall::WhichChildren);
        call.timeout(PATIENCE).await
    }

    async fn count_children(&self) -> Result<ChildCounts, CallError> {
        let call = self.call(SupervisorCall::CountChildren);
        call.timeout(PATIENCE).await
    }

    async fn start_child(&self, spec: ChildSpec) -> Result<Pid, StartChildError> {
        let call = self.call(|reply| SupervisorCall::StartChild(Local(spec), reply));
        call.timeout(PATIENCE).await?
    }

    async fn terminate_child(&self, id: &str) -> Result<(), TerminateChildError> {
        let call = self.call(|reply| SupervisorCall::TerminateChild(id.to_owned(), reply));
        call.timeout(PATIENCE).await?
    }

    async fn restart_child(&self, id: &str) -> Result<Pid, RestartChildError> {
        let call = self.call(|reply| SupervisorCall::RestartChild(id.to_owned(), reply));
        call.timeout(PATIENCE).await?
    }

    async fn delete_child(&self, id: &str) -> Result<(), DeleteChildError> {
        let call = self.call(|reply| SupervisorCall::DeleteChild(id.to_owned(), reply));
        call.timeout(PATIENCE).await?
    }
}
