//! Supervisors, on one node and across nodes.
