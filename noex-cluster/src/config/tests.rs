//! Tests of the rules that a configuration must keep.

use std::path::Path;
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
    assert_eq!(config.discovery_interval, Duration::from_secs(10));
    assert_eq!(config.session_idle_timeout, Duration::from_mins(5));
    assert!(config.seeds.is_empty() && config.discoveries.is_empty());
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
        "seed `foo:bar`: port `bar` is not a number from 1 to 65535 without leading zeros; \
         a seed is name@host:port or host:port, as in seed1@10.0.0.1:4369 or [2001:db8::1]:4369"
    );
}

#[test]
fn contract_c14_without_a_secret_a_node_listens_on_loopback_only() {
    let config = ClusterConfig::new("a").validate().unwrap();
    assert_eq!(
        (&*config.listen, config.advertise),
        ("127.0.0.1", Some(host("127.0.0.1")))
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
    assert!(twice.starts_with("secret_file and secret: only one"));
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

fn host(host: &str) -> Advertise {
    Advertise {
        host: host.to_owned(),
        port: None,
    }
}

#[test]
fn where_others_reach_a_node_has_a_host_that_they_can_dial_and_perhaps_a_port() {
    let advertise = |text: &str| ClusterConfig::new("a").advertise(text).validate();
    for (text, host, port) in [
        ("Pod-1.svc", "pod-1.svc", None),
        ("pod-1.svc:4370", "pod-1.svc", Some(4370)),
        ("10.0.0.1", "10.0.0.1", None),
        ("10.0.0.1:1", "10.0.0.1", Some(1)),
        ("::1", "::1", None),
        ("[::1]", "::1", None),
        ("[2001:DB8::1]:65535", "2001:db8::1", Some(65535)),
    ] {
        let host = host.to_owned();
        let config = advertise(text).unwrap();
        assert_eq!(config.advertise, Some(Advertise { host, port }), "{text}");
    }
    for text in [
        "0.0.0.0",
        "::",
        "[::]:4369",
        "0.0.0.0:4369",
        "",
        ":4369",
        "a b",
        "host:",
        "host:0",
        "host:65536",
        "host:+1",
        "host:01",
        "[host]",
        "[host]:1",
        "[::1",
        "::1]",
        "a@host:4369",
    ] {
        let error = advertise(text).unwrap_err();
        assert!(matches!(error, ConfigError::Advertise(_)), "{text}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("advertise `{text}`: is neither"))
        );
    }
}

/// Each of these is refused with a message that begins like this.
fn are_refused<const N: usize>(cases: [(ClusterConfig, &str); N]) {
    for (config, start) in cases {
        let message = error(config);
        assert!(message.starts_with(start), "{message}");
    }
}

#[test]
fn contract_c01_each_wrong_text_is_named_with_its_value_and_rule() {
    let new = || ClusterConfig::new("a");
    are_refused([
        (ClusterConfig::new("-a"), "name `-a`: must start with"),
        (new().name("a@b"), "name `a@b`: must start with"),
        (new().cluster_name(""), "cluster_name ``: must have"),
        (new().cluster_name("x".repeat(254)), "cluster_name `xxx"),
        (new().listen("a b"), "listen `a b`: is neither"),
        (new().listen("0.0.0.0:1"), "listen `0.0.0.0:1`: is neither"),
        (new().advertise("::"), "advertise `::`: is neither"),
        (new().seed("host"), "seed `host`: `:port` is missing"),
        (new().secret(Secret::new("")), "secret: is empty"),
        (
            new().previous_secret(Secret::new("x")),
            "previous_secret: is set without",
        ),
    ]);
}

#[test]
fn contract_c01_each_wrong_number_is_named_with_its_value_and_rule() {
    let new = || ClusterConfig::new("a");
    let ms = Duration::from_millis;
    are_refused([
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
            new().miss_threshold(1_001),
            "miss_threshold 1001: must be at least 2 and at most 1,000",
        ),
        (
            new().discovery_interval(ms(99)),
            "discovery_interval 99ms: must be from 100ms to 1h",
        ),
        (
            new().discovery_interval(ms(3_600_001)),
            "discovery_interval 3600.001s: must be",
        ),
        (
            new().session_idle_timeout(ms(99)),
            "session_idle_timeout 99ms: must be from 100ms to 24h",
        ),
        (
            new().session_idle_timeout(ms(86_400_001)),
            "session_idle_timeout 86400.001s: must be",
        ),
        (
            new().join_timeout(Duration::MAX),
            "join_timeout 18446744073709551615.999999999s: must be at most 1h",
        ),
        (
            new().reconnect_max_delay(ms(86_400_001)),
            "reconnect_max_delay 86400.001s: must be at most 24h",
        ),
        (
            new().message_size_max((1 << 30) + 1),
            "message_size_max 1073741825 bytes: must be from 64 KiB to 1 GiB",
        ),
        (
            new().message_size_max(1),
            "message_size_max 1 bytes: must be",
        ),
        (
            new().send_queue_size_max(1),
            "send_queue_size_max 1 bytes: must be at least",
        ),
    ]);
}

fn toml_error(text: &str) -> String {
    ClusterConfig::from_toml(text).unwrap_err().to_string()
}

#[test]
fn contract_c01_a_file_sets_every_field() {
    let text = r#"
        name = "a"
        listen = "0.0.0.0"
        port = 0x1112
        advertise = "pod.svc:4371"
        seeds = ["b@h:1", "c:2"]
        discovery_interval = "7s"
        secret = "0123456789abcdef"
        previous_secrets = ["0123456789abcde1", "0123456789abcde2"]
        cluster_name = "shop"
        insecure = true
        preset = "multi-region"
        heartbeat_interval = "500ms"
        miss_threshold = 6
        observers = 3
        join_timeout = "3s"
        session_idle_timeout = "9s"
        reconnect_base_delay = "2s"
        reconnect_max_delay = "1m"
        reconnect_jitter = "off"
        message_size_max = 1_048_576
        send_queue_size_max = "2MiB"
    "#;
    let unset = |name: &&str| !text.contains(&format!(" {name} = "));
    let left: Vec<&str> = fields::names().filter(unset).collect();
    assert_eq!(left, ["secret_file"], "it has a test of its own");
    assert_every_field(ClusterConfig::from_toml(text).unwrap());
}

/// Each field holds what the tests of all sources write into it.
pub(super) fn assert_every_field(config: ClusterConfig) {
    assert!(config.insecure);
    assert_eq!(config.previous_secrets.len(), 2);
    let config = config.validate().unwrap();
    assert_eq!(
        (&*config.name, &*config.listen, config.port),
        ("a", "0.0.0.0", 4370)
    );
    let advertise = config.advertise.unwrap();
    assert_eq!((&*advertise.host, advertise.port), ("pod.svc", Some(4371)));
    assert_eq!(
        config.seeds,
        ["b@h:1".parse().unwrap(), "c:2".parse().unwrap()]
    );
    assert_eq!(config.discovery_interval, Duration::from_secs(7));
    assert_eq!((&*config.cluster_name, config.miss_threshold), ("shop", 6));
    assert_eq!(config.observers, 3);
    assert_eq!(config.heartbeat_interval, Duration::from_millis(500));
    assert_eq!(config.join_timeout, Duration::from_secs(3));
    assert_eq!(config.session_idle_timeout, Duration::from_secs(9));
    assert_eq!(config.reconnect.base, Duration::from_secs(2));
    assert_eq!(config.reconnect.max, Duration::from_mins(1));
    assert_eq!(config.reconnect.jitter, Jitter::Off);
    assert_eq!(
        (config.message_size_max, config.send_queue_size_max),
        (1 << 20, 2 << 20)
    );
    assert!(config.keys.secure);
}

/// Fields of a wrong form, and what is said of each.
const WRONG_LINES: &[(&str, &str)] = &[
    ("name = 5", "name `5`: must be text"),
    ("listen = [\"a\"]", "listen `[\"a\"]`: must be text"),
    (
        "port = 65536",
        "port `65536`: must be a number from 0 to 65535",
    ),
    (
        "port = 4369.5",
        "port `4369.5`: must be a number from 0 to 65535",
    ),
    ("port = {}", "port `{}`: must be a number from 0 to 65535"),
    ("advertise = true", "advertise `true`: must be text"),
    ("seeds = [1]", "seeds `[1]`: must be a list of texts"),
    (
        "seeds = 1979-05-27",
        "seeds `1979-05-27`: must be a list of texts",
    ),
    (
        "discovery_interval = 10",
        "discovery_interval `10`: must be a whole number with",
    ),
    ("secret = [\"x\"]", "secret `***`: must be text"),
    (
        "secret_file = []",
        "secret_file `[]`: must be the path of a file",
    ),
    (
        "previous_secrets = [7]",
        "previous_secrets `***`: must be a list of texts",
    ),
    ("cluster_name = 1", "cluster_name `1`: must be text"),
    (
        "insecure = \"yes\"",
        "insecure `yes`: must be true or false, or 1 or 0",
    ),
    (
        "preset = \"wan\"",
        "preset `wan`: must be lan, kubernetes, multi-region or",
    ),
    (
        "heartbeat_interval = 5",
        "heartbeat_interval `5`: must be a whole number with",
    ),
    (
        "miss_threshold = -3",
        "miss_threshold `-3`: must be a whole number, at least 2",
    ),
    (
        "observers = \"few\"",
        "observers `few`: must be a whole number, at least 1",
    ),
    (
        "session_idle_timeout = 5",
        "session_idle_timeout `5`: must be a whole number with its unit",
    ),
    (
        "join_timeout = \"5\"",
        "join_timeout `5`: must be a whole number with its unit",
    ),
    (
        "reconnect_base_delay = 1",
        "reconnect_base_delay `1`: must be a whole number",
    ),
    (
        "reconnect_max_delay = \"x\"",
        "reconnect_max_delay `x`: must be a whole number",
    ),
    (
        "reconnect_jitter = false",
        "reconnect_jitter `false`: must be full or off",
    ),
    (
        "message_size_max = \"1MB\"",
        "message_size_max `1MB`: must be a whole number of",
    ),
    (
        "send_queue_size_max = -1",
        "send_queue_size_max `-1`: must be a whole number of",
    ),
];

#[test]
fn contract_c01_a_wrong_field_is_named_with_line_value_and_rule() {
    for (line, expected) in WRONG_LINES {
        let message = toml_error(&format!("# why\n{line}\n"));
        let expected = format!("line 2: {expected}");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn contract_c01_an_unknown_field_is_named_with_the_nearest() {
    for (line, name, nearest) in [
        (
            "heartbeat_intervall = 5",
            "heartbeat_intervall",
            "heartbeat_interval",
        ),
        ("SEEDS = []", "SEEDS", "name"),
        ("seed = \"a:1\"", "seed", "seeds"),
        ("[cluster]\nname = \"a\"", "cluster", "listen"),
    ] {
        let expected = format!("line 1: {name}: there is no such field; the nearest is {nearest}");
        assert_eq!(toml_error(line), expected);
    }
}

#[test]
fn what_is_no_toml_is_named_by_its_line_and_never_shown() {
    for text in [
        "\nsecret = hunter2",
        "\nsecret = \"hunter2",
        "\nsecret 'hunter2'",
        "\nsecret = 'hunter2' x",
        "a = 1\na = 'hunter2'",
        "#š\nsecret = 'hunter2š",
    ] {
        let message = toml_error(text);
        assert!(message.starts_with("line 2: "), "{message}");
        assert!(message.contains("must be TOML"), "{message}");
        assert!(!message.contains("hunter"), "{message}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_configuration_or_an_error(text: String, line in "[a-z_]{1,9} = .{0,40}") {
        // It is enough that neither panics.
        drop(ClusterConfig::from_toml(&text));
        drop(ClusterConfig::from_toml(&format!("{text}\n{line}")));
    }
}

#[test]
fn a_file_that_can_not_be_read_is_named() {
    let message = |path: &Path| ClusterConfig::from_file(path).unwrap_err().to_string();
    let missing = message("/no/such/file".as_ref());
    assert!(
        missing.starts_with("file /no/such/file: can't be read"),
        "{missing}"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "#".repeat(1 << 20)).unwrap();
    assert!(ClusterConfig::from_file(file.path()).is_ok());
    std::fs::write(file.path(), "#".repeat((1 << 20) + 1)).unwrap();
    assert!(message(file.path()).ends_with("longer than 1 MiB"));
    std::fs::write(file.path(), "port = 1\nprot = 2").unwrap();
    let place = format!("{}:2: prot: ", file.path().display());
    assert!(message(file.path()).starts_with(&place));
}

#[test]
fn contract_c01_the_builder_is_stronger_than_the_environment_and_that_than_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = r#"
        name = "file"
        port = 1
        join_timeout = "1s"
        seeds = ["file:1"]
        preset = "unreliable"
        secret = "of the file, and long"
    "#;
    std::fs::write(file.path(), text).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let config = ClusterConfig::from_vars(|variable| match variable {
        "NOEX_CONFIG" => Some(path.clone()),
        "HOSTNAME" => Some("host".to_owned()),
        "NOEX_PORT" => Some("2".to_owned()),
        "NOEX_SEEDS" => Some("env:2".to_owned()),
        "NOEX_JOIN_TIMEOUT" => Some("2s".to_owned()),
        "NOEX_MISS_THRESHOLD" => Some("7".to_owned()),
        "NOEX_SECRET" => Some("of the environment".to_owned()),
        _ => None,
    });
    let config = config.unwrap().join_timeout(Duration::from_secs(3));
    assert_eq!(
        config.secret.as_ref().unwrap().expose(),
        "of the environment"
    );
    let config = config.validate().unwrap();
    assert_eq!((&*config.name, config.port), ("file", 2));
    assert_eq!(config.seeds, ["env:2".parse().unwrap()]);
    assert_eq!(config.join_timeout, Duration::from_secs(3));
    assert_eq!(
        (config.heartbeat_interval, config.miss_threshold),
        (Duration::from_secs(10), 7)
    );
}

#[test]
fn contract_c13_the_secrets_of_a_stronger_source_take_the_place_of_weaker_ones() {
    let [file, secrets] = [(); 2].map(|()| tempfile::NamedTempFile::new().unwrap());
    std::fs::write(secrets.path(), "of a file of secrets").unwrap();
    let with = |text: &str, variable: &str, value: &str| {
        std::fs::write(file.path(), text).unwrap();
        let config = ClusterConfig::from_vars(|asked| match asked {
            "NOEX_CONFIG" => file.path().to_str().map(str::to_owned),
            _ => (asked == variable).then(|| value.to_owned()),
        });
        config.unwrap()
    };
    let path = secrets.path().to_str().unwrap();
    let by_value = "secret = \"weaker\"\nprevious_secrets = [\"older\"]";
    let by_file = with(by_value, "NOEX_SECRET_FILE", path);
    assert!(by_file.secret.is_none() && by_file.previous_secrets.is_empty());
    let weaker_file = format!("secret_file = \"{path}\"");
    let by_value = with(&weaker_file, "NOEX_SECRET", "of the environment");
    assert!(by_value.secret_file.is_none());
    for config in [by_file, by_value] {
        assert!(config.validate().unwrap().keys.secure);
    }
}

#[test]
fn contract_c22_every_source_knows_the_presets() {
    for (name, seconds, threshold) in [
        ("lan", 3, 3),
        ("kubernetes", 5, 3),
        ("multi-region", 15, 4),
        ("unreliable", 10, 5),
    ] {
        let file = ClusterConfig::from_toml(&format!("preset = \"{name}\"")).unwrap();
        let vars = ClusterConfig::from_vars(|variable| {
            (variable == "NOEX_PRESET").then(|| name.to_owned())
        });
        for config in [file, vars.unwrap()] {
            let config = config.validate().unwrap();
            assert_eq!(
                config.heartbeat_interval,
                Duration::from_secs(seconds),
                "{name}"
            );
            assert_eq!(config.miss_threshold, threshold, "{name}");
        }
    }
}
