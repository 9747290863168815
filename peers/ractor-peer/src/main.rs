//! ractor 0.16, default features. Its mailbox is unbounded. It has supervision events but no
//! restart strategy: the restart here is written by hand in handle_supervisor_evt.
use harness::*;
use ractor::*;
use std::time::Instant;
use tokio::sync::{mpsc, watch};

enum Msg {
    Call(u64, RpcReplyPort<u64>),
    Cast(u64),
    Panic,
}
struct Counter;
impl Actor for Counter {
    type Msg = Msg;
    type State = u64;
    type Arguments = ();
    async fn pre_start(&self, _: ActorRef<Msg>, _: ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }
    async fn handle(
        &self,
        _: ActorRef<Msg>,
        m: Msg,
        s: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match m {
            Msg::Call(v, p) => {
                *s += v;
                let _ = p.send(*s);
            }
            Msg::Cast(v) => *s += v,
            Msg::Panic => panic!("told to"),
        }
        Ok(())
    }
}

enum RMsg {
    Next(ActorRef<RMsg>),
    Token(u64),
}
struct Node;
impl Actor for Node {
    type Msg = RMsg;
    type State = (Option<ActorRef<RMsg>>, mpsc::UnboundedSender<()>);
    type Arguments = mpsc::UnboundedSender<()>;
    async fn pre_start(
        &self,
        _: ActorRef<RMsg>,
        d: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok((None, d))
    }
    async fn handle(
        &self,
        _: ActorRef<RMsg>,
        m: RMsg,
        s: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match m {
            RMsg::Next(n) => s.0 = Some(n),
            RMsg::Token(0) => {
                let _ = s.1.send(());
            }
            RMsg::Token(h) => {
                let _ = s.0.as_ref().unwrap().cast(RMsg::Token(h - 1));
            }
        }
        Ok(())
    }
}

struct Sup;
impl Actor for Sup {
    type Msg = ();
    type State = watch::Sender<Option<ActorRef<Msg>>>;
    type Arguments = watch::Sender<Option<ActorRef<Msg>>>;
    async fn pre_start(
        &self,
        me: ActorRef<()>,
        tx: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let (k, _) = Actor::spawn_linked(None, Counter, (), me.get_cell()).await?;
        let _ = tx.send(Some(k));
        Ok(tx)
    }
    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        e: SupervisionEvent,
        tx: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(..) = e {
            let (k, _) = Actor::spawn_linked(None, Counter, (), me.get_cell()).await?;
            let _ = tx.send(Some(k));
        }
        Ok(())
    }
}

struct P;
impl Local for P {
    const NAME: &'static str = "ractor";
    type Counter = ActorRef<Msg>;
    type Ring = ActorRef<RMsg>;
    async fn spawn() -> Self::Counter {
        Actor::spawn(None, Counter, ()).await.unwrap().0
    }
    async fn call(c: &Self::Counter, v: u64) -> u64 {
        c.call(|p| Msg::Call(v, p), None).await.unwrap().unwrap()
    }
    async fn cast(c: &Self::Counter, v: u64) {
        let _ = c.cast(Msg::Cast(v));
    }
    async fn stop(c: Self::Counter) {
        let _ = c.stop_and_wait(None, None).await;
    }
    async fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> Self::Ring {
        let mut v = Vec::new();
        for _ in 0..n {
            v.push(Actor::spawn(None, Node, done.clone()).await.unwrap().0);
        }
        for i in 0..n {
            v[i].cast(RMsg::Next(v[(i + 1) % n].clone())).unwrap();
        }
        v[0].clone()
    }
    async fn kick(r: &Self::Ring, hops: u64) {
        let _ = r.cast(RMsg::Token(hops));
    }
    async fn restarts(n: usize) -> Option<Vec<u64>> {
        let (tx, mut rx) = watch::channel(None);
        let (_s, _) = Actor::spawn(None, Sup, tx).await.unwrap();
        let mut out = Vec::new();
        for _ in 0..n {
            let c = rx.borrow_and_update().clone().unwrap();
            let t = Instant::now();
            let _ = c.cast(Msg::Panic);
            rx.changed().await.unwrap();
            let c = rx.borrow().clone().unwrap();
            c.call(|p| Msg::Call(1, p), None).await.unwrap().unwrap();
            out.push(t.elapsed().as_nanos() as u64);
        }
        Some(out)
    }
}
fn main() {
    local_main::<P>()
}
