//! Dials: from an address to a session with all its streams.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use noex_core::NodeId;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::arrival::{Arrival, Claim};
use super::control::CONTROL_FRAME_SIZE_MAX;
use super::head_start::first_success;
use super::identity::Identity;
use super::key_memory::KeyMemory;
use super::stream::{Origin, PlainStream, SecureStream, StreamError};
use super::warnings::Warnings;
use crate::proto::handshake::{Dialled, Dialling, HandshakeError, Purpose, Speech, Unfit};
use crate::proto::membership::{DialFailure, DialId, Endpoint, Facts};
use crate::proto::wire::{Frame, FrameReader, Refusal, Verdict};
use crate::secret::LinkKey;

/// The most addresses behind a node's host that are dialled. Few nodes have more than two.
const ADDRESSES_MAX: usize = 16;

/// What every dial needs.
#[derive(Debug)]
pub(super) struct Dialer {
    pub(super) identity: Arc<Identity>,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    /// The addresses that the operator was warned about.
    pub(super) warnings: Warnings<SocketAddr>,
    /// The nodes that the operator was warned about.
    pub(super) broken: Arc<Warnings<NodeId>>,
    pub(super) key_memory: KeyMemory,
    /// The longest that an address may take to answer.
    pub(super) answer_timeout: Duration,
    /// The longest that the rest of a handshake may take.
    pub(super) handshake_timeout: Duration,
    /// The most bytes of a frame on a lane.
    pub(super) frame_size_max: usize,
}

/// A connection on which somebody has answered, and does not know yet who dials.
struct Answered {
    address: SocketAddr,
    stream: PlainStream,
    dialled: Dialled,
}

impl Dialer {
    /// Dials, and reports who answers and what becomes of it.
    pub(super) async fn dial(self: Arc<Self>, dial: DialId, to: Endpoint) {
        match self.try_dial(dial, &to).await {
            Ok(Some(arrival)) => self.report(arrival).await,
            Ok(None) => {}
            Err(how) => {
                tracing::debug!(%to, ?how, "dial failed");
                self.report(Arrival::DialFailed { dial, how }).await;
            }
        }
    }

    /// `None` if the driver did not want the dial to go on.
    async fn try_dial(&self, dial: DialId, to: &Endpoint) -> Result<Option<Arrival>, DialFailure> {
        let addresses = match to {
            Endpoint::Address(address) => vec![*address],
            Endpoint::Node(node) => self.addresses(node.host(), node.port()).await,
        };
        let answered = self.first_answer(&addresses).await?;
        let claim = claim_of(&answered.dialled);
        let (proceed, may_proceed) = oneshot::channel();
        self.report(Arrival::Identified {
            dial,
            claim: claim.clone(),
            proceed,
        })
        .await;
        if may_proceed.await.is_err() {
            return Ok(None);
        }
        let address = answered.address;
        let rest = async {
            let (control, session) = self.ask(answered, CONTROL_FRAME_SIZE_MAX).await?;
            let lane = self.open_lane(address, session, &claim).await?;
            Ok::<_, DialFailure>((control, lane))
        };
        let (control, lane) = match timeout(self.handshake_timeout, Box::pin(rest)).await {
            Ok(opened) => opened?,
            Err(_elapsed) => return Err(DialFailure::NoAnswer),
        };
        let (control, lane) = (Box::new(control), Box::new(lane));
        Ok(Some(Arrival::Dialled {
            dial,
            claim,
            control,
            lane,
        }))
    }

    async fn addresses(&self, host: &str, port: u16) -> Vec<SocketAddr> {
        match timeout(self.handshake_timeout, lookup_host((host, port))).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(error)) => {
                tracing::debug!(host, %error, "host can't be resolved");
                Vec::new()
            }
            Err(_elapsed) => {
                tracing::debug!(host, "host was not resolved in time");
                Vec::new()
            }
        }
    }

    /// The first address that answers. If none does, the failure that leaves the most hope.
    async fn first_answer(&self, addresses: &[SocketAddr]) -> Result<Answered, DialFailure> {
        let addresses = addresses.iter().copied().take(ADDRESSES_MAX);
        let answers = addresses.map(|address| self.answer(address, Purpose::Session));
        first_success(answers).await.map_err(|mut failures| {
            failures.sort_by_key(|failure| !matches!(failure, DialFailure::NoAnswer));
            let most_hopeful = failures.into_iter().next();
            most_hopeful.unwrap_or(DialFailure::NoAnswer)
        })
    }

    /// Connects and tries the keys, the one that worked last time first.
    async fn answer(&self, address: SocketAddr, purpose: Purpose) -> Result<Answered, DialFailure> {
        let keys = self.identity.keys();
        let mut is_refused = false;
        for key in self.key_memory.order(address, &keys) {
            let answer = self.answer_to_key(address, purpose, &key);
            match timeout(self.answer_timeout, answer).await {
                Ok(Ok(answered)) => {
                    self.key_memory.key_worked(address, &key, &keys);
                    return Ok(answered);
                }
                Ok(Err(StreamError::Closed)) => is_refused = true,
                // It may have hung up before it had read all that a later version says.
                Ok(Err(StreamError::Io(error))) if is_reset(&error) => {}
                Ok(Err(error)) => return Err(self.failure_of(address, &error)),
                Err(_elapsed) => return Err(DialFailure::NoAnswer),
            }
        }
        if is_refused && self.warnings.is_due(address) {
            tracing::warn!(
                %address,
                "the node refused the first message of the handshake: it probably has another \
                 secret or another cluster name; compare the two configurations"
            );
        }
        Err(DialFailure::Reset)
    }

    /// Tries the version of the handshake that worked last time, else the highest one, and the
    /// highest that both speak if that is another.
    async fn answer_to_key(
        &self,
        address: SocketAddr,
        purpose: Purpose,
        key: &LinkKey,
    ) -> Result<Answered, StreamError> {
        let ours = self.identity.speech.handshakes;
        let mut version = self.key_memory.handshake(address, ours);
        let mut answered = self.answer_to(address, purpose, key, version).await;
        if let Err(StreamError::Handshake(HandshakeError::Downgraded)) = answered
            && version < ours.1
        {
            // It was upgraded since: what is remembered of it would never fit again.
            version = ours.1;
            answered = self.answer_to(address, purpose, key, version).await;
        }
        if let Err(StreamError::Handshake(HandshakeError::UnsupportedVersion { theirs, .. })) =
            answered
        {
            version = Speech::common_handshake(ours, theirs)?;
            answered = self.answer_to(address, purpose, key, version).await;
        }
        if answered.is_ok() {
            self.key_memory.handshake_worked(address, version, ours);
        }
        answered
    }

    async fn answer_to(
        &self,
        address: SocketAddr,
        purpose: Purpose,
        key: &LinkKey,
        version: u8,
    ) -> Result<Answered, StreamError> {
        let Identity {
            static_key,
            cluster_name,
            speech,
            ..
        } = &*self.identity;
        let hello = self.identity.hello(purpose);
        let (dialling, first) = Dialling::start(version, key, static_key, cluster_name, &hello)?;
        let mut stream = PlainStream::new(another(TcpStream::connect(address).await?)?)?;
        stream.write(&first).await?;
        let second = stream.read_second(speech.handshakes).await?;
        let dialled = match dialling.read_second(&second) {
            Ok(dialled) => dialled,
            Err(Unfit { error, third }) => {
                if let Some(third) = third {
                    stream.write(&third).await?;
                }
                return Err(error.into());
            }
        };
        Ok(Answered {
            address,
            stream,
            dialled,
        })
    }

    /// Says who we are, and waits for the verdict.
    async fn ask(
        &self,
        answered: Answered,
        frame_size_max: usize,
    ) -> Result<(SecureStream, u64), DialFailure> {
        let Answered {
            address,
            mut stream,
            dialled,
        } = answered;
        let ends = self.identity.ends(dialled.peer.creation);
        tracing::debug!(%address, version = dialled.version, "handshake done");
        let frames = FrameReader::new(frame_size_max, ends);
        let origin = Origin {
            node: dialled.peer.node.clone(),
            address,
            versions: dialled.peer.versions,
            warnings: Arc::clone(&self.broken),
        };
        let verdict = async {
            stream.write(&dialled.third).await?;
            let mut stream = stream.secure(dialled.channel, frames, origin);
            if let Some(kind) = self.identity.speech.novelty {
                stream.writer.write_novelty(kind).await?;
            }
            let verdict = stream.reader.next().await?;
            Ok::<_, StreamError>((stream, verdict))
        };
        match verdict.await {
            Ok((stream, Frame::Verdict(Verdict::Accepted { session }))) => Ok((stream, session)),
            Ok((_, Frame::Verdict(Verdict::Refused(refusal)))) => {
                tracing::debug!(%address, %refusal, "session refused");
                Err(DialFailure::Declined(refusal))
            }
            Ok((_, _unexpected)) => Err(DialFailure::Lost),
            Err(error) => {
                tracing::debug!(%address, %error, "handshake broken off");
                Err(DialFailure::Lost)
            }
        }
    }

    /// Opens the lane of an accepted session, with the same node.
    async fn open_lane(
        &self,
        address: SocketAddr,
        session: u64,
        claim: &Claim,
    ) -> Result<SecureStream, DialFailure> {
        let lost = |_already_identified| DialFailure::Lost;
        let answered = self
            .answer(address, Purpose::Lane { session })
            .await
            .map_err(lost)?;
        if !claim_of(&answered.dialled).is_of(claim) {
            return Err(DialFailure::Declined(Refusal::WrongKey));
        }
        let (lane, _session) = self.ask(answered, self.frame_size_max).await?;
        Ok(lane)
    }

    fn failure_of(&self, address: SocketAddr, error: &StreamError) -> DialFailure {
        match error {
            StreamError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return DialFailure::Refused;
            }
            StreamError::Io(error) if is_reset(error) => return DialFailure::Reset,
            StreamError::Io(error) => {
                tracing::debug!(%address, %error, "not reached");
                return DialFailure::NoAnswer;
            }
            StreamError::Closed => return DialFailure::Reset,
            StreamError::Handshake(_)
            | StreamError::Record(_)
            | StreamError::Wire(_)
            | StreamError::Unexpected
            | StreamError::Overflow => {}
        }
        if !self.warnings.is_due(address) {
            return DialFailure::Reset;
        }
        match error {
            StreamError::Handshake(
                HandshakeError::Incompatible { .. } | HandshakeError::UnsupportedVersion { .. },
            ) => tracing::warn!(%address, %error, "there is no session with the node"),
            _ => {
                tracing::warn!(
                    %address, %error,
                    "what answers there is no node of this cluster; look for who is there, or in \
                     between"
                );
            }
        }
        DialFailure::Reset
    }

    async fn report(&self, arrival: Arrival) {
        // When the driver has ended, nobody needs to know.
        drop(self.arrivals.send(arrival).await);
    }
}

/// Where nobody listens, the system may choose the very port that is dialled for this end of the
/// connection, and connect the socket with itself.
fn another(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

fn claim_of(dialled: &Dialled) -> Claim {
    let peer = noex_core::Peer::new(dialled.peer.node.clone(), dialled.peer.creation);
    Claim {
        peer,
        key: dialled.peer_key,
        incarnation: dialled.peer.incarnation,
        facts: Facts {
            process_count: dialled.peer.process_count,
            uptime: dialled.peer.uptime,
        },
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn a_socket_that_met_itself_is_refused_as_where_nobody_listens() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let own = socket.local_addr().unwrap();
        let refused = another(socket.connect(own).await.unwrap()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).await;
        assert!(another(other.unwrap()).is_ok());
    }
}
