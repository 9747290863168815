//! A network that loses one packet in twenty.

use std::time::Duration;

use crate::hosts::Hosts;
use crate::network::HOSTS;

/// How long the network is bad.
const TIME: Duration = Duration::from_secs(8);

/// Nothing gets through for so long: with the presets for one network all would be down.
const OUTAGE: Duration = Duration::from_secs(20);

/// What was lost is sent again when the network is back, the later the longer it was away.
const AFTER: Duration = Duration::from_secs(15);

#[test]
fn contract_c23_with_the_unreliable_preset_nobody_is_down_where_5_percent_are_lost() {
    let Some(hosts) = no_false_down(vec![
        ("NOEX_PRESET", "unreliable".to_owned()),
        // What the tests say otherwise is stronger than the preset.
        ("NOEX_HEARTBEAT_INTERVAL", String::new()),
        ("NOEX_MISS_THRESHOLD", String::new()),
    ]) else {
        return;
    };
    hosts.network.on_the_bridge(&["drop".to_owned()]);
    hosts.chronicle.wait_in_vain(OUTAGE);
    hosts.network.on_the_bridge(&[loss()]);
    hosts.chronicle.wait_in_vain(AFTER);
}

/// As tolerant as that preset, in a tenth of its time: less room for what is sent again.
#[test]
fn contract_c23_with_a_tolerant_threshold_nobody_is_down_where_5_percent_are_lost() {
    let _hosts = no_false_down(vec![
        ("NOEX_HEARTBEAT_INTERVAL", "1s".to_owned()),
        ("NOEX_MISS_THRESHOLD", "5".to_owned()),
    ]);
}

/// One packet in twenty is lost.
fn loss() -> String {
    "ether type ip numgen random mod 100 < 5 drop".to_owned()
}

/// All find each other in the bad network, and stay together.
fn no_false_down(settings: Vec<(&'static str, String)>) -> Option<Hosts> {
    let mut hosts = Hosts::deserted(settings)?;
    hosts.network.on_the_bridge(&[loss()]);
    for host in 0..HOSTS {
        hosts.start_node(host);
    }
    hosts.all_see_each_other();
    hosts.chronicle.wait_in_vain(TIME);
    Some(hosts)
}
