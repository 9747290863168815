//! Pure: how those are borne who have not proved who they are: so many at a time, none at the
//! cost of others, and those that fail again and again more slowly.

mod network;
mod guests;
mod failures;

pub(crate) use failures::Failures;
#[cfg(test)]
pub(crate) use guests::GUESTS_MAX;
pub(crate) use guests::{GuestId, Guests};
pub(crate) use network::Network;
