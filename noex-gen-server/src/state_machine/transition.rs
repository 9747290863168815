//! `Transition`: what a state machine does about an event.

use std::fmt;
use std::time::Duration;

use noex_core::ExitReason;

use super::machine::{Next, Step, TimeoutKey};
use super::{Event, GenStateMachine};

/// What a state machine does about an event: where it goes, and what it wants done on the way.
///
/// As in OTP all of it happens in a fixed order, whatever the order of the calls here: the state
/// changes, postponed events come back, inserted events go before them, time-outs begin.
#[must_use = "the event is not done with until its transition is returned"]
pub struct Transition<M: GenStateMachine>(Step<M::State, Event<M>>);

impl<M: GenStateMachine> Transition<M> {
    /// Stays in the same state.
    pub const fn keep() -> Self {
        Self(Step::new(Next::Keep))
    }

    /// Goes to `state`. If that is the present one, this is [`keep`](Self::keep).
    pub const fn to(state: M::State) -> Self {
        Self(Step::new(Next::To(state)))
    }

    /// Stays in the same state and enters it once more.
    pub const fn repeat() -> Self {
        Self(Step::new(Next::Repeat))
    }

    /// Ends the machine with this reason.
    pub const fn stop(reason: ExitReason) -> Self {
        Self(Step::new(Next::Stop(reason)))
    }

    /// Hands `event` back: it is handled again once the state has changed, before newer events.
    /// OTP's event stays with the caller and needs no handing back; ours has moved.
    pub fn postpone(mut self, event: Event<M>) -> Self {
        self.0.postponed = Some(event);
        self
    }

    /// Handles `event` next, before all that waits, behind others inserted here.
    pub fn next_event(mut self, event: Event<M>) -> Self {
        self.0.inserted.push(event);
        self
    }

    /// Asks for [`Event::StateTimeout`] unless the state changes before `after` has passed.
    pub fn state_timeout(self, after: Duration) -> Self {
        self.set(TimeoutKey::State, Some(after))
    }

    /// Takes the state time-out back.
    pub fn cancel_state_timeout(self) -> Self {
        self.set(TimeoutKey::State, None)
    }

    /// Asks for [`Event::EventTimeout`] unless another event is handled before `after` has passed.
    pub fn event_timeout(self, after: Duration) -> Self {
        self.set(TimeoutKey::Event, Some(after))
    }

    /// Asks for [`Event::Timeout`] after `after`, in whatever state. One of the same name that
    /// runs already is set anew.
    pub fn timeout(self, name: &'static str, after: Duration) -> Self {
        self.set(TimeoutKey::Named(name), Some(after))
    }

    /// Takes the time-out of this name back.
    pub fn cancel_timeout(self, name: &'static str) -> Self {
        self.set(TimeoutKey::Named(name), None)
    }

    fn set(mut self, key: TimeoutKey, after: Option<Duration>) -> Self {
        self.0.timeouts.push((key, after));
        self
    }

    pub(super) fn into_step(self) -> Step<M::State, Event<M>> {
        self.0
    }
}

impl<M: GenStateMachine> fmt::Debug for Transition<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
