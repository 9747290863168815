//! Pure: `ValidConfig`, a configuration that keeps every rule.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::advertise::plain_host;
use super::seed::is_node_name;
use super::{Advertise, ClusterConfig, ConfigError, Jitter, Seed};
use crate::finding::DynDiscovery;
use crate::secret::{Keyring, Secret};

/// The fewest bytes of a secret where strangers can reach the node.
const ROUTABLE_SECRET_SIZE_MIN: usize = 16;
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
    /// The cluster's name.
    pub cluster_name: String,
    /// How often a node is heard of.
    pub heartbeat_interval: Duration,
    /// How many intervals of silence make a node down.
    pub miss_threshold: u32,
    /// How long to look for others before the node runs alone.
    pub join_timeout: Duration,
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
        check_secrets(&config, &listen)?;
        let advertise = check_advertise(config.advertise, &listen)?;
        let seeds = config
            .seeds
            .into_iter()
            .map(parse_seed)
            .collect::<Result<_, _>>()?;
        let keys = Keyring::new(
            &config.cluster_name,
            config.secret.as_ref(),
            &config.previous_secrets,
        );
        Ok(Self {
            name: config.name,
            listen,
            port: config.port,
            advertise,
            seeds,
            discoveries: config.discoveries,
            discovery_interval: config.discovery_interval,
            keys,
            cluster_name: config.cluster_name,
            heartbeat_interval: config.heartbeat_interval,
            miss_threshold: config.miss_threshold,
            join_timeout: config.join_timeout,
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
    let default = if config.secret.is_some() {
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

fn check_secrets(config: &ClusterConfig, listen: &str) -> Result<(), ConfigError> {
    let routable = !is_loopback(listen);
    let previous = config
        .previous_secrets
        .iter()
        .map(|secret| ("previous_secret", secret));
    for (field, secret) in config
        .secret
        .iter()
        .map(|secret| ("secret", secret))
        .chain(previous)
    {
        check_secret(field, secret, routable.then_some(listen))?;
    }
    match &config.secret {
        Some(_) => Ok(()),
        None if !config.previous_secrets.is_empty() => Err(ConfigError::PreviousWithoutCurrent),
        None if routable && !config.insecure => Err(ConfigError::NoSecret(listen.to_owned())),
        None => Ok(()),
    }
}

fn check_secret(
    field: &'static str,
    secret: &Secret,
    routable: Option<&str>,
) -> Result<(), ConfigError> {
    match routable {
        _ if secret.expose().is_empty() => Err(ConfigError::EmptySecret(field)),
        Some(listen) if secret.expose().len() < ROUTABLE_SECRET_SIZE_MIN => {
            Err(ConfigError::ShortSecret {
                field,
                listen: listen.to_owned(),
            })
        }
        Some(_) | None => Ok(()),
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
