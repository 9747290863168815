//! The remote floor: one TCP connection with length-prefixed frames, a writer that batches, and a
//! reader that hands answers out by number.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

const CALL: u8 = 1;
const CAST: u8 = 2;
const QUEUE: usize = 1_024;
const BATCH: usize = 256 * 1_024;

struct Frame {
    kind: u8,
    id: u64,
    body: Vec<u8>,
}

/// The client: calls and casts to the one task on the other side.
#[derive(Clone)]
pub(crate) struct Client(Arc<Connection>);

struct Connection {
    queue: mpsc::Sender<Frame>,
    next: AtomicU64,
    waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<u64>>>>,
}

impl Client {
    pub(crate) async fn connect(server: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (queue, queued) = mpsc::channel(QUEUE);
        tokio::spawn(write(writer, queued));
        let waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<u64>>>> = Arc::default();
        let answers = Arc::clone(&waiting);
        tokio::spawn(async move {
            let mut reader = BufReader::with_capacity(BATCH, reader);
            while let Ok(frame) = read(&mut reader).await {
                let waiting = answers.lock().expect("nobody panics").remove(&frame.id);
                if let (Some(waiting), Ok(body)) = (waiting, frame.body[..8].try_into()) {
                    let _gone = waiting.send(u64::from_le_bytes(body));
                }
            }
        });
        Ok(Self(Arc::new(Connection {
            queue,
            next: AtomicU64::new(0),
            waiting,
        })))
    }

    pub(crate) async fn call(&self, add: u64) -> u64 {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (tx, rx) = oneshot::channel();
        self.0.waiting.lock().expect("nobody panics").insert(id, tx);
        self.send(Frame {
            kind: CALL,
            id,
            body: add.to_le_bytes().to_vec(),
        })
        .await;
        rx.await.expect("the other side answers")
    }

    pub(crate) async fn cast(&self, body: Vec<u8>) {
        self.send(Frame {
            kind: CAST,
            id: 0,
            body,
        })
        .await;
    }

    async fn send(&self, frame: Frame) {
        assert!(
            self.0.queue.send(frame).await.is_ok(),
            "the connection stands"
        );
    }
}

/// Serves one client after the other, for ever.
pub(crate) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (queue, queued) = mpsc::channel(QUEUE);
        tokio::spawn(write(writer, queued));
        let (inbox, inboxed) = mpsc::channel(QUEUE);
        tokio::spawn(sum(inboxed, queue));
        let mut reader = BufReader::with_capacity(BATCH, reader);
        while let Ok(frame) = read(&mut reader).await {
            if inbox.send(frame).await.is_err() {
                break;
            }
        }
    }
}

/// The task that answers: a connection does not answer by itself.
async fn sum(mut inbox: mpsc::Receiver<Frame>, queue: mpsc::Sender<Frame>) {
    let mut sum = 0;
    while let Some(Frame { kind, id, body }) = inbox.recv().await {
        if kind == CAST {
            sum += body.len() as u64 + 1;
            continue;
        }
        sum += body[..8].try_into().map_or(0, u64::from_le_bytes);
        let answer = Frame {
            kind: CALL,
            id,
            body: sum.to_le_bytes().to_vec(),
        };
        if queue.send(answer).await.is_err() {
            return;
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Frame>) {
    let mut buffer = Vec::with_capacity(BATCH);
    while let Some(frame) = queue.recv().await {
        buffer.clear();
        put(&mut buffer, &frame);
        while buffer.len() < BATCH
            && let Ok(frame) = queue.try_recv()
        {
            put(&mut buffer, &frame);
        }
        if writer.write_all(&buffer).await.is_err() {
            return;
        }
    }
}

fn put(buffer: &mut Vec<u8>, frame: &Frame) {
    let length = u32::try_from(frame.body.len() + 9).expect("bodies are small");
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.push(frame.kind);
    buffer.extend_from_slice(&frame.id.to_le_bytes());
    buffer.extend_from_slice(&frame.body);
}

async fn read(reader: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Frame> {
    let length = reader.read_u32_le().await?;
    let kind = reader.read_u8().await?;
    let id = reader.read_u64_le().await?;
    let mut body = vec![0; length as usize - 9];
    reader.read_exact(&mut body).await?;
    Ok(Frame { kind, id, body })
}
