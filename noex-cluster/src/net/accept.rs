//! An accepted connection: from its first byte to a session or lane.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use noex_core::{NodeId, Peer};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::arrival::{Arrival, Claim};
use super::control::CONTROL_FRAME_SIZE_MAX;
use super::entrance::{Entrance, Guest};
use super::identity::Identity;
use super::stream::{Origin, PlainStream, SecureStream, StreamError};
use super::warnings::Warnings;
use crate::proto::handshake::{Accepted, Accepting, HandshakeError, Purpose, version_refusal};
use crate::proto::membership::{Facts, SessionId};
use crate::proto::strangers::Network;
use crate::proto::wire::{Frame, FrameReader, Refusal, Verdict, encode_frame};

/// How long a dialler that knows no secret of this node's, or takes it for an older version, is
/// given to try again, before the operator hears of it.
const OTHER_SECRETS_TIME: Duration = Duration::from_secs(2);

/// What every accepted connection needs.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) identity: Arc<Identity>,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    /// Where connections come in.
    pub(super) entrance: Entrance,
    /// The strangers that the operator was warned about.
    pub(super) strangers: Warnings<Network>,
    /// The nodes that the operator was warned about.
    pub(super) broken: Arc<Warnings<NodeId>>,
    /// The longest that a handshake may take.
    pub(super) handshake_timeout: Duration,
    /// The most bytes of a frame on a lane.
    pub(super) frame_size_max: usize,
}

impl Acceptor {
    /// Does the handshake and hands the connection to the driver.
    pub(super) async fn accept(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        mut guest: Guest,
    ) {
        let delay = guest.delay();
        let handshake = async {
            sleep(delay).await;
            self.handshake(stream).await
        };
        let outcome = tokio::select! {
            biased;
            outcome = timeout(self.handshake_timeout, Box::pin(handshake)) => outcome,
            () = guest.displaced() => {
                return tracing::debug!(%address, "connection dropped: too many strangers");
            }
        };
        drop(guest);
        match outcome {
            Ok(Ok((stream, accepted))) => {
                self.entrance.succeeded(address.ip());
                let admit = self.admit(stream, address, accepted);
                if let Ok(Err(error)) = timeout(self.handshake_timeout, admit).await {
                    tracing::debug!(%address, %error, "connection ended before it was accepted");
                }
            }
            Ok(Err(StreamError::Handshake(error))) => {
                self.entrance.failed(address.ip());
                self.warn(address, &error).await;
            }
            Ok(Err(error)) => tracing::debug!(%address, %error, "handshake broken off"),
            Err(_elapsed) => {
                self.entrance.failed(address.ip());
                tracing::debug!(%address, "no handshake in time");
            }
        }
    }

    async fn handshake(&self, stream: TcpStream) -> Result<(PlainStream, Accepted), StreamError> {
        let mut stream = PlainStream::new(stream)?;
        let versions = self.identity.speech.handshakes;
        let first = match stream.read_first(versions).await {
            Err(StreamError::Handshake(error @ HandshakeError::UnsupportedVersion { .. })) => {
                stream.turn_away(&version_refusal(versions)).await?;
                return Err(error.into());
            }
            first => first?,
        };
        if self.entrance.is_replayed(&first.message) {
            return Err(HandshakeError::Replayed.into());
        }
        let Identity {
            static_key,
            cluster_name,
            ..
        } = &*self.identity;
        let hello = self.identity.hello(Purpose::Session);
        let keys = self.identity.keys();
        let (accepting, second) =
            Accepting::read_first(&keys, static_key, cluster_name, &hello, &first)?;
        self.entrance.remember(&first.message);
        stream.write(&second).await?;
        let third = stream.read_third().await?;
        Ok((stream, accepting.read_third(&third)?))
    }

    /// Asks the driver, tells the peer, and hands the stream over.
    async fn admit(
        &self,
        stream: PlainStream,
        address: SocketAddr,
        accepted: Accepted,
    ) -> Result<(), StreamError> {
        let Accepted {
            peer,
            peer_key,
            channel,
            version,
            key_index,
        } = accepted;
        tracing::debug!(node = %peer.node, version, "handshake done");
        if key_index > 0 {
            tracing::info!(node = %peer.node, "the node still uses a previous secret");
        }
        let origin = Origin {
            node: peer.node.clone(),
            address,
            versions: peer.versions,
            warnings: Arc::clone(&self.broken),
        };
        let claim = Claim {
            peer: Peer::new(peer.node, peer.creation),
            key: peer_key,
            incarnation: peer.incarnation,
            facts: Facts {
                process_count: peer.process_count,
                uptime: peer.uptime,
            },
        };
        let frame_size_max = match peer.purpose {
            Purpose::Session => CONTROL_FRAME_SIZE_MAX,
            Purpose::Lane { .. } => self.frame_size_max,
        };
        let frames = FrameReader::new(frame_size_max, self.identity.ends(peer.creation));
        let mut stream = stream.secure(channel, frames, origin);
        let (verdict, answer) = oneshot::channel();
        self.report(match peer.purpose {
            Purpose::Session => Arrival::Asked { claim, verdict },
            Purpose::Lane { session } => Arrival::LaneAsked {
                session: SessionId(session),
                claim,
                verdict,
            },
        })
        .await;
        let verdict = answer.await.unwrap_or(Verdict::Refused(Refusal::Stopping));
        // The room is taken first, so that the driver learns of the stream before it can learn
        // of anything that the peer does with it.
        let Ok(room) = self.arrivals.reserve().await else {
            return Ok(());
        };
        self.tell(&mut stream, &verdict).await?;
        let Verdict::Accepted { session } = verdict else {
            return Ok(());
        };
        let (session, stream) = (SessionId(session), Box::new(stream));
        room.send(match peer.purpose {
            Purpose::Session => Arrival::Accepted {
                session,
                control: stream,
            },
            Purpose::Lane { .. } => Arrival::LaneAccepted {
                session,
                lane: stream,
            },
        });
        Ok(())
    }

    async fn tell(&self, stream: &mut SecureStream, verdict: &Verdict) -> Result<(), StreamError> {
        let mut frame = BytesMut::new();
        let ends = self.identity.ends(self.identity.creation);
        encode_frame(&Frame::Verdict(verdict.clone()), ends, &mut frame)
            .map_err(std::io::Error::other)?;
        stream.writer.write(&frame).await?;
        if let Some(kind) = self.identity.speech.novelty {
            stream.writer.write_novelty(kind).await?;
        }
        Ok(())
    }

    async fn report(&self, arrival: Arrival) {
        // When the driver has ended, nobody needs to know.
        drop(self.arrivals.send(arrival).await);
    }

    /// Tells the operator of a stranger, unless it turns out to be none.
    async fn warn(&self, address: SocketAddr, error: &HandshakeError) {
        let network = Network::from(address.ip());
        if !self.strangers.is_due(network) {
            return;
        }
        match error {
            HandshakeError::WrongSecret
            | HandshakeError::UnsupportedVersion { .. }
            | HandshakeError::Downgraded => {
                sleep(OTHER_SECRETS_TIME).await;
                if self.entrance.is_redeemed(address.ip()) {
                    self.strangers.take_back(&network);
                    return tracing::debug!(%address, "another of its secrets or versions fits");
                }
            }
            HandshakeError::NotNoex(_)
            | HandshakeError::Replayed
            | HandshakeError::BadMessage
            | HandshakeError::TooLarge { .. }
            | HandshakeError::Incompatible { .. } => {}
        }
        match error {
            HandshakeError::WrongSecret => tracing::warn!(
                %address,
                "a node with another secret or another cluster name was refused; compare its \
                 configuration with this one"
            ),
            HandshakeError::NotNoex(_) => tracing::warn!(
                %address, %error,
                "a connection was refused; find out what dials this port there"
            ),
            HandshakeError::UnsupportedVersion { .. } | HandshakeError::Incompatible { .. } => {
                tracing::warn!(%address, %error, "a connection was refused");
            }
            HandshakeError::Downgraded
            | HandshakeError::Replayed
            | HandshakeError::BadMessage
            | HandshakeError::TooLarge { .. } => tracing::warn!(
                %address, %error,
                "a connection was refused; look for who is there, or in between, and is no member"
            ),
        }
    }
}
