//! Timers, idleness, continuations and hibernation.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use noex_core::mailbox::{Incoming, Info};
use noex_core::process::SpawnOptions;
use noex_core::{ExitReason, Local, LocalNode, ReplyTo, TimerRef};
use noex_gen_server::{Context, Flow, GenServer, ServerRef};
use parking_lot::Mutex;
use tokio::time::{Instant, advance, sleep};

use crate::support::{id, soon};

type Log = Arc<Mutex<Vec<String>>>;
type Step = Box<dyn FnOnce(&mut Doer, &Context<Doer>) + Send>;

const SECOND: Duration = Duration::from_secs(1);

/// Does what it is told, and notes what comes.
struct Doer {
    log: Log,
    began: Instant,
    timer: Option<TimerRef>,
    /// For so long it handles the next step.
    busy: Duration,
}

impl Doer {
    fn note(&self, what: &str) {
        let at = self.began.elapsed().as_secs_f32().round();
        self.log.lock().push(format!("{at} {what}"));
    }
}

impl GenServer for Doer {
    type Args = Log;
    type Call = Local<(Step, ReplyTo<()>)>;
    type Cast = String;

    async fn init(log: Log, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.continue_with("begun");
        Ok(Self {
            log,
            began: Instant::now(),
            timer: None,
            busy: Duration::ZERO,
        })
    }

    async fn handle_call(&mut self, call: Self::Call, cx: &mut Context<Self>) -> Flow {
        let Local((step, reply)) = call;
        step(self, cx);
        reply.send(());
        sleep(std::mem::take(&mut self.busy)).await;
        Flow::Continue
    }

    async fn handle_cast(&mut self, text: String, _cx: &mut Context<Self>) -> Flow {
        self.note(&text);
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Context<Self>) -> Flow {
        match info {
            Info::Other(value) => self.note(value.downcast_ref::<&str>().unwrap()),
            other => self.note(&format!("{other:?}")),
        }
        Flow::Continue
    }

    async fn handle_continue(
        &mut self,
        value: Box<dyn Any + Send>,
        cx: &mut Context<Self>,
    ) -> Flow {
        let word = *value.downcast_ref::<&str>().unwrap();
        self.note(&format!("continue {word}"));
        match word {
            "again" => cx.continue_with("last"),
            "stop" => return Flow::Stop(ExitReason::Shutdown),
            _ => {}
        }
        Flow::Continue
    }
}

async fn doer() -> (LocalNode, ServerRef<Doer>, Log) {
    let node = LocalNode::start(id(1));
    let log = Log::default();
    let server = Doer::start(Arc::clone(&log)).on(&node).await.unwrap();
    (node, server, log)
}

async fn tell(
    server: &ServerRef<Doer>,
    step: impl FnOnce(&mut Doer, &Context<Doer>) + Send + 'static,
) {
    let step: Step = Box::new(step);
    let told = server.call(|reply| Local((step, reply)));
    told.await.unwrap();
}

/// What came since it was last asked.
fn news(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock())
}

#[tokio::test(start_paused = true)]
async fn timers_deliver_casts_and_infos_in_the_order_of_their_times() {
    let (_node, server, log) = doer().await;
    tell(&server, |_, cx| {
        cx.send_after(2 * SECOND, "info");
        cx.cast_after(SECOND, "cast".into());
    })
    .await;
    sleep(3 * SECOND).await;
    assert_eq!(news(&log), ["0 continue begun", "1 cast", "2 info"]);
}

#[tokio::test(start_paused = true)]
async fn a_timer_takes_its_place_while_the_server_is_busy() {
    let (_node, server, log) = doer().await;
    tell(&server, |doer, cx| {
        cx.cast_after(SECOND, "timer".into());
        doer.busy = 5 * SECOND;
    })
    .await;
    server.cast("before".into()).unwrap();
    sleep(2 * SECOND).await;
    server.cast("behind".into()).unwrap();
    sleep(4 * SECOND).await;
    assert_eq!(news(&log)[1..], ["5 before", "5 timer", "5 behind"]);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_cancelled_too_late_delivers_nothing_either() {
    let (_node, server, log) = doer().await;
    tell(&server, |doer, cx| {
        doer.timer = Some(cx.cast_after(SECOND, "timer".into()));
        doer.busy = 2 * SECOND;
    })
    .await;
    tell(&server, |doer, cx| {
        let timer = doer.timer.unwrap();
        assert_eq!(cx.read_timer(timer), Some(Duration::ZERO));
        assert_eq!(cx.cancel_timer(timer), Some(Duration::ZERO));
        assert_eq!(cx.cancel_timer(timer), None);
    })
    .await;
    sleep(SECOND).await;
    assert_eq!(news(&log)[1..], [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_tells_how_much_was_left() {
    let (_node, server, log) = doer().await;
    tell(&server, |doer, cx| {
        doer.timer = Some(cx.send_after(3 * SECOND, "timer"));
    })
    .await;
    advance(SECOND).await;
    tell(&server, |doer, cx| {
        let timer = doer.timer.unwrap();
        assert_eq!(cx.read_timer(timer), Some(2 * SECOND));
        assert_eq!(cx.cancel_timer(timer), Some(2 * SECOND));
        assert_eq!(cx.read_timer(timer), None);
    })
    .await;
    sleep(5 * SECOND).await;
    assert_eq!(news(&log)[1..], [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_interval_beats_until_it_is_cancelled_and_skips_what_it_missed() {
    let (_node, server, log) = doer().await;
    tell(&server, |doer, cx| {
        let mut beat = 0;
        doer.timer = Some(cx.cast_interval(SECOND, move || {
            beat += 1;
            format!("beat {beat}")
        }));
    })
    .await;
    sleep(SECOND * 5 / 2).await;
    tell(&server, |doer, _| doer.busy = 3 * SECOND).await;
    sleep(4 * SECOND).await;
    assert_eq!(
        news(&log)[1..],
        ["1 beat 1", "2 beat 2", "6 beat 3", "6 beat 4"]
    );
    tell(&server, |doer, cx| {
        assert!(cx.cancel_timer(doer.timer.unwrap()).is_some());
    })
    .await;
    sleep(5 * SECOND).await;
    assert_eq!(news(&log), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn timers_end_with_their_server_and_give_their_messages_back() {
    struct Held(Arc<()>);
    let (node, server, _log) = doer().await;
    let held = Arc::new(());
    let other = node.spawn::<(), _, _>(SpawnOptions::default(), |mut mailbox| async move {
        let Incoming::Info(info) = mailbox.next().await else {
            return ExitReason::error("not an info");
        };
        ExitReason::error(format!("{info:?}"))
    });
    let (one, two, to) = (
        Held(Arc::clone(&held)),
        Held(Arc::clone(&held)),
        other.pid(),
    );
    tell(&server, move |_, cx| {
        let _name_the_field = &one.0;
        cx.send_after(SECOND, one);
        cx.send_after_to(to, SECOND, two);
    })
    .await;
    assert_eq!(Arc::strong_count(&held), 3);
    server.stop().await.unwrap();
    assert_eq!(Arc::strong_count(&held), 1);
    sleep(2 * SECOND).await;
    assert!(node.is_alive(other.pid()), "nothing came");
}

#[tokio::test(start_paused = true)]
async fn a_timer_reaches_another_process() {
    let (node, server, _log) = doer().await;
    let other = node.spawn::<(), _, _>(SpawnOptions::default(), |mut mailbox| async move {
        match mailbox.next().await {
            Incoming::Info(info) if matches!(&*info, Info::Other(it) if it.is::<u8>()) => {
                ExitReason::Shutdown
            }
            other => ExitReason::error(format!("{other:?}")),
        }
    });
    let (to, ended) = (other.pid(), node.ended(other.pid()));
    tell(&server, move |_, cx| {
        cx.send_after_to(to, SECOND, 1_u8);
    })
    .await;
    assert_eq!(soon("it comes", ended).await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_server_is_told_once_that_it_is_idle_and_again_after_a_message() {
    let (_node, server, log) = doer().await;
    tell(&server, |_, cx| cx.set_idle_timeout(Some(2 * SECOND))).await;
    sleep(SECOND).await;
    server.cast("one".into()).unwrap();
    sleep(9 * SECOND).await;
    assert_eq!(news(&log)[1..], ["1 one", "3 Idle"]);
    server.cast("two".into()).unwrap();
    sleep(4 * SECOND).await;
    assert_eq!(news(&log), ["10 two", "12 Idle"]);
    tell(&server, |_, cx| cx.set_idle_timeout(None)).await;
    sleep(4 * SECOND).await;
    assert_eq!(news(&log), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_continues_with_comes_before_the_next_message() {
    let (node, server, log) = doer().await;
    let ended = node.ended(server.pid());
    tell(&server, |doer, cx| {
        cx.continue_with("again");
        cx.continue_with("two");
        cx.hibernate();
        doer.busy = SECOND;
    })
    .await;
    server.cast("cast".into()).unwrap();
    tell(&server, |_, cx| cx.continue_with("stop")).await;
    assert_eq!(soon("it stops", ended).await, ExitReason::Shutdown);
    let expected = [
        "0 continue begun",
        "1 continue again",
        "1 continue two",
        "1 continue last",
        "1 cast",
        "1 continue stop",
    ];
    assert_eq!(news(&log), expected);
}
