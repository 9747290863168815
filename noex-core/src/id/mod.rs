//! What things are called: nodes, lives of nodes, processes, monitors, calls, timers.

mod creation;
mod node_id;
mod pid;
mod reference;

pub use creation::Creation;
pub use node_id::{NodeId, NodeIdError};
pub use pid::Pid;
pub use reference::{CallRef, MonitorRef, TimerRef};
