//! Pure: `Preset` and `Jitter`, the choices that have a name.

use std::time::Duration;

/// A pair of heartbeat interval and miss threshold that suits a kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// One local network: 3 s × 3.
    Lan,
    /// A Kubernetes cluster: 5 s × 3.
    Kubernetes,
    /// Several regions: 15 s × 4.
    MultiRegion,
    /// A network that loses packets: 10 s × 5.
    Unreliable,
}

impl Preset {
    /// How often a node is heard of.
    #[must_use]
    pub const fn heartbeat_interval(self) -> Duration {
        match self {
            Self::Lan => Duration::from_secs(3),
            Self::Kubernetes => Duration::from_secs(5),
            Self::MultiRegion => Duration::from_secs(15),
            Self::Unreliable => Duration::from_secs(10),
        }
    }

    /// How many intervals of silence make a node down.
    #[must_use]
    pub const fn miss_threshold(self) -> u32 {
        match self {
            Self::Lan | Self::Kubernetes => 3,
            Self::MultiRegion => 4,
            Self::Unreliable => 5,
        }
    }

    /// The preset with this name: `lan`, `kubernetes`, `multi-region` or `unreliable`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "lan" => Some(Self::Lan),
            "kubernetes" => Some(Self::Kubernetes),
            "multi-region" => Some(Self::MultiRegion),
            "unreliable" => Some(Self::Unreliable),
            _ => None,
        }
    }
}

/// How much of a reconnect delay is left to chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// A random part of the delay, so that nodes that lost the same peer don't return as one.
    Full,
    /// The whole delay, always: 1 s, 2 s, 4 s…
    Off,
}

impl Jitter {
    /// The choice with this name: `full` or `off`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "full" => Some(Self::Full),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_c22_presets_have_the_promised_numbers() {
        let numbers = |preset: Preset| (preset.heartbeat_interval(), preset.miss_threshold());
        assert_eq!(numbers(Preset::Lan), (Duration::from_secs(3), 3));
        assert_eq!(numbers(Preset::Kubernetes), (Duration::from_secs(5), 3));
        assert_eq!(numbers(Preset::MultiRegion), (Duration::from_secs(15), 4));
        assert_eq!(numbers(Preset::Unreliable), (Duration::from_secs(10), 5));
    }
}
