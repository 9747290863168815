//! coerce 0.8, no features (local only). Its supervision does not restart by itself.
use async_trait::async_trait;
use coerce::actor::context::ActorContext;
use coerce::actor::message::{Handler, Message};
use coerce::actor::scheduler::ActorType::Anonymous;
use coerce::actor::system::ActorSystem;
use coerce::actor::{Actor, IntoActorId, LocalActorRef, new_actor_id};
use harness::*;
use std::sync::OnceLock;
use tokio::sync::mpsc;

static SYS: OnceLock<ActorSystem> = OnceLock::new();
fn sys() -> &'static ActorSystem {
    SYS.get_or_init(ActorSystem::new)
}
struct Counter(u64);
impl Actor for Counter {}
struct Call(u64);
impl Message for Call {
    type Result = u64;
}
struct Cast(u64);
impl Message for Cast {
    type Result = ();
}
#[async_trait]
impl Handler<Call> for Counter {
    async fn handle(&mut self, m: Call, _: &mut ActorContext) -> u64 {
        self.0 += m.0;
        self.0
    }
}
#[async_trait]
impl Handler<Cast> for Counter {
    async fn handle(&mut self, m: Cast, _: &mut ActorContext) {
        self.0 += m.0;
    }
}
struct Node(Option<LocalActorRef<Node>>, mpsc::UnboundedSender<()>);
impl Actor for Node {}
struct Next(LocalActorRef<Node>);
impl Message for Next {
    type Result = ();
}
struct Token(u64);
impl Message for Token {
    type Result = ();
}
#[async_trait]
impl Handler<Next> for Node {
    async fn handle(&mut self, m: Next, _: &mut ActorContext) {
        self.0 = Some(m.0);
    }
}
#[async_trait]
impl Handler<Token> for Node {
    async fn handle(&mut self, m: Token, _: &mut ActorContext) {
        if m.0 == 0 {
            let _ = self.1.send(());
        } else {
            let _ = self.0.as_ref().unwrap().notify(Token(m.0 - 1));
        }
    }
}
struct P;
impl Local for P {
    const NAME: &'static str = "coerce";
    type Counter = LocalActorRef<Counter>;
    type Ring = LocalActorRef<Node>;
    async fn spawn() -> Self::Counter {
        sys()
            .new_actor(new_actor_id(), Counter(0), Anonymous)
            .await
            .unwrap()
    }
    async fn call(c: &Self::Counter, v: u64) -> u64 {
        c.send(Call(v)).await.unwrap()
    }
    async fn cast(c: &Self::Counter, v: u64) {
        let _ = c.notify(Cast(v));
    }
    async fn stop(c: Self::Counter) {
        let _ = c.stop().await;
    }
    async fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> Self::Ring {
        let mut v = Vec::new();
        for i in 0..n {
            v.push(
                sys()
                    .new_actor(
                        format!("n{i}").into_actor_id(),
                        Node(None, done.clone()),
                        Anonymous,
                    )
                    .await
                    .unwrap(),
            );
        }
        for i in 0..n {
            v[i].send(Next(v[(i + 1) % n].clone())).await.unwrap();
        }
        v[0].clone()
    }
    async fn kick(r: &Self::Ring, hops: u64) {
        let _ = r.notify(Token(hops));
    }
}
fn main() {
    local_main::<P>()
}
