//! `PlainStream` before the handshake is through, `SecureStream` after: whole messages on TCP.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use socket2::SockRef;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::patience::set_patience;
use crate::proto::handshake::{
    Channel, HandshakeError, Opener, RecordError, Sealer, take_first, take_message,
};
use crate::proto::wire::{Frame, FrameReader, WireError};

/// The room for what one read brings.
const READ_SIZE: usize = 64 * 1024;

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
}

/// The half that writes.
#[derive(Debug)]
pub(super) struct SecureWriter {
    half: OwnedWriteHalf,
    sealer: Sealer,
    sealed: BytesMut,
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

    /// The preamble and the first handshake message.
    pub(super) async fn read_first(&mut self) -> Result<Bytes, StreamError> {
        self.read(take_first).await
    }

    /// A further handshake message.
    pub(super) async fn read_message(&mut self) -> Result<Bytes, StreamError> {
        self.read(take_message).await
    }

    /// Writes what the handshake gave.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The handshake is through; frames of more bytes than the reader allows are refused.
    pub(super) fn secure(self, channel: Channel, frames: FrameReader) -> SecureStream {
        let Channel { sealer, opener } = channel;
        SecureStream::new(
            self.stream,
            Parts {
                sealer,
                opener,
                wire: self.wire,
                frames,
            },
        )
    }

    async fn read(
        &mut self,
        take: impl Fn(&mut BytesMut) -> Result<Option<Bytes>, HandshakeError>,
    ) -> Result<Bytes, StreamError> {
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

/// What a secure stream is made of, besides its socket.
struct Parts {
    sealer: Sealer,
    opener: Opener,
    wire: BytesMut,
    frames: FrameReader,
}

impl SecureStream {
    fn new(stream: TcpStream, parts: Parts) -> Self {
        let (read, write) = stream.into_split();
        let Parts {
            sealer,
            opener,
            wire,
            frames,
        } = parts;
        let plain = BytesMut::new();
        Self {
            reader: SecureReader {
                half: read,
                opener,
                wire,
                plain,
                frames,
            },
            writer: SecureWriter {
                half: write,
                sealer,
                sealed: BytesMut::new(),
            },
        }
    }

    /// How long the peer's machine may be silent before the connection is given up.
    pub(super) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        set_patience(&SockRef::from(self.writer.half.as_ref()), patience)
    }

    /// Takes the socket from the runtime that drove it so far to the current one.
    pub(super) fn arrive(self) -> io::Result<Self> {
        let Self { reader, writer } = self;
        let SecureReader {
            half,
            opener,
            wire,
            plain,
            frames,
        } = reader;
        let SecureWriter {
            half: write,
            sealer,
            sealed,
        } = writer;
        let stream = half.reunite(write).map_err(io::Error::other)?;
        let (half, write) = TcpStream::from_std(stream.into_std()?)?.into_split();
        Ok(Self {
            reader: SecureReader {
                half,
                opener,
                wire,
                plain,
                frames,
            },
            writer: SecureWriter {
                half: write,
                sealer,
                sealed,
            },
        })
    }
}

impl SecureReader {
    /// Reads once. `false` at the end of the stream.
    pub(super) async fn fill(&mut self) -> Result<bool, StreamError> {
        self.wire.reserve(READ_SIZE);
        if self.half.read_buf(&mut self.wire).await? == 0 {
            return Ok(false);
        }
        self.open()?;
        Ok(true)
    }

    /// The next frame of what has been read, if it is whole.
    pub(super) fn take(&mut self) -> Result<Option<Frame>, StreamError> {
        Ok(self.frames.next(&mut self.plain)?)
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
        self.opener.open(&mut self.wire, &mut self.plain)?;
        Ok(())
    }
}

impl SecureWriter {
    /// Seals and writes whole frames.
    pub(super) async fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        self.sealed.clear();
        self.sealer.seal(frames, &mut self.sealed);
        self.half.write_all(&self.sealed).await
    }

    /// Tells the other end that nothing comes any more.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        self.half.shutdown().await
    }
}
