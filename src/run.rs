//! What `#[noex::main]` does around its body.

use std::future::Future;
use std::io::Write;
use std::pin::pin;
use std::process::{ExitCode, Termination};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use noex_cluster::ClusterConfig;
use noex_core::{LocalNode, task};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::node::STOP_TIMEOUT;
use crate::stopping::{self, StopSignals};
use crate::{Node, logging};

/// How long a body that waits for the end may take to return.
const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// How long tasks have to yield when all else has ended.
const RUNTIME_PATIENCE: Duration = Duration::from_millis(100);

/// A program that was asked to end has ended after this: 25 s are promised, and Kubernetes kills it
/// after 30 s.
const END_PATIENCE: Duration = Duration::from_millis(24_800);

const _: () = assert!(
    BODY_PATIENCE.as_millis() + STOP_TIMEOUT.as_millis() + RUNTIME_PATIENCE.as_millis()
        <= END_PATIENCE.as_millis()
);

/// Spawns a task of the current node: calls and starts in it need no handle.
///
/// # Panics
/// Where there is no current node, nor a tokio runtime.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let node = LocalNode::current()
        .expect("a current node: spawn from a process, under #[noex::main] or in node.enter()");
    task::spawn(&node, future)
}

/// Runs `body` as the main task of a node whose cluster is described by the environment.
pub fn run<B, F>(worker_threads: Option<usize>, body: B) -> ExitCode
where
    B: FnOnce() -> F,
    F: Future<Output: Termination>,
{
    logging::init();
    if let Err(error) = stopping::end_within(END_PATIENCE) {
        return refuse(&format!("its end can't be watched over: {error}"));
    }
    let node = Arc::new(OnceLock::new());
    let runtime = match runtime(worker_threads, &node) {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("the runtime does not start: {error}")),
    };
    LocalNode::bind_thread(Arc::clone(&node));
    let code = runtime.block_on(live(&node, body));
    // Whatever does not yield is left to the end of the process.
    runtime.shutdown_timeout(RUNTIME_PATIENCE);
    code
}

fn runtime(
    worker_threads: Option<usize>,
    node: &Arc<OnceLock<LocalNode>>,
) -> std::io::Result<Runtime> {
    let node = Arc::clone(node);
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = worker_threads {
        builder.worker_threads(threads);
    }
    builder
        .enable_all()
        .on_thread_start(move || LocalNode::bind_thread(Arc::clone(&node)))
        .build()
}

async fn live<B, F>(bound: &OnceLock<LocalNode>, body: B) -> ExitCode
where
    B: FnOnce() -> F,
    F: Future<Output: Termination>,
{
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => return refuse(&format!("signals can't be caught: {error}")),
    };
    let node = match ClusterConfig::from_env() {
        Ok(config) => Node::start(config).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let node = match node {
        Ok(node) => node,
        Err(error) => return refuse(&format!("the node does not start: {error}")),
    };
    if bound.set(node.local().clone()).is_err() {
        return refuse("this runtime has a node already");
    }
    let mut body = pin!(async {
        node.cluster().running().await;
        body().await
    });
    let finished = tokio::select! {
        result = &mut body => Some(result.report()),
        signal = signals.next() => {
            tracing::info!(signal, "asked to end");
            stopping::announce();
            if stopping::is_awaited() {
                drop(timeout(BODY_PATIENCE, body).await);
            }
            None
        }
    };
    tokio::select! {
        () = node.stop() => finished.unwrap_or(ExitCode::SUCCESS),
        signal = signals.next() => {
            tracing::warn!(signal, "asked again: ends without waiting");
            ExitCode::FAILURE
        }
    }
}

fn refuse(message: &str) -> ExitCode {
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!("{message}");
    } else {
        // A program that ends must say why, whatever its log leaves out.
        let _nobody_hears = writeln!(std::io::stderr(), "{message}");
    }
    ExitCode::FAILURE
}
