//! `ClusterConfig` from a file in TOML.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use zeroize::Zeroizing;

use super::fields::{Given, Value, apply, names, nearest};
use super::{ClusterConfig, ConfigError};

/// The most bytes of a file; a longer one is no configuration.
const FILE_SIZE_MAX: u32 = 1 << 20;

impl ClusterConfig {
    /// The configuration that a text in TOML describes.
    ///
    /// | field | value | default |
    /// |---|---|---|
    /// | `name` | text: the [node's name](Self::name) | `noex` |
    /// | `listen` | text: [where](Self::listen) to listen | `127.0.0.1`; `0.0.0.0` with a secret |
    /// | `port` | number: the [port](Self::port) | 4369 |
    /// | `advertise` | text: where others [reach](Self::advertise) it | found out |
    /// | `seeds` | texts: [where](Self::seed) the cluster may be | none |
    /// | `discovery_interval` | duration: how often to [look](Self::discovery_interval) | `"10s"` |
    /// | `secret` | text: the cluster's [secret](Self::secret) | none |
    /// | `secret_file` | text: the [file](Self::secret_file) of secrets | none |
    /// | `previous_secrets` | texts: [older secrets](Self::previous_secret) | none |
    /// | `cluster_name` | text: the [cluster](Self::cluster_name) | `noex` |
    /// | `insecure` | boolean: no secret is [needed](Self::insecure) | `false` |
    /// | `preset` | text: a [preset](Self::preset), such as `multi-region` | `kubernetes` |
    /// | `heartbeat_interval` | duration: its [heartbeats](Self::heartbeat_interval) | `"5s"` |
    /// | `miss_threshold` | number: [how many](Self::miss_threshold) it may miss | 3 |
    /// | `observers` | number: how many others [watch](Self::observers) each node | 8 |
    /// | `join_timeout` | duration: how long to [wait](Self::join_timeout) for others | `"10s"` |
    /// | `session_idle_timeout` | duration: until it [rests](Self::session_idle_timeout) | `"5m"` |
    /// | `reconnect_base_delay` | duration: the [first](Self::reconnect_base_delay) | `"1s"` |
    /// | `reconnect_max_delay` | duration: the [longest](Self::reconnect_max_delay) | `"30s"` |
    /// | `reconnect_jitter` | text: [`full` or `off`](Self::reconnect_jitter) | `full` |
    /// | `message_size_max` | size of the [largest message](Self::message_size_max) | `"16MiB"` |
    /// | `send_queue_size_max` | size of a node's [queue](Self::send_queue_size_max) | `"64MiB"` |
    ///
    /// A duration is a text with its unit, as `"500ms"`, `"5s"`, `"2m"` or `"1h"`; a size is a
    /// number of bytes, or a text as `"16MiB"`.
    ///
    /// # Errors
    /// [`ConfigError`] names line, field, value and rule. A field that is not known is an error,
    /// which names the nearest that is. What is not about the form of a value is checked by
    /// [`validate`](Self::validate).
    ///
    /// # Examples
    /// ```
    /// use noex_cluster::ClusterConfig;
    ///
    /// let config = ClusterConfig::from_toml(
    ///     r#"
    ///         name = "worker"
    ///         seeds = ["seed1@10.0.0.1:4369", "seed2@10.0.0.2:4369"]
    ///         secret = "at least sixteen bytes"
    ///         preset = "lan"
    ///     "#,
    /// )?;
    /// let mistyped = ClusterConfig::from_toml("prot = 4369").unwrap_err();
    /// assert_eq!(
    ///     mistyped.to_string(),
    ///     "line 1: prot: there is no such field; the nearest is port"
    /// );
    /// # Ok::<(), noex_cluster::ConfigError>(())
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let mut config = Self::new("noex");
        config.read_toml(text, &|line| format!("line {line}"))?;
        Ok(config)
    }

    /// The configuration that a file in TOML describes, as [`from_toml`](Self::from_toml) says.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), and [`ConfigError::File`] if the file can't be read or
    /// is longer than 1 MiB. They name the file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let mut config = Self::new("noex");
        config.read_file(path.as_ref())?;
        Ok(config)
    }

    /// Sets what the file sets, and leaves all else as it is.
    pub(super) fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = read(path).map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        self.read_toml(&text, &|line| format!("{}:{line}", path.display()))
    }

    /// Sets what the text sets. `place_of` names a line in errors.
    fn read_toml(
        &mut self,
        text: &str,
        place_of: &dyn Fn(usize) -> String,
    ) -> Result<(), ConfigError> {
        let table = DeTable::parse(text).map_err(|error| ConfigError::Toml {
            place: place_of(line(text, error.span().unwrap_or_default())),
            message: error.message().to_owned(),
        })?;
        let fields = table.get_ref();
        let place = |key: &Spanned<DeString<'_>>| {
            let line = place_of(line(text, key.span()));
            format!("{line}: {}", key.get_ref())
        };
        for (key, _) in fields {
            let name = key.get_ref();
            if !names().any(|known| known == name) {
                let nearest = nearest(name, names()).map_or("", |(nearest, _)| nearest);
                return Err(ConfigError::Unknown {
                    place: place(key),
                    nearest: nearest.to_owned(),
                });
            }
        }
        apply(self, |field| {
            let mut fields = fields.iter();
            let (key, value) = fields.find(|(key, _)| key.get_ref() == field.name)?;
            Some(Given {
                place: place(key),
                shown: match value.get_ref() {
                    DeValue::String(shown) => shown,
                    _ => text.get(value.span()).unwrap_or_default(),
                },
                value: value_of(value.get_ref()),
            })
        })
    }
}

/// The line in which this part of the text begins, from 1.
fn line(text: &str, part: Range<usize>) -> usize {
    let bytes = text.bytes().take(part.start);
    1 + bytes.filter(|byte| *byte == b'\n').count()
}

/// The whole file, which may hold a secret.
fn read(path: &Path) -> io::Result<Zeroizing<String>> {
    let file = File::open(path)?;
    let size_max = u64::from(FILE_SIZE_MAX);
    // Reserved at once: a buffer that grows leaves copies of the secret behind.
    let size = file.metadata()?.len().min(size_max);
    let reserved = usize::try_from(size).unwrap_or(0) + 1;
    let mut text = Zeroizing::new(String::with_capacity(reserved));
    let length = file.take(size_max + 1).read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|length| length <= size_max) {
        return Ok(text);
    }
    let kind = io::ErrorKind::FileTooLarge;
    Err(io::Error::new(kind, "it is longer than 1 MiB"))
}

fn value_of<'v>(value: &'v DeValue<'_>) -> Option<Value<'v>> {
    match value {
        DeValue::String(text) => Some(Value::Text(text)),
        DeValue::Array(values) => {
            let texts = values.iter().map(|value| value.get_ref().as_str());
            Some(Value::List(texts.collect::<Option<_>>()?))
        }
        DeValue::Integer(integer) => {
            let number = i128::from_str_radix(integer.as_str(), integer.radix());
            Some(Value::Plain(number.ok()?.to_string()))
        }
        DeValue::Boolean(boolean) => Some(Value::Plain(boolean.to_string())),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
