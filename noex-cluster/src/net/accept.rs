//! An accepted connection: from its first byte to a session or lane.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use noex_core::Peer;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::arrival::{Arrival, Claim};
use super::control::CONTROL_FRAME_SIZE_MAX;
use super::entrance::Guest;
use super::identity::Identity;
use super::stream::{PlainStream, SecureStream, StreamError};
use super::warnings::Warnings;
use crate::proto::handshake::{Accepted, Accepting, HandshakeError, Purpose};
use crate::proto::membership::{Facts, SessionId};
use crate::proto::wire::{Frame, FrameReader, Refusal, Verdict, encode_frame};

/// What every accepted connection needs.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) identity: Arc<Identity>,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    pub(super) warnings: Arc<Warnings>,
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
        guest: Guest,
    ) {
        let handshake = timeout(self.handshake_timeout, Box::pin(self.handshake(stream)));
        let outcome = handshake.await;
        drop(guest);
        match outcome {
            Ok(Ok((stream, accepted))) => {
                let admitted = timeout(self.handshake_timeout, self.admit(stream, accepted));
                if let Ok(Err(error)) = admitted.await {
                    tracing::debug!(%address, %error, "connection ended before it was accepted");
                }
            }
            Ok(Err(error)) => self.warn(address, &error),
            Err(_elapsed) => tracing::debug!(%address, "no handshake in time"),
        }
    }

    async fn handshake(&self, stream: TcpStream) -> Result<(PlainStream, Accepted), StreamError> {
        let mut stream = PlainStream::new(stream)?;
        let Identity {
            static_key,
            cluster_name,
            keys,
            ..
        } = &*self.identity;
        let hello = self.identity.hello(Purpose::Session);
        let first = stream.read_first().await?;
        let (accepting, second) =
            Accepting::read_first(keys, static_key, cluster_name, &hello, &first)?;
        stream.write(&second).await?;
        let third = stream.read_message().await?;
        Ok((stream, accepting.read_third(&third)?))
    }

    /// Asks the driver, tells the peer, and hands the stream over.
    async fn admit(&self, stream: PlainStream, accepted: Accepted) -> Result<(), StreamError> {
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
        let claim = Claim {
            peer: Peer::new(peer.node, peer.creation),
            key: peer_key,
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
        let mut stream = stream.secure(channel, frames);
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
        Ok(stream.writer.write(&frame).await?)
    }

    async fn report(&self, arrival: Arrival) {
        // When the driver has ended, nobody needs to know.
        drop(self.arrivals.send(arrival).await);
    }

    fn warn(&self, address: SocketAddr, error: &StreamError) {
        let StreamError::Handshake(error) = error else {
            return tracing::debug!(%address, %error, "handshake broken off");
        };
        if !self.warnings.is_due(address.ip()) {
            return;
        }
        match error {
            HandshakeError::WrongSecret => tracing::warn!(
                %address,
                "a node with another secret or another cluster name was refused; compare its \
                 configuration with this one"
            ),
            error => tracing::warn!(%address, %error, "a connection was refused"),
        }
    }
}
