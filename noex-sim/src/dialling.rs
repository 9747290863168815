//! The world's part that opens connections: what a dial goes through, one trip after the other.

use std::time::Duration;

use noex_cluster::sim::{DialFailure, DialId, Endpoint, Input, Refusal, SessionId, Via};

use crate::connection::{Connection, End, EndIndex};
use crate::node::{Condition, host_of, key_of};
use crate::paths::Passage;
use crate::truth::LifeIndex;
use crate::world::{Event, World};

/// The longest that a handshake takes.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A dial that is under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dial {
    to: usize,
    life: LifeIndex,
    session: Option<SessionId>,
}

/// Something of a dial.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// It reaches its target.
    Reach { from: usize, dial: DialId },
    /// The dialler's hello does.
    Ask { from: usize, dial: DialId },
    /// The lane does.
    Attach {
        from: usize,
        dial: DialId,
        session: SessionId,
    },
    /// The dialler learns that.
    Attached {
        from: usize,
        dial: DialId,
        session: SessionId,
    },
    /// Nobody has answered in time.
    TimeOut { from: usize, dial: DialId },
    /// The session has not opened in time.
    Overdue { to: usize, session: SessionId },
}

impl World {
    pub(crate) fn dial(&mut self, from: usize, dial: DialId, to: &Endpoint) {
        let to = host_of(match to {
            Endpoint::Address(address) => address.port(),
            Endpoint::Node(node) => node.port(),
        });
        let life = self.nodes[from].life;
        self.dials.insert(
            (from, dial),
            Dial {
                to,
                life,
                session: None,
            },
        );
        let patience = (self.rules.detection_time() / 2).min(HANDSHAKE_TIMEOUT);
        self.queue.push(
            self.now + patience,
            Event::Dial(Step::TimeOut { from, dial }),
        );
        self.trip(from, to, 1, Step::Reach { from, dial });
    }

    pub(crate) fn proceed(&mut self, from: usize, dial: DialId) {
        if let Some(found) = self.dials.get(&(from, dial)).copied() {
            self.trip(from, found.to, 1, Step::Ask { from, dial });
        }
    }

    pub(crate) fn answer(&mut self, to: usize, session: SessionId, answer: Result<(), Refusal>) {
        let Some((from, dial)) = self.asked.remove(&(to, session)) else {
            return;
        };
        match answer {
            // The answer, then the connection for the lane and its handshake.
            Ok(()) => {
                self.trip(
                    to,
                    from,
                    4,
                    Step::Attach {
                        from,
                        dial,
                        session,
                    },
                );
                let at = self.now + HANDSHAKE_TIMEOUT;
                self.queue
                    .push(at, Event::Dial(Step::Overdue { to, session }));
            }
            Err(refusal) => self.fail_later(to, from, dial, DialFailure::Declined(refusal)),
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Reach { from, dial } => self.reach(from, dial),
            Step::Ask { from, dial } => self.ask(from, dial),
            Step::Attach {
                from,
                dial,
                session,
            } => self.attach(from, dial, session),
            Step::Attached {
                from,
                dial,
                session,
            } => self.attached(from, dial, session),
            Step::TimeOut { from, dial } => {
                let is_open = self
                    .dials
                    .get(&(from, dial))
                    .is_some_and(|d| d.session.is_none());
                if is_open {
                    self.fail(from, dial, DialFailure::NoAnswer);
                }
            }
            Step::Overdue { to, session } => {
                let end = EndIndex::of_session(session);
                if !self.connections[end.connection()].ends[end.end()].is_open {
                    self.input(to, Input::AcceptFailed { session });
                }
            }
        }
    }

    fn reach(&mut self, from: usize, dial: DialId) {
        let Some(found) = self.dials.get(&(from, dial)).copied() else {
            return;
        };
        let Some(target) = self.nodes.get(found.to) else {
            return self.fail_later(from, from, dial, DialFailure::Refused);
        };
        match target.condition {
            Condition::Ended => self.fail_later(found.to, from, dial, DialFailure::Refused),
            // The kernel takes the connection, and nobody says a word.
            Condition::Paused => {}
            Condition::Running => {
                let peer = target.peer.clone();
                let key = key_of(peer.creation);
                let input = Input::Identified { dial, peer, key };
                // The connection is there after one trip back; the handshake is a second way.
                self.deliver(found.to, from, 3, input);
            }
        }
    }

    fn ask(&mut self, from: usize, dial: DialId) {
        let Some(found) = self.dials.get(&(from, dial)).copied() else {
            return;
        };
        let target = &self.nodes[found.to];
        if target.condition != Condition::Running {
            return;
        }
        let life = target.life;
        let connection = self.connections.len();
        self.connections.push(Connection {
            ends: [End::new(from, found.life), End::new(found.to, life)],
        });
        let session = EndIndex::of(connection, 1).session();
        if let Some(dialled) = self.dials.get_mut(&(from, dial)) {
            dialled.session = Some(session);
        }
        self.asked.insert((found.to, session), (from, dial));
        let peer = self.nodes[from].peer.clone();
        let key = key_of(peer.creation);
        self.input(found.to, Input::Asked { session, peer, key });
        let at = self.now + HANDSHAKE_TIMEOUT;
        let life = self.nodes[from].life;
        let input = Input::DialFailed {
            dial,
            how: DialFailure::Lost,
        };
        self.queue.push(
            at,
            Event::Input {
                host: from,
                life,
                input,
            },
        );
    }

    fn attach(&mut self, from: usize, dial: DialId, session: SessionId) {
        let end = EndIndex::of_session(session);
        let target = &self.connections[end.connection()].ends[end.end()];
        let (to, life) = (target.host, target.life);
        let node = &self.nodes[to];
        if node.life != life || node.condition == Condition::Ended {
            return self.fail_later(to, from, dial, DialFailure::Lost);
        }
        if !self.dials.contains_key(&(from, dial)) {
            return self.input(to, Input::AcceptFailed { session });
        }
        self.connections[end.connection()].ends[end.end()].is_open = true;
        self.connections[end.connection()].ends[end.other().end()].is_open = true;
        self.nodes[to].ends.insert(end);
        self.nodes[from].ends.insert(end.other());
        let (peer, incarnation) = (self.nodes[from].peer.clone(), self.nodes[from].incarnation);
        let key = key_of(peer.creation);
        let via = Via::Accept;
        if let Some(delay) = self.delay(to, from, 1) {
            // What the target says from now on comes behind this.
            let at = self.now + delay;
            self.connections[end.connection()].ends[end.other().end()].last_at = at;
            let step = Step::Attached {
                from,
                dial,
                session,
            };
            self.queue.push(at, Event::Dial(step));
        }
        self.input(
            to,
            Input::SessionOpened {
                session,
                peer,
                key,
                incarnation,
                via,
            },
        );
    }

    fn attached(&mut self, from: usize, dial: DialId, session: SessionId) {
        let end = EndIndex::of_session(session);
        let own = end.other();
        if self.dials.remove(&(from, dial)).is_none() {
            return self.close(from, own);
        }
        let to = self.connections[end.connection()].ends[end.end()].host;
        let (peer, incarnation) = (self.nodes[to].peer.clone(), self.nodes[to].incarnation);
        let (key, via) = (key_of(peer.creation), Via::Dial(dial));
        let session = own.session();
        self.input(
            from,
            Input::SessionOpened {
                session,
                peer,
                key,
                incarnation,
                via,
            },
        );
    }

    fn fail(&mut self, from: usize, dial: DialId, how: DialFailure) {
        self.dials.remove(&(from, dial));
        self.input(from, Input::DialFailed { dial, how });
    }

    fn fail_later(&mut self, to: usize, from: usize, dial: DialId, how: DialFailure) {
        self.deliver(to, from, 1, Input::DialFailed { dial, how });
        self.dials.remove(&(from, dial));
    }

    /// After so many trips between two hosts, if all get through, the step is taken.
    fn trip(&mut self, from: usize, to: usize, count: u32, step: Step) {
        if let Some(delay) = self.delay(from, to, count) {
            self.queue.push(self.now + delay, Event::Dial(step));
        }
    }

    fn deliver(&mut self, from: usize, to: usize, count: u32, input: Input) {
        if let Some(delay) = self.delay(from, to, count) {
            let life = self.nodes[to].life;
            let event = Event::Input {
                host: to,
                life,
                input,
            };
            self.queue.push(self.now + delay, event);
        }
    }

    fn delay(&mut self, from: usize, to: usize, count: u32) -> Option<Duration> {
        let mut delay = Duration::ZERO;
        for leg in 0..count {
            let (from, to) = if leg.is_multiple_of(2) {
                (from, to)
            } else {
                (to, from)
            };
            match self.paths.pass(from, to, &mut self.rng) {
                Passage::Takes { delay: time, .. } => delay += time,
                Passage::Reset | Passage::Blocked => return None,
            }
        }
        Some(delay)
    }
}
