//! Networks that break in two, once or again and again.

use std::time::{Duration, Instant};

use crate::hosts::{DETECTION, Hosts, INTERVAL, SPLIT_BOUND, THRESHOLD};
use crate::network::address;

const MINORITY: [usize; 2] = [0, 1];
const MAJORITY: [usize; 3] = [2, 3, 4];

/// What the bridge does while the two sides are apart.
fn apart() -> Vec<String> {
    let list = |side: &[usize]| {
        let addresses: Vec<String> = side.iter().map(|host| address(*host)).collect();
        format!("{{ {} }}", addresses.join(", "))
    };
    let (minority, majority) = (list(&MINORITY), list(&MAJORITY));
    vec![
        format!("ip saddr {minority} ip daddr {majority} drop"),
        format!("ip saddr {majority} ip daddr {minority} drop"),
    ]
}

#[test]
fn contract_c21_each_side_of_a_split_sees_itself_in_time_and_all_see_all_when_it_is_healed() {
    let Some(hosts) = Hosts::start() else { return };
    let cut = hosts.network.on_the_bridge(&apart());
    hosts.all_see(&[MINORITY.to_vec(), MAJORITY.to_vec()]);
    let window = INTERVAL * (THRESHOLD - 1)..=SPLIT_BOUND;
    for (here, there) in [(&MINORITY[..], &MAJORITY[..]), (&MAJORITY, &MINORITY)] {
        hosts.told_down(here, there, (cut, window.clone()), "heartbeat_timeout");
    }
    // Both sides are stable.
    hosts.chronicle.wait_in_vain(DETECTION);
    hosts.heal();
    for (here, there) in MINORITY.iter().zip(MAJORITY) {
        let story = ["heartbeat_timeout", "up"];
        assert_eq!(hosts.told(*here, there, cut), story);
        assert_eq!(hosts.told(there, *here, cut), story);
    }
}

#[test]
fn contract_c41_a_network_that_flaps_slowly_is_told_of_once_for_each_time() {
    let Some(hosts) = Hosts::start() else { return };
    let began = Instant::now();
    for _ in 0..3 {
        hosts.network.on_the_bridge(&apart());
        hosts.all_see(&[MINORITY.to_vec(), MAJORITY.to_vec()]);
        hosts.heal();
    }
    let story = ["heartbeat_timeout", "up"].repeat(3);
    for here in MINORITY {
        for there in MAJORITY {
            assert_eq!(hosts.told(here, there, began), story);
            assert_eq!(hosts.told(there, here, began), story);
        }
    }
    for side in [&MINORITY[..], &MAJORITY] {
        for (here, there) in side.iter().zip(&side[1..]) {
            assert_eq!(hosts.told(*here, *there, began), [""; 0]);
        }
    }
}

#[test]
fn contract_c23_a_network_that_flaps_faster_than_silence_is_noticed_changes_nothing() {
    let Some(hosts) = Hosts::start() else { return };
    // What is lost in a gap is sent again after 200 ms, and after 400 ms more.
    let (gap, between) = (Duration::from_millis(150), Duration::from_millis(600));
    for _ in 0..6 {
        hosts.network.on_the_bridge(&apart());
        hosts.chronicle.wait_in_vain(gap);
        hosts.network.on_the_bridge(&[]);
        hosts.chronicle.wait_in_vain(between);
    }
    hosts.chronicle.wait_in_vain(DETECTION);
}

#[test]
fn contract_c41_a_network_that_flaps_about_as_fast_as_silence_is_noticed_heals_to_one_view() {
    let Some(hosts) = Hosts::start() else { return };
    // What is told meanwhile is left to chance, but that ups and downs take turns.
    for gap in [1_100, 1_300, 900, 1_500, 1_250] {
        hosts.network.on_the_bridge(&apart());
        std::thread::sleep(Duration::from_millis(gap));
        hosts.network.on_the_bridge(&[]);
        std::thread::sleep(Duration::from_millis(400));
    }
    hosts.heal_and_settle();
}
