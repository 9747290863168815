//! Pure: which event a state machine handles next, and which time-outs run.
//!
//! The rules are those of OTP's `gen_statem`.
//!
//! ```text
//!   Event(e) ─► queue ─► Handle(e) ─► Handled(step) ─┬─ the same state ─► the next in the queue
//!                 ▲                                  └─ another ─► Enter ─► Entered(step) ─┐
//!                 └── inserted events, then postponed ones, then what was there before ◄───┘
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::mem;
use std::time::{Duration, Instant};

use noex_core::ExitReason;

/// Which time-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimeoutKey {
    /// Of the present state.
    State,
    /// Until the next event.
    Event,
    /// Of its own.
    Named(&'static str),
}

/// Where the machine goes.
#[derive(Debug, PartialEq)]
pub(super) enum Next<S> {
    Keep,
    /// As if it had just come to the state.
    Repeat,
    To(S),
    Stop(ExitReason),
}

/// What the handling of one event led to.
#[derive(Debug, PartialEq)]
pub(super) struct Step<S, E> {
    pub(super) next: Next<S>,
    pub(super) postponed: Option<E>,
    pub(super) inserted: Vec<E>,
    /// In the order in which they were asked for; `None` takes one back.
    pub(super) timeouts: Vec<(TimeoutKey, Option<Duration>)>,
}

impl<S, E> Step<S, E> {
    pub(super) const fn new(next: Next<S>) -> Self {
        Self {
            next,
            postponed: None,
            inserted: Vec::new(),
            timeouts: Vec::new(),
        }
    }

    /// The same, with what `change` makes of each event.
    pub(super) fn map<F>(self, change: impl Fn(E) -> F) -> Step<S, F> {
        Step {
            next: self.next,
            postponed: self.postponed.map(&change),
            inserted: self.inserted.into_iter().map(&change).collect(),
            timeouts: self.timeouts,
        }
    }
}

/// What happened.
#[derive(Debug)]
pub(super) enum Input<S, E> {
    /// An event came.
    Event(E),
    /// The event that was put out is handled.
    Handled(Step<S, E>),
    /// The enter call that was put out is done.
    Entered(Step<S, E>),
}

/// What must be done, before anything is fed in again.
#[derive(Debug, PartialEq)]
pub(super) enum Output<S, E> {
    Enter { from: S },
    Handle(E),
    Stop(ExitReason),
}

#[derive(Debug)]
pub(super) struct Machine<S, E> {
    state: S,
    enter_calls: bool,
    /// The state before, until its successor was entered.
    entering: Option<S>,
    queue: VecDeque<Queued<E>>,
    postponed: Vec<E>,
    timeouts: BTreeMap<TimeoutKey, Instant>,
    stop: Option<ExitReason>,
}

#[derive(Debug)]
enum Queued<E> {
    Event(E),
    /// It is over, and was not taken back yet.
    Timeout(TimeoutKey),
}

impl<S: Eq + Clone, E: From<TimeoutKey>> Machine<S, E> {
    pub(super) fn new(state: S, enter_calls: bool) -> Self {
        Self {
            entering: enter_calls.then(|| state.clone()),
            state,
            enter_calls,
            queue: VecDeque::new(),
            postponed: Vec::new(),
            timeouts: BTreeMap::new(),
            stop: None,
        }
    }

    pub(super) fn handle_input(&mut self, input: Input<S, E>, now: Instant) {
        match input {
            Input::Event(event) => self.queue.push_back(Queued::Event(event)),
            Input::Handled(step) => self.handled(step, now),
            Input::Entered(step) => self.entered(step, now),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let mut due: Vec<_> = self.timeouts.iter().map(|(key, at)| (*at, *key)).collect();
        due.retain(|(at, _)| *at <= now);
        due.sort_unstable();
        for (_, key) in due {
            self.timeouts.remove(&key);
            self.queue.push_back(Queued::Timeout(key));
        }
    }

    pub(super) fn poll_output(&mut self) -> Option<Output<S, E>> {
        if let Some(reason) = self.stop.take() {
            return Some(Output::Stop(reason));
        }
        if let Some(from) = self.entering.take() {
            return Some(Output::Enter { from });
        }
        let event = match self.queue.pop_front()? {
            Queued::Event(event) => event,
            Queued::Timeout(key) => key.into(),
        };
        // Whatever is handled is an event that came.
        self.cancel(TimeoutKey::Event);
        Some(Output::Handle(event))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timeouts.values().min().copied()
    }

    pub(super) const fn state(&self) -> &S {
        &self.state
    }

    fn handled(&mut self, step: Step<S, E>, now: Instant) {
        let Step {
            next,
            postponed,
            inserted,
            timeouts,
        } = step;
        self.postponed.extend(postponed);
        match next {
            Next::Keep => {}
            Next::Repeat => self.entering = self.enter_calls.then(|| self.state.clone()),
            Next::To(state) => self.change(state),
            Next::Stop(reason) => self.stop = Some(reason),
        }
        self.put_first(inserted);
        self.set_timeouts(timeouts, now);
    }

    fn change(&mut self, state: S) {
        if state == self.state {
            return;
        }
        let from = mem::replace(&mut self.state, state);
        self.cancel(TimeoutKey::State);
        let postponed = mem::take(&mut self.postponed);
        self.put_first(postponed);
        self.entering = self.enter_calls.then_some(from);
    }

    fn entered(&mut self, step: Step<S, E>, now: Instant) {
        let allowed = matches!(step.next, Next::Keep | Next::Stop(_))
            && step.postponed.is_none()
            && step.inserted.is_empty();
        if !allowed {
            self.stop = Some(ExitReason::error(
                "an enter call can't change the state, postpone or insert events",
            ));
            return;
        }
        if let Next::Stop(reason) = step.next {
            self.stop = Some(reason);
        }
        self.set_timeouts(step.timeouts, now);
    }

    /// Puts `events` before all that waits, in their order.
    fn put_first(&mut self, events: Vec<E>) {
        for event in events.into_iter().rev() {
            self.queue.push_front(Queued::Event(event));
        }
    }

    fn set_timeouts(&mut self, timeouts: Vec<(TimeoutKey, Option<Duration>)>, now: Instant) {
        for (key, after) in timeouts {
            self.cancel(key);
            match after {
                // No clock: it comes behind what waits here, before what has not come yet.
                Some(Duration::ZERO) => self.queue.push_back(Queued::Timeout(key)),
                // One beyond the clock's reach never ends.
                Some(after) => {
                    if let Some(at) = now.checked_add(after) {
                        self.timeouts.insert(key, at);
                    }
                }
                None => {}
            }
        }
    }

    /// Takes a time-out back, also if it is over but not handled yet.
    fn cancel(&mut self, key: TimeoutKey) {
        self.timeouts.remove(&key);
        self.queue
            .retain(|queued| !matches!(queued, Queued::Timeout(over) if *over == key));
    }
}
