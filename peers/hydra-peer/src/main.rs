//! hydra 0.1: Erlang-like processes on tokio; calls need to be made from a hydra process.
use harness::Local;
use harness::*;
use hydra::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

#[derive(Debug, Serialize, Deserialize)]
enum Msg {
    Call(u64),
    Val(u64),
    Cast(u64),
    Die,
}
static GEN: AtomicU64 = AtomicU64::new(0);
struct Counter(u64, u64);
impl GenServer for Counter {
    type Message = Msg;
    async fn init(&mut self) -> Result<(), ExitReason> {
        Ok(())
    }
    async fn handle_call(&mut self, m: Msg, _: hydra::From) -> Result<Option<Msg>, ExitReason> {
        if let Msg::Call(v) = m {
            self.0 += v;
        }
        Ok(Some(Msg::Val(if self.1 > 0 { self.1 } else { self.0 })))
    }
    async fn handle_cast(&mut self, m: Msg) -> Result<(), ExitReason> {
        match m {
            Msg::Cast(v) => self.0 += v,
            Msg::Die => panic!("told to"),
            _ => {}
        }
        Ok(())
    }
}
struct P;
impl Local for P {
    const NAME: &'static str = "hydra";
    type Counter = Pid;
    type Ring = Pid;
    async fn spawn() -> Pid {
        Counter(0, 0).start(GenServerOptions::new()).await.unwrap()
    }
    async fn call(c: &Pid, v: u64) -> u64 {
        match Counter::call(*c, Msg::Call(v), None).await {
            Ok(Msg::Val(v)) => v,
            _ => panic!(),
        }
    }
    async fn cast(c: &Pid, v: u64) {
        Counter::cast(*c, Msg::Cast(v));
    }
    async fn stop(c: Pid) {
        let _ = Counter::stop(c, ExitReason::Normal, None).await;
    }
    async fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> Pid {
        // Plain processes, last one first; the first learns its successor by a message.
        let node = |next: Option<Pid>, done: mpsc::UnboundedSender<()>| {
            Process::spawn(async move {
                let mut next = next;
                if next.is_none() {
                    if let Message::User(p) = Process::receive::<Pid>().await {
                        next = Some(p);
                    }
                }
                loop {
                    if let Message::User(h) = Process::receive::<u64>().await {
                        if h == 0 {
                            let _ = done.send(());
                        } else {
                            Process::send(next.unwrap(), h - 1);
                        }
                    }
                }
            })
        };
        let last = node(None, done.clone());
        let mut next = last;
        for _ in 1..n {
            next = node(Some(next), done.clone());
        }
        Process::send(last, next);
        next
    }
    async fn kick(r: &Pid, hops: u64) {
        Process::send(*r, hops);
    }
    async fn restarts(n: usize) -> Option<Vec<u64>> {
        static KID: std::sync::Mutex<Option<Pid>> = std::sync::Mutex::new(None);
        let kid = ChildSpec::new("kid").start(|| async {
            let g = GEN.fetch_add(1, Relaxed) + 1;
            let p = Counter(0, g).start_link(GenServerOptions::new()).await?;
            *KID.lock().unwrap() = Some(p);
            Ok(p)
        });
        let _sup = Supervisor::with_children([kid])
            .max_restarts(usize::MAX)
            .max_duration(Duration::from_secs(1))
            .start_link(SupervisorOptions::new())
            .await
            .ok()?;
        let now = || KID.lock().unwrap().unwrap();
        let Ok(Msg::Val(mut g)) = Counter::call(now(), Msg::Call(1), None).await else {
            return None;
        };
        let mut out = Vec::new();
        for _ in 0..n {
            let t = Instant::now();
            Counter::cast(now(), Msg::Die);
            loop {
                match Counter::call(now(), Msg::Call(1), None).await {
                    Ok(Msg::Val(x)) if x > g => {
                        g = x;
                        break;
                    }
                    _ => tokio::task::yield_now().await,
                }
            }
            out.push(t.elapsed().as_nanos() as u64);
        }
        Some(out)
    }
    fn task<F: Future<Output = ()> + Send + 'static>(f: F) {
        Process::spawn(f);
    }
    fn block_on<F: Future<Output = ()> + Send + 'static>(rt: &str, f: F) {
        let rt = tokio_rt(rt);
        rt.block_on(async move {
            let (tx, rx) = oneshot::channel();
            Process::spawn(async move {
                f.await;
                let _ = tx.send(());
            });
            rx.await.unwrap();
        });
        rt.shutdown_background();
    }
}
fn main() {
    local_main::<P>()
}
