//! Protocols: messages that servers of several types accept, and references that name no server.
//!
//! ```text
//!   ServerRef<Memory> ─┐                            ┌► Door: Process<Request<Memory>>   typed
//!   ServerRef<Disk>   ─┴► ProtocolRef<dyn Store> ───┼► Door: Process<Request<Disk>>     typed
//!                         a pid, and a door if      └► another node: a frame with the
//!                         the server is here            protocol's number, which `Accepted`
//!                                                       decodes there
//! ```

mod protocol;
mod accepted;
mod door;
mod doors;
mod protocol_ref;
mod call;

pub use accepted::Accepted;
pub use call::ProtocolCall;
pub use protocol::{Accepts, Protocol};
pub use protocol_ref::ProtocolRef;

pub(crate) use accepted::Decoder;
