//! State machines: servers whose handling of an event depends on a state, as OTP's `gen_statem`.

mod event;
mod gen_state_machine;
mod machine;
mod server;
mod transition;

#[cfg(test)]
mod tests;

pub use event::Event;
pub use gen_state_machine::{GenStateMachine, StateContext};
pub use server::StateMachine;
pub use transition::Transition;
