//! `ClusterConfig` from environment variables, and from the file that one of them names.

use std::collections::BTreeMap;
use std::env::{self, VarError};

use zeroize::Zeroizing;

use super::fields::{FIELDS, Given, Value, apply, names, nearest};
use super::{ClusterConfig, ConfigError};

/// What all variables begin with.
const PREFIX: &str = "NOEX_";

/// The variable that names the file.
const FILE: &str = "NOEX_CONFIG";

/// The variable from which a node takes its name if nothing else names it.
const HOST: &str = "HOSTNAME";

impl ClusterConfig {
    /// The configuration that the environment describes, and the file that `NOEX_CONFIG` names.
    ///
    /// Each field of [`from_toml`](Self::from_toml) has a variable, which is named like it:
    /// `heartbeat_interval` is `NOEX_HEARTBEAT_INTERVAL`. In a variable, the parts of a list are
    /// separated by commas. An empty variable counts as unset, unless it is to hold a secret.
    ///
    /// A variable is stronger than the file, and what is [set on the result](Self) is stronger
    /// than both. A list takes the place of a weaker one, and a preset that of a weaker
    /// interval and threshold. Without a name, the node has that of its host in `HOSTNAME`, else
    /// `noex`.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable, or the file and line, the value and the rule; also if
    /// a variable is named almost like a known one. What is not about the form of a value is
    /// checked by [`validate`](Self::validate).
    pub fn from_env() -> Result<Self, ConfigError> {
        for (variable, _) in env::vars_os() {
            // What is no text is named like no field.
            if let Some(variable) = variable.to_str() {
                check_name(variable)?;
            }
        }
        for variable in names()
            .map(variable_of)
            .chain([FILE.to_owned(), HOST.to_owned()])
        {
            if matches!(env::var(&variable), Err(VarError::NotUnicode(_))) {
                return Err(ConfigError::NotText(variable));
            }
        }
        Self::from_vars(|variable| env::var(variable).ok())
    }

    /// As [`from_env`](Self::from_env), with the variables that `lookup` gives.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env), but variables that nobody asks for are not found out.
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |variable: &str| lookup(variable).filter(|value| !value.is_empty());
        let mut config = Self::new(set(HOST).unwrap_or_else(|| "noex".to_owned()));
        if let Some(path) = set(FILE) {
            config.read_file(path.as_ref())?;
        }
        // Some are secrets, so all are wiped.
        let values: BTreeMap<&str, Zeroizing<String>> = FIELDS
            .iter()
            .filter_map(|field| {
                let value = lookup(&variable_of(field.name))?;
                let is_set = field.is_secret || !value.is_empty();
                is_set.then(|| (field.name, Zeroizing::new(value)))
            })
            .collect();
        apply(&mut config, |field| {
            let value = values.get(field.name)?.as_str();
            Some(Given {
                place: variable_of(field.name),
                shown: value,
                value: Some(Value::Text(value)),
            })
        })?;
        Ok(config)
    }
}

fn variable_of(field: &str) -> String {
    format!("{PREFIX}{}", field.to_ascii_uppercase())
}

/// Refuses a variable that is named almost like a known one. One that is named quite otherwise is
/// somebody else's, who may use the prefix too.
fn check_name(variable: &str) -> Result<(), ConfigError> {
    let Some(name) = variable.strip_prefix(PREFIX) else {
        return Ok(());
    };
    let name = name.to_ascii_lowercase();
    let Some((nearest, distance)) = nearest(&name, names().chain(["config"])) else {
        return Ok(());
    };
    let is_exact = variable == variable_of(nearest);
    if is_exact || distance > (nearest.len() / 5).max(1) {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place: variable.to_owned(),
        nearest: variable_of(nearest),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::tests::assert_every_field;

    fn from<const N: usize>(vars: [(&str, &str); N]) -> Result<ClusterConfig, ConfigError> {
        let find = |name: &str| vars.iter().find(|(known, _)| *known == name);
        ClusterConfig::from_vars(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn contract_c01_the_environment_sets_every_field() {
        let vars = [
            ("NOEX_NAME", "a"),
            ("NOEX_LISTEN", "0.0.0.0"),
            ("NOEX_PORT", "4370"),
            ("NOEX_ADVERTISE", "pod.svc:4371"),
            ("NOEX_SEEDS", "b@h:1, c:2,"),
            ("NOEX_DISCOVERY_INTERVAL", "7s"),
            ("NOEX_SECRET", "0123456789abcdef"),
            ("NOEX_PREVIOUS_SECRETS", "0123456789abcde1,0123456789abcde2"),
            ("NOEX_CLUSTER_NAME", "shop"),
            ("NOEX_INSECURE", "true"),
            ("NOEX_PRESET", "multi-region"),
            ("NOEX_HEARTBEAT_INTERVAL", "500ms"),
            ("NOEX_MISS_THRESHOLD", "6"),
            ("NOEX_OBSERVERS", "3"),
            ("NOEX_JOIN_TIMEOUT", "3s"),
            ("NOEX_SESSION_IDLE_TIMEOUT", "9s"),
            ("NOEX_RECONNECT_BASE_DELAY", "2s"),
            ("NOEX_RECONNECT_MAX_DELAY", "1m"),
            ("NOEX_RECONNECT_JITTER", "off"),
            ("NOEX_MESSAGE_SIZE_MAX", "1MiB"),
            ("NOEX_SEND_QUEUE_SIZE_MAX", "2MiB"),
        ];
        let set: Vec<&str> = vars.iter().map(|(name, _)| *name).collect();
        let unset = |name: &String| !set.contains(&name.as_str());
        let left: Vec<String> = names().map(variable_of).filter(unset).collect();
        assert_eq!(left, ["NOEX_SECRET_FILE"], "it has a test of its own");
        assert_every_field(from(vars).unwrap());
    }

    #[test]
    fn contract_c22_a_preset_gives_way_to_its_parts() {
        let config = from([("NOEX_MISS_THRESHOLD", "9"), ("NOEX_PRESET", "lan")]).unwrap();
        assert_eq!(
            (config.heartbeat_interval, config.miss_threshold),
            (Duration::from_secs(3), 9)
        );
    }

    #[test]
    fn the_name_falls_back_to_the_host_and_then_to_noex() {
        assert_eq!(from([("HOSTNAME", "pod-1")]).unwrap().name, "pod-1");
        assert_eq!(
            from([("HOSTNAME", ""), ("NOEX_NAME", "")]).unwrap().name,
            "noex"
        );
    }

    #[test]
    fn contract_c01_a_wrong_variable_is_named_with_its_value_and_rule() {
        for (variable, value, rule) in [
            ("NOEX_PORT", "x", "must be a number from 0 to 65535"),
            ("NOEX_PORT", "65536", "must be a number from 0 to 65535"),
            (
                "NOEX_DISCOVERY_INTERVAL",
                "10",
                "must be a whole number with its unit, as in",
            ),
            ("NOEX_INSECURE", "yes", "must be true or false, or 1 or 0"),
            (
                "NOEX_PRESET",
                "wan",
                "must be lan, kubernetes, multi-region or unreliable",
            ),
            (
                "NOEX_HEARTBEAT_INTERVAL",
                "1.5s",
                "must be a whole number with its unit, as in",
            ),
            (
                "NOEX_MISS_THRESHOLD",
                "-1",
                "must be a whole number, at least 2",
            ),
            (
                "NOEX_OBSERVERS",
                "few",
                "must be a whole number, at least 1",
            ),
            (
                "NOEX_SESSION_IDLE_TIMEOUT",
                "5",
                "must be a whole number with its unit, as in 500ms",
            ),
            (
                "NOEX_JOIN_TIMEOUT",
                "5",
                "must be a whole number with its unit, as in 500ms",
            ),
            (
                "NOEX_RECONNECT_BASE_DELAY",
                "1 s",
                "must be a whole number with its unit",
            ),
            (
                "NOEX_RECONNECT_MAX_DELAY",
                "s",
                "must be a whole number with its unit",
            ),
            ("NOEX_RECONNECT_JITTER", "on", "must be full or off"),
            (
                "NOEX_MESSAGE_SIZE_MAX",
                "16MB",
                "must be a whole number of bytes, or of KiB",
            ),
            (
                "NOEX_SEND_QUEUE_SIZE_MAX",
                "-1",
                "must be a whole number of bytes, or of KiB",
            ),
        ] {
            let message = from([(variable, value)]).unwrap_err().to_string();
            let expected = format!("{variable} `{value}`: {rule}");
            assert!(message.starts_with(&expected), "{message}");
        }
    }

    #[test]
    fn contract_c01_a_mistyped_variable_is_named_with_the_nearest() {
        for (variable, nearest) in [
            ("NOEX_SEED", "NOEX_SEEDS"),
            ("NOEX_PROT", "NOEX_PORT"),
            ("NOEX_port", "NOEX_PORT"),
            ("NOEX_CONFG", "NOEX_CONFIG"),
            ("NOEX_HEARTBEAT_INTERVALL", "NOEX_HEARTBEAT_INTERVAL"),
            ("NOEX_RECONECT_MAX_DELY", "NOEX_RECONNECT_MAX_DELAY"),
        ] {
            assert_eq!(
                check_name(variable).unwrap_err().to_string(),
                format!("{variable}: there is no such field; the nearest is {nearest}")
            );
        }
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        for variable in [
            "NOEX_PORT",
            "NOEX_CONFIG",
            "NOEX_LOG",
            "NOEX_SERVICE_HOST",
            "NOEX_PORT_4369_TCP",
            "NOEX_EXAMPLE_WORKER",
            "HOSTNAMES",
            "NOEX_",
        ] {
            assert!(check_name(variable).is_ok(), "{variable}");
        }
    }

    #[test]
    fn an_empty_secret_is_not_mistaken_for_none() {
        let config = from([("NOEX_SECRET", "")]).unwrap();
        assert!(matches!(
            config.validate(),
            Err(ConfigError::EmptySecret("secret"))
        ));
    }

    #[test]
    fn contract_c13_a_secret_comes_from_a_file_too_but_not_from_both() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from-a-file\nolder\n").unwrap();
        let path = file.path().to_str().unwrap();
        let config = from([("NOEX_SECRET_FILE", path)]).unwrap();
        let secrets = config.secret_file.unwrap();
        assert_eq!(secrets.current().expose(), "from-a-file");
        for other in ["NOEX_SECRET", "NOEX_PREVIOUS_SECRETS"] {
            let both = from([("NOEX_SECRET_FILE", path), (other, "x")]).unwrap_err();
            let expected = format!("NOEX_SECRET_FILE and {other}: only one of them may be set");
            assert!(both.to_string().starts_with(&expected), "{both}");
        }
        let missing = from([("NOEX_SECRET_FILE", "/no/such/file")])
            .unwrap_err()
            .to_string();
        assert!(missing.contains("/no/such/file"), "{missing}");
    }
}
