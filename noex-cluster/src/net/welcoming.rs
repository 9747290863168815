//! The driver's part that answers those who ask for a session, and takes the streams they bring.

use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::arrival::{Arrival, Claim};
use super::driver::Driver;
use super::session::{Companion, Session};
use super::stream::SecureStream;
use crate::proto::membership::{SessionId, Via};
use crate::proto::wire::{Refusal, Verdict};

impl Driver {
    pub(super) fn answer(&mut self, session: SessionId, answer: Result<(), Refusal>) {
        let Some((claim, verdict)) = self.asking.remove(&session) else {
            return;
        };
        let answer = match answer {
            Ok(()) => {
                let (arrivals, patience) = (self.dialer.arrivals.clone(), self.lanes.patience);
                let mut streams = Session::new(claim);
                streams.companion = Some(Companion(spawn_on(&Handle::current(), async move {
                    tokio::time::sleep(patience).await;
                    // When the driver has ended, nobody needs to know.
                    drop(arrivals.send(Arrival::LaneOverdue { session }).await);
                })));
                self.sessions.insert(session, streams);
                Verdict::Accepted { session: session.0 }
            }
            Err(refusal) => {
                tracing::debug!(node = %claim.peer.id, %refusal, "session refused");
                Verdict::Refused(refusal)
            }
        };
        // A stranger that has gone needs no answer; if it was accepted, its lane is overdue.
        let _gone = verdict.send(answer);
    }

    pub(super) fn accepted(&mut self, session: SessionId, control: SecureStream) {
        let Some(claim) = self
            .sessions
            .get(&session)
            .map(|streams| streams.claim.clone())
        else {
            return;
        };
        let control = self.start_control(session, control, &claim);
        if let Some(streams) = self.sessions.get_mut(&session) {
            streams.control = Some(control);
        }
    }

    /// A lane is welcome if its session waits for one, from the same node with the same key.
    pub(super) fn lane_asked(
        &self,
        session: SessionId,
        claim: &Claim,
        verdict: oneshot::Sender<Verdict>,
    ) {
        let waiting = self.sessions.get(&session);
        let waiting = waiting.filter(|streams| streams.control.is_some() && streams.awaits_lane());
        let answer = match waiting {
            Some(streams) if streams.claim.is_of(claim) => Verdict::Accepted { session: session.0 },
            Some(_) => Verdict::Refused(Refusal::WrongKey),
            None => Verdict::Refused(Refusal::UnknownSession),
        };
        // A stranger that has gone needs no answer.
        drop(verdict.send(answer));
    }

    /// A session has one lane, even if its peer brought two at once.
    pub(super) fn lane_accepted(&mut self, session: SessionId, lane: Box<SecureStream>) {
        let waiting = self.sessions.get_mut(&session);
        if let Some(streams) = waiting.filter(|streams| streams.awaits_lane()) {
            streams.lane_stream = Some(lane);
            streams.companion = None;
            self.opened(session, Via::Accept);
        }
    }
}
