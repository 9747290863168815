//! `Accepted`: one protocol whose messages a server takes besides its own.

use std::fmt;

use noex_core::CallError;
use noex_core::call::Inbound;

use super::doors;
use super::protocol::number_of;
use super::{Accepts, Protocol};
use crate::GenServer;

/// One protocol whose messages a server takes besides its own; see [`GenServer::protocols`].
///
/// # Examples
/// ```
/// use noex_gen_server::{Accepted, Accepts, Protocol};
///
/// /// What a server gives that accepts two protocols.
/// fn both<P: Protocol, Q: Protocol, S: Accepts<P> + Accepts<Q>>() -> [Accepted<S>; 2] {
///     [Accepted::of::<P>(), Accepted::of::<Q>()]
/// }
/// ```
pub struct Accepted<S: GenServer> {
    number: u64,
    call: fn(Inbound) -> Result<S::Call, CallError>,
    cast: fn(Inbound) -> Result<S::Cast, CallError>,
    open: fn(),
}

impl<S: GenServer> Accepted<S> {
    /// The protocol `P`.
    #[must_use]
    pub const fn of<P: Protocol + ?Sized>() -> Self
    where
        S: Accepts<P>,
    {
        Self {
            number: number_of::<P>(),
            call: |inbound| inbound.decode().map(S::wrap_call),
            cast: |inbound| inbound.decode().map(S::wrap_cast),
            open: doors::open::<P, S>,
        }
    }

    /// From now on references to any of its protocols find servers of this type by their pids.
    pub(crate) fn open_all() {
        for accepted in S::protocols() {
            (accepted.open)();
        }
    }
}

impl<S: GenServer> fmt::Debug for Accepted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Accepted({:016x})", self.number)
    }
}

/// Reads a message from another node, which is one of the server's own or of a protocol.
pub(crate) enum Decoder<S: GenServer> {
    Own,
    Accepted(&'static Accepted<S>),
}

impl<S: GenServer> Decoder<S> {
    /// The one for messages of the protocol `number`; the server's own messages have `own`.
    pub(crate) fn find(number: u64, own: u64) -> Option<Self> {
        if number == own {
            return Some(Self::Own);
        }
        let accepted = S::protocols().iter().find(|other| other.number == number);
        accepted.map(Self::Accepted)
    }

    pub(crate) fn call(self, inbound: Inbound) -> Result<S::Call, CallError> {
        match self {
            Self::Own => inbound.decode(),
            Self::Accepted(accepted) => (accepted.call)(inbound),
        }
    }

    pub(crate) fn cast(self, inbound: Inbound) -> Result<S::Cast, CallError> {
        match self {
            Self::Own => inbound.decode(),
            Self::Accepted(accepted) => (accepted.cast)(inbound),
        }
    }
}
