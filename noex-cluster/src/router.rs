//! `ClusterRouter`: the outbound edge of a node in a cluster.

use std::sync::Arc;

use bytes::Bytes;
use dashmap::DashMap;
use noex_core::{Creation, RouteError, Router, Signal, Target};

use crate::net::LaneQueue;

/// The outbound edge of a node in a cluster: a lane for each session.
#[derive(Debug)]
pub(crate) struct ClusterRouter {
    own: Creation,
    lanes: DashMap<Creation, Arc<LaneQueue>>,
}

impl ClusterRouter {
    /// Nobody can be reached yet.
    pub(crate) fn new(own: Creation) -> Self {
        Self {
            own,
            lanes: DashMap::new(),
        }
    }

    /// Signals to this life of a node go into `lane`.
    pub(crate) fn insert(&self, peer: Creation, lane: Arc<LaneQueue>) {
        self.lanes.insert(peer, lane);
    }

    /// This life of a node can't be reached any more.
    pub(crate) fn remove(&self, peer: Creation) {
        self.lanes.remove(&peer);
    }

    /// Nobody can be reached any more.
    pub(crate) fn clear(&self) {
        self.lanes.clear();
    }

    /// The lane that carries the signals of this target: where more lanes would be told apart.
    fn lane_of(&self, to: &Target) -> Option<Arc<LaneQueue>> {
        self.lanes.get(&to.creation()).map(|lane| Arc::clone(&lane))
    }
}

impl Router for ClusterRouter {
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
        self.lane_of(to)
            .ok_or(RouteError::NoConnection)?
            .push(to, &signal)
    }

    fn flood(&self, topic: &str, payload: Bytes) {
        let name: Arc<str> = topic.into();
        let signal = Signal::Flood {
            from: self.own,
            payload,
        };
        for node in self.neighbours() {
            let to = Target::Named {
                node,
                name: Arc::clone(&name),
            };
            if let Some(Err(error)) = self.lane_of(&to).map(|lane| lane.push(&to, &signal)) {
                tracing::debug!(peer = %node, topic, %error, "flood not sent");
            }
        }
    }

    fn neighbours(&self) -> Vec<Creation> {
        self.lanes.iter().map(|lane| *lane.key()).collect()
    }
}
