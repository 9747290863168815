//! `PlainStream` before the handshake is through, `SecureStream` after: whole messages on TCP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use noex_core::NodeId;
use socket2::SockRef;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

use super::patience::set_patience;
use super::warnings::Warnings;
use crate::proto::handshake::{
    Channel, First, HandshakeError, Opener, RecordError, Sealer, Speech, take_first, take_second,
    take_third,
};
use crate::proto::wire::{Frame, FrameReader, WireError};

/// The room for what one read brings.
const READ_SIZE: usize = 64 * 1024;

/// The most bytes that are still taken from somebody who is turned away.
const DISREGARDED_MAX: usize = 4 * 1024;

/// A connection whose handshake is not through.
#[derive(Debug)]
pub(super) struct PlainStream {
    stream: TcpStream,
    wire: BytesMut,
}

/// A connection whose other end has proved who it is.
#[derive(Debug)]
pub(super) struct SecureStream {
    /// What comes in.
    pub(super) reader: SecureReader,
    /// What goes out.
    pub(super) writer: SecureWriter,
}

/// The half that reads.
#[derive(Debug)]
pub(super) struct SecureReader {
    half: OwnedReadHalf,
    opener: Opener,
    wire: BytesMut,
    plain: BytesMut,
    frames: FrameReader,
    origin: Origin,
    ending: Ending,
}

/// Where a stream comes from, for the log.
#[derive(Debug)]
pub(super) struct Origin {
    /// The node at the other end.
    pub(super) node: NodeId,
    /// The address of the other end.
    pub(super) address: SocketAddr,
    /// The versions of the wire format that it speaks.
    pub(super) versions: (u16, u16),
    /// About whom the operator was warned.
    pub(super) warnings: Arc<Warnings<NodeId>>,
}

/// The half that writes.
#[derive(Debug)]
pub(super) struct SecureWriter {
    half: OwnedWriteHalf,
    sealer: Sealer,
    sealed: BytesMut,
    ending: Ending,
}

/// Whether the end of a connection is no surprise: the peer said that nothing comes any more, or we
/// did, and then it need not answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending(Arc<AtomicBool>);

impl Ending {
    /// It is none from now on.
    pub(super) fn expect(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_expected(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a connection is of no further use.
#[derive(Debug, Error)]
pub(super) enum StreamError {
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The other end closed it.
    #[error("the other side closed the connection")]
    Closed,
    /// The handshake failed.
    #[error("{0}")]
    Handshake(#[from] HandshakeError),
    /// What came was not sealed by the peer.
    #[error("{0}")]
    Record(#[from] RecordError),
    /// What came does not follow the wire format.
    #[error("{0}")]
    Wire(#[from] WireError),
    /// The peer said something that has no place here.
    #[error("unexpected frame")]
    Unexpected,
    /// More waits to be written than may: the peer reads too slowly.
    #[error("the peer does not take in what is sent to it")]
    Overflow,
}

impl PlainStream {
    /// A fresh connection.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            wire: BytesMut::new(),
        })
    }

    /// The preamble and the first handshake message, if it is of one of these versions.
    pub(super) async fn read_first(&mut self, versions: (u8, u8)) -> Result<First, StreamError> {
        self.read(|wire| take_first(wire, versions)).await
    }

    /// The answer to the first handshake message.
    pub(super) async fn read_second(&mut self, versions: (u8, u8)) -> Result<Bytes, StreamError> {
        self.read(|wire| take_second(wire, versions)).await
    }

    /// The last handshake message.
    pub(super) async fn read_third(&mut self) -> Result<Bytes, StreamError> {
        self.read(take_third).await
    }

    /// Writes this and nothing more. What comes is taken and disregarded, so that the end of the
    /// connection does not overtake what was written.
    pub(super) async fn turn_away(mut self, last: &[u8]) -> io::Result<()> {
        self.stream.write_all(last).await?;
        self.stream.shutdown().await?;
        let mut disregarded = 0;
        while disregarded < DISREGARDED_MAX {
            self.wire.clear();
            match self.stream.read_buf(&mut self.wire).await? {
                0 => break,
                size => disregarded += size,
            }
        }
        Ok(())
    }

    /// Writes what the handshake gave.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The handshake is through; frames of more bytes than the reader allows are refused.
    pub(super) fn secure(
        self,
        channel: Channel,
        frames: FrameReader,
        origin: Origin,
    ) -> SecureStream {
        let Channel { sealer, opener } = channel;
        let (read, write) = self.stream.into_split();
        let ending = Ending::default();
        SecureStream {
            reader: SecureReader {
                half: read,
                opener,
                wire: self.wire,
                plain: BytesMut::new(),
                frames,
                origin,
                ending: ending.clone(),
            },
            writer: SecureWriter {
                half: write,
                sealer,
                sealed: BytesMut::new(),
                ending,
            },
        }
    }

    async fn read<T>(
        &mut self,
        take: impl Fn(&mut BytesMut) -> Result<Option<T>, HandshakeError>,
    ) -> Result<T, StreamError> {
        loop {
            if let Some(message) = take(&mut self.wire)? {
                return Ok(message);
            }
            if self.stream.read_buf(&mut self.wire).await? == 0 {
                return Err(StreamError::Closed);
            }
        }
    }
}

impl SecureStream {
    /// How long the peer's machine may be silent before the connection is given up.
    pub(super) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        set_patience(&SockRef::from(self.writer.half.as_ref()), patience)
    }

    /// Takes the socket from the runtime that drove it so far to the current one.
    pub(super) fn arrive(self) -> io::Result<Self> {
        let Self { reader, writer } = self;
        let stream = reader.half.reunite(writer.half).map_err(io::Error::other)?;
        let (half, write) = TcpStream::from_std(stream.into_std()?)?.into_split();
        Ok(Self {
            reader: SecureReader { half, ..reader },
            writer: SecureWriter {
                half: write,
                ..writer
            },
        })
    }
}

impl SecureReader {
    /// Reads once. `false` at the end of the stream, which is no orderly one if nothing in it said
    /// that it comes.
    pub(super) async fn fill(&mut self) -> Result<bool, StreamError> {
        self.wire.reserve(READ_SIZE);
        if self.half.read_buf(&mut self.wire).await? == 0 {
            if !self.ending.is_expected() {
                let Origin { node, address, .. } = &self.origin;
                tracing::info!(%node, %address, "a connection ended without a goodbye: it is lost");
            }
            return Ok(false);
        }
        self.open()?;
        Ok(true)
    }

    /// The next frame of what has been read, if it is whole.
    pub(super) fn take(&mut self) -> Result<Option<Frame>, StreamError> {
        let frame = self.frames.next(&mut self.plain);
        let frame = frame.map_err(|error| self.origin.not_understood(error))?;
        if let Some(Frame::Goodbye | Frame::LaneEnd) = frame {
            self.ending.expect();
        }
        Ok(frame)
    }

    /// For who knows of the end from elsewhere than the frames that are read.
    pub(super) fn ending(&self) -> Ending {
        self.ending.clone()
    }

    /// Waits for the next frame.
    pub(super) async fn next(&mut self) -> Result<Frame, StreamError> {
        self.open()?;
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            if !self.fill().await? {
                return Err(StreamError::Closed);
            }
        }
    }

    /// Opens what was read before.
    pub(super) fn open(&mut self) -> Result<(), StreamError> {
        let opened = self.opener.open(&mut self.wire, &mut self.plain);
        opened.map_err(|error| self.origin.not_genuine(error))?;
        Ok(())
    }
}

impl Origin {
    /// Tells the operator that somebody meddles with the connection.
    fn not_genuine(&self, error: RecordError) -> StreamError {
        if self.warnings.is_due(self.node.clone()) {
            let Self { node, address, .. } = self;
            tracing::warn!(
                %node, %address, %error,
                "a connection was given up: what came over it is not what the node sent; look for \
                 who or what changes it on the way"
            );
        }
        error.into()
    }

    /// Tells the operator that the other node says what this one has no words for.
    fn not_understood(&self, error: WireError) -> StreamError {
        if self.warnings.is_due(self.node.clone()) {
            let Self { node, address, .. } = self;
            let (ours, theirs) = (Speech::CURRENT.wires, self.versions);
            tracing::warn!(
                %node, %address, %error, ?ours, ?theirs,
                "a connection was given up: the node sent what the versions of the wire format \
                 that this one speaks don't have; upgrade the older of the two nodes"
            );
        }
        error.into()
    }
}

impl SecureWriter {
    /// Seals and writes whole frames.
    pub(super) async fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        self.sealed.clear();
        let now = Instant::now().into_std();
        self.sealer.seal(frames, now, &mut self.sealed);
        self.half.write_all(&self.sealed).await
    }

    /// Writes a frame of this kind, of which only the next version knows what it means.
    pub(super) async fn write_novelty(&mut self, kind: u8) -> io::Result<()> {
        self.write(&[0, 0, 0, 2, kind, 0]).await
    }

    /// Writes the frame that says that nothing comes behind it.
    pub(super) async fn write_last(&mut self, frame: &[u8]) -> io::Result<()> {
        // First, as the other end may close the connection as soon as it has the frame.
        self.ending.expect();
        self.write(frame).await?;
        self.shutdown().await
    }

    /// Tells the other end that nothing comes any more.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        self.ending.expect();
        self.half.shutdown().await
    }
}
