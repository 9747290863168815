//! The world's part that carries packets, and wakes machines.

use noex_cluster::sim::{Input, Stream};

use crate::connection::{Batch, EndIndex, Packet};
use crate::node::Condition;
use crate::paths::{Passage, RETRANSMISSION};
use crate::time::At;
use crate::truth::LifeIndex;
use crate::world::{Event, World};

impl World {
    pub(crate) fn happen(&mut self, event: Event) {
        match event {
            Event::Timer { host, life } => self.timer(host, life),
            Event::Packet { end, packet } => self.arrive(end, packet),
            Event::Retransmit { end } => self.retransmit(end),
            Event::GiveUp { end, since } => self.give_up(end, since),
            Event::Dial(step) => self.step(step),
            Event::Input { host, life, input } => {
                if self.nodes[host].life == life {
                    self.input(host, input);
                }
            }
        }
    }

    /// Something comes to the process on a host.
    pub(crate) fn input(&mut self, host: usize, input: Input) {
        match self.nodes[host].condition {
            Condition::Running => {
                let now = self.local(host);
                self.nodes[host].machine.handle_input(input, now);
                self.perform(host);
            }
            Condition::Paused => self.nodes[host].inbox.push(input),
            Condition::Ended => {}
        }
    }

    fn timer(&mut self, host: usize, life: LifeIndex) {
        let node = &mut self.nodes[host];
        if node.life != life || node.timer_at != Some(self.now) {
            return;
        }
        node.timer_at = None;
        if node.condition != Condition::Running {
            return;
        }
        let now = node.local(self.base, self.now);
        if node.machine.poll_timeout().is_some_and(|at| at <= now) {
            node.machine.handle_timeout(now);
        }
        self.perform(host);
    }

    /// Sees to it that a machine is woken when it asks to be.
    pub(crate) fn arm(&mut self, host: usize) {
        let node = &mut self.nodes[host];
        let Some(due) = node.machine.poll_timeout() else {
            return;
        };
        let at = node.global(self.base, due).max(self.now);
        if node.timer_at.is_some_and(|armed| armed <= at) {
            return;
        }
        node.timer_at = Some(at);
        let life = node.life;
        self.queue.push(at, Event::Timer { host, life });
    }

    /// Sends a packet to the other end. As TCP sends nothing more while it retransmits, and then
    /// all at once, what is sent meanwhile shares the fate of one packet.
    pub(crate) fn send(&mut self, from: EndIndex, packet: Packet) {
        let (to, now) = (from.other(), self.now);
        let connection = &mut self.connections[from.connection()];
        let source = connection.ends[from.end()].host;
        let target = &mut connection.ends[to.end()];
        if target.held_since.is_some() {
            return self.hold(to, packet, now);
        }
        let (sent_at, batch) = target.departure(now);
        if let Some(batch) = batch {
            return self.queue.push(batch.at, Event::Packet { end: to, packet });
        }
        match self.paths.pass(source, target.host, &mut self.rng) {
            Passage::Takes { delay, is_resent } => {
                let at = target.last_at.max(sent_at + delay);
                target.last_at = at;
                if sent_at > now {
                    target.batch = Some(Batch {
                        sent_at,
                        at,
                        is_resent,
                    });
                } else if is_resent {
                    target.resent_until = at;
                }
                self.queue.push(at, Event::Packet { end: to, packet });
            }
            Passage::Reset | Passage::Blocked => self.hold(to, packet, sent_at),
        }
    }

    /// What goes out at `sent_at` does not get through.
    fn hold(&mut self, to: EndIndex, packet: Packet, sent_at: At) {
        let target = &mut self.connections[to.connection()].ends[to.end()];
        target.held.push(packet);
        if target.held_since.is_none() {
            target.held_since = Some(sent_at);
            self.held.insert(to);
            let (at, since) = (sent_at + self.paths.patience, sent_at);
            self.queue.push(at, Event::GiveUp { end: to, since });
        }
    }

    /// The paths have changed: what is held goes out with the next retransmission.
    pub(crate) fn resend_held(&mut self) {
        for end in self.held.clone() {
            let target = &self.connections[end.connection()].ends[end.end()];
            let Some(since) = target.held_since else {
                continue;
            };
            let at = next_retransmission(since, self.now);
            self.queue.push(at, Event::Retransmit { end });
        }
    }

    fn retransmit(&mut self, end: EndIndex) {
        let connection = &mut self.connections[end.connection()];
        let (source, host) = (
            connection.ends[end.other().end()].host,
            connection.ends[end.end()].host,
        );
        if self.paths.is_blocked(source, host) || connection.ends[end.end()].held_since.is_none() {
            return;
        }
        let target = &mut connection.ends[end.end()];
        target.held_since = None;
        let held = std::mem::take(&mut target.held);
        self.held.remove(&end);
        for packet in held {
            self.send(end.other(), packet);
        }
    }

    /// What was sent was not acknowledged for too long: the connection is over at both ends.
    fn give_up(&mut self, end: EndIndex, since: At) {
        let target = &mut self.connections[end.connection()].ends[end.end()];
        if target.held_since != Some(since) {
            return;
        }
        target.held_since = None;
        target.held.clear();
        self.held.remove(&end);
        self.closed(end);
        self.closed(end.other());
    }

    fn arrive(&mut self, end: EndIndex, packet: Packet) {
        let target = &self.connections[end.connection()].ends[end.end()];
        let (host, life) = (target.host, target.life);
        let node = &self.nodes[host];
        if node.life != life || node.condition == Condition::Ended {
            // Nobody is there, but the host says so, unless it has no power itself.
            if !matches!(packet, Packet::Close)
                && self.connections[end.connection()].ends[end.other().end()].is_open
            {
                self.send(end, Packet::Close);
            }
            return;
        }
        if !target.is_open {
            return;
        }
        let session = end.session();
        let input = match packet {
            Packet::Message(message) => Input::Message { session, message },
            Packet::LaneEnd => Input::LaneEnded { session },
            Packet::Goodbye => Input::Goodbye { session },
            Packet::Close => return self.closed(end),
        };
        self.input(host, input);
    }

    /// An end learns that its connection is over.
    pub(crate) fn closed(&mut self, end: EndIndex) {
        let target = &mut self.connections[end.connection()].ends[end.end()];
        if !std::mem::take(&mut target.is_open) {
            return;
        }
        let (host, life, session) = (target.host, target.life, end.session());
        self.nodes[host].ends.remove(&end);
        if self.nodes[host].life != life {
            return;
        }
        for stream in [Stream::Control, Stream::Lane] {
            self.input(host, Input::Closed { session, stream });
        }
    }
}

/// The first retransmission of what was sent first at `since` that is not before `now`.
fn next_retransmission(since: At, now: At) -> At {
    let mut at = since;
    let mut wait = RETRANSMISSION;
    while at < now {
        at = at + wait;
        wait *= 2;
    }
    at
}
