//! What a supervisor can be asked, and how.

use std::future::Future;
use std::time::Duration;

use noex_core::{CallError, Local, Pid, ReplyTo};
use noex_gen_server::{At, Dest, GenServer, ServerRef};
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
/// another node: by a reference to it, or by its name, as in `Supervisor::at("pool")`.
pub trait SupervisorClient: Dest<Supervisor> + Sync {
    /// Its children, in the order in which they start.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn which_children(&self) -> impl Future<Output = Result<Vec<ChildInfo>, CallError>> + Send {
        let call = Supervisor::call(self, SupervisorCall::WhichChildren);
        call.timeout(PATIENCE)
    }

    /// How many children it has.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn count_children(&self) -> impl Future<Output = Result<ChildCounts, CallError>> + Send {
        let call = Supervisor::call(self, SupervisorCall::CountChildren);
        call.timeout(PATIENCE)
    }

    /// Adds a child behind the others and starts it.
    ///
    /// # Errors
    /// [`StartChildError`]; the child was not added, unless it has
    /// [nothing to do](StartChildError::Ignored) or the supervisor did not answer.
    fn start_child(
        &self,
        spec: ChildSpec,
    ) -> impl Future<Output = Result<Pid, StartChildError>> + Send {
        let start = |reply| SupervisorCall::StartChild(Local(spec), reply);
        let call = Supervisor::call(self, start).timeout(PATIENCE);
        async move { call.await? }
    }

    /// Stops a child; a temporary one goes, any other can be
    /// [restarted](Self::restart_child) or [deleted](Self::delete_child).
    ///
    /// # Errors
    /// [`TerminateChildError`].
    fn terminate_child(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<(), TerminateChildError>> + Send {
        let id = id.to_owned();
        let terminate = move |reply| SupervisorCall::TerminateChild(id, reply);
        let call = Supervisor::call(self, terminate).timeout(PATIENCE);
        async move { call.await? }
    }

    /// Starts a child that is stopped.
    ///
    /// # Errors
    /// [`RestartChildError`]; the child stays as it was, unless the supervisor did not answer.
    fn restart_child(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Pid, RestartChildError>> + Send {
        let id = id.to_owned();
        let restart = move |reply| SupervisorCall::RestartChild(id, reply);
        let call = Supervisor::call(self, restart).timeout(PATIENCE);
        async move { call.await? }
    }

    /// Takes a child away that is stopped.
    ///
    /// # Errors
    /// [`DeleteChildError`]; the child stays, unless the supervisor did not answer.
    fn delete_child(&self, id: &str) -> impl Future<Output = Result<(), DeleteChildError>> + Send {
        let id = id.to_owned();
        let delete = move |reply| SupervisorCall::DeleteChild(id, reply);
        let call = Supervisor::call(self, delete).timeout(PATIENCE);
        async move { call.await? }
    }
}

impl SupervisorClient for ServerRef<Supervisor> {}

impl<D: Dest<Supervisor> + Sync> SupervisorClient for At<Supervisor, D> {}
