//! The world's part that does what machines say, as the driver does.

use noex_cluster::sim::{Message, Output, SessionId};

use crate::connection::{EndIndex, Packet};
use crate::truth::{Load, Told, What};
use crate::world::World;
use noex_core::Creation;

/// What a message takes on the wire besides itself: the length of its frame, its kind, and the
/// length and the tag of its record.
const OVERHEAD: usize = 4 + 1 + 2 + 16;

impl World {
    pub(crate) fn perform(&mut self, host: usize) {
        while let Some(output) = self.nodes[host].machine.poll_output() {
            self.perform_one(host, output);
        }
        self.arm(host);
    }

    fn perform_one(&mut self, host: usize, output: Output) {
        match output {
            Output::Heartbeat { session } => {
                let facts = self.nodes[host].facts;
                self.say(host, session, Message::Heartbeat(facts));
            }
            Output::Send { session, message } => self.say(host, session, message),
            Output::Neighbours { nodes } => {
                let lives = nodes.iter().map(|creation| self.creations[creation]);
                self.nodes[host].neighbours = lives.collect();
            }
            Output::Facts { .. } | Output::Notice(_) => {}
            Output::Dial { dial, to } => self.dial(host, dial, &to),
            Output::Proceed { dial } => self.proceed(host, dial),
            Output::CancelDial { dial } => drop(self.dials.remove(&(host, dial))),
            Output::Answer { session, answer } => self.answer(host, session, answer),
            Output::Farewell { session } => {
                let end = EndIndex::of_session(session);
                self.send(end, Packet::LaneEnd);
                self.send(end, Packet::Goodbye);
            }
            Output::Rest { session } => self.send(EndIndex::of_session(session), Packet::LaneEnd),
            Output::CloseSession { session } => self.close(host, EndIndex::of_session(session)),
            Output::PeerUp { peer } => self.tell(host, peer.creation, What::Up),
            Output::PeerDown { peer, reason } => {
                self.tell(host, peer.creation, What::Down(reason));
            }
            Output::SessionOpened { peer, .. } => self.tell(host, peer.creation, What::Opened),
            Output::SessionLost { peer } => self.tell(host, peer.creation, What::Lost),
            Output::SessionRested { peer } => self.tell(host, peer.creation, What::Rested),
            Output::Resolve { .. } | Output::Forgotten { .. } | Output::Status(_) => {}
        }
    }

    fn say(&mut self, host: usize, session: SessionId, message: Message) {
        let end = EndIndex::of_session(session);
        if !self.connections[end.connection()].ends[end.end()].is_open {
            return;
        }
        let is_routine = matches!(message, Message::Heartbeat(_) | Message::Digest(_));
        let size = if self.is_weighing {
            size_of(&message)
        } else {
            0
        };
        self.tally.add(&message);
        let sent = &mut self.nodes[host].sent;
        sent.messages += 1;
        sent.changes += usize::from(!is_routine);
        sent.bytes += size;
        self.send(end, Packet::Message(message));
    }

    /// An end closes by itself; the other one learns of it behind what was sent.
    pub(crate) fn close(&mut self, host: usize, end: EndIndex) {
        let own = &mut self.connections[end.connection()].ends[end.end()];
        if !std::mem::take(&mut own.is_open) {
            return;
        }
        self.nodes[host].ends.remove(&end);
        self.send(end, Packet::Close);
    }

    pub(crate) fn tell(&mut self, host: usize, about: Creation, what: What) {
        let about = self.creations[&about];
        let node = &mut self.nodes[host];
        let was_up = match what {
            What::Up => node.note(about, true),
            What::Down(_) => node.note(about, false),
            What::Wanted | What::Opened | What::Lost | What::Rested => node.holds(about),
        };
        let load = Load {
            sessions: node.machine.session_count(),
            dials: node.machine.dial_count(),
        };
        let (to, at) = (node.life, self.now);
        self.told(Told {
            at,
            to,
            about,
            what,
            was_up,
        });
        self.weighed(to, load);
    }
}

/// The bytes of a message on the wire.
fn size_of(message: &Message) -> usize {
    let encoded = rmp_serde::to_vec_named(message);
    encoded.expect("a message can be encoded").len() + OVERHEAD
}
