//! Applications: what a whole program is made of, started and stopped in order.

mod hooks;
mod server;

pub use hooks::Application;
pub use server::{ApplicationArgs, ApplicationCall, ApplicationServer};
