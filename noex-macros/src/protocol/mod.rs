//! `#[noex::protocol]`: a trait without bodies becomes the messages that servers of several types
//! accept.
//!
//! ```text
//!   trait Store ──► Declaration ──► the trait as it was, without the markers
//!                                   StoreCall, StoreCast           messages
//!                                   impl Protocol for dyn Store
//!                                   StoreRef                       reference
//!                                   macro Store!                   carrier
//!
//!   #[noex::server(implements(Store))] ──► Store! { the server } ──► implement! { both }
//!                                                  impl Accepts<dyn Store> for MemoryStore
//! ```
//!
//! A server's macro does not see the trait. The trait's name is also that of a macro, the carrier,
//! which hands the text of both to `implement!`: there each message meets its handler.

mod expand;
mod declaration;
mod messages;
mod reference;
mod carrier;
mod implement;

pub(crate) use expand::expand;
pub(crate) use implement::implement;
