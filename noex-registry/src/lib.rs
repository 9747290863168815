//! Cluster-wide names that go with their process or node.
