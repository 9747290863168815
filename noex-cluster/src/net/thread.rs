//! `Thread`: the cluster's own thread, with a runtime of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use noex_core::LocalNode;
use noex_core::task::spawn_on;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, watch};

use super::accept::Acceptor;
use super::dialer::Dialer;
use super::driver::{Driver, LaneSettings};
use super::entrance::Entrance;
use super::identity::Identity;
use super::key_memory::KeyMemory;
use super::listener::listen;
use super::notices::Notices;
use super::pulse::Pulse;
use super::warnings::Warnings;
use super::wishes::{Wish, Wisher, Wishes, wishes};
use crate::config::{Jitter, ValidConfig};
use crate::finding::Sources;
use crate::proto::backoff::BackoffPolicy;
use crate::proto::idleness::Idleness;
use crate::proto::membership::{Flaw, HANDSHAKE_TIMEOUT, Machine, Own, Rules};
use crate::proto::wire::frame_size_max;
use crate::view::View;

/// The most that the tasks around the driver may be ahead of it.
const ARRIVALS_MAX: usize = 1_024;

/// The least that a dial is waited for, however short the detection time is.
const ANSWER_TIMEOUT_MIN: Duration = Duration::from_millis(500);

/// The cluster's own thread.
#[derive(Debug)]
pub(crate) struct Thread {
    wisher: Wisher,
    ended: watch::Receiver<bool>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is made of.
#[derive(Debug)]
pub(crate) struct ThreadParts {
    pub(crate) config: ValidConfig,
    pub(crate) listener: StdListener,
    pub(crate) identity: Arc<Identity>,
    pub(crate) node: LocalNode,
    pub(crate) view: Arc<View>,
    /// The users' runtime.
    pub(crate) runtime: Handle,
}

impl Thread {
    /// Starts the thread.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub(crate) fn start(parts: ThreadParts) -> Self {
        let (wisher, wishes) = wishes();
        let (end, ended) = watch::channel(false);
        let handle = std::thread::Builder::new()
            .name("noex-cluster".to_owned())
            .spawn(move || {
                run(parts, wishes);
                end.send_replace(true);
            })
            .expect("the operating system gives a thread");
        Self {
            wisher,
            ended,
            handle: Mutex::new(Some(handle)),
        }
    }

    /// Tells what the user wants. Nothing happens once the thread has ended.
    pub(crate) fn wish(&self, wish: Wish) {
        self.wisher.tell(wish);
    }

    /// Waits until the thread has ended.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // A thread that panicked has ended too.
        let _told_or_gone = ended.wait_for(|ended| *ended).await;
        let handle = self.handle.lock().take();
        if let Some(handle) = handle
            && handle.join().is_err()
        {
            tracing::error!("the cluster's thread panicked");
        }
    }
}

/// The thread's life. All that it owns ends with its runtime.
fn run(parts: ThreadParts, wishes: Wishes) {
    let _abandoned = Abandon {
        node: parts.node.clone(),
        view: Arc::clone(&parts.view),
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return tracing::error!(%error, "the cluster's runtime can't be started");
        }
    };
    runtime.block_on(async move {
        let listener = parts.listener.try_clone().and_then(TcpListener::from_std);
        match listener {
            Ok(listener) => drive(parts, wishes, listener).await,
            Err(error) => tracing::error!(%error, "the cluster's port can't be listened on"),
        }
    });
    runtime.shutdown_background();
}

/// Takes the node out of its cluster when the thread ends, also by a panic.
struct Abandon {
    node: LocalNode,
    view: Arc<View>,
}

impl Drop for Abandon {
    fn drop(&mut self) {
        self.view.abandon(&self.node);
    }
}

async fn drive(parts: ThreadParts, wishes: Wishes, listener: TcpListener) {
    let ThreadParts {
        config,
        listener: _closed_with_its_clone,
        identity,
        node,
        view,
        runtime,
    } = parts;
    let (arrivals_tx, arrivals) = mpsc::channel(ARRIVALS_MAX);
    let broken = Arc::new(Warnings::default());
    let rules = rules_of(&config);
    let detection = rules.detection_time();
    let dialer = Arc::new(Dialer {
        identity: Arc::clone(&identity),
        arrivals: arrivals_tx.clone(),
        warnings: Warnings::default(),
        broken: Arc::clone(&broken),
        key_memory: KeyMemory::default(),
        answer_timeout: (detection / 2).clamp(ANSWER_TIMEOUT_MIN, HANDSHAKE_TIMEOUT),
        handshake_timeout: HANDSHAKE_TIMEOUT,
        frame_size_max: frame_size_max(config.message_size_max),
    });
    let acceptor = Arc::new(Acceptor {
        identity: Arc::clone(&identity),
        arrivals: arrivals_tx,
        entrance: Entrance::default(),
        strangers: Warnings::default(),
        broken,
        handshake_timeout: HANDSHAKE_TIMEOUT,
        frame_size_max: frame_size_max(config.message_size_max),
    });
    let own = Own {
        peer: identity.peer(),
        key: identity.static_key.public(),
        incarnation: identity.incarnation,
    };
    let sources = Sources::new(config.seeds, config.discoveries, runtime.clone());
    let now = tokio::time::Instant::now().into_std();
    let machine = Machine::new(own, rules, sources.names(), rand::random(), now);
    // It lives as long as its runtime.
    drop(spawn_on(&Handle::current(), listen(listener, acceptor)));
    let driver = Driver {
        machine,
        node,
        identity,
        view,
        dialer,
        arrivals,
        wishes,
        leave_at: None,
        is_staying: true,
        pulse: Pulse::new(runtime.clone(), rules.heartbeat_interval, now),
        sources,
        lanes: LaneSettings {
            runtime,
            patience: HANDSHAKE_TIMEOUT,
            silence: detection,
        },
        sessions: BTreeMap::new(),
        dials: BTreeMap::new(),
        asking: BTreeMap::new(),
        last_session: 0,
        idleness: Idleness::new(config.session_idle_timeout, now),
        notices: Notices::default(),
        severed: BTreeSet::new(),
    };
    Box::pin(driver.run()).await;
}

fn rules_of(config: &ValidConfig) -> Rules {
    Rules {
        heartbeat_interval: config.heartbeat_interval,
        miss_threshold: config.miss_threshold,
        join_timeout: config.join_timeout,
        discovery_interval: config.discovery_interval,
        backoff: BackoffPolicy {
            base: config.reconnect.base,
            max: config.reconnect.max,
            jitter: config.reconnect.jitter == Jitter::Full,
        },
        observers: config.observers,
        flaw: Flaw::None,
    }
}
