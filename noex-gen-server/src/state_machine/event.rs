//! `Event`: what a state machine handles.

use std::fmt;

use noex_core::mailbox::Info;

use super::GenStateMachine;
use super::machine::TimeoutKey;

/// What a state machine handles.
#[non_exhaustive]
pub enum Event<M: GenStateMachine> {
    /// The machine has entered a state, before any other event of it; only with
    /// [`ENTER_CALLS`](GenStateMachine::ENTER_CALLS). At first, `from` is the first state itself.
    Enter {
        /// The state before.
        from: M::State,
    },
    /// A call. The reply goes to its [`ReplyTo`](noex_core::ReplyTo), now or later.
    Call(M::Call),
    /// A cast.
    Cast(M::Cast),
    /// Anything else: the end of a monitored process, a trapped exit, a node event, a timer.
    Info(Info),
    /// The machine has been in one state for as long as
    /// [`state_timeout`](super::Transition::state_timeout) said.
    StateTimeout,
    /// No event came for as long as [`event_timeout`](super::Transition::event_timeout) said.
    EventTimeout,
    /// The [`timeout`](super::Transition::timeout) of this name is over.
    Timeout(&'static str),
}

impl<M: GenStateMachine> From<TimeoutKey> for Event<M> {
    fn from(key: TimeoutKey) -> Self {
        match key {
            TimeoutKey::State => Self::StateTimeout,
            TimeoutKey::Event => Self::EventTimeout,
            TimeoutKey::Named(name) => Self::Timeout(name),
        }
    }
}

/// A message need not be printable.
impl<M: GenStateMachine> fmt::Debug for Event<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enter { from } => f.debug_struct("Enter").field("from", from).finish(),
            Self::Call(_) => f.write_str("Call"),
            Self::Cast(_) => f.write_str("Cast"),
            Self::Info(info) => f.debug_tuple("Info").field(info).finish(),
            Self::StateTimeout => f.write_str("StateTimeout"),
            Self::EventTimeout => f.write_str("EventTimeout"),
            Self::Timeout(name) => f.debug_tuple("Timeout").field(name).finish(),
        }
    }
}
