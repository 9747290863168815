//! Pure: stub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal { AlreadyConnected, Crossing, OwnAddress, NameTaken, Stopping, WrongKey, UnknownSession }
