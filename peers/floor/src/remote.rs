//! The remote floor: one TCP connection, frames of [len u32][kind u8][id u64][body].
//! `Mux<false>`: many callers over one connection, a writer task that takes all that is
//! queued into one buffer and writes once, a reader task that hands answers out by id.
//! `Mux<true>`: the same bytes through snow (Noise NN, ChaChaPoly), in records of <= 65519 B.
//! `direct`: no tasks at all, one caller writes and reads in turn (the round-trip floor).
use harness::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

const CALL: u8 = 1;
const CAST: u8 = 2;
const BARRIER: u8 = 3;
const ANSWER: u8 = 4;
const HDR: usize = 13;

pub struct Frame {
    kind: u8,
    id: u64,
    body: Vec<u8>,
}

/// 1 MiB of queued bytes for casts, so a sender waits instead of filling memory.
const QUEUE: usize = 1024;

fn put(buf: &mut Vec<u8>, f: &Frame) {
    buf.extend_from_slice(&((9 + f.body.len()) as u32).to_le_bytes());
    buf.push(f.kind);
    buf.extend_from_slice(&f.id.to_le_bytes());
    buf.extend_from_slice(&f.body);
}

type Noise = Arc<snow::StatelessTransportState>;

async fn writer(mut w: OwnedWriteHalf, mut rx: mpsc::Receiver<Frame>, noise: Option<Noise>) {
    let mut buf = Vec::with_capacity(256 << 10);
    let mut enc = Vec::new();
    let mut nonce = 0u64;
    while let Some(f) = rx.recv().await {
        buf.clear();
        put(&mut buf, &f);
        while buf.len() < 256 << 10 {
            match rx.try_recv() {
                Ok(f) => put(&mut buf, &f),
                Err(_) => break,
            }
        }
        let ok = match &noise {
            None => w.write_all(&buf).await.is_ok(),
            Some(n) => {
                let recs = buf.len().div_ceil(65519);
                enc.resize(buf.len() + recs * 18, 0);
                let mut at = 0;
                for c in buf.chunks(65519) {
                    let l = n.write_message(nonce, c, &mut enc[at + 2..]).unwrap();
                    nonce += 1;
                    enc[at..at + 2].copy_from_slice(&(l as u16).to_le_bytes());
                    at += 2 + l;
                }
                w.write_all(&enc[..at]).await.is_ok()
            }
        };
        if !ok {
            return;
        }
        if buf.capacity() > 1 << 20 {
            buf = Vec::with_capacity(256 << 10);
        }
    }
}

/// Reads frames; with Noise, records are opened into the same plain buffer first.
struct Reader {
    r: OwnedReadHalf,
    noise: Option<Noise>,
    nonce: u64,
    wire: Vec<u8>,
    plain: Vec<u8>,
    at: usize,
}
impl Reader {
    fn new(r: OwnedReadHalf, noise: Option<Noise>) -> Self {
        Reader {
            r,
            noise,
            nonce: 0,
            wire: Vec::with_capacity(256 << 10),
            plain: Vec::with_capacity(256 << 10),
            at: 0,
        }
    }
    async fn fill(&mut self) -> Option<()> {
        if self.at > 0 {
            self.plain.drain(..self.at);
            self.at = 0;
        }
        self.plain.reserve(128 << 10);
        match self.noise.clone() {
            None => {
                if self.r.read_buf(&mut self.plain).await.ok()? == 0 {
                    return None;
                }
            }
            Some(n) => {
                self.wire.reserve(128 << 10);
                if self.r.read_buf(&mut self.wire).await.ok()? == 0 {
                    return None;
                }
                let mut p = 0;
                while self.wire.len() - p >= 2 {
                    let l = u16::from_le_bytes([self.wire[p], self.wire[p + 1]]) as usize;
                    if self.wire.len() - p < 2 + l {
                        break;
                    }
                    let base = self.plain.len();
                    self.plain.resize(base + l - 16, 0);
                    n.read_message(
                        self.nonce,
                        &self.wire[p + 2..p + 2 + l],
                        &mut self.plain[base..],
                    )
                    .ok()?;
                    self.nonce += 1;
                    p += 2 + l;
                }
                self.wire.drain(..p);
            }
        }
        Some(())
    }
    async fn next(&mut self) -> Option<Frame> {
        loop {
            let b = &self.plain[self.at..];
            if b.len() >= 4 {
                let len = u32::from_le_bytes(b[..4].try_into().unwrap()) as usize;
                if b.len() >= 4 + len {
                    let f = Frame {
                        kind: b[4],
                        id: u64::from_le_bytes(b[5..13].try_into().unwrap()),
                        body: b[HDR..4 + len].to_vec(),
                    };
                    self.at += 4 + len;
                    return Some(f);
                }
                self.plain.reserve(4 + len);
            }
            self.fill().await?;
        }
    }
}

const PATTERN: &str = "Noise_NN_25519_ChaChaPoly_BLAKE2s";
async fn handshake(s: &mut TcpStream, initiator: bool) -> Noise {
    let b = snow::Builder::new(PATTERN.parse().unwrap());
    let mut buf = [0u8; 256];
    let mut out = [0u8; 256];
    let mut hs = if initiator {
        b.build_initiator().unwrap()
    } else {
        b.build_responder().unwrap()
    };
    if initiator {
        let n = hs.write_message(&[], &mut buf).unwrap();
        s.write_all(&buf[..n]).await.unwrap();
        s.read_exact(&mut buf[..48]).await.unwrap();
        hs.read_message(&buf[..48], &mut out).unwrap();
    } else {
        s.read_exact(&mut buf[..32]).await.unwrap();
        hs.read_message(&buf[..32], &mut out).unwrap();
        let n = hs.write_message(&[], &mut buf).unwrap();
        s.write_all(&buf[..n]).await.unwrap();
    }
    Arc::new(hs.into_stateless_transport_mode().unwrap())
}

pub struct Mux<const NOISE: bool>;
pub struct Conn {
    tx: mpsc::Sender<Frame>,
    next: AtomicU64,
    wait: Arc<Mutex<HashMap<u64, oneshot::Sender<u64>>>>,
    gone: tokio::sync::watch::Receiver<bool>,
}
impl Conn {
    async fn ask(&self, kind: u8, body: Vec<u8>) -> u64 {
        let id = self.next.fetch_add(1, Relaxed);
        let (tx, rx) = oneshot::channel();
        self.wait.lock().unwrap().insert(id, tx);
        let _ = self.tx.send(Frame { kind, id, body }).await;
        rx.await.unwrap()
    }
}

async fn serve(port: u16, noise: bool) {
    let l = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    ready();
    let (mut s, _) = l.accept().await.unwrap();
    s.set_nodelay(true).unwrap();
    let n = if noise {
        Some(handshake(&mut s, false).await)
    } else {
        None
    };
    let (r, w) = s.into_split();
    let (tx, rx) = mpsc::channel(QUEUE);
    tokio::spawn(writer(w, rx, n.clone()));
    // The counter is an actor here too: the connection does not answer by itself.
    let (atx, mut arx) = mpsc::channel::<Frame>(QUEUE);
    tokio::spawn(async move {
        let (mut n, mut bytes) = (0u64, 0u64);
        while let Some(f) = arx.recv().await {
            let v = match f.kind {
                CALL => {
                    n += u64::from_le_bytes(f.body[..8].try_into().unwrap());
                    n
                }
                CAST => {
                    bytes += f.body.len() as u64;
                    continue;
                }
                _ => std::mem::take(&mut bytes),
            };
            let _ = tx
                .send(Frame {
                    kind: ANSWER,
                    id: f.id,
                    body: v.to_le_bytes().to_vec(),
                })
                .await;
        }
    });
    let mut rd = Reader::new(r, n);
    while let Some(f) = rd.next().await {
        let _ = atx.send(f).await;
    }
}

impl<const NOISE: bool> Remote for Mux<NOISE> {
    const NAME: &'static str = if NOISE {
        "floor:tcp-mux+noise"
    } else {
        "floor:tcp-mux"
    };
    type Ref = Arc<Conn>;
    async fn serve(port: u16) {
        serve(port, NOISE).await
    }
    async fn connect(port: u16) -> Arc<Conn> {
        let mut s = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        s.set_nodelay(true).unwrap();
        let n = if NOISE {
            Some(handshake(&mut s, true).await)
        } else {
            None
        };
        let (r, w) = s.into_split();
        let (tx, rx) = mpsc::channel(QUEUE);
        tokio::spawn(writer(w, rx, n.clone()));
        let wait: Arc<Mutex<HashMap<u64, oneshot::Sender<u64>>>> = Default::default();
        let w2 = wait.clone();
        let (gtx, gone) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            let mut rd = Reader::new(r, n);
            while let Some(f) = rd.next().await {
                let tx = w2.lock().unwrap().remove(&f.id);
                if let Some(tx) = tx {
                    let _ = tx.send(u64::from_le_bytes(f.body[..8].try_into().unwrap()));
                }
            }
            let _ = gtx.send(true);
        });
        Arc::new(Conn {
            tx,
            next: AtomicU64::new(1),
            wait,
            gone,
        })
    }
    async fn call(r: &Arc<Conn>, v: u64) -> u64 {
        r.ask(CALL, v.to_le_bytes().to_vec()).await
    }
    async fn cast(r: &Arc<Conn>, payload: Vec<u8>) {
        let _ =
            r.tx.send(Frame {
                kind: CAST,
                id: 0,
                body: payload,
            })
            .await;
    }
    async fn barrier(r: &Arc<Conn>) -> u64 {
        r.ask(BARRIER, vec![0; 8]).await
    }
    async fn down(r: Arc<Conn>, armed: oneshot::Sender<()>) -> bool {
        let mut g = r.gone.clone();
        let _ = armed.send(());
        g.wait_for(|x| *x).await.is_ok()
    }
}

/// The round trip with nothing in between: the caller owns the socket.
pub fn direct() {
    let rt = tokio_rt("mt2");
    rt.block_on(async {
        let me = std::env::current_exe().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut c = std::process::Command::new(me)
            .args([
                "serve",
                "--floor",
                "direct-server",
                "--port",
                &port.to_string(),
            ])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut l = String::new();
        use std::io::BufRead;
        std::io::BufReader::new(c.stdout.take().unwrap())
            .read_line(&mut l)
            .unwrap();
        let j = tokio::spawn(async move {
            let mut s = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            s.set_nodelay(true).unwrap();
            let mut v = Vec::new();
            let mut b = [0u8; 21];
            b[..4].copy_from_slice(&17u32.to_le_bytes());
            for i in 0..scaled(32_000) {
                let t = std::time::Instant::now();
                s.write_all(&b).await.unwrap();
                s.read_exact(&mut b).await.unwrap();
                if i >= scaled(2_000) {
                    v.push(t.elapsed().as_nanos() as u64);
                }
            }
            emit(
                "floor:tcp-direct",
                "mt2",
                "R1.p50",
                pct(&mut v, 0.5) / 1e3,
                "us",
            );
            emit(
                "floor:tcp-direct",
                "mt2",
                "R1.p99",
                pct(&mut v, 0.99) / 1e3,
                "us",
            );
        });
        j.await.unwrap();
        let _ = c.kill();
        let _ = c.wait();
    });
}

pub fn serve_any() {
    if arg("--floor").as_deref() == Some("direct-server") {
        std::thread::spawn(|| {
            use std::io::Read;
            let _ = std::io::stdin().read(&mut [0u8; 1]);
            std::process::exit(0);
        });
        let port: u16 = arg("--port").unwrap().parse().unwrap();
        let rt = tokio_rt("mt2");
        rt.block_on(async move {
            tokio::spawn(async move {
                let l = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
                ready();
                let (mut s, _) = l.accept().await.unwrap();
                s.set_nodelay(true).unwrap();
                let mut b = [0u8; 21];
                while s.read_exact(&mut b).await.is_ok() {
                    s.write_all(&b).await.unwrap();
                }
            })
            .await
            .unwrap()
        });
    }
}
