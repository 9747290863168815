//! What a dynamic supervisor can be asked, and how.

use std::future::Future;

use noex_core::{CallError, Local, Pid, ReplyTo};
use noex_gen_server::{At, Dest, GenServer, ServerRef};
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
/// [`start_child`](Self::start_child)) on another node: by a reference to it, by its name, as in
/// `DynamicSupervisor::at("pool")`, or by its [`Partition`](crate::Partition).
pub trait DynamicSupervisorClient: Dest<DynamicSupervisor> + Sync {
    /// Its children, in the order in which they were started.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn which_children(&self) -> impl Future<Output = Result<Vec<ChildInfo>, CallError>> + Send {
        let call = DynamicSupervisor::call(self, DynamicSupervisorCall::WhichChildren);
        call.timeout(PATIENCE)
    }

    /// How many children it has.
    ///
    /// # Errors
    /// [`CallError`] if the supervisor did not answer.
    fn count_children(&self) -> impl Future<Output = Result<ChildCounts, CallError>> + Send {
        let call = DynamicSupervisor::call(self, DynamicSupervisorCall::CountChildren);
        call.timeout(PATIENCE)
    }

    /// Starts a child. Any number of them may have the same id.
    ///
    /// # Errors
    /// [`StartChildError`]; the child was not added, unless the supervisor did not answer.
    fn start_child(
        &self,
        spec: ChildSpec,
    ) -> impl Future<Output = Result<Pid, StartChildError>> + Send {
        let start = |reply| DynamicSupervisorCall::StartChild(Local(spec), reply);
        let call = DynamicSupervisor::call(self, start).timeout(PATIENCE);
        async move { call.await? }
    }

    /// Stops the child that runs as `pid`, or did and waits for its restart. It goes for good.
    ///
    /// # Errors
    /// [`TerminateChildError`].
    fn terminate_child(
        &self,
        pid: Pid,
    ) -> impl Future<Output = Result<(), TerminateChildError>> + Send {
        let terminate = move |reply| DynamicSupervisorCall::TerminateChild(pid, reply);
        let call = DynamicSupervisor::call(self, terminate).timeout(PATIENCE);
        async move { call.await? }
    }
}

impl DynamicSupervisorClient for ServerRef<DynamicSupervisor> {}

impl<D: Dest<DynamicSupervisor> + Sync> DynamicSupervisorClient for At<DynamicSupervisor, D> {}
