//! `ClusterConfig` from environment variables.

use std::env::{self, VarError};
use std::path::Path;
use std::time::Duration;

use super::duration::parse_duration;
use super::{ClusterConfig, ConfigError, Jitter, Preset};
use crate::secret::{Secret, SecretFile};

/// Every variable that is read, in the order of the setters.
const VARIABLES: [&str; 19] = [
    "NOEX_NAME",
    "HOSTNAME",
    "NOEX_LISTEN",
    "NOEX_PORT",
    "NOEX_ADVERTISE",
    "NOEX_SEEDS",
    "NOEX_SECRET",
    "NOEX_SECRET_FILE",
    "NOEX_PREVIOUS_SECRETS",
    "NOEX_CLUSTER",
    "NOEX_INSECURE",
    "NOEX_PRESET",
    "NOEX_HEARTBEAT_INTERVAL",
    "NOEX_MISS_THRESHOLD",
    "NOEX_OBSERVERS",
    "NOEX_JOIN_TIMEOUT",
    "NOEX_RECONNECT_BASE_DELAY",
    "NOEX_RECONNECT_MAX_DELAY",
    "NOEX_RECONNECT_JITTER",
];

const DURATION_RULE: &str = "must be a whole number with its unit, as in 500ms, 5s, 2m or 1h";

impl ClusterConfig {
    /// The configuration that the environment's `NOEX_…` variables describe.
    ///
    /// `NOEX_NAME` (else `HOSTNAME`, else `noex`), `NOEX_LISTEN`, `NOEX_PORT`, `NOEX_ADVERTISE`,
    /// `NOEX_SEEDS` (separated by commas), `NOEX_SECRET` and `NOEX_PREVIOUS_SECRETS` (separated by
    /// commas) or `NOEX_SECRET_FILE` (see [`secret_file`](Self::secret_file)), `NOEX_CLUSTER`,
    /// `NOEX_INSECURE` (`1` or `true`), `NOEX_PRESET` (`lan`, `kubernetes`, `multi-region`,
    /// `unreliable`),
    /// `NOEX_HEARTBEAT_INTERVAL` (`5s`, `500ms`) and `NOEX_MISS_THRESHOLD` (both stronger than the
    /// preset), `NOEX_OBSERVERS`, `NOEX_JOIN_TIMEOUT`, `NOEX_RECONNECT_BASE_DELAY`,
    /// `NOEX_RECONNECT_MAX_DELAY`, `NOEX_RECONNECT_JITTER` (`full`, `off`). An empty variable
    /// counts as unset, an empty secret does not.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable, its value and the rule. What is not about the form of
    /// a variable is checked by [`validate`](Self::validate).
    pub fn from_env() -> Result<Self, ConfigError> {
        for variable in VARIABLES {
            if matches!(env::var(variable), Err(VarError::NotUnicode(_))) {
                return Err(ConfigError::NotText(variable));
            }
        }
        Self::from_vars(|variable| env::var(variable).ok())
    }

    /// As [`from_env`](Self::from_env), with the variables that `lookup` gives.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let vars = Vars { lookup };
        let name = vars.text("NOEX_NAME").or_else(|| vars.text("HOSTNAME"));
        let mut config = Self::new(name.unwrap_or_else(|| "noex".to_owned()));
        config.listen = vars.text("NOEX_LISTEN");
        config.advertise = vars.text("NOEX_ADVERTISE");
        if let Some(port) = vars.parse("NOEX_PORT", "must be a number from 0 to 65535", number)? {
            config.port = port;
        }
        if let Some(seeds) = vars.text("NOEX_SEEDS") {
            config = config.seeds(
                seeds
                    .split(',')
                    .map(str::trim)
                    .filter(|seed| !seed.is_empty()),
            );
        }
        if let Some(name) = vars.text("NOEX_CLUSTER") {
            config.cluster_name = name;
        }
        let insecure = vars.parse("NOEX_INSECURE", "must be 1, true, 0 or false", boolean)?;
        config.insecure = insecure.unwrap_or(false);
        vars.read_secrets(&mut config)?;
        vars.read_times(&mut config)?;
        Ok(config)
    }
}

/// The variables, however they are looked up.
struct Vars<F> {
    lookup: F,
}

impl<F: Fn(&str) -> Option<String>> Vars<F> {
    fn read_secrets(&self, config: &mut ClusterConfig) -> Result<(), ConfigError> {
        config.secret = (self.lookup)("NOEX_SECRET").map(Secret::new);
        if let Some(path) = self.text("NOEX_SECRET_FILE") {
            config.secret_file = Some(SecretFile::read(Path::new(&path))?);
        }
        if let Some(list) = self.text("NOEX_PREVIOUS_SECRETS").map(Secret::new) {
            config.previous_secrets = list.expose().split(',').map(Secret::new).collect();
        }
        Ok(())
    }

    fn read_times(&self, config: &mut ClusterConfig) -> Result<(), ConfigError> {
        let rule = "must be lan, kubernetes, multi-region or unreliable";
        if let Some(preset) = self.parse("NOEX_PRESET", rule, Preset::from_name)? {
            config.heartbeat_interval = preset.heartbeat_interval();
            config.miss_threshold = preset.miss_threshold();
        }
        let rule = "must be a whole number, at least 2";
        if let Some(threshold) = self.parse("NOEX_MISS_THRESHOLD", rule, number)? {
            config.miss_threshold = threshold;
        }
        let rule = "must be a whole number, at least 1";
        if let Some(observers) = self.parse("NOEX_OBSERVERS", rule, number)? {
            config.observers = observers;
        }
        let rule = "must be full or off";
        if let Some(jitter) = self.parse("NOEX_RECONNECT_JITTER", rule, Jitter::from_name)? {
            config.reconnect.jitter = jitter;
        }
        self.read_duration("NOEX_HEARTBEAT_INTERVAL", &mut config.heartbeat_interval)?;
        self.read_duration("NOEX_JOIN_TIMEOUT", &mut config.join_timeout)?;
        self.read_duration("NOEX_RECONNECT_BASE_DELAY", &mut config.reconnect.base)?;
        self.read_duration("NOEX_RECONNECT_MAX_DELAY", &mut config.reconnect.max)
    }

    fn read_duration(
        &self,
        variable: &'static str,
        field: &mut Duration,
    ) -> Result<(), ConfigError> {
        if let Some(duration) = self.parse(variable, DURATION_RULE, parse_duration)? {
            *field = duration;
        }
        Ok(())
    }

    /// The variable's text, unless it is unset or empty.
    fn text(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).filter(|value| !value.is_empty())
    }

    fn parse<T>(
        &self,
        variable: &'static str,
        rule: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        match self.text(variable) {
            None => Ok(None),
            Some(value) => match parse(&value) {
                Some(parsed) => Ok(Some(parsed)),
                None => Err(ConfigError::Variable {
                    variable,
                    value,
                    rule,
                }),
            },
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn from<const N: usize>(vars: [(&str, &str); N]) -> Result<ClusterConfig, ConfigError> {
        let find = |name: &str| vars.iter().find(|(known, _)| *known == name);
        ClusterConfig::from_vars(|name| {
            assert!(VARIABLES.contains(&name), "{name} is not in the list");
            find(name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn contract_c01_the_environment_sets_every_field() {
        let config = from([
            ("NOEX_NAME", "a"),
            ("NOEX_LISTEN", "0.0.0.0"),
            ("NOEX_PORT", "4370"),
            ("NOEX_ADVERTISE", "pod.svc"),
            ("NOEX_SEEDS", "b@h:1, c:2,"),
            ("NOEX_SECRET", "0123456789abcdef"),
            ("NOEX_PREVIOUS_SECRETS", "0123456789abcde1,0123456789abcde2"),
            ("NOEX_CLUSTER", "shop"),
            ("NOEX_INSECURE", "true"),
            ("NOEX_PRESET", "multi-region"),
            ("NOEX_HEARTBEAT_INTERVAL", "500ms"),
            ("NOEX_JOIN_TIMEOUT", "3s"),
            ("NOEX_RECONNECT_BASE_DELAY", "2s"),
            ("NOEX_RECONNECT_MAX_DELAY", "1m"),
            ("NOEX_RECONNECT_JITTER", "off"),
        ]);
        let config = config.unwrap();
        assert!(config.insecure);
        assert_eq!(config.previous_secrets.len(), 2);
        let config = config.validate().unwrap();
        assert_eq!(
            (&*config.name, &*config.listen, config.port),
            ("a", "0.0.0.0", 4370)
        );
        assert_eq!(config.advertise.as_deref(), Some("pod.svc"));
        assert_eq!(
            config.seeds,
            ["b@h:1".parse().unwrap(), "c:2".parse().unwrap()]
        );
        assert_eq!((&*config.cluster_name, config.miss_threshold), ("shop", 4));
        assert_eq!(config.heartbeat_interval, Duration::from_millis(500));
        assert_eq!(config.join_timeout, Duration::from_secs(3));
        assert_eq!(config.reconnect.base, Duration::from_secs(2));
        assert_eq!(config.reconnect.max, Duration::from_mins(1));
        assert_eq!(config.reconnect.jitter, Jitter::Off);
        assert!(config.keys.secure);
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
    fn a_wrong_variable_is_named_with_its_value_and_rule() {
        let message = |name, value| from([(name, value)]).unwrap_err().to_string();
        assert_eq!(
            message("NOEX_JOIN_TIMEOUT", "5"),
            "NOEX_JOIN_TIMEOUT `5`: must be a whole number with its unit, as in 500ms, 5s, 2m or 1h"
        );
        assert!(message("NOEX_PORT", "x").starts_with("NOEX_PORT `x`: must be a number"));
        assert!(message("NOEX_PRESET", "wan").contains("must be lan, kubernetes"));
        assert!(message("NOEX_INSECURE", "yes").contains("must be 1, true"));
        assert!(message("NOEX_RECONNECT_JITTER", "on").contains("must be full or off"));
        assert!(message("NOEX_MISS_THRESHOLD", "-1").contains("at least 2"));
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
        let file = config.secret_file.unwrap();
        assert_eq!(file.current().expose(), "from-a-file");
        for other in ["NOEX_SECRET", "NOEX_PREVIOUS_SECRETS"] {
            let both = from([("NOEX_SECRET_FILE", path), (other, "x")]).unwrap();
            assert!(matches!(both.validate(), Err(ConfigError::SecretTwice)));
        }
        let missing = from([("NOEX_SECRET_FILE", "/no/such/file")])
            .unwrap_err()
            .to_string();
        assert!(missing.contains("/no/such/file"), "{missing}");
    }
}
