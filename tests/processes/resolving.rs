//! Nodes find each other behind a host name, by the system's resolver and a name server whose
//! answers change.

use std::sync::Arc;

use crate::name_server::NameServer;
use crate::namespace::{Namespace, OWN_ADDRESS, POD_NAME};
use crate::support::{NodeProcess, Plan, eventually};

const PORT: u16 = 4369;

/// How often the nodes ask.
const INTERVAL: &str = "200ms";

/// A node within, which listens there alone.
fn plan(namespace: &Namespace, name: &str, host: &str) -> Plan {
    let plan = Plan::new(name).prefix(namespace.prefix()).port(PORT);
    plan.variable("NOEX_LISTEN", host)
        .variable("NOEX_DISCOVERY_INTERVAL", INTERVAL)
        .variable("NOEX_RECONNECT_MAX_DELAY", "1s")
}

fn seed() -> String {
    format!("{}:{PORT}", NameServer::NAME)
}

/// Waits until each node says of each other that it is up.
async fn met(nodes: &[&NodeProcess]) {
    for node in nodes {
        for other in nodes.iter().filter(|other| other.id != node.id) {
            node.tells_of(&other.id, &["up"]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c03_nodes_that_appear_behind_a_name_are_found_for_as_long_as_a_node_runs() {
    let Some(namespace) = Namespace::new().map(Arc::new) else {
        return;
    };
    let names = NameServer::start(&namespace);
    // Nobody has the name yet. The others have no seed: only this one can find them.
    let finder = plan(&namespace, "finder", "127.0.0.2")
        .seed(&seed())
        .start();
    finder
        .logged(&["WARN", "seed nodes.test:4369", "tells no addresses"])
        .await;
    let one = plan(&namespace, "one", "127.0.0.3").start();
    let two = plan(&namespace, "two", "127.0.0.4").start();
    let six = plan(&namespace, "six", "::1").start();
    // Itself among the others, and all the others at once.
    names.set(&["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
    met(&[&finder, &one, &two]).await;
    // Long after it has joined.
    names.set(&["127.0.0.2", "127.0.0.3", "127.0.0.4", "::1"]);
    met(&[&finder, &one, &two, &six]).await;
    // Names that are gone take nobody with them, and the node goes on asking.
    names.set(&[]);
    let asked = names.asked();
    eventually("the name is asked for again, in both kinds", async || {
        let now = names.asked();
        now[0] > asked[0] + 1 && now[1] > asked[1] + 1
    })
    .await;
    let late = plan(&namespace, "late", "127.0.0.5").start();
    names.set(&["127.0.0.5"]);
    met(&[&finder, &one, &two, &six, &late]).await;
    let log = finder.log();
    let about_itself = log
        .iter()
        .filter(|line| line.contains("address=127.0.0.2:4369"));
    assert_eq!(about_itself.count(), 0, "{log:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c03_nodes_that_share_a_name_find_each_other_and_skip_themselves() {
    let Some(namespace) = Namespace::new().map(Arc::new) else {
        return;
    };
    let names = NameServer::start(&namespace);
    names.set(&["127.0.0.2", "::1", "127.0.0.3"]);
    let hosts = [("a", "127.0.0.2"), ("b", "::1"), ("c", "127.0.0.3")];
    // As the pods of a service, they all have the same seed.
    let nodes = hosts.map(|(name, host)| plan(&namespace, name, host).seed(&seed()).start());
    let [a, b, c] = &nodes;
    met(&[a, b, c]).await;
    for node in &nodes {
        assert_eq!(node.complaints(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_a_seed_with_a_name_and_a_host_name_is_resolved() {
    let Some(namespace) = Namespace::new().map(Arc::new) else {
        return;
    };
    let names = NameServer::start(&namespace);
    names.set(&["127.0.0.2"]);
    let first = plan(&namespace, "first", "127.0.0.2").start();
    let seed = format!("first@{}", seed());
    let second = plan(&namespace, "second", "127.0.0.3").seed(&seed).start();
    met(&[&first, &second]).await;
    assert_eq!(second.complaints(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c02_a_node_that_listens_everywhere_finds_out_where_others_reach_it() {
    let Some(namespace) = Namespace::new() else {
        return;
    };
    let everywhere = |name| plan(&namespace, name, "0.0.0.0").variable("HOSTNAME", "shop-0");
    let machine = everywhere("machine").port(PORT + 1).start();
    assert_eq!(
        machine.id.to_string(),
        format!("machine@{OWN_ADDRESS}:4370")
    );
    // A pod keeps its DNS name when it is started anew; its name is the node's, if nothing else is.
    let pod = everywhere("").variable("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    let pod = pod.seed(&machine.id).start();
    assert_eq!(pod.id.to_string(), format!("shop-0@{POD_NAME}:4369"));
    met(&[&machine, &pod]).await;
    // Whoever is told of the pod reaches it by that name.
    let other = plan(&namespace, "other", "127.0.0.9").port(PORT + 2);
    let other = other.seed(&machine.id).start();
    met(&[&machine, &pod, &other]).await;
}

/// A network in which IPv6 alone leads anywhere.
const IPV6_ALONE: &str = "
    ip link set lo up && ip -6 address add 2001:db8:1::5/128 dev lo &&
    ip -6 route add default dev lo src 2001:db8:1::5 && exec \"$0\"
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_listens_where_nobody_can_reach_it_says_so() {
    let Some(_namespaces_are_allowed) = Namespace::new() else {
        return;
    };
    let words = ["unshare", "--net", "sh", "-c", IPV6_ALONE];
    let alone = |listen| {
        let plan = Plan::new("six").variable("NOEX_LISTEN", listen);
        plan.prefix(words.map(str::to_owned).to_vec()).start()
    };
    let everywhere = alone("::");
    assert_eq!(everywhere.id.host(), "2001:db8:1::5");
    assert_eq!(everywhere.complaints(), [""; 0]);
    // It does not claim to be found where it does not listen.
    let deaf = alone("0.0.0.0");
    assert_eq!(deaf.id.host(), "127.0.0.1");
    deaf.logged(&["WARN", "IPv6 alone", "`listen`"]).await;
}
