//! Pure: the machine's part that acts when time has passed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::NodeDownReason;
use rand::RngExt;

use super::machine::Machine;
use super::message::{Message, News};
use super::output::{Notice, Output, SessionId};
use super::rings::Slot;
use super::status::Status;
use super::votes::DOUBT;

/// How often members that have been gone for long are forgotten.
const FORGET_INTERVAL: Duration = Duration::from_mins(1);

/// The longest that a leave may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

impl Machine {
    /// Sends the heartbeats when they are due: all at once, so that all observers count from the
    /// same moment; and never later than after an interval, so that none counts one as missed.
    pub(super) fn check_tick(&mut self, now: Instant) {
        if now < self.timers.tick_at {
            return;
        }
        let interval = self.rules.heartbeat_interval;
        let late = now.saturating_duration_since(self.timers.tick_at);
        if late > interval / 2 {
            self.resume(now);
        }
        let observers = self.neighbours.observers();
        let sessions = observers.filter_map(|slot| self.members.get(slot)?.session);
        let sessions: Vec<SessionId> = sessions.collect();
        for session in sessions {
            self.emit(Output::Heartbeat { session });
        }
        let gap = interval.mul_f64(self.rng.random_range(0.9..=1.0));
        self.timers.tick_at = now + gap;
        self.edges.retain(|_, until| *until > now);
        self.vouched.retain(|_, until| *until + DOUBT > now);
        self.check_reports(now);
        self.check_rests(now);
        self.check_dials(now);
        self.check_waiting(now);
        self.check_fallen(now);
        self.check_memory(now);
    }

    /// We were paused ourselves: nobody's silence counts for more than one interval, and nobody
    /// is declared down before what waits in the sockets has been read.
    fn resume(&mut self, now: Instant) {
        self.notice(Notice::Paused);
        if self.rules.flaw.ignores_resume() {
            return;
        }
        let interval = self.rules.heartbeat_interval;
        let patience = self.rules.patience();
        let since = now.checked_sub(interval).unwrap_or(now);
        for watch in self.neighbours.watches_mut() {
            watch.clear(watch.since.max(since));
            watch.due = now + patience - interval;
        }
        self.timers.verdicts_at = Some(now + interval / 5);
    }

    /// Takes those off the rings who fell some time ago.
    fn check_fallen(&mut self, now: Instant) {
        while let Some((until, place)) = self.fallen.front().copied()
            && until <= now
        {
            self.fallen.pop_front();
            let is_back = self.members.is_up(place.slot);
            if !is_back || self.members.place(place.slot) != Some(place) {
                self.rings.remove(place);
            }
        }
    }

    /// Forgets those that have been gone for long.
    fn check_memory(&mut self, now: Instant) {
        if now < self.timers.forget_at {
            return;
        }
        self.timers.forget_at = now + FORGET_INTERVAL;
        for slot in self.members.old(now) {
            self.forget(slot);
        }
    }

    /// Runs alone if nobody was found for long enough.
    pub(super) fn check_join(&mut self, now: Instant) {
        if self.timers.join_at.take_if(|at| *at <= now).is_some() {
            self.enter(Status::Running);
        }
    }

    /// Begins to leave: everybody is told, those too with whom a session is about to open.
    pub(super) fn leave(&mut self, now: Instant) {
        if self.is_leaving() {
            return;
        }
        self.enter(Status::Stopping);
        self.timers.stop_at = Some(now + STOP_TIMEOUT);
        for dial in self.dials.end_all_not_proceeding() {
            self.emit(Output::CancelDial { dial });
        }
        let left = Arc::new(vec![News::Left(self.own_life())]);
        let sessions: Vec<SessionId> = self.sessions.ids().collect();
        for session in sessions {
            self.send(session, Message::News(Arc::clone(&left)));
            self.emit(Output::Farewell { session });
        }
        self.check_stop(now);
    }

    /// Has left when every peer closed its session, or time is up. To this node, whoever is still
    /// up is gone then: there is one down for each up even so.
    pub(super) fn check_stop(&mut self, now: Instant) {
        let Some(stop_at) = self.timers.stop_at else {
            return;
        };
        let is_idle = self.sessions.is_idle() && self.dials.is_empty();
        if !is_idle && now < stop_at {
            return;
        }
        self.timers.stop_at = None;
        let members: Vec<Slot> = self.members.iter().map(|(slot, _)| slot).collect();
        for slot in members {
            self.tell_down(slot, NodeDownReason::GracefulShutdown);
            self.close_session(slot);
        }
        self.enter(Status::Stopped);
    }
}
