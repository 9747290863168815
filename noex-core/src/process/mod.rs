//! Processes: a task with a mailbox, an entry in the node's table, links and monitors.

mod handle;
mod panic;
mod phases;
mod receiver;
mod relations;
mod run;
mod scope;
mod spawn;
mod starting;
mod turn;
mod thread;

pub use handle::Process;
pub use receiver::{Inbox, Receiver};
pub use scope::{EnterGuard, current_pid};
pub use spawn::{FindError, SpawnOptions};
pub use thread::{DroppedReplies, run_as};

pub(crate) use handle::AnyProcess;

pub use panic::catch;
pub(crate) use panic::install_hook;
pub(crate) use relations::ExitEffect;
pub(crate) use scope::{
    Scope, Unanswered, bind_thread, current_address, current_node, discard, enter_node,
    leave_unanswered,
};
