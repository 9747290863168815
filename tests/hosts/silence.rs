//! Hosts that are not heard, or hear nothing.

use std::time::Instant;

use crate::hosts::{DETECTION, Hosts, INTERVAL, SPLIT_BOUND, THRESHOLD};
use crate::network::address;

const OTHERS: [usize; 4] = [0, 1, 2, 3];
const LOST: usize = 4;

#[test]
fn contract_c21_a_host_that_falls_silent_is_down_in_time_on_all_others() {
    let Some(hosts) = Hosts::start() else { return };
    let cut = falls_silent(&hosts);
    hosts.heal();
    for other in OTHERS {
        let story = ["heartbeat_timeout", "up"];
        assert_eq!(hosts.told(other, LOST, cut), story);
        assert_eq!(hosts.told(LOST, other, cut), story);
    }
}

/// Cuts one host off: it and the others see each other down in time. When it was cut off.
pub(crate) fn falls_silent(hosts: &Hosts) -> Instant {
    let lost = address(LOST);
    let rules = ["saddr", "daddr"].map(|end| format!("ip {end} {lost} drop"));
    let cut = hosts.network.on_the_bridge(&rules);
    hosts.all_see(&[OTHERS.to_vec(), vec![LOST]]);
    let window = INTERVAL * (THRESHOLD - 1)..=DETECTION + DETECTION / 10;
    hosts.told_down(&OTHERS, &[LOST], (cut, window), "heartbeat_timeout");
    // To the lost one it is as a split: the others are gone all at once.
    let window = INTERVAL * (THRESHOLD - 1)..=SPLIT_BOUND;
    hosts.told_down(&[LOST], &OTHERS, (cut, window), "heartbeat_timeout");
    cut
}

#[test]
fn contract_c21_a_host_that_is_not_heard_but_hears_is_down_in_time_on_all_others() {
    one_way("saddr");
}

#[test]
fn contract_c21_a_host_that_hears_nothing_but_is_heard_is_down_in_time_on_all_others() {
    one_way("daddr");
}

/// What goes to the host, or comes from it, is lost.
fn one_way(end: &str) {
    let Some(hosts) = Hosts::start() else { return };
    let rule = format!("ip {end} {} drop", address(LOST));
    let cut = hosts.network.on_the_bridge(&[rule]);
    hosts.all_see(&[OTHERS.to_vec(), vec![LOST]]);
    let window = INTERVAL * (THRESHOLD - 1)..=SPLIT_BOUND;
    hosts.told_down(&OTHERS, &[LOST], (cut, window), "heartbeat_timeout");
    // As long as the cut is there, nobody changes his mind.
    hosts.chronicle.wait_in_vain(DETECTION);
    hosts.heal();
}

#[test]
fn contract_c31_a_host_that_died_in_the_dark_is_back_as_another_life_when_there_is_light() {
    let Some(mut hosts) = Hosts::start() else {
        return;
    };
    let lost = address(LOST);
    let rules = ["saddr", "daddr"].map(|end| format!("ip {end} {lost} drop"));
    let cut = hosts.network.on_the_bridge(&rules);
    // Nothing tells that it was killed: the host is silent.
    hosts.nodes[LOST].take().expect("it runs").kill();
    hosts.all_miss(&OTHERS, LOST);
    let window = INTERVAL * (THRESHOLD - 1)..=DETECTION + DETECTION / 10;
    hosts.told_down(&OTHERS, &[LOST], (cut, window), "heartbeat_timeout");
    hosts.start_node(LOST);
    hosts.heal();
}
