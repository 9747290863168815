//! `ClusterConfig`: what a user says about a node's part in a cluster.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::valid_config::BackoffSettings;
use super::{ConfigError, Jitter, Preset, ValidConfig};
use crate::finding::{Discovery, DynDiscovery};
use crate::proto::handshake::{NextVersion, Speech};
use crate::proto::membership::OBSERVERS;
use crate::secret::{Secret, SecretFile};

/// What a user says about a node's part in a cluster. Nothing is checked before
/// [`validate`](Self::validate), which the cluster's start does first of all.
///
/// It comes from the [environment](Self::from_env), from a [file](Self::from_file) that the
/// environment may name, and from the methods below. What is set by a method is the strongest,
/// then what the environment says, then the file.
///
/// ```
/// use noex_cluster::{ClusterConfig, Preset, Secret};
///
/// let config = ClusterConfig::new("worker")
///     .seed("10.0.0.1:4369")
///     .secret(Secret::generate())
///     .preset(Preset::Lan);
/// assert_eq!(config.validate()?.port, 4369);
/// # Ok::<(), noex_cluster::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    pub(super) name: String,
    pub(super) listen: Option<String>,
    pub(super) port: u16,
    pub(super) advertise: Option<String>,
    pub(super) seeds: Vec<String>,
    pub(super) discoveries: Vec<Arc<dyn DynDiscovery>>,
    pub(super) discovery_interval: Duration,
    pub(super) secret: Option<Secret>,
    pub(super) previous_secrets: Vec<Secret>,
    pub(super) secret_file: Option<SecretFile>,
    pub(super) cluster_name: String,
    pub(super) insecure: bool,
    pub(super) speech: Speech,
    pub(super) heartbeat_interval: Duration,
    pub(super) miss_threshold: u32,
    pub(super) observers: usize,
    pub(super) join_timeout: Duration,
    pub(super) session_idle_timeout: Duration,
    pub(super) reconnect: BackoffSettings,
    pub(super) message_size_max: usize,
    pub(super) send_queue_size_max: usize,
}

impl ClusterConfig {
    /// A node of this name, without seeds, with the documented defaults.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            listen: None,
            port: 4369,
            advertise: None,
            seeds: Vec::new(),
            discoveries: Vec::new(),
            discovery_interval: Duration::from_secs(10),
            secret: None,
            previous_secrets: Vec::new(),
            secret_file: None,
            cluster_name: "noex".to_owned(),
            insecure: false,
            speech: Speech::CURRENT,
            heartbeat_interval: Preset::Kubernetes.heartbeat_interval(),
            miss_threshold: Preset::Kubernetes.miss_threshold(),
            observers: OBSERVERS,
            join_timeout: Duration::from_secs(10),
            session_idle_timeout: Duration::from_mins(5),
            reconnect: BackoffSettings {
                base: Duration::from_secs(1),
                max: Duration::from_secs(30),
                jitter: Jitter::Full,
            },
            message_size_max: 16 << 20,
            send_queue_size_max: 64 << 20,
        }
    }

    /// Another name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The host name or address to listen on. Default: `0.0.0.0` with a secret, `127.0.0.1`
    /// without one, also if [`insecure`](Self::insecure). Where machines reach each other by IPv6,
    /// alone or beside IPv4, say `::`.
    #[must_use]
    pub fn listen(mut self, host: impl Into<String>) -> Self {
        self.listen = Some(host.into());
        self
    }

    /// The port to listen on; 0 takes any free one. Default: 4369.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where others reach this node: `host` or `host:port`, if that is not where it listens, as
    /// behind a port that is forwarded. It is part of the node's identity.
    ///
    /// Default: the host to listen on if it is a specific one; else the DNS name of the pod, if
    /// it has one; else the address from which this machine reaches others. The port is the one
    /// to listen on.
    #[must_use]
    pub fn advertise(mut self, address: impl Into<String>) -> Self {
        self.advertise = Some(address.into());
        self
    }

    /// Adds a seed, an address at which to look for the cluster: `name@host:port`, `host:port`
    /// or `[v6]:port`. Default: none; a node without any is the first one of its cluster.
    ///
    /// A host name stands for every address that it has now or will have. The name in front is
    /// what one expects to find there; another one is worth a warning. A node may be its own
    /// seed, so that all can have the same list.
    #[must_use]
    pub fn seed(mut self, seed: impl Into<String>) -> Self {
        self.seeds.push(seed.into());
        self
    }

    /// Adds several seeds.
    #[must_use]
    pub fn seeds<S: Into<String>>(mut self, seeds: impl IntoIterator<Item = S>) -> Self {
        self.seeds.extend(seeds.into_iter().map(Into::into));
        self
    }

    /// Adds another way to find nodes, beside the seeds. Default: none.
    #[must_use]
    pub fn discovery(mut self, discovery: impl Discovery) -> Self {
        self.discoveries.push(Arc::new(discovery));
        self
    }

    /// How often the seeds' host names are resolved again, and discoveries asked again, for as
    /// long as the node runs. Default: 10 s.
    #[must_use]
    pub fn discovery_interval(mut self, interval: Duration) -> Self {
        self.discovery_interval = interval;
        self
    }

    /// The secret that all nodes of the cluster share; [`secret_file`](Self::secret_file) must not
    /// be set beside it. Default: none.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Adds an older secret that is still accepted, for as long as some nodes have only that.
    #[must_use]
    pub fn previous_secret(mut self, secret: Secret) -> Self {
        self.previous_secrets.push(secret);
        self
    }

    /// Takes the secrets from a file, one a line: the current one first, older ones behind it.
    /// While the node is in its cluster, the file is read again every 2 s, and what changed is
    /// applied as by [`Cluster::set_secrets`](crate::Cluster::set_secrets); if it can't be used,
    /// the former secrets stay in force and the log says why.
    ///
    /// # Errors
    /// [`ConfigError::Secret`] names the file, and says why it can't be read.
    pub fn secret_file(mut self, path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        self.secret_file = Some(SecretFile::read(path.as_ref())?);
        Ok(self)
    }

    /// The cluster's name; nodes of another cluster are refused. Default: `noex`.
    #[must_use]
    pub fn cluster_name(mut self, name: impl Into<String>) -> Self {
        self.cluster_name = name.into();
        self
    }

    /// Allows to [listen](Self::listen) without a secret where strangers can reach the node; where
    /// that is, it does not change. Whoever reaches the node can then run anything on it.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// How often a node is heard of. Default: 5 s.
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// How many intervals of silence make a node down. Default: 3.
    #[must_use]
    pub fn miss_threshold(mut self, threshold: u32) -> Self {
        self.miss_threshold = threshold;
        self
    }

    /// Sets heartbeat interval and miss threshold to those of `preset`.
    #[must_use]
    pub fn preset(self, preset: Preset) -> Self {
        self.heartbeat_interval(preset.heartbeat_interval())
            .miss_threshold(preset.miss_threshold())
    }

    /// How many others watch each node: so a node keeps about twice as many sessions, and opens
    /// others when they are needed. The same number on all nodes. Default: 8.
    #[must_use]
    pub fn observers(mut self, count: usize) -> Self {
        self.observers = count;
        self
    }

    /// How long to look for others before the node runs alone. Default: 10 s.
    #[must_use]
    pub fn join_timeout(mut self, timeout: Duration) -> Self {
        self.join_timeout = timeout;
        self
    }

    /// After how long a session is closed over which nothing goes, with a node that is no neighbour
    /// on the rings, while no link, monitor or call needs it. Nobody is told, and the next message
    /// opens another one. Default: 5 min.
    #[must_use]
    pub fn session_idle_timeout(mut self, timeout: Duration) -> Self {
        self.session_idle_timeout = timeout;
        self
    }

    /// The delay before the first attempt to reconnect; it doubles from there. Default: 1 s.
    #[must_use]
    pub fn reconnect_base_delay(mut self, delay: Duration) -> Self {
        self.reconnect.base = delay;
        self
    }

    /// The longest delay between attempts to reconnect. Default: 30 s.
    #[must_use]
    pub fn reconnect_max_delay(mut self, delay: Duration) -> Self {
        self.reconnect.max = delay;
        self
    }

    /// How much of a delay is left to chance. Default: [`Jitter::Full`].
    #[must_use]
    pub fn reconnect_jitter(mut self, jitter: Jitter) -> Self {
        self.reconnect.jitter = jitter;
        self
    }

    /// The most bytes that a message may have. Default: 16 MiB.
    #[must_use]
    pub fn message_size_max(mut self, bytes: usize) -> Self {
        self.message_size_max = bytes;
        self
    }

    /// The most bytes that may wait to be sent to one node. Default: 64 MiB.
    #[must_use]
    pub fn send_queue_size_max(mut self, bytes: usize) -> Self {
        self.send_queue_size_max = bytes;
        self
    }

    /// Speaks as the next version of noex would. For tests of upgrades.
    #[doc(hidden)]
    #[must_use]
    pub fn speak(mut self, next: NextVersion) -> Self {
        self.speech = Speech::next(next);
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`ConfigError`] names the field, its value and the rule that it breaks.
    pub fn validate(self) -> Result<ValidConfig, ConfigError> {
        ValidConfig::new(self)
    }
}
