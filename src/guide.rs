//! docs/guide/, so that its snippets are compiled and run.

#[doc = include_str!("../docs/guide/README.md")]
mod index {}

#[doc = include_str!("../docs/guide/processes.md")]
mod processes {}

#[doc = include_str!("../docs/guide/servers.md")]
mod servers {}

#[doc = include_str!("../docs/guide/names.md")]
mod names {}

#[doc = include_str!("../docs/guide/supervision.md")]
mod supervision {}

#[doc = include_str!("../docs/guide/forming-a-cluster.md")]
mod forming_a_cluster {}

#[doc = include_str!("../docs/guide/forming-a-cluster.cs.md")]
mod forming_a_cluster_cs {}

#[doc = include_str!("../docs/guide/looking-inside.md")]
mod looking_inside {}

#[doc = include_str!("../docs/guide/coming-from-elixir.md")]
mod coming_from_elixir {}
