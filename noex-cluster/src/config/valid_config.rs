//! Pure: `ValidConfig`, a configuration that keeps every rule.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::advertise::plain_host;
use super::seed::is_node_name;
use super::{Advertise, ClusterConfig, ConfigError, Jitter, SecretRules, Seed};
use crate::finding::DynDiscovery;
use crate::proto::handshake::Speech;
use crate::secret::{Keyring, SecretFile};

/// The most bytes of a cluster's name, as of a node's.
const CLUSTER_NAME_SIZE_MAX: usize = 253;

/// A configuration that keeps every rule, with its secrets turned into keys.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ValidConfig {
    /// The node's name.
    pub name: String,
    /// The host or address to listen on, an IPv6 one without brackets.
    pub listen: String,
    /// The port to listen on; 0 takes any free one.
    pub port: u16,
    /// Where others reach this node; `None` if it has to be found out.
    pub advertise: Option<Advertise>,
    /// Where to look for the cluster.
    pub seeds: Vec<Seed>,
    /// Other ways to find it.
    pub(crate) discoveries: Vec<Arc<dyn DynDiscovery>>,
    /// How often to look again.
    pub discovery_interval: Duration,
    /// The keys that prove membership.
    pub(crate) keys: Keyring,
    /// What secrets must be like that replace the first ones.
    pub(crate) secret_rules: SecretRules,
    /// The file that they come from, if it is one.
    pub(crate) secret_file: Option<PathBuf>,
    /// The versions that the node speaks.
    pub(crate) speech: Speech,
    /// The cluster's name.
    pub cluster_name: String,
    /// How often a node is heard of.
    pub heartbeat_interval: Duration,
    /// How many intervals of silence make a node down.
    pub miss_threshold: u32,
    /// How many others watch each node.
    pub observers: usize,
    /// How long to look for others before the node runs alone.
    pub join_timeout: Duration,
    /// After how long a session is closed that nobody uses.
    pub session_idle_timeout: Duration,
    /// When to try a lost connection again.
    pub reconnect: BackoffSettings,
    /// The most bytes that a message may have.
    pub message_size_max: usize,
    /// The most bytes that may wait to be sent to one node.
    pub send_queue_size_max: usize,
}

/// When to try a lost connection again: after `base`, then twice that, up to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackoffSettings {
    /// The first delay.
    pub base: Duration,
    /// The longest delay.
    pub max: Duration,
    /// How much of a delay is left to chance.
    pub jitter: Jitter,
}

impl ValidConfig {
    pub(super) fn new(config: ClusterConfig) -> Result<Self, ConfigError> {
        check_numbers(&config)?;
        if !is_node_name(&config.name) {
            return Err(ConfigError::Name(config.name));
        }
        if config.cluster_name.is_empty() || config.cluster_name.len() > CLUSTER_NAME_SIZE_MAX {
            return Err(ConfigError::ClusterName(config.cluster_name));
        }
        let listen = check_listen(&config)?;
        let secret_rules = SecretRules {
            routable: (!is_loopback(&listen)).then(|| listen.clone()),
            insecure: config.insecure,
            cluster_name: config.cluster_name.clone(),
        };
        let keys = keys_of(&config, &secret_rules)?;
        let advertise = check_advertise(config.advertise, &listen)?;
        let seeds = config
            .seeds
            .into_iter()
            .map(parse_seed)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: config.name,
            listen,
            port: config.port,
            advertise,
            seeds,
            discoveries: config.discoveries,
            discovery_interval: config.discovery_interval,
            keys,
            secret_rules,
            secret_file: config.secret_file.map(SecretFile::into_path),
            speech: config.speech,
            cluster_name: config.cluster_name,
            heartbeat_interval: config.heartbeat_interval,
            miss_threshold: config.miss_threshold,
            observers: config.observers,
            join_timeout: config.join_timeout,
            session_idle_timeout: config.session_idle_timeout,
            reconnect: config.reconnect,
            message_size_max: config.message_size_max,
            send_queue_size_max: config.send_queue_size_max,
        })
    }
}

fn check_numbers(config: &ClusterConfig) -> Result<(), ConfigError> {
    let BackoffSettings { base, max, .. } = config.reconnect;
    let interval = config.heartbeat_interval;
    let (queue, message) = (config.send_queue_size_max, config.message_size_max);
    if interval < Duration::from_millis(10) || interval > Duration::from_hours(1) {
        return Err(ConfigError::HeartbeatInterval(interval));
    }
    if !(2..=1000).contains(&config.miss_threshold) {
        return Err(ConfigError::MissThreshold(config.miss_threshold));
    }
    if !(Duration::from_millis(100)..=Duration::from_hours(1)).contains(&config.discovery_interval)
    {
        return Err(ConfigError::DiscoveryInterval(config.discovery_interval));
    }
    if config.join_timeout > Duration::from_hours(1) {
        return Err(ConfigError::JoinTimeout(config.join_timeout));
    }
    let idle = config.session_idle_timeout;
    if idle < Duration::from_millis(100) || idle > Duration::from_hours(24) {
        return Err(ConfigError::SessionIdleTimeout(idle));
    }
    if !(1..=64).contains(&config.observers) {
        return Err(ConfigError::Observers(config.observers));
    }
    if base < Duration::from_millis(10) {
        return Err(ConfigError::ReconnectBaseDelay(base));
    }
    if base > max {
        return Err(ConfigError::ReconnectDelays { base, max });
    }
    if max > Duration::from_hours(24) {
        return Err(ConfigError::ReconnectMaxDelay(max));
    }
    if !((64 << 10)..=(1 << 30)).contains(&message) {
        return Err(ConfigError::MessageSizeMax(message));
    }
    if queue < message {
        return Err(ConfigError::SendQueueSizeMax { queue, message });
    }
    Ok(())
}

fn check_listen(config: &ClusterConfig) -> Result<String, ConfigError> {
    let default = if config.secret.is_some() || config.secret_file.is_some() {
        "0.0.0.0"
    } else {
        "127.0.0.1"
    };
    let listen = config.listen.as_deref().unwrap_or(default);
    plain_host(listen).ok_or_else(|| ConfigError::Listen(listen.to_owned()))
}

fn check_advertise(given: Option<String>, listen: &str) -> Result<Option<Advertise>, ConfigError> {
    let Some(given) = given else {
        let host = (!is_unspecified(listen)).then(|| listen.to_owned());
        return Ok(host.map(|host| Advertise { host, port: None }));
    };
    let advertise = Advertise::parse(&given).filter(|at| !is_unspecified(&at.host));
    match advertise {
        Some(advertise) => Ok(Some(advertise)),
        None => Err(ConfigError::Advertise(given)),
    }
}

fn keys_of(config: &ClusterConfig, rules: &SecretRules) -> Result<Keyring, ConfigError> {
    match (&config.secret_file, &config.secret) {
        (Some(_), Some(_)) => Err(secret_twice("secret")),
        (Some(_), None) if !config.previous_secrets.is_empty() => {
            Err(secret_twice("previous_secret"))
        }
        (Some(file), None) => rules.keyring(Some(file.current()), file.previous()),
        (None, secret) => rules.keyring(secret.as_ref(), &config.previous_secrets),
    }
}

fn secret_twice(second: &str) -> ConfigError {
    ConfigError::SecretTwice {
        first: "secret_file".to_owned(),
        second: second.to_owned(),
    }
}

fn parse_seed(seed: String) -> Result<Seed, ConfigError> {
    seed.parse()
        .map_err(|source| ConfigError::Seed { seed, source })
}

/// Whether only this machine can reach the address. A name other than `localhost` may mean any.
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(addr) => addr.to_canonical().is_loopback(),
        Err(_not_an_address) => host == "localhost",
    }
}

fn is_unspecified(host: &str) -> bool {
    host.parse::<IpAddr>()
        .is_ok_and(|addr| addr.to_canonical().is_unspecified())
}
