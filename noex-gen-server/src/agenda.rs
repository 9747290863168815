//! `Agenda`: what a server told itself to do later.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use noex_core::mailbox::Info;
use noex_core::{LocalNode, Pid, TimerRef};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::GenServer;

/// What a server told itself to do later. Timers post their numbers; what they stand for is kept
/// here, so that a number whose timer was cancelled says nothing any more.
pub(crate) struct Agenda<S: GenServer> {
    /// Whether there is something to do between two messages.
    pending: AtomicBool,
    state: Mutex<State<S>>,
}

struct State<S: GenServer> {
    timers: BTreeMap<TimerRef, Entry<S>>,
    continuations: VecDeque<Box<dyn Any + Send>>,
    idle: Option<Idle>,
    hibernate: bool,
}

/// What a timer delivers to its server.
pub(crate) enum Message<S: GenServer> {
    Cast(S::Cast),
    Info(Info),
}

enum Entry<S: GenServer> {
    Once(Message<S>),
    Every {
        period: Duration,
        due: Instant,
        make: Box<dyn FnMut() -> Message<S> + Send>,
    },
}

struct Idle {
    after: Duration,
    /// When the last message was handled.
    since: Instant,
    /// Runs until the news of being idle; it is not set anew by each message, but looks when it is
    /// due how long ago the last one was.
    timer: Option<TimerRef>,
    /// What is being handled counts: not that news itself, nor a cancelled timer's number.
    is_message: bool,
}

impl<S: GenServer> Agenda<S> {
    pub(crate) fn new() -> Self {
        let state = State {
            timers: BTreeMap::new(),
            continuations: VecDeque::new(),
            idle: None,
            hibernate: false,
        };
        Self {
            pending: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn start_once(
        &self,
        node: &LocalNode,
        owner: Pid,
        delay: Duration,
        message: Message<S>,
    ) -> TimerRef {
        // Behind the lock, the number can't be looked up before it is known.
        let mut state = self.state.lock();
        let timer = node.start_timer(owner, delay);
        state.timers.insert(timer, Entry::Once(message));
        timer
    }

    pub(crate) fn start_every(
        &self,
        node: &LocalNode,
        owner: Pid,
        period: Duration,
        make: Box<dyn FnMut() -> Message<S> + Send>,
    ) -> TimerRef {
        let mut state = self.state.lock();
        let due = Instant::now() + period;
        let timer = node.start_timer(owner, period);
        state
            .timers
            .insert(timer, Entry::Every { period, due, make });
        timer
    }

    /// Forgets what a timer stands for; `false` if it was none of these.
    pub(crate) fn forget(&self, timer: TimerRef) -> bool {
        // The message goes after the lock.
        let forgotten = self.state.lock().timers.remove(&timer);
        forgotten.is_some()
    }

    pub(crate) fn has(&self, timer: TimerRef) -> bool {
        self.state.lock().timers.contains_key(&timer)
    }

    pub(crate) fn set_idle(&self, node: &LocalNode, owner: Pid, after: Option<Duration>) {
        let mut state = self.state.lock();
        if let Some(timer) = state.idle.take().and_then(|idle| idle.timer) {
            node.cancel_timer(owner, timer);
        }
        state.idle = after.map(|after| Idle {
            after,
            since: Instant::now(),
            timer: Some(node.start_timer(owner, after)),
            is_message: true,
        });
        self.pending.store(true, Ordering::Relaxed);
    }

    pub(crate) fn continue_with(&self, value: Box<dyn Any + Send>) {
        self.state.lock().continuations.push_back(value);
        self.pending.store(true, Ordering::Relaxed);
    }

    pub(crate) fn hibernate(&self) {
        self.state.lock().hibernate = true;
        self.pending.store(true, Ordering::Relaxed);
    }

    /// Whether there is something to do before the next message.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Relaxed)
    }

    pub(crate) fn next_continuation(&self) -> Option<Box<dyn Any + Send>> {
        self.state.lock().continuations.pop_front()
    }

    pub(crate) fn has_continuation(&self) -> bool {
        !self.state.lock().continuations.is_empty()
    }

    /// A message was handled. Whether memory is to be given back before the next one.
    pub(crate) fn between(&self, node: &LocalNode, owner: Pid) -> bool {
        let mut state = self.state.lock();
        if !state.continuations.is_empty() {
            return false;
        }
        if let Some(idle) = &mut state.idle
            && std::mem::replace(&mut idle.is_message, true)
        {
            idle.since = Instant::now();
            let after = idle.after;
            idle.timer
                .get_or_insert_with(|| node.start_timer(owner, after));
        }
        self.pending.store(state.idle.is_some(), Ordering::Relaxed);
        std::mem::take(&mut state.hibernate)
    }

    /// What is being handled is no message: the time without one goes on.
    pub(crate) fn overlook(&self) {
        if self.is_pending()
            && let Some(idle) = &mut self.state.lock().idle
        {
            idle.is_message = false;
        }
    }

    /// What a timer that is due stands for. `None`: it was cancelled, and nothing was handled.
    pub(crate) fn due(&self, node: &LocalNode, owner: Pid, timer: TimerRef) -> Option<Message<S>> {
        let mut state = self.state.lock();
        let due = state.due(node, owner, timer);
        if let Some(idle) = &mut state.idle {
            idle.is_message = !matches!(due, None | Some(Message::Info(Info::Idle)));
        }
        due
    }
}

impl<S: GenServer> State<S> {
    fn due(&mut self, node: &LocalNode, owner: Pid, timer: TimerRef) -> Option<Message<S>> {
        let now = Instant::now();
        if let Some(idle) = self.idle.as_mut().filter(|idle| idle.timer == Some(timer)) {
            let at = idle.since + idle.after;
            if now < at {
                node.restart_timer(owner, timer, at);
                return None;
            }
            idle.timer = None;
            return Some(Message::Info(Info::Idle));
        }
        let message = match self.timers.remove(&timer)? {
            Entry::Once(message) => message,
            Entry::Every {
                period,
                due,
                mut make,
            } => {
                let due = next_due(due, period, now);
                let message = make();
                node.restart_timer(owner, timer, due);
                self.timers
                    .insert(timer, Entry::Every { period, due, make });
                message
            }
        };
        Some(message)
    }
}

/// The next beat that lies ahead: those that a busy server missed are not made up for.
fn next_due(due: Instant, period: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(due).as_nanos();
    let missed = late / period.as_nanos().max(1);
    let beats = u32::try_from(missed).unwrap_or(u32::MAX - 1) + 1;
    due + period.saturating_mul(beats)
}

impl<S: GenServer> fmt::Debug for Agenda<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timers = self.state.lock().timers.len();
        f.debug_struct("Agenda")
            .field("timers", &timers)
            .finish_non_exhaustive()
    }
}
