//! `Sources`: asks the seeds and discoveries where nodes may be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::discovery::DynDiscovery;
use super::{DiscoveryError, Dns, StaticList};
use crate::config::Seed;

/// The longest that a source may take to answer. The system's resolver gives up earlier.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Whoever tells where nodes may be, in a fixed order. They are asked on the users' runtime: a
/// source may be users' code, and the cluster's own thread must not wait for that.
#[derive(Debug)]
pub(crate) struct Sources {
    sources: Vec<Arc<Source>>,
    runtime: Handle,
}

#[derive(Debug)]
struct Source {
    /// How the log names it.
    label: String,
    /// The node's name that is expected behind its addresses.
    name: Option<String>,
    discovery: Arc<dyn DynDiscovery>,
    /// Whether its last answer was a failure, which one line in the log is enough for.
    is_failing: AtomicBool,
}

impl Sources {
    /// The seeds, and behind them the discoveries.
    pub(crate) fn new(
        seeds: Vec<Seed>,
        discoveries: Vec<Arc<dyn DynDiscovery>>,
        runtime: Handle,
    ) -> Self {
        let seeds = seeds.into_iter().map(Source::of_seed);
        let others = discoveries.into_iter().map(Source::of_discovery);
        let sources = seeds.chain(others).map(Arc::new).collect();
        Self { sources, runtime }
    }

    /// Asks one source. The answer has no address if it has none to tell, fails, panics, or takes
    /// too long. Dropping the future gives the question up.
    pub(crate) fn ask(&self, index: usize) -> impl Future<Output = Vec<SocketAddr>> + Send + use<> {
        let source = self.sources.get(index).map(Arc::clone);
        let runtime = self.runtime.clone();
        async move {
            match source {
                Some(source) => source.ask(&runtime).await,
                None => Vec::new(),
            }
        }
    }

    /// The names that are expected behind the sources, in their order.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        let names = self.sources.iter().map(|source| source.name.clone());
        names.collect()
    }

    /// Whether there is nobody to ask.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

impl Source {
    fn of_seed(seed: Seed) -> Self {
        let label = format!("seed {seed}");
        let Seed { name, host, port } = seed;
        let discovery: Arc<dyn DynDiscovery> = match host.parse() {
            Ok(address) => Arc::new(StaticList::new([SocketAddr::new(address, port)])),
            Err(_a_name) => Arc::new(Dns::new(host, port)),
        };
        Self {
            label,
            name,
            discovery,
            is_failing: AtomicBool::new(false),
        }
    }

    fn of_discovery(discovery: Arc<dyn DynDiscovery>) -> Self {
        Self {
            label: format!("{discovery:?}"),
            name: None,
            discovery,
            is_failing: AtomicBool::new(false),
        }
    }

    async fn ask(self: Arc<Self>, runtime: &Handle) -> Vec<SocketAddr> {
        let asked = Arc::clone(&self);
        let answer = spawn_on(runtime, async move { asked.discovery.ask().await });
        let answer = Answer(answer);
        match answer.within(ANSWER_TIMEOUT).await {
            Ok(addresses) => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    let count = addresses.len();
                    tracing::info!(source = %self.label, count, "tells addresses again");
                }
                addresses
            }
            Err(error) => {
                if self.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::debug!(source = %self.label, %error, "still tells no addresses");
                } else {
                    tracing::warn!(
                        source = %self.label, %error,
                        "tells no addresses of nodes, and is asked again; if it is a host name, \
                         check that, and whether this machine can resolve it"
                    );
                }
                Vec::new()
            }
        }
    }
}

/// A question that is under way, and given up when this is dropped.
struct Answer(JoinHandle<Result<Vec<SocketAddr>, DiscoveryError>>);

impl Answer {
    async fn within(mut self, patience: Duration) -> Result<Vec<SocketAddr>, DiscoveryError> {
        match timeout(patience, &mut self.0).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panicked)) => Err(panicked.into()),
            Err(elapsed) => Err(elapsed.into()),
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::finding::Discovery;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    async fn answer_of(discovery: impl Discovery) -> Vec<SocketAddr> {
        let discovery: Arc<dyn DynDiscovery> = Arc::new(discovery);
        let sources = Sources::new(Vec::new(), vec![discovery], Handle::current());
        sources.ask(0).await
    }

    #[tokio::test]
    async fn seeds_come_before_discoveries_with_their_names() {
        let seeds = vec![
            "a@127.0.0.1:1".parse().unwrap(),
            "127.0.0.1:2".parse().unwrap(),
        ];
        let list: Arc<dyn DynDiscovery> = Arc::new(StaticList::new([address(3), address(4)]));
        let sources = Sources::new(seeds, vec![list], Handle::current());
        assert!(!sources.is_empty());
        assert_eq!(sources.names(), [Some("a".to_owned()), None, None]);
        assert_eq!(sources.ask(0).await, [address(1)]);
        assert_eq!(sources.ask(1).await, [address(2)]);
        assert_eq!(sources.ask(2).await, [address(3), address(4)]);
        assert_eq!(sources.ask(3).await, []);
    }

    #[derive(Debug)]
    struct Panics;

    impl Discovery for Panics {
        async fn addresses(&self) -> Result<Vec<SocketAddr>, DiscoveryError> {
            panic!("as it must");
        }
    }

    #[derive(Debug)]
    struct Hangs;

    impl Discovery for Hangs {
        async fn addresses(&self) -> Result<Vec<SocketAddr>, DiscoveryError> {
            pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_discovery_that_panics_or_hangs_tells_nothing() {
        assert_eq!(answer_of(Panics).await, []);
        assert_eq!(answer_of(Hangs).await, []);
    }
}
