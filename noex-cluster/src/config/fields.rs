//! The fields that a file and the environment can set, with the rules of their form.

use super::duration::parse_duration;
use super::size::parse_size;
use super::{ClusterConfig, ConfigError, Jitter, Preset};
use crate::secret::{Secret, SecretFile};

/// One field that a file and the environment can set.
pub(super) struct Field {
    /// Its name in a file; that of its variable is this one in capitals, behind `NOEX_`.
    pub(super) name: &'static str,
    /// The form that its value must have.
    pub(super) rule: &'static str,
    /// Whether its value must not be shown.
    pub(super) is_secret: bool,
    set: fn(&mut ClusterConfig, &Value<'_>) -> Result<(), Fault>,
}

/// What a source holds for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A number or a boolean, as it would be written as a text.
    Plain(String),
    /// Several, as a list.
    List(Vec<&'a str>),
}

/// What a source holds for a field, and where.
pub(super) struct Given<'a> {
    /// Where, as an error names it.
    pub(super) place: String,
    /// The value, as an error shows it.
    pub(super) shown: &'a str,
    /// The value; `None` if it is of a kind that no field has.
    pub(super) value: Option<Value<'a>>,
}

/// Why a value can't be taken.
enum Fault {
    /// It has not the form that the field's rule asks for.
    Form,
    /// It has, but leads nowhere.
    Other(ConfigError),
}

const TEXT: &str = "must be text";
const DURATION: &str = "must be a whole number with its unit, as in 500ms, 5s, 2m or 1h";
const SIZE: &str = "must be a whole number of bytes, or of KiB, MiB or GiB as in 16MiB";

/// Every field, in the order in which they are set: a preset gives way to its own parts, and what
/// a stronger source says of secrets takes the place of what a weaker one does.
pub(super) static FIELDS: [Field; 22] = [
    field("name", TEXT, |config, value| {
        text(value).map(|name| config.name = name)
    }),
    field("listen", TEXT, |config, value| {
        text(value).map(|host| config.listen = Some(host))
    }),
    field(
        "port",
        "must be a number from 0 to 65535",
        |config, value| parsed(value, number).map(|port| config.port = port),
    ),
    field("advertise", TEXT, |config, value| {
        text(value).map(|host| config.advertise = Some(host))
    }),
    field("seeds", "must be a list of texts", |config, value| {
        let seeds = list(value)?
            .into_iter()
            .map(str::trim)
            .filter(|seed| !seed.is_empty());
        config.seeds = seeds.map(str::to_owned).collect();
        Ok(())
    }),
    field("discovery_interval", DURATION, |config, value| {
        parsed(value, parse_duration).map(|interval| config.discovery_interval = interval)
    }),
    field(
        "secret_file",
        "must be the path of a file",
        |config, value| {
            let file = SecretFile::read(text(value)?.as_ref());
            config.secret_file = Some(file.map_err(|error| Fault::Other(error.into()))?);
            config.secret = None;
            config.previous_secrets.clear();
            Ok(())
        },
    ),
    secret("secret", TEXT, |config, value| {
        config.secret = Some(Secret::new(text(value)?));
        config.secret_file = None;
        Ok(())
    }),
    secret(
        "previous_secrets",
        "must be a list of texts",
        |config, value| {
            config.previous_secrets = list(value)?.into_iter().map(Secret::new).collect();
            Ok(())
        },
    ),
    field("cluster_name", TEXT, |config, value| {
        text(value).map(|name| config.cluster_name = name)
    }),
    field(
        "insecure",
        "must be true or false, or 1 or 0",
        |config, value| parsed(value, boolean).map(|insecure| config.insecure = insecure),
    ),
    field(
        "preset",
        "must be lan, kubernetes, multi-region or unreliable",
        |config, value| {
            let preset = parsed(value, Preset::from_name)?;
            config.heartbeat_interval = preset.heartbeat_interval();
            config.miss_threshold = preset.miss_threshold();
            Ok(())
        },
    ),
    field("heartbeat_interval", DURATION, |config, value| {
        parsed(value, parse_duration).map(|interval| config.heartbeat_interval = interval)
    }),
    field(
        "miss_threshold",
        "must be a whole number, at least 2",
        |config, value| parsed(value, number).map(|threshold| config.miss_threshold = threshold),
    ),
    field(
        "observers",
        "must be a whole number, at least 1",
        |config, value| parsed(value, number).map(|count| config.observers = count),
    ),
    field("join_timeout", DURATION, |config, value| {
        parsed(value, parse_duration).map(|timeout| config.join_timeout = timeout)
    }),
    field("session_idle_timeout", DURATION, |config, value| {
        parsed(value, parse_duration).map(|timeout| config.session_idle_timeout = timeout)
    }),
    field("reconnect_base_delay", DURATION, |config, value| {
        parsed(value, parse_duration).map(|delay| config.reconnect.base = delay)
    }),
    field("reconnect_max_delay", DURATION, |config, value| {
        parsed(value, parse_duration).map(|delay| config.reconnect.max = delay)
    }),
    field(
        "reconnect_jitter",
        "must be full or off",
        |config, value| {
            parsed(value, Jitter::from_name).map(|jitter| config.reconnect.jitter = jitter)
        },
    ),
    field("message_size_max", SIZE, |config, value| {
        parsed(value, parse_size).map(|size| config.message_size_max = size)
    }),
    field("send_queue_size_max", SIZE, |config, value| {
        parsed(value, parse_size).map(|size| config.send_queue_size_max = size)
    }),
];

/// Sets every field that a source holds, and leaves the others as they are.
pub(super) fn apply<'a>(
    config: &mut ClusterConfig,
    source: impl Fn(&Field) -> Option<Given<'a>>,
) -> Result<(), ConfigError> {
    let mut secret_file: Option<String> = None;
    for field in &FIELDS {
        let Some(given) = source(field) else {
            continue;
        };
        let set = given.value.as_ref().ok_or(Fault::Form);
        match set.and_then(|value| (field.set)(config, value)) {
            Ok(()) => {}
            Err(Fault::Other(error)) => return Err(error),
            Err(Fault::Form) => {
                let shown = if field.is_secret { "***" } else { given.shown };
                return Err(ConfigError::Form {
                    place: given.place,
                    value: shown.to_owned(),
                    rule: field.rule,
                });
            }
        }
        if field.name == "secret_file" {
            secret_file = Some(given.place);
        } else if let ("secret" | "previous_secrets", Some(first)) = (field.name, &secret_file) {
            let (first, second) = (first.clone(), given.place);
            return Err(ConfigError::SecretTwice { first, second });
        }
    }
    Ok(())
}

/// The name in `known` that is most like `name`, and by how many letters they differ.
pub(super) fn nearest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<(&'a str, usize)> {
    let distance = |known: &'a str| (known, strsim::damerau_levenshtein(name, known));
    let known = known.into_iter().map(distance);
    known.min_by_key(|(_, distance)| *distance)
}

/// The names of all fields.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|field| field.name)
}

type Set = fn(&mut ClusterConfig, &Value<'_>) -> Result<(), Fault>;

const fn field(name: &'static str, rule: &'static str, set: Set) -> Field {
    Field {
        name,
        rule,
        is_secret: false,
        set,
    }
}

const fn secret(name: &'static str, rule: &'static str, set: Set) -> Field {
    Field {
        is_secret: true,
        ..field(name, rule, set)
    }
}

fn text(value: &Value<'_>) -> Result<String, Fault> {
    match value {
        Value::Text(text) => Ok((*text).to_owned()),
        Value::Plain(_) | Value::List(_) => Err(Fault::Form),
    }
}

fn parsed<T>(value: &Value<'_>, parse: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
    match value {
        Value::Text(text) => parse(text).ok_or(Fault::Form),
        Value::Plain(plain) => parse(plain).ok_or(Fault::Form),
        Value::List(_) => Err(Fault::Form),
    }
}

/// The parts of a list, which in one text are separated by commas. An empty text has none.
fn list<'v>(value: &'v Value<'_>) -> Result<Vec<&'v str>, Fault> {
    match value {
        Value::Text("") => Ok(Vec::new()),
        Value::Text(text) => Ok(text.split(',').collect()),
        Value::List(texts) => Ok(texts.clone()),
        Value::Plain(_) => Err(Fault::Form),
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.parse().ok()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}
