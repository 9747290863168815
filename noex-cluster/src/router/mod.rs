//! The outbound edge of a node in a cluster.

mod cluster_router;

pub(crate) use cluster_router::{ClusterRouter, Loss};
