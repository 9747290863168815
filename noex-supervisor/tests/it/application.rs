//! An application, its hooks and its children.

use std::error::Error;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use noex_core::{ExitReason, LocalNode};
use noex_gen_server::task::Task;
use noex_gen_server::{Context, Flow, GenServer, ServerRef, StartError};
use noex_supervisor::supervisor::SupervisorBuilder;
use noex_supervisor::{Application, ApplicationServer, ChildSpec, Shutdown, Supervisor};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::support::on_a_node;

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: &str) {
        self.0.lock().push(what.to_owned());
    }

    fn taken(&self) -> String {
        std::mem::take(&mut *self.0.lock()).join(" ")
    }
}

struct Part(&'static str, Log);

impl GenServer for Part {
    type Args = (&'static str, Log);
    type Call = ();
    type Cast = ExitReason;

    async fn init((name, log): Self::Args, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        cx.trap_exit(true);
        if name == "broken" {
            return Err(ExitReason::error("as told"));
        }
        log.note(&format!("+{name}"));
        Ok(Self(name, log))
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_cast(&mut self, reason: ExitReason, _cx: &mut Context<Self>) -> Flow {
        Flow::Stop(reason)
    }

    async fn terminate(&mut self, _reason: &ExitReason, _cx: &mut Context<Self>) {
        if self.0 == "stubborn" {
            pending::<()>().await;
        }
        self.1.note(&format!("-{}", self.0));
    }
}

/// An application with these parts. The hook of that name goes wrong.
struct Shop {
    parts: Vec<&'static str>,
    wrong: &'static str,
    log: Log,
}

impl Shop {
    fn new(parts: &[&'static str], log: &Log) -> Self {
        Self {
            parts: parts.to_vec(),
            wrong: "",
            log: log.clone(),
        }
    }

    fn wrong(mut self, hook: &'static str) -> Self {
        self.wrong = hook;
        self
    }
}

impl Application for Shop {
    async fn start(&mut self) -> Result<SupervisorBuilder, Box<dyn Error + Send + Sync>> {
        self.log.note("start");
        match self.wrong {
            "start" => return Err("no configuration".into()),
            "task" => drop(Task::spawn(async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                panic!("as told")
            })),
            _ => {}
        }
        let specs = self.parts.iter().map(|&name| {
            let log = self.log.clone();
            let spec = ChildSpec::new(name, move || Part::start((name, log.clone())).name(name));
            spec.shutdown(Shutdown::Unlimited)
        });
        let builder = Supervisor::builder().intensity(0, Duration::from_secs(1));
        Ok(builder.children(specs))
    }

    async fn prep_stop(&mut self) {
        self.log.note("prep_stop");
        match self.wrong {
            "prep_stop" => panic!("as told"),
            "endless" => pending().await,
            _ => {}
        }
    }

    async fn stop(&mut self) {
        self.log.note("stop");
    }
}

async fn start(shop: Shop, node: &LocalNode) -> ServerRef<ApplicationServer> {
    ApplicationServer::start(shop).on(node).await.unwrap()
}

/// Stops the application, as patiently as need be.
async fn stop(application: &ServerRef<ApplicationServer>) {
    let stop = application.stop().timeout(Duration::from_secs(600));
    stop.await.unwrap();
}

/// Runs a test with a paused clock; a test that hangs fails.
fn in_time<F: Future<Output = ()>>(test: impl FnOnce(LocalNode, Log) -> F) {
    on_a_node(|node| test(node, Log::default()));
}

#[test]
fn hooks_run_around_the_children_which_stop_in_reverse_order() {
    in_time(async |node: LocalNode, log: Log| {
        let application = start(Shop::new(&["a", "b", "c"], &log), &node).await;
        assert_eq!(log.taken(), "start +a +b +c");
        stop(&application).await;
        assert_eq!(log.taken(), "prep_stop -c -b -a stop");
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn a_supervisor_is_an_application() {
    in_time(async |node: LocalNode, log: Log| {
        let part = ChildSpec::new("a", move || Part::start(("a", log.clone())).name("a"));
        let supervisor = Supervisor::builder().child(part);
        let application = ApplicationServer::start(supervisor)
            .on(&node)
            .await
            .unwrap();
        assert!(node.whereis("a").is_some());
        stop(&application).await;
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn a_stop_is_prepared_once_while_the_children_run() {
    in_time(async |node: LocalNode, log: Log| {
        let application = start(Shop::new(&["a"], &log), &node).await;
        log.taken();
        for done in ["prep_stop", ""] {
            let prepared = ApplicationServer::prepare_stop(&application, Duration::MAX);
            prepared.await.unwrap();
            assert_eq!(log.taken(), done);
            assert!(node.whereis("a").is_some());
        }
        stop(&application).await;
        assert_eq!(log.taken(), "-a stop");
    });
}

#[test]
fn children_that_outlast_the_patience_hold_up_nobody() {
    in_time(async |node: LocalNode, log: Log| {
        let application = start(Shop::new(&["stubborn"], &log), &node).await;
        log.taken();
        let patience = Duration::from_secs(9);
        let prepared = ApplicationServer::prepare_stop(&application, patience);
        prepared.await.unwrap();
        let began = Instant::now();
        stop(&application).await;
        assert_eq!(began.elapsed().as_secs(), 9);
        assert_eq!(log.taken(), "prep_stop stop");
    });
}

#[test]
fn a_hook_that_fails_to_start_starts_nothing() {
    in_time(async |node: LocalNode, log: Log| {
        let shop = Shop::new(&["a"], &log).wrong("start");
        let failed = ApplicationServer::start(shop).on(&node).await;
        let reason = ExitReason::error("no configuration");
        assert_eq!(failed.unwrap_err(), StartError::Init(reason));
        assert_eq!(log.taken(), "start");
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn a_child_that_does_not_start_stops_those_before_it() {
    in_time(async |node: LocalNode, log: Log| {
        let shop = Shop::new(&["a", "b", "broken", "c"], &log);
        let failed = ApplicationServer::start(shop).on(&node).await;
        let error = failed.unwrap_err().to_string();
        assert!(error.contains("child `broken` did not start"), "{error}");
        assert_eq!(log.taken(), "start +a +b -b -a");
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn a_root_supervisor_that_gives_up_ends_the_application_with_its_reason() {
    in_time(async |node: LocalNode, log: Log| {
        let application = start(Shop::new(&["a", "b"], &log), &node).await;
        let ended = node.ended(application.pid());
        log.taken();
        let _inside = node.enter();
        Part::cast("a", ExitReason::error("broken")).unwrap();
        assert!(matches!(ended.await, ExitReason::ShutdownWith(_)));
        assert_eq!(log.taken(), "-a -b stop");
        assert_eq!(node.process_count(), 0);
    });
}

#[test]
fn what_the_first_hook_started_with_a_link_ends_the_application_when_it_fails() {
    in_time(async |node: LocalNode, log: Log| {
        let application = start(Shop::new(&["a"], &log).wrong("task"), &node).await;
        let reason = node.ended(application.pid()).await;
        assert!(matches!(reason, ExitReason::Panic(_)));
        assert_eq!(log.taken(), "start +a prep_stop -a stop");
    });
}

#[test]
fn a_hook_that_panics_or_hangs_keeps_no_child_from_its_end() {
    for (wrong, seconds) in [("prep_stop", 0), ("endless", 5)] {
        in_time(async |node: LocalNode, log: Log| {
            let application = start(Shop::new(&["a", "b"], &log).wrong(wrong), &node).await;
            log.taken();
            let began = Instant::now();
            stop(&application).await;
            assert_eq!(began.elapsed().as_secs(), seconds);
            assert_eq!(log.taken(), "prep_stop -b -a");
            assert_eq!(node.process_count(), 0);
        });
    }
}

#[test]
fn a_node_has_one_application() {
    in_time(async |node: LocalNode, log: Log| {
        assert!(ApplicationServer::of(&node).is_none());
        let first = start(Shop::new(&["a"], &log), &node).await;
        let second = ApplicationServer::start(Shop::new(&["b"], &log)).on(&node);
        let taken = Err(StartError::AlreadyStarted(first.pid()));
        assert_eq!(second.await.map(|server| server.pid()), taken);
        let found = ApplicationServer::of(&node).map(|server| server.pid());
        assert_eq!(found, Some(first.pid()));
    });
}
