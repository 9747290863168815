//! `Driver`: feeds the membership machine, and does what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use noex_core::task::spawn_on;
use noex_core::{Creation, LocalNode};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::arrival::{Arrival, Claim};
use super::control::{Control, ControlContext};
use super::dialer::Dialer;
use super::identity::Identity;
use super::leaving::{SESSION_PATIENCE, settled};
use super::notices::Notices;
use super::pulse::Pulse;
use super::session::{Companion, Session};
use super::stream::SecureStream;
use super::wishes::{Wish, Wishes};
use crate::finding::Sources;
use crate::proto::idleness::Idleness;
use crate::proto::membership::{DialId, Input, Machine, Message, Output, SessionId, Status, Via};
use crate::proto::wire::Verdict;
use crate::view::View;

/// How often the tasks that read sockets get a turn before a time-out is acted on. In each turn
/// the runtime looks at its sockets once, every ready task runs once, and reports what it read.
const READ_TURNS: usize = 4;

/// Feeds the membership machine, and does what it says.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) machine: Machine,
    pub(super) node: LocalNode,
    pub(super) identity: Arc<Identity>,
    pub(super) view: Arc<View>,
    pub(super) dialer: Arc<Dialer>,
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    pub(super) wishes: Wishes,
    /// When the leave begins that the user wants, settled or not.
    pub(super) leave_at: Option<Instant>,
    /// Whether the user has not wanted to leave yet.
    pub(super) is_staying: bool,
    pub(super) pulse: Pulse,
    pub(super) sources: Sources,
    pub(super) lanes: LaneSettings,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) dials: BTreeMap<DialId, DialTask>,
    pub(super) asking: BTreeMap<SessionId, (Claim, oneshot::Sender<Verdict>)>,
    pub(super) last_session: u64,
    pub(super) idleness: Idleness<SessionId>,
    pub(super) notices: Notices,
    /// The members that lost their session and have no other one yet.
    pub(super) severed: BTreeSet<Creation>,
}

/// Where lanes run, and how long peers are waited for.
#[derive(Debug)]
pub(super) struct LaneSettings {
    pub(super) runtime: Handle,
    /// How long an accepted session waits for its lane.
    pub(super) patience: Duration,
    /// How long the machine of a peer may be silent before its control connection is given up.
    pub(super) silence: Duration,
}

/// A dial that is under way.
#[derive(Debug)]
pub(super) struct DialTask {
    proceed: Option<oneshot::Sender<()>>,
    _task: Companion,
}

impl Driver {
    /// Runs until the node has left the cluster, or nobody can ask it to any more.
    pub(super) async fn run(mut self) {
        loop {
            self.perform();
            if self.view.status() == Status::Stopped {
                return;
            }
            let due = self.machine.poll_timeout();
            let far = now() + Duration::from_hours(1);
            tokio::select! {
                biased;
                // First, so that peers which say a lot can't keep the user from being heard.
                wish = self.wishes.next() => {
                    let Some(wish) = wish else { return };
                    self.grant(wish);
                }
                () = settled(&self.view.router, self.leave_at) => self.leave(),
                // Who leaves does so as well as it can.
                arrest = self.pulse.stops(), if self.is_staying => {
                    if !self.stand_still(arrest).await {
                        return;
                    }
                }
                peer = self.view.router.wanted() => self.feed(Input::Wanted { peer }),
                arrival = self.arrivals.recv() => {
                    let Some(arrival) = arrival else { return };
                    self.take_in(arrival);
                }
                () = sleep_until(due.unwrap_or(far).into()) => {}
                () = sleep_until(self.idleness.timeout().into()) => self.look_for_idle(),
            }
            self.take_in_all();
            if due.is_some_and(|due| due <= now()) {
                self.read_sockets().await;
                self.machine.handle_timeout(now());
            }
        }
    }

    /// Takes in what waits in the sockets, so that a process that was paused does not take its
    /// own pause for the silence of others.
    async fn read_sockets(&mut self) {
        for _ in 0..READ_TURNS {
            tokio::task::yield_now().await;
            self.take_in_all();
        }
    }

    fn take_in_all(&mut self) {
        while let Ok(arrival) = self.arrivals.try_recv() {
            self.take_in(arrival);
            self.perform();
        }
    }

    pub(super) fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Reconnect(node) => self.feed(Input::Reconnect { node }),
            Wish::Disconnect(node) => self.feed(Input::Disconnect { node }),
            Wish::Leave => {
                self.is_staying = false;
                self.leave_at = self.leave_at.or_else(|| Some(now() + SESSION_PATIENCE));
            }
        }
    }

    fn leave(&mut self) {
        self.leave_at = None;
        self.feed(Input::Leave);
    }

    fn feed(&mut self, input: Input) {
        self.machine.handle_input(input, now());
    }

    /// Turns what the tasks report into inputs, and keeps the streams that they hand over.
    fn take_in(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Resolved { seed, addresses } => self.feed(Input::Resolved { seed, addresses }),
            Arrival::Identified {
                dial,
                claim,
                proceed,
            } => {
                if let Some(task) = self.dials.get_mut(&dial) {
                    task.proceed = Some(proceed);
                }
                self.feed(Input::Identified {
                    dial,
                    peer: claim.peer,
                    key: claim.key,
                });
            }
            Arrival::DialFailed { dial, how } => {
                self.dials.remove(&dial);
                self.feed(Input::DialFailed { dial, how });
            }
            Arrival::Dialled {
                dial,
                claim,
                control,
                lane,
            } => {
                self.dials.remove(&dial);
                let session = self.next_session();
                let mut streams = Session::new(claim);
                streams.control = Some(self.start_control(session, *control, &streams.claim));
                streams.lane_stream = Some(lane);
                self.sessions.insert(session, streams);
                self.opened(session, Via::Dial(dial));
            }
            Arrival::Asked { claim, verdict } => {
                let session = self.next_session();
                let Claim { peer, key, .. } = claim.clone();
                self.asking.insert(session, (claim, verdict));
                self.feed(Input::Asked { session, peer, key });
            }
            Arrival::Accepted { session, control } => self.accepted(session, *control),
            Arrival::LaneAsked {
                session,
                claim,
                verdict,
            } => {
                self.lane_asked(session, &claim, verdict);
            }
            Arrival::LaneAccepted { session, lane } => self.lane_accepted(session, lane),
            Arrival::LaneOverdue { session } => {
                // It may have come in the moment in which it became overdue.
                if self
                    .sessions
                    .get(&session)
                    .is_some_and(Session::awaits_lane)
                {
                    self.close(session);
                    self.feed(Input::AcceptFailed { session });
                }
            }
            Arrival::Idle { session } => self.feed(Input::Rest { session }),
            Arrival::Heard { session } => self.feed(Input::Heard { session }),
            Arrival::Message { session, message } => self.feed(Input::Message { session, message }),
            Arrival::Goodbye { session } => self.feed(Input::Goodbye { session }),
            Arrival::LaneEnded { session } => self.feed(Input::LaneEnded { session }),
            Arrival::Closed { session, stream } => self.feed(Input::Closed { session, stream }),
        }
    }

    pub(super) fn opened(&mut self, session: SessionId, via: Via) {
        let Some(streams) = self.sessions.get(&session) else {
            return;
        };
        let claim = streams.claim.clone();
        self.feed(Input::SessionOpened {
            session,
            peer: claim.peer,
            key: claim.key,
            incarnation: claim.incarnation,
            via,
        });
    }

    fn next_session(&mut self) -> SessionId {
        self.last_session += 1;
        SessionId(self.last_session)
    }

    /// Does what the machine says.
    pub(super) fn perform(&mut self) {
        let counts = &self.view.counts;
        counts
            .sessions
            .store(self.machine.session_count(), Ordering::Relaxed);
        counts
            .dials
            .store(self.machine.dial_count(), Ordering::Relaxed);
        counts
            .members
            .store(self.machine.member_count(), Ordering::Relaxed);
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Resolve { seed } => self.resolve(seed),
                Output::Dial { dial, to } => {
                    let task = Arc::clone(&self.dialer).dial(dial, to);
                    let task = Companion(spawn_on(&Handle::current(), task));
                    self.dials.insert(
                        dial,
                        DialTask {
                            proceed: None,
                            _task: task,
                        },
                    );
                }
                Output::Proceed { dial } => self.proceed(dial),
                Output::CancelDial { dial } => drop(self.dials.remove(&dial)),
                Output::Answer { session, answer } => self.answer(session, answer),
                Output::Heartbeat { session } => {
                    self.send(session, &Message::Heartbeat(self.identity.facts()));
                }
                Output::Send { session, message } => self.send(session, &message),
                Output::Farewell { session } => {
                    if let Some(streams) = self.sessions.get_mut(&session) {
                        streams.say_farewell();
                    }
                }
                Output::Rest { session } => self.rest(session),
                Output::CloseSession { session } => self.close(session),
                Output::Notice(notice) => self.notices.log(&self.identity.node, &notice),
                told @ (Output::PeerUp { .. }
                | Output::SessionOpened { .. }
                | Output::SessionLost { .. }
                | Output::SessionRested { .. }
                | Output::PeerDown { .. }
                | Output::Neighbours { .. }
                | Output::Facts { .. }
                | Output::Forgotten { .. }
                | Output::Status(_)) => self.tell(told),
            }
        }
    }

    fn resolve(&self, seed: usize) {
        let (asked, arrivals) = (self.sources.ask(seed), self.dialer.arrivals.clone());
        let task = async move {
            let addresses = asked.await;
            // When the driver has ended, nobody needs to know.
            drop(arrivals.send(Arrival::Resolved { seed, addresses }).await);
        };
        // It ends by itself in bounded time, or with its runtime.
        drop(spawn_on(&Handle::current(), task));
    }

    fn proceed(&mut self, dial: DialId) {
        let proceed = self
            .dials
            .get_mut(&dial)
            .and_then(|task| task.proceed.take());
        if let Some(proceed) = proceed {
            // A dial that has just failed reports that itself.
            let _gone = proceed.send(());
        }
    }

    fn send(&self, session: SessionId, message: &Message) {
        if let Some(control) = self.sessions.get(&session).and_then(|s| s.control.as_ref()) {
            control.send(message);
        }
    }

    pub(super) fn close(&mut self, session: SessionId) {
        if let Some(streams) = self.sessions.remove(&session) {
            streams.close();
        }
    }

    pub(super) fn start_control(
        &self,
        session: SessionId,
        stream: SecureStream,
        claim: &Claim,
    ) -> Control {
        let ends = self.identity.ends(claim.peer.creation);
        let arrivals = self.dialer.arrivals.clone();
        Control::start(
            stream,
            ControlContext {
                session,
                ends,
                arrivals,
                silence: self.lanes.silence,
            },
        )
    }
}

pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
