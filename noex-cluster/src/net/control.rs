//! `Control`: the control connection of a session, on the cluster's own thread.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::arrival::Arrival;
use super::stream::{Ending, SecureReader, SecureStream, SecureWriter, StreamError};
use crate::proto::membership::{Message, SessionId, Stream};
use crate::proto::wire::{Frame, SessionEnds, encode_frame};

/// The most bytes of one control frame: as many records as a message has, with room to spare.
pub(super) const CONTROL_FRAME_SIZE_MAX: usize = 256 * 1024;

/// The most frames that wait to be written. A peer that reads so slowly is about to be declared
/// down; what it does not get is made up for by later heartbeats and gossip.
const QUEUE_LENGTH: usize = 1_024;

/// A control connection. Dropping it closes the socket.
#[derive(Debug)]
pub(super) struct Control {
    /// Until nothing is said any more.
    frames: Option<mpsc::Sender<Frame>>,
    ending: Ending,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

/// The right to say goodbye.
#[derive(Debug)]
pub(super) struct Goodbye(Option<mpsc::Sender<Frame>>);

/// What a control connection needs.
#[derive(Debug, Clone)]
pub(super) struct ControlContext {
    /// The session.
    pub(super) session: SessionId,
    /// The lives on both ends.
    pub(super) ends: SessionEnds,
    /// Where to report what comes.
    pub(super) arrivals: mpsc::Sender<Arrival>,
    /// How long the peer's machine may be silent before the connection is given up.
    pub(super) silence: Duration,
}

impl Control {
    /// Reads and writes `stream` on the current runtime.
    pub(super) fn start(stream: SecureStream, context: ControlContext) -> Self {
        if let Err(error) = stream.set_patience(context.silence) {
            tracing::debug!(%error, "a silent peer is noticed late");
        }
        let SecureStream { reader, writer } = stream;
        let (frames, queue) = mpsc::channel(QUEUE_LENGTH);
        let runtime = Handle::current();
        let ends = context.ends;
        Self {
            frames: Some(frames),
            ending: reader.ending(),
            reader: spawn_on(&runtime, read(reader, context)),
            writer: spawn_on(&runtime, write(writer, queue, ends)),
        }
    }

    /// Queues a message.
    pub(super) fn send(&self, message: &Message) {
        match rmp_serde::to_vec_named(message) {
            Ok(body) => self.queue(Frame::Control(body.into())),
            Err(error) => tracing::error!(%error, "control message can't be encoded"),
        }
    }

    /// The right to say goodbye later. A peer that has heard from others that we leave may not wait
    /// for it.
    pub(super) fn goodbye(&self) -> Goodbye {
        self.ending.expect();
        Goodbye(self.frames.clone())
    }

    /// Says nothing more: what is queued is written, and then the end.
    pub(super) fn end(&mut self) {
        self.frames = None;
    }

    /// Waits until the goodbye or the end was written, or can't be.
    pub(super) async fn written(&mut self) {
        // A writer that was stopped has written all that it ever will.
        drop((&mut self.writer).await);
    }

    fn queue(&self, frame: Frame) {
        let frames = self.frames.as_ref();
        if frames.is_none_or(|frames| frames.try_send(frame).is_err()) {
            tracing::debug!("control frame dropped: the peer does not read");
        }
    }
}

impl Goodbye {
    /// Queues the goodbye, behind which nothing is written.
    pub(super) fn say(self) {
        let is_said = |frames: mpsc::Sender<Frame>| frames.try_send(Frame::Goodbye).is_ok();
        if !self.0.is_some_and(is_said) {
            tracing::debug!("goodbye dropped: the peer does not read");
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

async fn write(mut writer: SecureWriter, mut queue: mpsc::Receiver<Frame>, ends: SessionEnds) {
    // The reader notices a connection that can't be written, and reports it.
    if let Err(error) = write_all(&mut writer, &mut queue, ends).await {
        tracing::debug!(peer = %ends.remote, %error, "control connection can't be written");
    }
}

async fn write_all(
    writer: &mut SecureWriter,
    queue: &mut mpsc::Receiver<Frame>,
    ends: SessionEnds,
) -> io::Result<()> {
    let mut encoded = BytesMut::new();
    while let Some(frame) = queue.recv().await {
        encoded.clear();
        encode_frame(&frame, ends, &mut encoded).map_err(io::Error::other)?;
        if frame == Frame::Goodbye {
            return writer.write_last(&encoded).await;
        }
        writer.write(&encoded).await?;
    }
    writer.shutdown().await
}

async fn read(mut reader: SecureReader, context: ControlContext) {
    let ControlContext {
        session,
        ends,
        arrivals,
        ..
    } = context;
    let error = match read_all(&mut reader, session, &arrivals).await {
        Ok(()) => StreamError::Closed,
        Err(error) => error,
    };
    tracing::debug!(peer = %ends.remote, %error, "control connection closed");
    // When the driver has ended, nobody needs to know.
    drop(
        arrivals
            .send(Arrival::Closed {
                session,
                stream: Stream::Control,
            })
            .await,
    );
}

/// Reports what comes, until the connection or the driver ends.
async fn read_all(
    reader: &mut SecureReader,
    session: SessionId,
    arrivals: &mpsc::Sender<Arrival>,
) -> Result<(), StreamError> {
    reader.open()?;
    loop {
        while let Some(frame) = reader.take()? {
            let Some(arrival) = arrival_of(session, frame)? else {
                continue;
            };
            if let Arrival::Message { message, .. } = &arrival
                && *message == Message::Rested
            {
                // Behind it the session is closed.
                reader.ending().expect();
            }
            if arrivals.send(arrival).await.is_err() {
                return Ok(());
            }
        }
        if !reader.fill().await? || arrivals.send(Arrival::Heard { session }).await.is_err() {
            return Ok(());
        }
    }
}

fn arrival_of(session: SessionId, frame: Frame) -> Result<Option<Arrival>, StreamError> {
    match frame {
        Frame::Control(body) => match rmp_serde::from_slice(&body) {
            Ok(message) => Ok(Some(Arrival::Message { session, message })),
            // A later version may say what this one does not understand.
            Err(error) => {
                tracing::debug!(%error, "control message not understood");
                Ok(None)
            }
        },
        Frame::Goodbye => Ok(Some(Arrival::Goodbye { session })),
        Frame::Unknown { .. } => Ok(None),
        Frame::Signal { .. } | Frame::LaneEnd | Frame::Verdict(_) => Err(StreamError::Unexpected),
    }
}
