//! Processes and what they do to each other: pids, mailboxes, signals, links, monitors, exit
//! reasons, local names, the payload codec, and the two edges of a node.
//!
//! A [`LocalNode`] is one running node. A [`process`] is one task with a mailbox and an entry in
//! the node's table. Everything one process does to another is a [`Signal`]; [`LocalNode`] looks
//! at the pid and gives the signal to a mailbox of its own, or to the [`Router`], behind which
//! other nodes live. Nothing else in the code base asks where a process lives.
//!
//! The modules, in the order in which to read them:

pub mod call;
pub mod codec;
pub mod exit;
pub mod id;
pub mod inspect;
pub mod mailbox;
pub mod node;
pub mod process;
pub mod router;
pub mod signal;
mod sync;
pub mod task;
mod timer;

pub use call::ReplyTo;
pub use call::{CallError, ReplyAddress};
pub use codec::{Local, Wire};
pub use exit::{ExitReason, Panic};
pub use id::{CallRef, Creation, MonitorRef, NodeId, NodeIdError, Pid, TimerRef};
pub use node::{LocalNode, NameError, NodeDownReason, Peer, PeerEvent, WeakNode};
pub use process::current_pid;
pub use router::{NoRouter, RouteError, Router};
pub use signal::{Encoded, Signal, Target};
