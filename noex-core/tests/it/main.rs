//! The core as its users see it: processes, links, monitors, calls, on one node and on several.

mod calls;
mod mailbox;
mod relations;
mod support;
