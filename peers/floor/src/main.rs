//! The local floor: a bare tokio task with an mpsc channel, a oneshot for each answer.
use harness::*;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

enum Msg {
    Call(u64, oneshot::Sender<u64>),
    Cast(u64),
    Panic,
}

async fn counter(mut rx: mpsc::UnboundedReceiver<Msg>) {
    let mut n = 0u64;
    while let Some(m) = rx.recv().await {
        match m {
            Msg::Call(v, tx) => {
                n += v;
                let _ = tx.send(n);
            }
            Msg::Cast(v) => n += v,
            Msg::Panic => panic!("told to"),
        }
    }
}

macro_rules! ring {
    ($chan:expr, $send:ident) => {
        async fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> Self::Ring {
            let mut chans: Vec<_> = (0..n).map(|_| $chan).collect();
            let txs: Vec<_> = chans.iter().map(|c| c.0.clone()).collect();
            for (i, (_, mut rx)) in chans.drain(..).enumerate() {
                let next = txs[(i + 1) % n].clone();
                let done = done.clone();
                tokio::spawn(async move {
                    while let Some(h) = rx.recv().await {
                        if h == 0 {
                            let _ = done.send(());
                        } else {
                            $send!(next, h - 1);
                        }
                    }
                });
            }
            txs[0].clone()
        }
    };
}
macro_rules! us {
    ($t:expr, $v:expr) => {
        let _ = $t.send($v);
    };
}
macro_rules! bs {
    ($t:expr, $v:expr) => {
        let _ = $t.send($v).await;
    };
}

struct Floor;
#[derive(Clone)]
struct C(
    mpsc::UnboundedSender<Msg>,
    std::sync::Arc<std::sync::Mutex<Option<tokio::task::JoinHandle<()>>>>,
);

impl Local for Floor {
    const NAME: &'static str = "floor:tokio-unbounded";
    type Counter = C;
    type Ring = mpsc::UnboundedSender<u64>;
    async fn spawn() -> C {
        let (tx, rx) = mpsc::unbounded_channel();
        let h = tokio::spawn(counter(rx));
        C(tx, std::sync::Arc::new(std::sync::Mutex::new(Some(h))))
    }
    async fn call(c: &C, v: u64) -> u64 {
        let (tx, rx) = oneshot::channel();
        let _ = c.0.send(Msg::Call(v, tx));
        rx.await.unwrap()
    }
    async fn cast(c: &C, v: u64) {
        let _ = c.0.send(Msg::Cast(v));
    }
    async fn stop(c: C) {
        let h = c.1.lock().unwrap().take();
        drop(c);
        if let Some(h) = h {
            h.abort();
            let _ = h.await;
        }
    }
    ring!(mpsc::unbounded_channel::<u64>(), us);
    async fn kick(r: &Self::Ring, hops: u64) {
        let _ = r.send(hops);
    }
    /// Floor of a restart: a supervisor task that joins the child and spawns it anew.
    async fn restarts(n: usize) -> Option<Vec<u64>> {
        let (ptx, mut prx) =
            tokio::sync::watch::channel::<Option<mpsc::UnboundedSender<Msg>>>(None);
        tokio::spawn(async move {
            loop {
                let (tx, rx) = mpsc::unbounded_channel();
                let h = tokio::spawn(counter(rx));
                if ptx.send(Some(tx)).is_err() {
                    return;
                }
                let _ = h.await;
            }
        });
        let mut out = Vec::new();
        prx.changed().await.unwrap();
        for _ in 0..n {
            let c = prx.borrow_and_update().clone().unwrap();
            let t = Instant::now();
            let _ = c.send(Msg::Panic);
            prx.changed().await.unwrap();
            let c = prx.borrow().clone().unwrap();
            let (tx, rx) = oneshot::channel();
            let _ = c.send(Msg::Call(1, tx));
            rx.await.unwrap();
            out.push(t.elapsed().as_nanos() as u64);
        }
        Some(out)
    }
}

/// The same with a bounded channel (64, as kameo's default), so senders wait.
struct FloorB;
#[derive(Clone)]
struct CB(
    mpsc::Sender<Msg>,
    std::sync::Arc<std::sync::Mutex<Option<tokio::task::JoinHandle<()>>>>,
);
impl Local for FloorB {
    const NAME: &'static str = "floor:tokio-bounded64";
    type Counter = CB;
    type Ring = mpsc::Sender<u64>;
    async fn spawn() -> CB {
        let (tx, mut rx) = mpsc::channel(64);
        let h = tokio::spawn(async move {
            let mut n = 0u64;
            while let Some(m) = rx.recv().await {
                match m {
                    Msg::Call(v, tx) => {
                        n += v;
                        let _ = tx.send(n);
                    }
                    Msg::Cast(v) => n += v,
                    Msg::Panic => panic!("told to"),
                }
            }
        });
        CB(tx, std::sync::Arc::new(std::sync::Mutex::new(Some(h))))
    }
    async fn call(c: &CB, v: u64) -> u64 {
        let (tx, rx) = oneshot::channel();
        let _ = c.0.send(Msg::Call(v, tx)).await;
        rx.await.unwrap()
    }
    async fn cast(c: &CB, v: u64) {
        let _ = c.0.send(Msg::Cast(v)).await;
    }
    async fn stop(c: CB) {
        let h = c.1.lock().unwrap().take();
        drop(c);
        if let Some(h) = h {
            h.abort();
            let _ = h.await;
        }
    }
    ring!(mpsc::channel::<u64>(64), bs);
    async fn kick(r: &Self::Ring, hops: u64) {
        let _ = r.send(hops).await;
    }
}

fn main() {
    match arg("--floor").as_deref() {
        Some("bounded") => local_main::<FloorB>(),
        Some("tcp") => remote_main::<remote::Mux<false>>(),
        Some("noise") => remote_main::<remote::Mux<true>>(),
        Some("tcp-direct") => remote::direct(),
        Some("direct-server") => remote::serve_any(),
        _ => local_main::<Floor>(),
    }
}

mod remote;
