//! The local workloads: one process, one runtime.

use crate::*;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

pub trait Local: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    type Counter: Clone + Send + Sync + 'static;
    type Ring: Send + Sync + 'static;

    /// One idle counter actor (state: one u64).
    fn spawn() -> impl Future<Output = Self::Counter> + Send;
    /// Adds `v`, answers the new value.
    fn call(c: &Self::Counter, v: u64) -> impl Future<Output = u64> + Send;
    /// Adds `v`, no answer. May wait if the peer's default mailbox is bounded.
    fn cast(c: &Self::Counter, v: u64) -> impl Future<Output = ()> + Send;
    /// Asks it to stop and waits until it has stopped.
    fn stop(c: Self::Counter) -> impl Future<Output = ()> + Send;

    /// `n` actors in a ring; the last hop of a token sends on `done`.
    fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> impl Future<Output = Self::Ring> + Send;
    fn kick(r: &Self::Ring, hops: u64) -> impl Future<Output = ()> + Send;

    /// Starts a supervised child, then `n` times: make it panic, wait until the new
    /// incarnation answers a call; returns the nanoseconds of each. None: no supervision.
    fn restarts(_n: usize) -> impl Future<Output = Option<Vec<u64>>> + Send {
        async { None }
    }

    /// How this peer starts a caller (a plain tokio task unless calls need more).
    fn task<F: Future<Output = ()> + Send + 'static>(f: F) {
        tokio::spawn(f);
    }
    fn block_on<F: Future<Output = ()> + Send + 'static>(rt: &str, f: F) {
        let rt = tokio_rt(rt);
        rt.block_on(async move { tokio::spawn(f).await.unwrap() });
        rt.shutdown_background();
    }
}

/// `n` tasks at once; returns when all are done.
async fn fan<P: Local, F, Fut>(n: usize, f: F)
where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut w = Vec::new();
    for i in 0..n {
        let (tx, rx) = oneshot::channel();
        let fut = f(i);
        P::task(async move {
            fut.await;
            let _ = tx.send(());
        });
        w.push(rx);
    }
    for rx in w {
        rx.await.unwrap();
    }
}

pub fn local_main<P: Local>() {
    // Told-to panics (the restart figure) stay quiet; any other is a fault of the bench.
    std::panic::set_hook(Box::new(|p| {
        if p.payload().downcast_ref::<&str>() != Some(&"told to") {
            eprintln!("{p}");
        }
    }));
    let rt = arg("--rt").unwrap_or_else(|| "mt2".into());
    let rt2 = rt.clone();
    P::block_on(&rt2, async move { all::<P>(&rt).await });
}

async fn all<P: Local>(rt: &str) {
    let put = |fig: &str, v: f64, u: &str| emit(P::NAME, rt, fig, v, u);

    if wanted("L1") {
        let c = P::spawn().await;
        for _ in 0..scaled(20_000) {
            P::call(&c, 1).await;
        }
        let n = scaled(500_000);
        let (s, _) = timed(async {
            for _ in 0..n {
                std::hint::black_box(P::call(&c, 1).await);
            }
        })
        .await;
        put("L1.call_ns", s * 1e9 / n as f64, "ns/op");
        P::stop(c).await;
    }
    if wanted("L2") {
        for (fig, actors) in [("L2.64x1", 1usize), ("L2.64x64", 64)] {
            let mut cs = Vec::new();
            for _ in 0..actors {
                cs.push(P::spawn().await);
            }
            let cs = Arc::new(cs);
            let each = scaled(16_000);
            let (s, _) = timed(fan::<P, _, _>(64, |i| {
                let cs = cs.clone();
                async move {
                    let c = cs[i % cs.len()].clone();
                    for _ in 0..each {
                        std::hint::black_box(P::call(&c, 1).await);
                    }
                }
            }))
            .await;
            put(fig, 64.0 * each as f64 / s, "calls/s");
            for c in cs.iter() {
                P::stop(c.clone()).await;
            }
        }
    }
    if wanted("L3") {
        for (fig, producers) in [("L3.1p", 1u64), ("L3.4p", 4)] {
            let c = P::spawn().await;
            let total = scaled(10_000_000);
            let each = total / producers;
            let c2 = c.clone();
            let (s, got) = timed(async {
                fan::<P, _, _>(producers as usize, |_| {
                    let c = c2.clone();
                    async move {
                        for i in 0..each {
                            P::cast(&c, 1).await;
                            // A tokio producer that never yields starves its own consumer.
                            if i % 1024 == 1023 {
                                tokio::task::yield_now().await;
                            }
                        }
                    }
                })
                .await;
                P::call(&c, 0).await
            })
            .await;
            if got != each * producers {
                // The sync overtook casts of tasks that had finished: order was not kept
                // (or casts were lost: `still` then stays short).
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                let still = P::call(&c, 0).await;
                put(&format!("{fig}.OVERTAKEN"), (still - got) as f64, "casts");
                if still != each * producers {
                    put(
                        &format!("{fig}.LOST"),
                        (each * producers - still) as f64,
                        "casts",
                    );
                }
            }
            put(fig, (each * producers) as f64 / s, "casts/s");
            P::stop(c).await;
        }
    }
    if wanted("L4") {
        let n = scaled(100_000);
        let (s, _) = timed(async {
            for _ in 0..n {
                let c = P::spawn().await;
                P::stop(c).await;
            }
        })
        .await;
        put("L4.seq", n as f64 / s, "spawn+stop/s");
        let (s, _) = timed(async {
            let mut v = Vec::with_capacity(n as usize);
            for _ in 0..n {
                v.push(P::spawn().await);
            }
            for c in v {
                P::stop(c).await;
            }
        })
        .await;
        put("L4.bulk", n as f64 / s, "spawn+stop/s");
    }
    if wanted("L5") {
        let n = scaled(200_000);
        // Warm one up, so that one-off structures are not counted.
        let w = P::spawn().await;
        P::call(&w, 1).await;
        let mut v = Vec::with_capacity(n as usize);
        v.resize_with(0, || w.clone());
        let before = rss_bytes();
        for _ in 0..n {
            v.push(P::spawn().await);
        }
        // Every one has been scheduled once and is now idle.
        for c in &v {
            P::call(c, 1).await;
        }
        let after = rss_bytes();
        let handles = (v.capacity() * std::mem::size_of::<P::Counter>()) as u64;
        put(
            "L5.bytes",
            (after - before).saturating_sub(handles) as f64 / n as f64,
            "B/actor",
        );
        std::process::exit(0);
    }
    if wanted("L6") {
        let (tx, mut rx) = mpsc::unbounded_channel();
        let r = P::ring(1000, tx).await;
        P::kick(&r, scaled(20_000)).await;
        rx.recv().await;
        let hops = scaled(1_000_000);
        let (s, _) = timed(async {
            P::kick(&r, hops).await;
            rx.recv().await
        })
        .await;
        put("L6.ring", hops as f64 / s, "msgs/s");
    }
    if wanted("L7") {
        if let Some(mut v) = P::restarts(scaled(2_000) as usize).await {
            put("L7.p50", pct(&mut v, 0.5), "ns");
            put("L7.p99", pct(&mut v, 0.99), "ns");
        }
    }
}
