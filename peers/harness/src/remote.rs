//! The remote workloads: two processes on loopback.

use std::time::Instant;

use crate::*;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Two OS processes on 127.0.0.1: the same binary is started again with `serve`.
pub trait Remote: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    type Ref: Clone + Send + Sync + 'static;

    /// Serve forever; print READY (with `ready()`) when reachable.
    fn serve(port: u16) -> impl Future<Output = ()> + Send;
    fn connect(port: u16) -> impl Future<Output = Self::Ref> + Send;
    /// Adds v to a counter actor over there, answers the new value.
    fn call(r: &Self::Ref, v: u64) -> impl Future<Output = u64> + Send;
    /// One way; the remote actor adds the length of the payload to another counter.
    fn cast(r: &Self::Ref, payload: Vec<u8>) -> impl Future<Output = ()> + Send;
    /// Ordered after this caller's casts: answers and clears that other counter.
    fn barrier(r: &Self::Ref) -> impl Future<Output = u64> + Send;
    /// Registers for, then waits for, the notice that the node is gone.
    fn down(r: Self::Ref, armed: oneshot::Sender<()>) -> impl Future<Output = bool> + Send;
    fn big_ok() -> bool {
        true
    }
}

pub fn ready() {
    use std::io::Write;
    println!("READY");
    let _ = std::io::stdout().flush();
}

/// Killed when dropped, whatever happens.
struct Node(Child);
impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(port: u16) -> Node {
    use std::io::BufRead;
    let mut c = Command::new(std::env::current_exe().unwrap())
        .args(["serve", "--port", &port.to_string()])
        .args(std::env::args().skip(1)) // the server sees the client's options too
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut l = String::new();
    std::io::BufReader::new(c.stdout.take().unwrap())
        .read_line(&mut l)
        .unwrap();
    assert_eq!(l.trim(), "READY");
    Node(c)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The runtime of both processes.
fn which() -> String {
    arg("--rt").unwrap_or_else(|| "mt2".into())
}

pub fn remote_main<P: Remote>() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        // A server never outlives the bench: it ends when its stdin closes.
        std::thread::spawn(|| {
            use std::io::Read;
            let _ = std::io::stdin().read(&mut [0u8; 1]);
            std::process::exit(0);
        });
        let port = arg("--port").unwrap().parse().unwrap();
        let rt = tokio_rt(&which());
        rt.block_on(async move { tokio::spawn(P::serve(port)).await.unwrap() });
        return;
    }
    let rt = tokio_rt(&which());
    rt.block_on(async move { tokio::spawn(all::<P>()).await.unwrap() });
    rt.shutdown_background();
}

/// The final sync. One barrier call is enough where casts are ordered before it; where they
/// are not (or are lost) it asks again, and gives up after 3 s in which nothing arrived.
async fn settle<P: Remote>(r: &P::Ref, expect: u64) -> u64 {
    let mut got = P::barrier(r).await;
    let mut last = Instant::now();
    while got < expect && last.elapsed() < Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let more = P::barrier(r).await;
        if more > 0 {
            last = Instant::now();
        }
        got += more;
    }
    got
}

async fn lat<P: Remote>(r: &P::Ref, n: u64) -> Vec<u64> {
    let mut v = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let t = Instant::now();
        std::hint::black_box(P::call(r, 1).await);
        v.push(t.elapsed().as_nanos() as u64);
    }
    v
}

async fn all<P: Remote>() {
    let rt = which();
    let put = |fig: &str, v: f64, u: &str| emit(P::NAME, &rt, fig, v, u);
    let port = free_port();
    let mut node = start(port);
    let r = P::connect(port).await;

    if wanted("R1") {
        lat::<P>(&r, scaled(2_000)).await;
        let mut v = lat::<P>(&r, scaled(30_000)).await;
        put("R1.p50", pct(&mut v, 0.5) / 1e3, "us");
        put("R1.p99", pct(&mut v, 0.99) / 1e3, "us");
    }
    if wanted("R2") {
        for (fig, callers) in [("R2.64", 64u64), ("R2.256", 256)] {
            let each = scaled(192_000) / callers;
            let (s, _) = timed(async {
                let mut hs = Vec::new();
                for _ in 0..callers {
                    let r = r.clone();
                    hs.push(tokio::spawn(async move {
                        for _ in 0..each {
                            std::hint::black_box(P::call(&r, 1).await);
                        }
                    }));
                }
                for h in hs {
                    h.await.unwrap();
                }
            })
            .await;
            put(fig, (callers * each) as f64 / s, "calls/s");
        }
    }
    if wanted("R3") {
        for (fig, size, n) in [("R3.32B", 32usize, 500_000u64), ("R3.1KiB", 1024, 200_000)] {
            let n = scaled(n);
            P::barrier(&r).await;
            let (s, got) = timed(async {
                for i in 0..n {
                    P::cast(&r, vec![7u8; size]).await;
                    if i % 256 == 255 {
                        tokio::task::yield_now().await;
                    }
                }
                settle::<P>(&r, n * size as u64).await
            })
            .await;
            if got != n * size as u64 {
                eprintln!(
                    "{}: {fig}: {got} of {} bytes had arrived at the barrier",
                    P::NAME,
                    n * size as u64
                );
                put(
                    &format!("{fig}.LOST"),
                    (n * size as u64 - got) as f64 / size as f64,
                    "msgs",
                );
            }
            put(fig, n as f64 / s, "casts/s");
        }
    }
    if wanted("R4") && P::big_ok() {
        for (fig, size, n) in [
            ("R4.1MiB", 1usize << 20, 256u64),
            ("R4.16MiB", 16 << 20, 16),
        ] {
            let n = scaled(n);
            P::barrier(&r).await;
            let (s, got) = timed(async {
                for _ in 0..n {
                    P::cast(&r, vec![7u8; size]).await;
                }
                settle::<P>(&r, n * size as u64).await
            })
            .await;
            if got != n * size as u64 {
                put(
                    &format!("{fig}.LOST"),
                    (n * size as u64 - got) as f64 / size as f64,
                    "msgs",
                );
            }
            put(fig, (n * size as u64) as f64 / 1e6 / s, "MB/s");
        }
        // Head-of-line: call latency while one sender keeps one 16 MiB message in flight.
        let stop = Arc::new(AtomicBool::new(false));
        let (r2, s2) = (r.clone(), stop.clone());
        let h = tokio::spawn(async move {
            let mut sent = 0u64;
            while !s2.load(Ordering::Relaxed) && sent < 64 {
                P::cast(&r2, vec![7u8; 16 << 20]).await;
                settle::<P>(&r2, 16 << 20).await;
                sent += 1;
            }
            sent
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut v = Vec::new();
        while !h.is_finished() && v.len() < 200_000 {
            let t = Instant::now();
            P::call(&r, 1).await;
            v.push(t.elapsed().as_nanos() as u64);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.store(true, Ordering::Relaxed);
        h.await.unwrap();
        put("R4.hol_p50", pct(&mut v, 0.5) / 1e3, "us");
        put("R4.hol_p99", pct(&mut v, 0.99) / 1e3, "us");
        put("R4.hol_max", pct(&mut v, 1.0) / 1e3, "us");
    }
    if wanted("R5") {
        let (tx, rx) = oneshot::channel();
        let h = tokio::spawn(P::down(r.clone(), tx));
        rx.await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let t = Instant::now();
        node.0.kill().unwrap(); // SIGKILL
        match tokio::time::timeout(Duration::from_secs(60), h).await {
            Ok(Ok(true)) => put("R5.down", t.elapsed().as_secs_f64() * 1e3, "ms"),
            _ => put("R5.down", f64::NAN, "none in 60 s"),
        }
    }
    drop(node);
}
