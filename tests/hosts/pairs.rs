//! Two hosts that can't reach each other, while all the others reach both.

use std::time::Instant;

use crate::hosts::{DETECTION, Hosts};
use crate::network::address;

#[test]
fn contract_c21_two_hosts_without_a_way_between_them_are_up_to_all() {
    without(&[(0, 1), (1, 0)]);
}

#[test]
fn contract_c21_two_hosts_with_a_way_in_one_direction_are_up_to_all() {
    without(&[(2, 4)]);
}

/// These ways are cut, and nobody is down for long.
fn without(ways: &[(usize, usize)]) {
    let Some(hosts) = Hosts::start() else { return };
    let began = Instant::now();
    let rule = |(from, to): &(usize, usize)| {
        format!("ip saddr {} ip daddr {} drop", address(*from), address(*to))
    };
    hosts
        .network
        .on_the_bridge(&ways.iter().map(rule).collect::<Vec<_>>());
    hosts.chronicle.wait_in_vain(DETECTION * 3);
    hosts.network.on_the_bridge(&[]);
    hosts.chronicle.wait_in_vain(DETECTION);
    hosts.all_see_each_other();
    assert!(hosts.chronicle.since(began).is_empty());
}
