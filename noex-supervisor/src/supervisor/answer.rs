//! Pure: `Answer`, what the machine says to whoever asked, in the types of each operation.

use noex_core::Pid;
use noex_gen_server::StartError;

use super::error::{DeleteChildError, RestartChildError, StartChildError, TerminateChildError};

/// What the machine says to whoever asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Started(Pid),
    Done,
    NotFound,
    Present,
    Running(Pid),
    Restarting,
    Full(usize),
    Ignored,
    Failed(StartError),
}

impl Answer {
    pub(super) fn into_started(self) -> Result<Pid, StartChildError> {
        match self {
            Self::Started(pid) => Ok(pid),
            Self::Running(pid) => Err(StartChildError::AlreadyStarted(pid)),
            Self::Present => Err(StartChildError::AlreadyPresent),
            Self::Full(children_max) => Err(StartChildError::MaxChildren(children_max)),
            Self::Ignored => Err(StartChildError::Ignored),
            Self::Failed(error) => Err(StartChildError::Start(error)),
            Self::Done | Self::NotFound | Self::Restarting => unreachable!("not of a start"),
        }
    }

    pub(super) fn into_terminated(self) -> Result<(), TerminateChildError> {
        match self {
            Self::NotFound => Err(TerminateChildError::NotFound),
            _done => Ok(()),
        }
    }

    pub(super) fn into_restarted(self) -> Result<Pid, RestartChildError> {
        match self {
            Self::Started(pid) => Ok(pid),
            Self::NotFound => Err(RestartChildError::NotFound),
            Self::Running(pid) => Err(RestartChildError::Running(pid)),
            Self::Restarting => Err(RestartChildError::Restarting),
            Self::Ignored => Err(RestartChildError::Ignored),
            Self::Failed(error) => Err(RestartChildError::Start(error)),
            Self::Done | Self::Present | Self::Full(_) => unreachable!("not of a restart"),
        }
    }

    pub(super) fn into_deleted(self) -> Result<(), DeleteChildError> {
        match self {
            Self::NotFound => Err(DeleteChildError::NotFound),
            Self::Running(pid) => Err(DeleteChildError::Running(pid)),
            Self::Restarting => Err(DeleteChildError::Restarting),
            Self::Done
            | Self::Started(_)
            | Self::Present
            | Self::Full(_)
            | Self::Ignored
            | Self::Failed(_) => Ok(()),
        }
    }
}
