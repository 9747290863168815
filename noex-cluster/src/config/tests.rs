//! Tests of the rules that a configuration must keep.

use std::time::Duration;

use super::*;
use crate::secret::Secret;

fn long_secret() -> Secret {
    Secret::new("0123456789abcdef")
}

fn error(config: ClusterConfig) -> String {
    config.validate().unwrap_err().to_string()
}

#[test]
fn contract_c01_the_defaults_are_the_documented_ones() {
    let config = ClusterConfig::new("a").validate().unwrap();
    assert_eq!((config.port, &*config.cluster_name), (4369, "noex"));
    assert_eq!(config.join_timeout, Duration::from_secs(10));
    assert_eq!(
        (config.message_size_max, config.send_queue_size_max),
        (16 << 20, 64 << 20)
    );
    assert!(config.seeds.is_empty());
}

#[test]
fn contract_c20_a_node_is_heard_of_every_5_seconds_and_down_after_3() {
    let config = ClusterConfig::new("a").validate().unwrap();
    assert_eq!(config.heartbeat_interval, Duration::from_secs(5));
    assert_eq!(config.miss_threshold, 3);
}

#[test]
fn contract_c30_reconnecting_starts_at_1_second_and_ends_at_30() {
    let settings = ClusterConfig::new("a").validate().unwrap().reconnect;
    assert_eq!(
        (settings.base, settings.max),
        (Duration::from_secs(1), Duration::from_secs(30))
    );
    assert_eq!(settings.jitter, Jitter::Full);
}

#[test]
fn contract_c22_a_preset_sets_interval_and_threshold() {
    let config = ClusterConfig::new("a")
        .preset(Preset::Unreliable)
        .validate()
        .unwrap();
    assert_eq!(
        (config.heartbeat_interval, config.miss_threshold),
        (Duration::from_secs(10), 5)
    );
}

#[test]
fn contract_c07_a_wrong_seed_is_refused_with_the_right_form() {
    assert_eq!(
        error(ClusterConfig::new("a").seeds(["a@h:1", "foo:bar"])),
        "seed `foo:bar`: port `bar` is not a number from 1 to 65535; \
         a seed is name@host:port or host:port"
    );
}

#[test]
fn contract_c14_without_a_secret_a_node_listens_on_loopback_only() {
    let config = ClusterConfig::new("a").validate().unwrap();
    assert_eq!(
        (&*config.listen, config.advertise.as_deref()),
        ("127.0.0.1", Some("127.0.0.1"))
    );
    assert!(!config.keys.secure);
    for listen in [
        "127.3.2.1",
        "::1",
        "[::1]",
        "localhost",
        "LOCALHOST",
        "::ffff:127.0.0.1",
    ] {
        assert!(
            ClusterConfig::new("a").listen(listen).validate().is_ok(),
            "{listen}"
        );
    }
    for listen in [
        "0.0.0.0",
        "::",
        "10.0.0.1",
        "host.example",
        "localhost.example",
    ] {
        assert_eq!(
            error(ClusterConfig::new("a").listen(listen)),
            format!(
                "listen `{listen}`: others can reach it, and there is no secret; set one, \
                 listen on 127.0.0.1, or say insecure"
            )
        );
        let insecure = ClusterConfig::new("a").listen(listen).insecure();
        assert!(!insecure.validate().unwrap().keys.secure);
    }
}

#[test]
fn with_a_secret_a_node_listens_everywhere_and_finds_its_host_out() {
    let config = ClusterConfig::new("a")
        .secret(long_secret())
        .validate()
        .unwrap();
    assert_eq!((&*config.listen, config.advertise), ("0.0.0.0", None));
    assert!(config.keys.secure);
}

#[test]
fn a_short_secret_is_for_loopback_only() {
    let config = || ClusterConfig::new("a").secret(Secret::new("0123456789abcde"));
    assert!(config().listen("127.0.0.1").validate().is_ok());
    assert_eq!(
        error(config()),
        "secret: has fewer than 16 bytes, too few to listen on `0.0.0.0`"
    );
    let previous = ClusterConfig::new("a")
        .secret(long_secret())
        .previous_secret(Secret::new("x"));
    assert!(error(previous).starts_with("previous_secret: has fewer than 16 bytes"));
}

#[test]
fn an_empty_secret_is_refused_everywhere() {
    let empty = ClusterConfig::new("a")
        .secret(Secret::new(""))
        .listen("127.0.0.1")
        .insecure();
    assert!(error(empty).starts_with("secret: is empty"));
}

#[test]
fn more_older_secrets_than_anybody_needs_are_refused() {
    let with = |count| {
        let config = ClusterConfig::new("a").secret(long_secret());
        (0..count).fold(config, |config, _| config.previous_secret(long_secret()))
    };
    assert!(with(7).validate().is_ok());
    assert!(error(with(8)).starts_with("previous_secret: 8 of them, at most 7"));
}

#[test]
fn contract_c13_secrets_come_from_the_lines_of_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "0123456789abcdef\n0123456789abcde2\n").unwrap();
    let config = || ClusterConfig::new("a").secret_file(file.path()).unwrap();
    let valid = config().validate().unwrap();
    assert_eq!((&*valid.listen, valid.keys.iter().count()), ("0.0.0.0", 2));
    let by_value = ClusterConfig::new("a")
        .secret(Secret::new("0123456789abcdef"))
        .previous_secret(Secret::new("0123456789abcde2"));
    assert_eq!(
        by_value.validate().unwrap().keys.marks(),
        valid.keys.marks()
    );
    let twice = error(config().secret(long_secret()));
    assert!(twice.starts_with("secret and secret_file: only one"));
    std::fs::write(file.path(), "short").unwrap();
    assert!(error(config()).starts_with("secret: has fewer than 16 bytes"));
}

#[test]
fn older_secrets_need_a_current_one() {
    let config = ClusterConfig::new("a").previous_secret(long_secret());
    assert!(error(config).starts_with("previous_secret: is set without a secret"));
}

#[test]
fn contract_c13_no_error_and_no_debug_output_tells_a_secret() {
    let config = ClusterConfig::new("a")
        .secret(Secret::new("hunter2"))
        .listen("0.0.0.0");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!error(config.clone()).contains("hunter2"));
    let valid = config.listen("127.0.0.1").validate().unwrap();
    assert!(!format!("{valid:?}").contains("hunter2"));
}

#[test]
fn the_advertised_host_must_be_one_that_others_can_dial() {
    let advertise = |host: &str| ClusterConfig::new("a").advertise(host).validate();
    assert_eq!(
        advertise("Pod-1.svc").unwrap().advertise.as_deref(),
        Some("pod-1.svc")
    );
    assert_eq!(
        advertise("[::1]").unwrap().advertise.as_deref(),
        Some("::1")
    );
    for host in ["0.0.0.0", "::", "", "a b", "host:4369", "[host]"] {
        assert!(
            matches!(advertise(host), Err(ConfigError::Advertise(_))),
            "{host}"
        );
    }
}

#[test]
fn contract_c01_each_wrong_field_is_named_with_its_value_and_rule() {
    let new = || ClusterConfig::new("a");
    let ms = Duration::from_millis;
    for (config, start) in [
        (ClusterConfig::new("-a"), "name `-a`: must start with"),
        (new().cluster_name(""), "cluster_name ``: must have"),
        (new().listen("a b"), "listen `a b`: is neither"),
        (
            new().miss_threshold(1),
            "miss_threshold 1: must be at least 2",
        ),
        (
            new().observers(0),
            "observers 0: must be at least 1 and at most 64",
        ),
        (
            new().heartbeat_interval(ms(9)),
            "heartbeat_interval 9ms: must be from 10ms to 1h",
        ),
        (
            new().heartbeat_interval(ms(3_600_001)),
            "heartbeat_interval 3600.001s: must be",
        ),
        (
            new().reconnect_base_delay(ms(0)),
            "reconnect_base_delay 0ns: must be at least",
        ),
        (
            new().reconnect_max_delay(ms(999)),
            "reconnect_base_delay 1s: must be at most reconnect",
        ),
        (
            new().message_size_max(1),
            "message_size_max 1 bytes: must be",
        ),
        (
            new().send_queue_size_max(1),
            "send_queue_size_max 1 bytes: must be at least",
        ),
    ] {
        let message = error(config);
        assert!(message.starts_with(start), "{message}");
    }
}
