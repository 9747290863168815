//! `Protocol`: messages that servers of several types accept.

use noex_core::Wire;

use crate::GenServer;

/// Messages that servers of several types accept; `#[noex::protocol]` on a trait writes it.
///
/// It is implemented for a type that is never made, such as `dyn Store` or an empty enum, which
/// names the protocol where a [`ProtocolRef`](super::ProtocolRef) says what it refers to.
///
/// # Examples
/// ```
/// use noex_core::ReplyTo;
/// use noex_gen_server::Protocol;
/// use serde::{Deserialize, Serialize};
///
/// enum Store {}
///
/// #[derive(Serialize, Deserialize)]
/// enum StoreCall {
///     Get(String, ReplyTo<Option<u64>>),
/// }
///
/// impl Protocol for Store {
///     type Call = StoreCall;
///     type Cast = ();
///     const NAME: &'static str = "store";
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no protocol",
    label = "a trait is one if it is marked",
    note = "write `#[noex::protocol]` on the trait"
)]
pub trait Protocol: 'static {
    /// What a server of this protocol can be asked.
    type Call: Wire;
    /// What it can be told.
    type Cast: Wire;
    /// The name under which other nodes know the protocol. Frames carry a hash of it.
    const NAME: &'static str;
}

/// A server that accepts the messages of the protocol `P`, each as one of its own.
///
/// `#[noex::server(implements(Store))]` writes it. A server that is written by hand implements it,
/// and names the protocol in [`GenServer::protocols`].
///
/// # Examples
/// ```
/// use noex_gen_server::Accepts;
/// # use noex_core::ExitReason;
/// # use noex_gen_server::{Accepted, Context, Flow, GenServer};
/// # use serde::{Deserialize, Serialize};
/// # use noex_core::ReplyTo;
/// # use noex_gen_server::Protocol;
/// # enum Countable {}
/// # impl Protocol for Countable {
/// #     type Call = ReplyTo<u64>;
/// #     type Cast = ();
/// #     const NAME: &'static str = "countable";
/// # }
///
/// #[derive(Serialize, Deserialize)]
/// enum BasketCall {
///     Count(ReplyTo<u64>),
///     Empty(ReplyTo<()>),
/// }
/// # struct Basket(u64);
/// # impl GenServer for Basket {
/// #     type Args = u64;
/// #     type Call = BasketCall;
/// #     type Cast = ();
/// #     async fn init(count: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
/// #         Ok(Self(count))
/// #     }
/// #     async fn handle_call(&mut self, call: BasketCall, _: &mut Context<Self>) -> Flow {
/// #         match call {
/// #             BasketCall::Count(reply) => reply.send(self.0),
/// #             BasketCall::Empty(reply) => reply.send(()),
/// #         }
/// #         Flow::Continue
/// #     }
/// #     fn protocols() -> &'static [Accepted<Self>] {
/// #         const { &[Accepted::of::<Countable>()] }
/// #     }
/// # }
///
/// impl Accepts<Countable> for Basket {
///     fn wrap_call(count: ReplyTo<u64>) -> BasketCall {
///         BasketCall::Count(count)
///     }
///
///     fn wrap_cast((): ()) {}
///
///     fn unwrap_cast((): ()) -> Option<()> {
///         Some(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not accept the protocol `{P}`",
    label = "this is no server of that protocol",
    note = "write `#[noex::server(implements(…))]` on the impl block of `{Self}`, with the \
            protocol's name"
)]
pub trait Accepts<P: Protocol + ?Sized>: GenServer {
    /// A call of the protocol, as this server handles it.
    fn wrap_call(call: P::Call) -> Self::Call;

    /// A cast of the protocol, as this server handles it.
    fn wrap_cast(cast: P::Cast) -> Self::Cast;

    /// Undoes [`wrap_cast`](Self::wrap_cast), so that a cast which was not queued is given back.
    /// `None` for a cast that is not one of the protocol.
    fn unwrap_cast(cast: Self::Cast) -> Option<P::Cast>;
}

/// The number by which frames name the protocol `P`.
///
/// FNV-1a, unlike the number of a server's own messages: a constant, so that nothing is hashed
/// when a message comes or goes. Whoever is in the cluster is trusted not to look for collisions.
pub(super) const fn number_of<P: Protocol + ?Sized>() -> u64 {
    const { fnv_1a(P::NAME.as_bytes()) }
}

const fn fnv_1a(mut bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    while let [first, rest @ ..] = bytes {
        hash = (hash ^ *first as u64).wrapping_mul(0x0100_0000_01b3);
        bytes = rest;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_fnv_1a() {
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
