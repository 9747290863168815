//! Looking at a process while it runs (OTP's `process_info` and `sys`): what it is and does, what
//! its state is, and holding it up. Nothing here is asked of a process that nobody looks at, but
//! that it notes in one byte what it handles.

mod message_kind;
mod nature;
mod origin;
mod process_info;
mod process_state;
mod control;

pub use message_kind::MessageKind;
pub use nature::Nature;
pub use process_info::{MailboxInfo, ProcessInfo, Status};
pub use process_state::ProcessState;

pub(crate) use control::{trace_ended, trace_taken};
pub(crate) use message_kind::LastKind;
pub(crate) use origin::Origin;
pub(crate) use process_info::Inspect;
