//! Connections that are reset, and connections that can't be opened.

use std::time::{Duration, Instant};

use crate::hosts::{DETECTION, Hosts, eventually};
use crate::network::address;

const OTHERS: [usize; 4] = [0, 1, 2, 3];
const LOST: usize = 4;

/// What arrives from these hosts is answered with a reset, unless it is one itself.
fn resets(from: &[usize]) -> Vec<String> {
    let rule = |host: &usize| {
        format!(
            "ip saddr {} tcp flags & rst == 0 reject with tcp reset",
            address(*host)
        )
    };
    from.iter().map(rule).collect()
}

#[test]
fn contract_c41_a_host_whose_connections_are_reset_is_down_by_a_closed_connection() {
    let Some(hosts) = Hosts::start() else { return };
    let began = Instant::now();
    for other in OTHERS {
        hosts.network.on_arrival(other, &resets(&[LOST]));
    }
    hosts.network.on_arrival(LOST, &resets(&OTHERS));
    hosts.all_see(&[OTHERS.to_vec(), vec![LOST]]);
    let window = Duration::ZERO..=DETECTION;
    hosts.told_down(&OTHERS, &[LOST], (began, window), "connection_closed");
    hosts.heal();
    for other in OTHERS {
        assert_eq!(hosts.told(other, LOST, began), ["connection_closed", "up"]);
    }
}

#[test]
fn contract_c41_a_pair_whose_connections_are_reset_is_up_to_all() {
    let Some(hosts) = Hosts::start() else { return };
    hosts.network.on_arrival(0, &resets(&[1]));
    hosts.network.on_arrival(1, &resets(&[0]));
    hosts.chronicle.wait_in_vain(DETECTION * 3);
    for host in [0, 1] {
        hosts.network.on_arrival(host, &[]);
    }
    hosts.chronicle.wait_in_vain(DETECTION);
}

#[test]
fn contract_c31_connections_that_are_reset_once_are_opened_again_and_nobody_is_down() {
    let Some(hosts) = Hosts::start() else { return };
    // What is opened anew has other ports.
    let rules: Vec<String> = hosts.network.connections(LOST);
    assert!(!rules.is_empty(), "they are connected");
    let rules: Vec<String> = rules
        .iter()
        .map(|connection| format!("{connection} reject with tcp reset"))
        .collect();
    hosts.network.on_arrival(LOST, &rules);
    eventually("none of the connections is left", || {
        let left = hosts.network.connections(LOST);
        let is_old = |connection: &String| rules.iter().any(|rule| rule.starts_with(connection));
        left.len() >= rules.len() && !left.iter().any(is_old)
    });
    hosts.chronicle.wait_in_vain(DETECTION);
}

#[test]
fn contract_c04_a_host_whose_connections_can_not_be_opened_runs_alone_and_joins_when_they_can() {
    let Some(mut hosts) = Hosts::deserted(Vec::new()) else {
        return;
    };
    for host in OTHERS {
        hosts.start_node(host);
    }
    hosts.all_see(&[OTHERS.to_vec()]);
    // What is open stays open, and nothing new is opened.
    let rule = "ip protocol tcp tcp flags & (syn | ack) == syn drop".to_owned();
    hosts.network.on_the_bridge(&[rule]);
    let began = Instant::now();
    hosts.start_node(LOST);
    hosts.runs(LOST);
    hosts.chronicle.wait_in_vain(DETECTION * 2);
    let told = hosts.chronicle.since(began);
    assert!(told.is_empty(), "it runs alone: {told:?}");
    hosts.heal();
}
