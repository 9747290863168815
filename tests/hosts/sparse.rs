//! Hosts of which each is watched by two others, so that not all hold sessions with all.

use crate::hosts::{DETECTION, Hosts};
use crate::network::{HOSTS, address};
use crate::silence::falls_silent;

/// How many others watch each host.
fn sparse() -> Option<Hosts> {
    Hosts::start_with(vec![("NOEX_OBSERVERS", "2".to_owned())])
}

#[test]
fn contract_c21_a_silent_host_is_down_in_time_on_all_others_also_where_two_watch_it() {
    let Some(hosts) = sparse() else { return };
    falls_silent(&hosts);
    hosts.heal_and_settle();
}

#[test]
fn contract_c21_a_pair_without_a_way_between_them_is_up_to_all_also_where_two_watch_each() {
    let Some(hosts) = sparse() else { return };
    for other in 1..HOSTS {
        let (from, to) = (address(0), address(other));
        let rules = [(&from, &to), (&to, &from)]
            .map(|(from, to)| format!("ip saddr {from} ip daddr {to} drop"));
        hosts.network.on_the_bridge(&rules);
        hosts.chronicle.wait_in_vain(DETECTION.mul_f64(1.5));
    }
}
