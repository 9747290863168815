//! Why a supervisor did not do what it was asked to do with a child.

use noex_core::{CallError, Pid};
use noex_gen_server::StartError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a child was not added.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StartChildError {
    /// There is a child with this id, which runs.
    #[error("already started as {0}")]
    AlreadyStarted(Pid),
    /// There is a child with this id, which does not run.
    #[error("there is a child with this id")]
    AlreadyPresent,
    /// The supervisor has as many children as it may have, which is this number.
    #[error("there are {0} children already, and no more are admitted")]
    MaxChildren(usize),
    /// It has nothing to do: its `init` gave [`ExitReason::Normal`](noex_core::ExitReason::Normal).
    /// It was added, but does not run; a temporary or numbered one was not added.
    #[error("the child has nothing to do")]
    Ignored,
    /// It did not start; it was not added.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The supervisor did not answer. It may have done it.
    #[error("no answer of the supervisor: {0}")]
    Call(#[from] CallError),
}

/// Why a child was not stopped.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TerminateChildError {
    /// There is no such child.
    #[error("no such child")]
    NotFound,
    /// The supervisor did not answer. It may have done it.
    #[error("no answer of the supervisor: {0}")]
    Call(#[from] CallError),
}

/// Why a child that was stopped was not started.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RestartChildError {
    /// There is no child with this id.
    #[error("no child with this id")]
    NotFound,
    /// It runs.
    #[error("it runs as {0}")]
    Running(Pid),
    /// It is about to be started again.
    #[error("it is being restarted")]
    Restarting,
    /// It has nothing to do: its `init` gave [`ExitReason::Normal`](noex_core::ExitReason::Normal).
    /// It stays as it was.
    #[error("the child has nothing to do")]
    Ignored,
    /// It did not start; it stays as it was.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The supervisor did not answer. It may have done it.
    #[error("no answer of the supervisor: {0}")]
    Call(#[from] CallError),
}

/// Why a child was not taken away.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DeleteChildError {
    /// There is no child with this id.
    #[error("no child with this id")]
    NotFound,
    /// It runs; terminate it first.
    #[error("it runs as {0}")]
    Running(Pid),
    /// It is about to be started again; terminate it first.
    #[error("it is being restarted")]
    Restarting,
    /// The supervisor did not answer. It may have done it.
    #[error("no answer of the supervisor: {0}")]
    Call(#[from] CallError),
}
