//! `KeyMemory`: what worked with which address, while secrets are rotated and nodes upgraded.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use parking_lot::Mutex;

use crate::secret::{KeyMark, Keyring, LinkKey};

/// The most addresses that are remembered; with an unknown one the usual order is tried.
const ADDRESSES_MAX: usize = 4_096;

/// What worked with which address, while secrets are rotated and nodes upgraded.
#[derive(Debug, Default)]
pub(super) struct KeyMemory {
    keys: Mutex<BTreeMap<SocketAddr, KeyMark>>,
    handshakes: Mutex<BTreeMap<SocketAddr, u8>>,
}

impl KeyMemory {
    /// The keys of the ring in the order in which to try them with this address: the one that
    /// worked last, then the others as they come.
    pub(super) fn order(&self, address: SocketAddr, keys: &Keyring) -> Vec<LinkKey> {
        let worked = self.keys.lock().get(&address).copied();
        let (mut order, others): (Vec<LinkKey>, Vec<LinkKey>) = keys
            .iter()
            .cloned()
            .partition(|key| Some(key.mark()) == worked);
        order.extend(others);
        order
    }

    /// The version of the handshake to try with this address first.
    pub(super) fn handshake(&self, address: SocketAddr, spoken: (u8, u8)) -> u8 {
        let worked = self.handshakes.lock().get(&address).copied();
        worked.unwrap_or(spoken.1).clamp(spoken.0, spoken.1)
    }

    /// The key worked. Only what differs from the usual order is remembered.
    pub(super) fn key_worked(&self, address: SocketAddr, key: &LinkKey, keys: &Keyring) {
        let mark = key.mark();
        let is_usual = mark == keys.current.mark();
        remember(&mut self.keys.lock(), address, (!is_usual).then_some(mark));
    }

    /// The version of the handshake worked. Only one that is not the highest is remembered.
    pub(super) fn handshake_worked(&self, address: SocketAddr, version: u8, spoken: (u8, u8)) {
        let is_usual = version == spoken.1;
        remember(
            &mut self.handshakes.lock(),
            address,
            (!is_usual).then_some(version),
        );
    }
}

fn remember<T>(worked: &mut BTreeMap<SocketAddr, T>, address: SocketAddr, what: Option<T>) {
    match what {
        None => drop(worked.remove(&address)),
        Some(what) if worked.len() < ADDRESSES_MAX => drop(worked.insert(address, what)),
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn ring(secrets: &[&str]) -> Keyring {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Keyring::new("noex", secrets.first(), &secrets[1..])
    }

    #[test]
    fn contract_c12_the_key_that_worked_is_tried_first_also_when_the_ring_has_changed() {
        let memory = KeyMemory::default();
        let address = SocketAddr::from(([10, 0, 0, 1], 4369));
        let order = |keys: &Keyring| -> Vec<KeyMark> {
            let order = memory.order(address, keys);
            order.iter().map(LinkKey::mark).collect()
        };
        let [newer, new, old] = ["newer", "new", "old"].map(|secret| ring(&[secret]).current);
        let [newer_mark, new_mark, old_mark] = [&newer, &new, &old].map(LinkKey::mark);
        let before = ring(&["new", "old"]);
        assert_eq!(order(&before), [new_mark, old_mark]);
        memory.key_worked(address, &old, &before);
        assert_eq!(order(&before), [old_mark, new_mark]);
        let after = ring(&["newer", "new", "old"]);
        assert_eq!(order(&after), [old_mark, newer_mark, new_mark]);
        assert_eq!(order(&ring(&["newer", "new"])), [newer_mark, new_mark]);
        memory.key_worked(address, &newer, &after);
        assert_eq!(order(&after), [newer_mark, new_mark, old_mark]);
    }

    #[test]
    fn the_handshake_that_worked_is_tried_first_if_it_is_still_spoken() {
        let memory = KeyMemory::default();
        let address = SocketAddr::from(([10, 0, 0, 1], 4369));
        assert_eq!(memory.handshake(address, (1, 2)), 2);
        memory.handshake_worked(address, 1, (1, 2));
        assert_eq!(memory.handshake(address, (1, 2)), 1);
        assert_eq!(memory.handshake(address, (2, 3)), 2);
        memory.handshake_worked(address, 2, (1, 2));
        assert_eq!(memory.handshake(address, (1, 2)), 2);
    }
}
