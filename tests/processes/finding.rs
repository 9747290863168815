//! Nodes find each other whatever their seeds are, and go on without them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use noex::StaticList;
use noex::prelude::*;

use crate::joining::dead_seed;
use crate::mesh::{ask, ask_to_ask, known};
use crate::probe::ProbeCall;
use crate::proxy::Proxy;
use crate::support::{JOIN_TIMEOUT, NodeProcess, PATIENCE, Plan, config, down, eventually, up};

/// A plan whose seeds are dialled again soon.
fn eager(name: &str) -> Plan {
    Plan::new(name).variable("NOEX_RECONNECT_MAX_DELAY", "1s")
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// Waits until `node` knows the probes of all these nodes, and calls each of them.
async fn calls_all(node: &Node, others: &[&NodeProcess]) {
    for other in others {
        known(node, &other.probe()).await;
        assert_eq!(ask(&other.probe(), ProbeCall::Where).await.0, other.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_every_form_of_a_seed_leads_to_the_node() {
    let node = Node::start(config("t")).await.unwrap();
    let port = node.id().port();
    let six = Plan::new("six").variable("NOEX_LISTEN", "::1").start();
    assert_eq!(six.id.host(), "::1");
    let six_port = six.id.port();
    for (name, seed, found) in [
        ("full", format!("t@127.0.0.1:{port}"), node.id()),
        ("address", format!("127.0.0.1:{port}"), node.id()),
        ("host", format!("LocalHost:{port}"), node.id()),
        ("six-full", format!("six@[::1]:{six_port}"), &six.id),
        ("six-address", format!("[::1]:{six_port}"), &six.id),
    ] {
        let process = Plan::new(name).seed(&seed).start();
        process.wait_up(found);
        assert_eq!(process.complaints(), [""; 0], "{seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_many_hosts_may_use_one_node_name() {
    let host = |last: u8| Ipv4Addr::new(127, 0, 2, last);
    let one = Plan::new("worker")
        .variable("NOEX_LISTEN", &host(1))
        .start();
    let port = one.id.port();
    let probes = [(2, &["probe-2"]), (3, &["probe-3"])];
    let workers = probes.map(|(last, probe)| {
        let plan = Plan::new("worker").arguments(probe).port(port);
        let plan = plan.variable("NOEX_LISTEN", &host(last));
        plan.seed(&one.id).start()
    });
    let [two, three] = &workers;
    for (worker, others) in [
        (&one, [two, three]),
        (two, [&one, three]),
        (three, [&one, two]),
    ] {
        assert_eq!((worker.id.name(), worker.id.port()), ("worker", port));
        for other in others {
            worker.tells_of(&other.id, &["up"]).await;
        }
        assert_eq!(worker.complaints(), [""; 0]);
    }
}

/// Starts a second live node of an identity: it listens elsewhere, and says that it is reached
/// where the first one is.
fn start_twin(first: &NodeProcess, seed: &NodeProcess) -> NodeProcess {
    let identity = format!("{}:{}", first.id.host(), first.id.port());
    let twin = eager("twin").variable("NOEX_ADVERTISE", &identity);
    let twin = twin.variable("NOEX_LISTEN", "127.0.0.3");
    twin.seed(&seed.id).start()
}

#[track_caller]
fn stays_out_with_one_error(twin: &NodeProcess) {
    // Long enough for further attempts.
    let joined = |line: &str| line.starts_with("up");
    assert!(twin.says_nothing(Duration::from_secs(3), joined));
    let log = twin.log();
    let errors = log.iter().filter(|line| line.contains("ERROR"));
    assert_eq!(errors.count(), 1, "one clear error: {log:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_the_second_live_node_of_one_identity_gets_one_error_and_the_first_goes_on() {
    let first = Plan::new("twin").start();
    let node = Node::start(config("t").seed(first.id.to_string()))
        .await
        .unwrap();
    let _inside = node.enter();
    calls_all(&node, &[&first]).await;
    let mut events = node.cluster().subscribe();
    let second = start_twin(&first, &first);
    assert_eq!(second.id, first.id);
    second
        .logged(&["ERROR", "same name, host and port", "another name"])
        .await;
    stays_out_with_one_error(&second);
    calls_all(&node, &[&first]).await;
    assert_eq!(
        node.cluster().connected_nodes(),
        std::slice::from_ref(&first.id)
    );
    let told = tokio::time::timeout(Duration::ZERO, events.next()).await;
    assert!(told.is_err(), "the first one goes on: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_the_second_live_node_gets_its_error_also_where_only_a_third_one_knows_both() {
    let seed = Plan::new("seed").start();
    let first = Plan::new("twin").seed(&seed.id).start();
    first.wait_up(&seed.id);
    seed.wait_up(&first.id);
    let second = start_twin(&first, &seed);
    second
        .logged(&["ERROR", "same name, host and port", "let in nowhere"])
        .await;
    stays_out_with_one_error(&second);
    assert_eq!(first.complaints(), [""; 0], "the first one goes on");
    let warned = seed.logged_times(&["WARN", "same name, host and port"]);
    assert_eq!(warned, 1, "however often it was refused: {:?}", seed.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c03_a_discovery_of_ones_own_is_asked_for_as_long_as_the_node_runs() {
    let [b, c] = ["b", "c"].map(|name| Plan::new(name).start());
    let address = |process: &NodeProcess| {
        SocketAddr::new(process.id.host().parse().unwrap(), process.id.port())
    };
    let told = Told::default();
    let every = Duration::from_millis(100);
    let config = config("t")
        .discovery(told.clone())
        .discovery_interval(every);
    let node = Node::start(config.discovery(StaticList::new([])))
        .await
        .unwrap();
    let mut events = node.cluster().subscribe();
    told.set(vec![address(&b)]);
    up(&mut events, &b.id).await;
    told.set(vec![address(&b), address(&c)]);
    up(&mut events, &c.id).await;
    told.set(Vec::new());
    b.wait_up(&c.id);
}

/// Tells what the test tells it.
#[derive(Debug, Clone, Default)]
struct Told(std::sync::Arc<std::sync::Mutex<Vec<SocketAddr>>>);

impl Told {
    fn set(&self, addresses: Vec<SocketAddr>) {
        *self.0.lock().unwrap() = addresses;
    }
}

impl noex::Discovery for Told {
    async fn addresses(&self) -> Result<Vec<SocketAddr>, noex::DiscoveryError> {
        let addresses = self.0.lock().unwrap().clone();
        if addresses.is_empty() {
            Err("nobody is there yet".into())
        } else {
            Ok(addresses)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c03_a_seed_that_led_to_oneself_leads_to_others_later() {
    let other = Plan::new("b").start();
    let other_at: SocketAddr = format!("127.0.0.1:{}", other.id.port()).parse().unwrap();
    let (_, port) = dead_seed();
    // As a load balancer does, which first leads the node to itself.
    let balancer = Proxy::start(SocketAddr::from(([127, 0, 0, 1], port)));
    let seed = balancer.address.to_string();
    let process = eager("a").port(port).seed(&seed).start();
    assert!(balancer.carried() > 0);
    assert_eq!(
        process.log().len(),
        1,
        "alone, and no other warning: {:?}",
        process.log()
    );
    balancer.lead_to(other_at);
    process.wait_up(&other.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c05_calls_reach_members_that_a_node_was_never_told_of() {
    let seed = Plan::new("a").start();
    let b = Plan::new("b").seed(&seed.id).start();
    let c = Plan::new("c").seed(&b.id).start();
    let dead = [dead_seed().0, dead_seed().0];
    let config = config("t").seeds(dead).seed(seed.id.to_string());
    let node = Node::start(config).await.unwrap();
    let _inside = node.enter();
    calls_all(&node, &[&seed, &b, &c]).await;
    // And they reach it, and each other, in turn.
    let (back, _) = ask_to_ask("probe-c", "probe-a").await.unwrap();
    assert_eq!(back, seed.id);
}

#[test]
fn contract_c07_a_wrong_seed_is_refused_before_anything_starts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port_of(&listener);
    // The port is taken: had it come so far, it would say so.
    let log = Plan::new("b").port(port).seed("a@127.0.0.1").refused();
    let expected = "seed `a@127.0.0.1`: `:port` is missing; a seed is name@host:port or host:port";
    assert!(log.contains(expected), "{log}");
    let log = Plan::new("b").port(port).refused();
    assert!(
        log.contains(&format!("can't listen on 127.0.0.1:{port}")),
        "{log}"
    );
}

#[test]
fn contract_c01_a_mistyped_variable_or_field_is_refused_before_anything_starts() {
    let log = Plan::new("b")
        .variable("NOEX_HEARTBEAT_INTERVALL", "5s")
        .refused();
    assert!(
        log.contains("the nearest is NOEX_HEARTBEAT_INTERVAL"),
        "{log}"
    );
    let file = std::env::temp_dir().join(format!("noex-{}.toml", std::process::id()));
    std::fs::write(&file, "join_timeout = \"1s\"\nmis_threshold = 3\n").unwrap();
    let log = Plan::new("b")
        .variable("NOEX_CONFIG", &file.display())
        .refused();
    std::fs::remove_file(&file).unwrap();
    let place = format!(
        "{}:2: mis_threshold: there is no such field",
        file.display()
    );
    assert!(
        log.contains(&place) && log.contains("the nearest is miss_threshold"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c01_a_node_takes_from_the_file_what_the_environment_leaves_out() {
    let node = Node::start(config("t")).await.unwrap();
    let file = std::env::temp_dir().join(format!("noex-seeds-{}.toml", std::process::id()));
    let text = format!("name = \"file\"\nseeds = [\"{}\"]\nport = 1\n", node.id());
    std::fs::write(&file, text).unwrap();
    let mut events = node.cluster().subscribe();
    let process = Plan::new("env")
        .variable("NOEX_CONFIG", &file.display())
        .start();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(process.id.name(), "env");
    assert_ne!(process.id.port(), 1);
    up(&mut events, &process.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c08_a_cluster_survives_the_loss_of_every_seed() {
    let mut seeds = vec![Plan::new("s1").start()];
    seeds.push(Plan::new("s2").seed(&seeds[0].id).start());
    let [b, c] = ["b", "c"].map(|name| Plan::new(name).seed(&seeds[0].id).seed(&seeds[1].id));
    let [b, c] = [b.start(), c.start()];
    let ids: Vec<String> = seeds.iter().map(|seed| seed.id.to_string()).collect();
    let node = Node::start(config("t").seeds(ids)).await.unwrap();
    let _inside = node.enter();
    calls_all(&node, &[&seeds[0], &seeds[1], &b, &c]).await;
    let mut events = node.cluster().subscribe();
    for seed in &mut seeds {
        seed.kill();
    }
    for seed in &seeds {
        for node in [&b, &c] {
            let told = ["up", "down connection_closed"];
            node.tells_of(&seed.id, &told).await;
        }
    }
    let left = [b.id.clone(), c.id.clone()];
    eventually("the seeds are down", async || {
        node.cluster().connected_nodes() == left
    })
    .await;
    calls_all(&node, &[&b, &c]).await;
    let (back, _) = ask_to_ask("probe-b", "probe-c").await.unwrap();
    assert_eq!(back, c.id);
    // Any member is a seed to those who come later.
    let late = Plan::new("late").seed(&c.id).start();
    calls_all(&node, &[&late]).await;
    late.wait_up(&c.id);
    // And a seed that comes back is found.
    let back = Plan::new("s1").port(seeds[0].id.port()).start();
    assert_eq!(back.id, seeds[0].id);
    up(&mut events, &back.id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c08_halves_that_were_started_apart_merge_when_they_meet_at_a_seed() {
    let (shared, port) = dead_seed();
    let halves = [["a1", "a2"], ["b1", "b2"]].map(|[one, other]| {
        let one = eager(one).seed(&shared).start();
        let other = eager(other).seed(&one.id).seed(&shared).start();
        other.wait_up(&one.id);
        one.wait_up(&other.id);
        [one, other]
    });
    let [[a1, a2], [b1, b2]] = &halves;
    let seed = Plan::new("seed").port(port).start();
    for (node, others) in [
        (a1, [b1, b2]),
        (a2, [b1, b2]),
        (b1, [a1, a2]),
        (b2, [a1, a2]),
    ] {
        for other in others.into_iter().chain([&seed]) {
            node.tells_of(&other.id, &["up"]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_a_node_behind_a_forwarded_port_is_reached_where_it_says() {
    let (_, port) = dead_seed();
    let outside = Proxy::start(SocketAddr::from(([127, 0, 0, 1], port)));
    let inner = Plan::new("a").port(port);
    let inner = inner.variable("NOEX_ADVERTISE", &outside.address).start();
    assert_eq!(inner.id.port(), outside.address.port());
    let b = Plan::new("b").seed(&inner.id).start();
    b.wait_up(&inner.id);
    // It is told of the inner one by the other alone.
    let node = Node::start(config("t").seed(b.id.to_string()))
        .await
        .unwrap();
    let _inside = node.enter();
    calls_all(&node, &[&inner, &b]).await;
    let mut events = node.cluster().subscribe();
    node.cluster().disconnect(&inner.id);
    down(&mut events, &inner.id).await;
    let before = outside.carried();
    node.cluster().reconnect(&inner.id);
    up(&mut events, &inner.id).await;
    assert!(outside.carried() > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c04_a_node_whose_only_seed_is_itself_runs_alone_after_the_join_timeout() {
    let (own, port) = dead_seed();
    let began = std::time::Instant::now();
    let process = Plan::new("a").port(port).seed(&own).start();
    let took = began.elapsed();
    assert!(took >= JOIN_TIMEOUT && took < PATIENCE, "{took:?}");
    let other = Plan::new("b").seed(&process.id).start();
    process.wait_up(&other.id);
    assert_eq!(process.log().len(), 1, "it runs alone: {:?}", process.log());
}
