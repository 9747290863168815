//! xtra 0.6 on tokio, unbounded mailbox. No supervision.
use harness::*;
use tokio::sync::mpsc;
use xtra::prelude::*;

#[derive(xtra::Actor)]
struct Counter(u64);
struct Call(u64);
struct Cast(u64);
struct Stop;
impl Handler<Call> for Counter {
    type Return = u64;
    async fn handle(&mut self, m: Call, _: &mut Context<Self>) -> u64 {
        self.0 += m.0;
        self.0
    }
}
impl Handler<Cast> for Counter {
    type Return = ();
    async fn handle(&mut self, m: Cast, _: &mut Context<Self>) {
        self.0 += m.0;
    }
}
impl Handler<Stop> for Counter {
    type Return = ();
    async fn handle(&mut self, _: Stop, c: &mut Context<Self>) {
        c.stop_self();
    }
}
#[derive(xtra::Actor)]
struct Node(Option<Address<Node>>, mpsc::UnboundedSender<()>);
struct Next(Address<Node>);
struct Token(u64);
impl Handler<Next> for Node {
    type Return = ();
    async fn handle(&mut self, m: Next, _: &mut Context<Self>) {
        self.0 = Some(m.0);
    }
}
impl Handler<Token> for Node {
    type Return = ();
    async fn handle(&mut self, m: Token, _: &mut Context<Self>) {
        if m.0 == 0 {
            let _ = self.1.send(());
        } else {
            let _ = self.0.as_ref().unwrap().send(Token(m.0 - 1)).detach().await;
        }
    }
}
struct P;
impl Local for P {
    const NAME: &'static str = "xtra";
    type Counter = Address<Counter>;
    type Ring = Address<Node>;
    async fn spawn() -> Self::Counter {
        xtra::spawn_tokio(Counter(0), Mailbox::unbounded())
    }
    async fn call(c: &Self::Counter, v: u64) -> u64 {
        c.send(Call(v)).await.unwrap()
    }
    async fn cast(c: &Self::Counter, v: u64) {
        let _ = c.send(Cast(v)).detach().await;
    }
    async fn stop(c: Self::Counter) {
        let _ = c.send(Stop).await;
        c.join().await;
    }
    async fn ring(n: usize, done: mpsc::UnboundedSender<()>) -> Self::Ring {
        let v: Vec<_> = (0..n)
            .map(|_| xtra::spawn_tokio(Node(None, done.clone()), Mailbox::unbounded()))
            .collect();
        for i in 0..n {
            v[i].send(Next(v[(i + 1) % n].clone())).await.unwrap();
        }
        v[0].clone()
    }
    async fn kick(r: &Self::Ring, hops: u64) {
        let _ = r.send(Token(hops)).detach().await;
    }
}
fn main() {
    local_main::<P>()
}
