//! `Lane`: the tasks that write and read a lane.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use noex_core::LocalNode;
use noex_core::task::spawn_on;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::queue::{LaneQueue, Taken};
use crate::net::arrival::Arrival;
use crate::net::stream::{SecureReader, SecureStream, SecureWriter, StreamError};
use crate::proto::membership::{SessionId, Stream};
use crate::proto::wire::{Frame, SessionEnds, encode_frame};

/// The most bytes that are sealed and written at a time.
const WRITE_SIZE: usize = 256 * 1024;

/// A lane that is being written and read. Dropping it closes the socket.
#[derive(Debug)]
pub(in crate::net) struct Lane {
    gate: Arc<Gate>,
    task: JoinHandle<()>,
}

/// What a lane's tasks need.
#[derive(Debug, Clone)]
pub(in crate::net) struct LaneContext {
    /// The node that signals are delivered to.
    pub(in crate::net) node: LocalNode,
    /// The lives on both ends.
    pub(in crate::net) ends: SessionEnds,
    /// The session that the lane belongs to.
    pub(in crate::net) session: SessionId,
    /// Where to report the lane's end.
    pub(in crate::net) arrivals: mpsc::Sender<Arrival>,
}

/// Whether what comes is delivered. The reader holds it while it delivers, so once it was shut
/// nothing more of this lane is delivered.
#[derive(Debug, Default)]
struct Gate {
    is_shut: Mutex<bool>,
}

impl Lane {
    /// Moves the stream to `runtime`, and writes and reads it there.
    pub(in crate::net) fn start(
        runtime: &Handle,
        stream: SecureStream,
        queue: Arc<LaneQueue>,
        context: LaneContext,
    ) -> Self {
        let gate = Arc::new(Gate::default());
        let task = spawn_on(runtime, run(stream, queue, Arc::clone(&gate), context));
        Self { gate, task }
    }

    /// Delivers nothing more. When this returns, what was being delivered has been.
    pub(in crate::net) fn shut(&self) {
        *self.gate.is_shut.lock() = true;
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.shut();
        self.task.abort();
    }
}

/// Writes and reads until both directions have ended; then reports how the lane ended.
async fn run(stream: SecureStream, queue: Arc<LaneQueue>, gate: Arc<Gate>, context: LaneContext) {
    let session = context.session;
    let arrivals = context.arrivals.clone();
    let ended = match stream.arrive() {
        Ok(SecureStream { reader, writer }) => {
            let mut writing = Writing::start(writer, &queue, context.ends);
            let reading = read_to_end(reader, &gate, &queue, &context);
            tokio::select! {
                ended = both(reading, writing.ended()) => ended,
                () = queue.overflowed() => Err(StreamError::Overflow),
            }
        }
        Err(error) => Err(error.into()),
    };
    queue.set_ended();
    match ended {
        Ok(()) => {}
        Err(error @ StreamError::Overflow) => {
            tracing::warn!(peer = %context.ends.remote, %error, "the session is given up");
        }
        Err(error) => tracing::debug!(peer = %context.ends.remote, %error, "lane closed"),
    }
    report(
        &arrivals,
        Arrival::Closed {
            session,
            stream: Stream::Lane,
        },
    )
    .await;
}

/// Waits until both have ended, or one has failed.
async fn both(
    reading: impl Future<Output = Result<(), StreamError>>,
    writing: impl Future<Output = Result<(), StreamError>>,
) -> Result<(), StreamError> {
    tokio::try_join!(reading, writing).map(drop)
}

/// The task that writes, stopped with the one that reads.
struct Writing(JoinHandle<io::Result<()>>);

impl Writing {
    fn start(writer: SecureWriter, queue: &Arc<LaneQueue>, ends: SessionEnds) -> Self {
        Self(spawn_on(
            &Handle::current(),
            write(writer, Arc::clone(queue), ends),
        ))
    }

    async fn ended(&mut self) -> Result<(), StreamError> {
        Ok((&mut self.0).await.map_err(io::Error::other)??)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn report(arrivals: &mpsc::Sender<Arrival>, arrival: Arrival) {
    // When the cluster has ended, nobody needs to know how a lane did.
    drop(arrivals.send(arrival).await);
}

/// Takes all that is queued, yields once, takes what came meanwhile, and writes all of it.
async fn write(
    mut writer: SecureWriter,
    queue: Arc<LaneQueue>,
    ends: SessionEnds,
) -> io::Result<()> {
    let mut frames = BytesMut::new();
    loop {
        match queue.take(&mut frames) {
            Taken::Frames => {
                tokio::task::yield_now().await;
                queue.take_more(&mut frames);
                for part in frames.chunks(WRITE_SIZE) {
                    writer.write(part).await?;
                }
            }
            Taken::Nothing => queue.wait().await,
            Taken::End => {
                let mut end = BytesMut::new();
                encode_frame(&Frame::LaneEnd, ends, &mut end).map_err(io::Error::other)?;
                writer.write_last(&end).await?;
                queue.set_ended();
                return Ok(());
            }
        }
    }
}

/// Delivers what comes, up to the lane's end in order, and reports that.
async fn read_to_end(
    mut reader: SecureReader,
    gate: &Gate,
    queue: &LaneQueue,
    context: &LaneContext,
) -> Result<(), StreamError> {
    reader.open()?;
    loop {
        queue.used();
        if deliver(&mut reader, gate, context)? {
            let session = context.session;
            report(&context.arrivals, Arrival::LaneEnded { session }).await;
            return Ok(());
        }
        if !reader.fill().await? {
            return Err(StreamError::Closed);
        }
    }
}

/// Delivers what has been read. Whether the lane's end was among it.
fn deliver(
    reader: &mut SecureReader,
    gate: &Gate,
    context: &LaneContext,
) -> Result<bool, StreamError> {
    let is_shut = gate.is_shut.lock();
    while let Some(frame) = reader.take()? {
        match frame {
            Frame::Signal { to, signal } if !*is_shut => {
                context.node.deliver(context.ends.remote, &to, signal);
            }
            Frame::LaneEnd => return Ok(true),
            Frame::Signal { .. } | Frame::Unknown { .. } => {}
            Frame::Control(_) | Frame::Goodbye | Frame::Verdict(_) => {
                return Err(StreamError::Unexpected);
            }
        }
    }
    Ok(false)
}
