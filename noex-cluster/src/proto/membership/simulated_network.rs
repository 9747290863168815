//! Pure: the simulation's network: what a machine says, and when the others hear it.

use std::time::{Duration, Instant};

use noex_core::{Creation, Peer};
use rand::RngExt;

use super::simulation::{DIAL_TIMEOUT, Simulation, Told, index_of, index_of_port, key_of};
use super::{DialFailure, DialId, Endpoint, Input, Message, Output, SessionId, Stream, Via};
use crate::proto::wire::Refusal;

/// What happens next.
pub(super) enum Event {
    /// Something comes to this life of a node.
    Deliver(usize, Creation, Input),
    /// A dial reaches its target.
    Reach {
        from: usize,
        dial: DialId,
        to: usize,
    },
    /// The dialler's hello reaches the target.
    Ask { from: usize, dial: DialId },
    /// The lane reaches the target; the dialler learns so later.
    Attach {
        from: usize,
        dial: DialId,
        to: usize,
        session: SessionId,
    },
}

impl Simulation {
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver(index, creation, input) => {
                let node = &mut self.nodes[index];
                if !node.is_alive || node.peer.creation != creation {
                    return;
                }
                if node.is_paused {
                    node.inbox.push(input);
                } else {
                    self.feed(index, input);
                }
            }
            Event::Reach { from, dial, to } => self.reach(from, dial, to),
            Event::Ask { from, dial } => {
                let Some(to) = self.targets.get(&(from, dial)).copied() else {
                    return;
                };
                let session = self.fresh_session();
                self.asked.insert((to, session), (from, dial));
                let Peer { creation, .. } = self.nodes[from].peer;
                let peer = self.nodes[from].peer.clone();
                self.deliver(
                    to,
                    Input::Asked {
                        session,
                        peer,
                        key: key_of(creation),
                    },
                );
            }
            Event::Attach {
                from,
                dial,
                to,
                session,
            } => {
                let own = self.fresh_session();
                if self.targets.remove(&(from, dial)).is_none() {
                    return self.deliver(to, Input::AcceptFailed { session });
                }
                self.ends.insert((from, own), (to, session));
                self.ends.insert((to, session), (from, own));
                let (dialler, target) =
                    (self.nodes[from].peer.clone(), self.nodes[to].peer.clone());
                let key = key_of(dialler.creation);
                let incarnation = self.nodes[from].incarnation;
                let via = Via::Accept;
                self.deliver(
                    to,
                    Input::SessionOpened {
                        session,
                        peer: dialler,
                        key,
                        incarnation,
                        via,
                    },
                );
                let (key, via) = (key_of(target.creation), Via::Dial(dial));
                let opened = Input::SessionOpened {
                    session: own,
                    peer: target,
                    key,
                    incarnation: self.nodes[to].incarnation,
                    via,
                };
                self.deliver_later(from, opened);
            }
        }
    }

    fn reach(&mut self, from: usize, dial: DialId, to: usize) {
        let is_cut = self.cuts.contains(&(from.min(to), from.max(to)));
        let Some(target) = self.nodes.get(to).filter(|node| node.is_alive || is_cut) else {
            let how = DialFailure::Refused;
            return self.deliver(from, Input::DialFailed { dial, how });
        };
        if is_cut || target.is_paused {
            let creation = self.nodes[from].peer.creation;
            let input = Input::DialFailed {
                dial,
                how: DialFailure::NoAnswer,
            };
            let event = Event::Deliver(from, creation, input);
            return self.at(self.now + DIAL_TIMEOUT, event);
        }
        let peer = target.peer.clone();
        self.targets.insert((from, dial), to);
        let key = key_of(peer.creation);
        self.deliver(from, Input::Identified { dial, peer, key });
    }

    pub(super) fn perform(&mut self, index: usize) {
        while let Some(output) = self.nodes[index].machine.poll_output() {
            self.perform_one(index, output);
        }
    }

    fn perform_one(&mut self, index: usize, output: Output) {
        let now = self.now;
        let mut tell = |told| self.nodes[index].told.push((now, told));
        match output {
            Output::PeerUp { peer } => tell(Told::Up(peer)),
            Output::SessionOpened { peer, .. } => tell(Told::Opened(peer)),
            Output::SessionLost { peer } => tell(Told::Lost(peer)),
            Output::SessionRested { peer } => tell(Told::Rested(peer)),
            Output::PeerDown { peer, reason } => tell(Told::Down(peer, reason)),
            Output::Dial { dial, to } => {
                self.nodes[index].dials += 1;
                let to = match to {
                    Endpoint::Address(address) => index_of_port(address.port()),
                    Endpoint::Node(node) => index_of(&node),
                };
                self.later(Event::Reach {
                    from: index,
                    dial,
                    to,
                });
            }
            Output::Proceed { dial } => self.later(Event::Ask { from: index, dial }),
            Output::CancelDial { dial } => {
                self.targets.remove(&(index, dial));
            }
            Output::Answer { session, answer } => self.answer(index, session, answer),
            Output::Heartbeat { session } => {
                self.send(index, session, |session| Input::Heard { session });
            }
            Output::Send { session, message } => self.send_message(index, session, &message),
            Output::Farewell { session } => {
                self.send(index, session, |session| Input::LaneEnded { session });
                self.send(index, session, |session| Input::Goodbye { session });
            }
            Output::Rest { session } => self.end_lane(index, session),
            Output::CloseSession { session } => self.close(index, session),
            Output::Resolve { .. }
            | Output::Facts { .. }
            | Output::Neighbours { .. }
            | Output::Forgotten { .. }
            | Output::Status(_) => {}
            Output::Notice(notice) => self.nodes[index].notices.push(notice),
        }
    }

    fn answer(&mut self, to: usize, session: SessionId, answer: Result<(), Refusal>) {
        let Some((from, dial)) = self.asked.remove(&(to, session)) else {
            return;
        };
        match answer {
            Ok(()) => self.later(Event::Attach {
                from,
                dial,
                to,
                session,
            }),
            Err(refusal) => {
                self.targets.remove(&(from, dial));
                let how = DialFailure::Declined(refusal);
                self.deliver_later(from, Input::DialFailed { dial, how });
            }
        }
    }

    fn send_message(&mut self, index: usize, session: SessionId, message: &Message) {
        let message = message.clone();
        self.send(index, session, |session| Input::Message {
            session,
            message,
        });
    }

    /// The lane is a connection of its own: its end may overtake what is said on the other one.
    fn end_lane(&mut self, from: usize, session: SessionId) {
        let Some((to, session)) = self.ends.get(&(from, session)).copied() else {
            return;
        };
        if !self.cuts.contains(&(from.min(to), from.max(to))) {
            self.deliver_later(to, Input::LaneEnded { session });
        }
    }

    fn send(&mut self, from: usize, session: SessionId, make: impl FnOnce(SessionId) -> Input) {
        let Some((to, theirs)) = self.ends.get(&(from, session)).copied() else {
            return;
        };
        if !self.cuts.contains(&(from.min(to), from.max(to))) {
            self.deliver_in_order(to, theirs, make(theirs));
        }
    }

    pub(super) fn close(&mut self, index: usize, session: SessionId) {
        let Some((to, theirs)) = self.ends.remove(&(index, session)) else {
            return;
        };
        if !self.cuts.contains(&(index.min(to), index.max(to))) {
            self.closed(to, theirs);
        }
    }

    pub(super) fn closed(&mut self, index: usize, session: SessionId) {
        self.ends.remove(&(index, session));
        let input = Input::Closed {
            session,
            stream: Stream::Control,
        };
        self.deliver_in_order(index, session, input);
    }

    fn deliver(&mut self, index: usize, input: Input) {
        let creation = self.nodes[index].peer.creation;
        self.happen(Event::Deliver(index, creation, input));
    }

    fn deliver_later(&mut self, index: usize, input: Input) {
        let creation = self.nodes[index].peer.creation;
        self.later(Event::Deliver(index, creation, input));
    }

    /// What comes over one connection keeps its order.
    fn deliver_in_order(&mut self, index: usize, session: SessionId, input: Input) {
        let delay = Duration::from_micros(self.rng.random_range(200..2_000));
        let earliest = self
            .arrived
            .get(&(index, session))
            .copied()
            .unwrap_or(self.now);
        let at = earliest.max(self.now + delay);
        self.arrived.insert((index, session), at);
        let creation = self.nodes[index].peer.creation;
        self.at(at, Event::Deliver(index, creation, input));
    }

    /// After the time that a packet takes.
    pub(super) fn later(&mut self, event: Event) {
        let delay = Duration::from_micros(self.rng.random_range(200..2_000));
        self.at(self.now + delay, event);
    }

    pub(super) fn at(&mut self, at: Instant, event: Event) {
        self.last += 1;
        self.queue.insert((at, self.last), event);
    }

    fn fresh_session(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }
}
