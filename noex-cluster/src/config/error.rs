//! `ConfigError`, why a configuration is refused.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::SeedError;
use crate::secret::SecretError;

/// Why a configuration is refused: which field, its value unless it is a secret, and the rule.
/// Nothing was started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The node's name breaks the rule for names.
    #[error(
        "name `{0}`: must start with a letter or digit, go on with letters, digits, `.`, `_` or \
         `-`, and have at most 253 characters"
    )]
    Name(String),
    /// The cluster's name is empty or too long.
    #[error("cluster_name `{0}`: must have 1 to 253 characters")]
    ClusterName(String),
    /// The host to listen on is no host.
    #[error("listen `{0}`: is neither a host name nor an IP address")]
    Listen(String),
    /// The host to advertise is no host that others could dial.
    #[error(
        "advertise `{0}`: is neither a host name nor an IP address that others can dial, with or \
         without `:port`"
    )]
    Advertise(String),
    /// A seed is not written as a seed.
    #[error(
        "seed `{seed}`: {source}; a seed is name@host:port or host:port, as in \
         seed1@10.0.0.1:4369 or [2001:db8::1]:4369"
    )]
    Seed {
        /// The seed as it was given.
        seed: String,
        /// What is wrong with it.
        source: SeedError,
    },
    /// The heartbeat interval is too short or too long.
    #[error("heartbeat_interval {0:?}: must be from 10ms to 1h")]
    HeartbeatInterval(Duration),
    /// The threshold is too low to tell silence from a late heartbeat.
    #[error("miss_threshold {0}: must be at least 2 and at most 1,000")]
    MissThreshold(u32),
    /// Nobody would notice that a node is gone, or everybody would have to.
    #[error("observers {0}: must be at least 1 and at most 64")]
    Observers(usize),
    /// Sessions would be closed as soon as they are open, or as good as never.
    #[error("session_idle_timeout {0:?}: must be from 100ms to 24h")]
    SessionIdleTimeout(Duration),
    /// The first delay is too short.
    #[error("reconnect_base_delay {0:?}: must be at least 10ms")]
    ReconnectBaseDelay(Duration),
    /// The longest delay is too long.
    #[error("reconnect_max_delay {0:?}: must be at most 24h")]
    ReconnectMaxDelay(Duration),
    /// The first delay is longer than the longest one.
    #[error("reconnect_base_delay {base:?}: must be at most reconnect_max_delay, {max:?}")]
    ReconnectDelays {
        /// The first delay.
        base: Duration,
        /// The longest delay.
        max: Duration,
    },
    /// The longest message is too small or too large.
    #[error("message_size_max {0} bytes: must be from 64 KiB to 1 GiB")]
    MessageSizeMax(usize),
    /// The pause between two looks for further nodes is too short or too long.
    #[error("discovery_interval {0:?}: must be from 100ms to 1h")]
    DiscoveryInterval(Duration),
    /// The node would wait for others too long.
    #[error("join_timeout {0:?}: must be at most 1h")]
    JoinTimeout(Duration),
    /// A message of full size would not fit the queue.
    #[error("send_queue_size_max {queue} bytes: must be at least message_size_max, {message}")]
    SendQueueSizeMax {
        /// The queue's size in bytes.
        queue: usize,
        /// The size of the largest message in bytes.
        message: usize,
    },
    /// A secret is empty.
    #[error("{0}: is empty; leave it out, or generate a secret of 32 bytes")]
    EmptySecret(&'static str),
    /// A secret is too short for an address that strangers can reach.
    #[error("{field}: has fewer than 16 bytes, too few to listen on `{listen}`")]
    ShortSecret {
        /// Which secret.
        field: &'static str,
        /// The host to listen on.
        listen: String,
    },
    /// There are older secrets but no current one.
    #[error("previous_secret: is set without a secret; the current one goes into secret")]
    PreviousWithoutCurrent,
    /// There is no secret, and strangers can reach the address.
    #[error(
        "listen `{0}`: others can reach it, and there is no secret; set one, listen on \
         127.0.0.1, or say insecure"
    )]
    NoSecret(String),
    /// There are more older secrets than anybody needs.
    #[error("previous_secret: {0} of them, at most 7; leave out those that no node has any more")]
    TooManySecrets(usize),
    /// Secrets were given by value and by a file.
    #[error(
        "{first} and {second}: only one of them may be set; older secrets go on further lines of \
         the file"
    )]
    SecretTwice {
        /// What names the file of secrets: a variable, a field, or file, line and field.
        first: String,
        /// What holds a secret beside it.
        second: String,
    },
    /// A secret could not be read.
    #[error("secret: {0}")]
    Secret(#[from] SecretError),
    /// A variable, or a field of the file, holds what it can't.
    #[error("{place} `{value}`: {rule}")]
    Form {
        /// The variable, or the file, line and field.
        place: String,
        /// What it holds, unless it is a secret.
        value: String,
        /// What it should hold.
        rule: &'static str,
    },
    /// A field that is not known, or a variable named almost like one that is.
    #[error("{place}: there is no such field; the nearest is {nearest}")]
    Unknown {
        /// The variable, or the file, line and field.
        place: String,
        /// The known name that is most like it.
        nearest: String,
    },
    /// The file can't be read.
    #[error("file {}: can't be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not written as TOML.
    #[error("{place}: {message}; the file must be TOML, as in `port = 4369`")]
    Toml {
        /// The file and line.
        place: String,
        /// What is wrong there.
        message: String,
    },
    /// An environment variable is no text.
    #[error("{0}: is not valid UTF-8")]
    NotText(String),
}
