//! How servers start and end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use noex_core::mailbox::Incoming;
use noex_core::process::SpawnOptions;
use noex_core::task::spawn_on;
use noex_core::{CallError, ExitReason, LocalNode, ReplyTo, current_pid};
use noex_gen_server::{Context, Flow, GenServer, ServerRef, StartError};
use tokio::runtime::Handle;

use crate::server::{Ask, Board, Init, Probe, Tell};
use crate::support::{Net, id, on, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_leaves_no_process_and_no_name() {
    let node = LocalNode::start(id(1));
    for _ in 0..200 {
        let start = Probe::start((Init::Fail, Board::new()));
        let failed = start.name("one").on(&node).await.unwrap_err();
        assert_eq!(failed, StartError::Init(ExitReason::error("no luck")));
        assert_eq!((node.process_count(), node.whereis("one")), (0, None));
    }
    let start = Probe::start((Init::Panic, Board::new()));
    let failed = start.name("one").on(&node).await.unwrap_err();
    let StartError::Init(ExitReason::Panic(panic)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(&*panic.message, "init broke");
    assert_eq!((node.process_count(), node.whereis("one")), (0, None));
}

#[tokio::test(start_paused = true)]
async fn an_init_that_takes_too_long_is_killed() {
    let node = LocalNode::start(id(1));
    let start = Probe::start((Init::Never, Board::new())).timeout(Duration::from_secs(1));
    let failed = start.name("one").on(&node).await.unwrap_err();
    assert_eq!(failed, StartError::Timeout);
    assert_eq!((node.process_count(), node.whereis("one")), (0, None));
}

#[tokio::test]
async fn a_name_that_is_held_tells_who_holds_it() {
    let node = LocalNode::start(id(1));
    let args = || (Init::Ok, Board::new());
    let first = Probe::start(args()).name("one").on(&node).await.unwrap();
    let second = Probe::start(args()).name("free").name("one").on(&node);
    let failed = second.await.unwrap_err();
    assert_eq!(failed, StartError::AlreadyStarted(first.pid()));
    assert_eq!((node.process_count(), node.whereis("free")), (1, None));
    let failed = Probe::start(args()).name("").on(&node).await.unwrap_err();
    assert_eq!(failed, StartError::InvalidName);
    let failed = Probe::start(args()).await.unwrap_err();
    assert_eq!(failed, StartError::NoNode);
}

#[tokio::test]
async fn a_start_that_is_dropped_kills_the_half_started_server() {
    let node = LocalNode::start(id(1));
    let start = Probe::start((Init::Never, Board::new()))
        .name("one")
        .on(&node);
    tokio::select! {
        biased;
        _ = start => panic!("init never ends"),
        () = tokio::task::yield_now() => {}
    }
    let pid = node.processes()[..].first().copied();
    if let Some(pid) = pid {
        soon("it is killed", node.ended(pid)).await;
    }
    assert_eq!((node.process_count(), node.whereis("one")), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_linked_start_that_is_given_up_does_not_kill_its_parent() {
    let node = LocalNode::start(id(1));
    let (parent, _) = Probe::on(&node).await;
    let patience = Duration::from_secs(1);
    let how = parent.call(|reply| Ask::StartLinked(patience, reply));
    assert_eq!(how.await.unwrap(), "Err(Elapsed(()))");
    assert_eq!(parent.call(Ask::Sum).await, Ok(0));
    assert_eq!(node.process_count(), 1);
}

#[tokio::test]
async fn a_linked_server_ends_with_its_parent() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let parent = home.spawn(SpawnOptions::default(), |mut mailbox| async move {
            drop::<Incoming<()>>(mailbox.next().await);
            ExitReason::Shutdown
        });
        let board = Board::new();
        let child = Probe::start((Init::Ok, board.clone())).link_with(parent.pid());
        let child = child.on(&nodes[0]).await.unwrap();
        child.cast(Tell::Trap).unwrap();
        child.call(Ask::Sum).await.unwrap();
        let ended = nodes[0].ended(child.pid());
        parent.mailbox().push(()).unwrap();
        assert_eq!(ended.await, ExitReason::Shutdown);
        assert_eq!(board.log(), ["sum", "terminate shutdown"]);
    }
}

#[tokio::test]
async fn contract_c52_a_stop_carries_its_reason_here_and_there() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(home).await;
        let ended = home.ended(server.pid());
        let stop = Probe::stop(server.pid()).reason(ExitReason::Shutdown);
        on(&nodes[0], stop).await.unwrap();
        assert_eq!(ended.await, ExitReason::Shutdown);
        assert_eq!(board.log(), ["terminate shutdown"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_not_heard_in_time_is_a_time_out() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(home).await;
        server.cast(Tell::Wait).unwrap();
        board.saw("waits").await;
        let stop = Probe::stop(server.pid()).timeout(Duration::from_secs(1));
        let outcome = on(&nodes[0], stop).await;
        assert_eq!(outcome, Err(CallError::Timeout));
        board.open();
        let ended = soon("it was asked", home.ended(server.pid())).await;
        assert!(matches!(ended, ExitReason::Normal | ExitReason::NoProcess));
    }
}

#[tokio::test]
async fn a_server_that_traps_exits_is_told_of_links_but_not_of_kills() {
    let (_net, nodes) = Net::of(2);
    for home in &nodes {
        let (server, board) = Probe::on(&nodes[0]).await;
        let (other, _) = Probe::on(home).await;
        server.cast(Tell::Trap).unwrap();
        server.cast(Tell::Link(other.pid())).unwrap();
        server.call(Ask::Sum).await.unwrap();
        other.cast(Tell::End(ExitReason::error("gone"))).unwrap();
        board.saw("exit error: gone").await;
        let ended = nodes[0].ended(server.pid());
        let node = &nodes[1];
        node.exit(node.pid(), server.pid(), ExitReason::Killed)
            .unwrap();
        assert_eq!(ended.await, ExitReason::Killed);
        assert_eq!(board.log(), ["sum", "exit error: gone"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_a_server_that_has_ended_learns_why() {
    let node = LocalNode::start(id(1));
    for reason in [ExitReason::Normal, ExitReason::error("out of bread")] {
        let server = Probe::start((Init::Ok, Board::new())).on(&node).await;
        let server = server.unwrap();
        let ended = server.ended();
        server.stop().reason(reason.clone()).await.unwrap();
        assert_eq!(ended.await, reason);
        assert_eq!(server.ended().await, reason);
        // By the pid alone nobody knows more than that there is none.
        assert_eq!(node.ended(server.pid()).await, ExitReason::NoProcess);
        assert_eq!(server.stop().await, Err(CallError::NoProcess));
    }
}

/// A server whose `init` starts another one, and so on.
struct Nested(Option<ServerRef<Self>>);

impl GenServer for Nested {
    type Args = u32;
    type Call = ReplyTo<u32>;
    type Cast = ();

    async fn init(below: u32, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        assert_eq!(current_pid(), Some(cx.pid()));
        let child = match below {
            0 => None,
            below => Some(
                Self::start(below - 1)
                    .link()
                    .await
                    .map_err(ExitReason::error)?,
            ),
        };
        assert_eq!(current_pid(), Some(cx.pid()));
        Ok(Self(child))
    }

    async fn handle_call(&mut self, reply: ReplyTo<u32>, _cx: &mut Context<Self>) -> Flow {
        let below = match &self.0 {
            None => Ok(0),
            Some(child) => child.call(|reply| reply).await.map(|below| below + 1),
        };
        if let Ok(below) = below {
            reply.send(below);
        }
        Flow::Continue
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_within_each_other_need_no_deep_stack() {
    let node = LocalNode::start(id(1));
    // On a thread with the stack that threads have.
    let started = spawn_on(&Handle::current(), Nested::start(2_000).on(&node));
    let top = started.await.unwrap().unwrap();
    assert_eq!(top.call(|reply| reply).await, Ok(2_000));
}

#[tokio::test]
async fn one_that_starts_many_lets_others_run() {
    let node = LocalNode::start(id(1));
    let others = spawn_on(&Handle::current(), async move {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
    let starter = spawn_on(&Handle::current(), async move {
        let mut started = Vec::new();
        while !others.is_finished() {
            let start = Probe::start((Init::Ok, Board::new())).on(&node);
            started.push(start.await.unwrap());
            assert!(started.len() < 10_000, "nobody else ran");
        }
    });
    starter.await.unwrap();
}

/// A server whose `init` needs the runtime.
struct Sleeper;

impl GenServer for Sleeper {
    type Args = ();
    type Call = ();
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Self)
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn a_server_starts_where_there_is_no_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let node = runtime.block_on(async { LocalNode::start(id(1)) });
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut start = pin!(Sleeper::start(()).on(&node));
    let started = loop {
        match start.as_mut().poll(&mut task::Context::from_waker(&waker)) {
            Poll::Ready(started) => break started,
            Poll::Pending => thread::park(),
        }
    };
    assert!(node.is_alive(started.unwrap().pid()));
}

/// Breaks when it is told to, and again as it is dropped.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        panic!("its state broke as well");
    }
}

impl GenServer for Fragile {
    type Args = ();
    type Call = ();
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        panic!("its handler broke");
    }
}

/// Breaks when it is looked at.
struct Secretive;

impl GenServer for Secretive {
    type Args = ();
    type Call = ReplyTo<u32>;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, reply: ReplyTo<u32>, _cx: &mut Context<Self>) -> Flow {
        reply.send(7);
        Flow::Continue
    }

    async fn handle_cast(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    fn describe(&self) -> Option<String> {
        panic!("not for you");
    }
}

#[tokio::test]
async fn a_server_whose_description_panics_survives_who_looks() {
    let node = LocalNode::start(id(1));
    let server = Secretive::start(()).on(&node).await.unwrap();
    let seen = soon("it is seen", server.inspect().state()).await;
    let text = format!("{seen:?}");
    assert!(text.contains("not for you"), "{text}");
    assert_eq!(server.call(|reply| reply).await, Ok(7));
}

#[tokio::test]
async fn a_state_that_panics_as_it_is_dropped_behind_a_panic_ends_its_server_alone() {
    let node = LocalNode::start(id(1));
    let fragile = Fragile::start(()).on(&node).await.unwrap();
    fragile.cast(()).unwrap();
    let ended = soon("it ends", fragile.ended()).await;
    let ExitReason::Panic(panic) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(&*panic.message, "its handler broke");
    assert_eq!(node.process_count(), 0);
}
