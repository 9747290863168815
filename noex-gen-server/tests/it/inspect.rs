//! Looking at servers while they run.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use noex_core::inspect::{MessageKind, ProcessInfo, Status};
use noex_core::mailbox::Info;
use noex_core::process::SpawnOptions;
use noex_core::{CallError, ExitReason, LocalNode, task};
use noex_gen_server::{Context, Flow, GenServer, ServerRef};
use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::server::{Ask, Other, Probe, Tell};
use crate::support::{Net, id, on, soon, until};

const SECOND: Duration = Duration::from_secs(1);

fn info(server: &ServerRef<Probe>) -> ProcessInfo {
    server.inspect().info().unwrap()
}

async fn waits(server: &ServerRef<Probe>) {
    until("it waits", || info(server).status == Status::Waiting).await;
}

#[tokio::test]
async fn a_server_is_seen_with_what_it_is_and_whom_it_knows() {
    let node = LocalNode::start(id(1));
    let (other, _) = Probe::on(&node).await;
    let (server, board) = Probe::on(&node).await;
    node.register("probe", server.pid()).unwrap();
    server.cast(Tell::Watch(other.pid())).unwrap();
    server.cast(Tell::Link(other.pid())).unwrap();
    server.cast(Tell::Trap).unwrap();
    server.call(Ask::Sum).await.unwrap();
    waits(&server).await;

    let seen = info(&server);
    assert_eq!(seen.pid, server.pid());
    assert_eq!(seen.names, ["probe".into()]);
    assert_eq!(seen.server, Some(std::any::type_name::<Probe>()));
    assert_eq!(seen.last_message, Some(MessageKind::Call));
    assert_eq!(
        (seen.links, seen.monitors),
        (vec![other.pid()], vec![other.pid()])
    );
    assert!(seen.trap_exit && !seen.started_linked && !seen.traced);
    assert_eq!(seen.parent, None);
    assert_eq!((seen.mailbox.len, seen.mailbox.handled), (0, 4));
    assert_eq!(seen.mailbox.capacity, Some(65_536));
    assert!(seen.uptime <= node.uptime());
    assert_eq!(info(&other).monitored_by, [server.pid()]);
    assert_eq!(board.log(), ["sum"]);
}

#[tokio::test]
async fn a_server_is_seen_while_it_handles_a_message() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    server.cast(Tell::Add(1)).unwrap();
    let seen = info(&server);
    assert_eq!(
        (seen.status, seen.last_message),
        (Status::Handling, Some(MessageKind::Cast))
    );
    assert_eq!((seen.mailbox.len, seen.mailbox.high_water), (1, 1));
    board.open();
    waits(&server).await;
}

#[tokio::test]
async fn a_process_that_has_ended_is_not_seen() {
    let node = LocalNode::start(id(1));
    let (server, _board) = Probe::on(&node).await;
    server.stop().await.unwrap();
    assert_eq!(server.inspect().info(), None);
    assert_eq!(server.inspect().state().await, Err(CallError::NoProcess));
    assert!(!server.inspect().suspend() && !server.inspect().resume());
    assert!(!server.inspect().trace(true));
}

#[tokio::test]
async fn who_started_a_server_with_a_link_is_its_parent() {
    let node = LocalNode::start(id(1));
    let (parent, _) = Probe::on(&node).await;
    let child = Other::start(()).link_with(parent.pid()).on(&node);
    let child = child.await.unwrap();
    let seen = child.inspect().info().unwrap();
    assert_eq!(
        (seen.parent, seen.started_linked),
        (Some(parent.pid()), true)
    );
    assert_eq!(info(&parent).links, [child.pid()]);
}

#[tokio::test]
async fn what_a_call_of_another_node_is_can_be_seen() {
    let (_net, nodes) = Net::of(2);
    let (server, _board) = Probe::on(&nodes[1]).await;
    let remote = on(&nodes[0], async { ServerRef::from_pid(server.pid()) }).await;
    let there: Result<u64, _> = on(&nodes[0], Probe::call(server.pid(), Ask::Sum)).await;
    assert_eq!(there, Ok(0));
    assert_eq!(info(&server).last_message, Some(MessageKind::RemoteCall));
    let remote: ServerRef<Probe> = remote;
    assert_eq!(remote.inspect().info(), None);
}

#[tokio::test]
async fn a_state_is_told_ahead_of_what_waits() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    server.cast(Tell::Add(1)).unwrap();
    let inspect = server.inspect();
    let (state, ()) = tokio::join!(inspect.state(), async {
        tokio::task::yield_now().await;
        board.open();
    });
    assert_eq!(state.unwrap().as_deref(), Some("sum 0"));
    board.saw("add 1").await;
    assert_eq!(info(&server).last_message, Some(MessageKind::Cast));
}

#[tokio::test]
async fn a_server_that_says_nothing_of_its_state_and_a_plain_process_show_none() {
    let node = LocalNode::start(id(1));
    let other = Other::start(()).on(&node).await.unwrap();
    assert_eq!(other.inspect().state().await, Ok(None));
    let plain = node.spawn::<(), _, _>(SpawnOptions::default(), |mut mailbox| async move {
        mailbox.next().await;
        mailbox.next_where(|_| false).await;
        ExitReason::Normal
    });
    assert_eq!(node.process_state(plain.pid()).await, Ok(None));
    assert_eq!(node.process_state(plain.pid()).await, Ok(None));
    assert_eq!(node.process_info(plain.pid()).unwrap().server, None);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_a_server_that_is_busy_is_waited_for_no_longer_than_said() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    server.cast(Tell::Wait).unwrap();
    board.saw("waits").await;
    let state = node.process_state(server.pid()).timeout(SECOND).await;
    assert_eq!(state, Err(CallError::Timeout));
    let asking = node.process_state(server.pid()).timeout(10 * SECOND);
    let state = task::spawn(&node, asking);
    tokio::task::yield_now().await;
    node.exit(node.pid(), server.pid(), ExitReason::Killed)
        .unwrap();
    assert_eq!(
        state.await.unwrap(),
        Err(CallError::Exited(ExitReason::Killed))
    );
}

#[tokio::test]
async fn a_suspended_server_handles_nothing_and_still_tells_its_state() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    assert!(server.inspect().suspend());
    server.cast(Tell::Add(1)).unwrap();
    for _ in 0..3 {
        assert_eq!(
            server.inspect().state().await.unwrap().as_deref(),
            Some("sum 0")
        );
    }
    assert_eq!(info(&server).status, Status::Suspended);
    assert_eq!(board.log(), [""; 0]);
    assert!(server.inspect().resume());
    board.saw("add 1").await;
    assert_eq!(server.call(Ask::Sum).await, Ok(1));
    waits(&server).await;
}

#[tokio::test]
async fn a_server_that_is_suspended_within_a_handler_ends_that_first() {
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    server.cast(Tell::Wait).unwrap();
    server.cast(Tell::Add(1)).unwrap();
    board.saw("waits").await;
    server.inspect().suspend();
    board.open();
    assert_eq!(
        server.inspect().state().await.unwrap().as_deref(),
        Some("sum 0")
    );
    server.inspect().resume();
    board.saw("add 1").await;
}

#[tokio::test]
async fn a_suspended_server_obeys_exits_and_kills() {
    let node = LocalNode::start(id(1));
    for reason in [ExitReason::Shutdown, ExitReason::Killed] {
        let (server, _board) = Probe::on(&node).await;
        server.inspect().suspend();
        server.inspect().state().await.unwrap();
        let ended = node.ended(server.pid());
        node.exit(node.pid(), server.pid(), reason.clone()).unwrap();
        assert_eq!(soon("it ends", ended).await, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn to_be_looked_at_does_not_end_an_idle_time() {
    let node = LocalNode::start(id(1));
    let idler = Idler::start(()).on(&node).await.unwrap();
    let ended = node.ended(idler.pid());
    for _ in 0..9 {
        tokio::time::advance(SECOND / 10).await;
        assert_eq!(idler.inspect().state().await, Ok(None));
    }
    let began = tokio::time::Instant::now();
    assert_eq!(ended.await, ExitReason::Normal);
    assert!(began.elapsed() <= SECOND / 5);
}

/// Ends when it was idle for a second.
struct Idler;

impl GenServer for Idler {
    type Args = ();
    type Call = ();
    type Cast = ();

    async fn init((): (), cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.set_idle_timeout(Some(SECOND));
        Ok(Self)
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_info(&mut self, _info: Info, _cx: &mut Context<Self>) -> Flow {
        Flow::Stop(ExitReason::Normal)
    }
}

#[tokio::test]
async fn what_a_traced_server_takes_and_its_end_are_events() {
    let seen = Seen::default();
    let _listening = tracing::subscriber::set_default(seen.clone());
    let node = LocalNode::start(id(1));
    let (server, board) = Probe::on(&node).await;
    let (other, _) = Probe::on(&node).await;
    server.cast(Tell::Add(1)).unwrap();
    board.saw("add 1").await;
    assert!(server.inspect().trace(true));
    assert!(info(&server).traced);
    server.cast(Tell::Add(2)).unwrap();
    server.call(Ask::Sum).await.unwrap();
    other.call(Ask::Sum).await.unwrap();
    server.inspect().trace(false);
    server.call(Ask::Sum).await.unwrap();
    server.inspect().trace(true);
    server.stop().await.unwrap();
    let pid = server.pid();
    let of_it = |what: &str| format!("pid={pid} {what}");
    let expected = ["kind=cast", "kind=call", "kind=stop", "reason=normal"].map(of_it);
    assert_eq!(*seen.0.lock(), expected);
}

/// The events of traced processes, in short.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Short(String);

impl Visit for Short {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if ["pid", "kind", "reason"].contains(&field.name()) {
            let gap = if self.0.is_empty() { "" } else { " " };
            write!(self.0, "{gap}{}={value:?}", field.name()).unwrap();
        }
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "noex::trace"
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut short = Short::default();
        event.record(&mut short);
        self.0.lock().push(short.0);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
