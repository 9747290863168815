//! `ProtocolRef`: a pid that knows which protocol its server accepts.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use noex_core::process::current_pid;
use noex_core::{CallError, Encoded, LocalNode, Pid, ReplyTo, Target, Wire, codec};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::door::Door;
use super::protocol::number_of;
use super::{Accepts, Protocol, ProtocolCall, doors};
use crate::{CastError, ServerRef, Whereis};

/// A pid that knows which protocol its server accepts, and not what the server is; cheap to
/// clone. It travels as the pid.
///
/// # Cost
/// A message to a server of this node is queued in the server's own type, neither encoded nor
/// boxed, behind one indirect call. A reference that was made from a [`ServerRef`] of this node
/// holds its server. One that was made from a pid, or came in a message, looks for it once, when
/// it is made: a look-up in the node's table for each server type of the program that accepts
/// the protocol. If the server is not found then, because it has ended or there was no
/// [current node](LocalNode::current), each call looks again.
///
/// # Examples
/// ```
/// use noex_core::{ExitReason, LocalNode, ReplyTo};
/// use noex_gen_server::{Accepted, Accepts, Context, Flow, GenServer, Protocol, ProtocolRef};
/// use serde::{Deserialize, Serialize};
///
/// /// Whatever can be counted.
/// enum Countable {}
///
/// impl Protocol for Countable {
///     type Call = ReplyTo<u64>;
///     type Cast = ();
///     const NAME: &'static str = "countable";
/// }
///
/// struct Basket(Vec<String>);
///
/// #[derive(Serialize, Deserialize)]
/// enum BasketCall {
///     Count(ReplyTo<u64>),
///     Put(String, ReplyTo<()>),
/// }
///
/// impl GenServer for Basket {
///     type Args = ();
///     type Call = BasketCall;
///     type Cast = ();
///
///     async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
///         Ok(Self(Vec::new()))
///     }
///
///     async fn handle_call(&mut self, call: BasketCall, _cx: &mut Context<Self>) -> Flow {
///         match call {
///             BasketCall::Count(reply) => reply.send(self.0.len() as u64),
///             BasketCall::Put(item, reply) => {
///                 self.0.push(item);
///                 reply.send(());
///             }
///         }
///         Flow::Continue
///     }
///
///     fn protocols() -> &'static [Accepted<Self>] {
///         const { &[Accepted::of::<Countable>()] }
///     }
/// }
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
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let basket = Basket::start(()).on(&node).await?;
/// basket.call(|reply| BasketCall::Put("an egg".into(), reply)).await?;
/// let countable: ProtocolRef<Countable> = (&basket).into();
/// assert_eq!(countable.call(|reply| reply).await?, 1);
/// # Ok(())
/// # }
/// ```
pub struct ProtocolRef<P: Protocol + ?Sized> {
    pid: Pid,
    /// The server, if it is of this node.
    door: Option<Arc<dyn Door<P>>>,
    protocol: PhantomData<fn(&P)>,
}

/// Where the server of a reference is.
pub(super) enum Place<P: Protocol + ?Sized> {
    Here(Arc<dyn Door<P>>),
    /// On another node, as seen from this one.
    There(LocalNode),
}

impl<P: Protocol + ?Sized> ProtocolRef<P> {
    /// A reference to the server `pid`, here or on another node, that is held to accept `P`. If it
    /// does not, calls fail with [`CallError::WrongServer`].
    #[must_use]
    pub fn from_pid(pid: Pid) -> Self {
        let node = LocalNode::current().filter(|node| node.creation() == pid.creation());
        Self::new(pid, node.and_then(|node| doors::find(&node, pid)))
    }

    /// A reference to the server that holds `name` now, and that is held to accept `P`. It stays
    /// with that server: who holds the name later is found by asking again.
    ///
    /// # Errors
    /// [`CallError::NoProcess`] if nobody holds the name, [`CallError::NoNode`] outside of any
    /// node.
    pub fn named(name: impl Whereis) -> Result<Self, CallError> {
        let node = LocalNode::current().ok_or(CallError::NoNode)?;
        let holder = name.whereis(&node).ok_or(CallError::NoProcess)?;
        Ok(Self::from_pid(holder))
    }

    /// The server's pid.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends the request that `make` builds and waits for its reply, for 5 s unless
    /// [told otherwise](ProtocolCall::timeout).
    ///
    /// # Delivery
    /// As [`GenServer::call`](crate::GenServer::call).
    ///
    /// # Cancel safety
    /// As [`GenServer::call`](crate::GenServer::call).
    pub fn call<R, F>(&self, make: F) -> ProtocolCall<'_, P, R, F>
    where
        R: Wire,
        F: FnOnce(ReplyTo<R>) -> P::Call,
    {
        ProtocolCall::new(self, make)
    }

    /// Sends `message`; nobody waits for anything.
    ///
    /// # Delivery
    /// As [`GenServer::cast`](crate::GenServer::cast).
    ///
    /// # Errors
    /// [`CastError`], with the message where it can be given back; it was not queued.
    pub fn cast(&self, message: P::Cast) -> Result<(), CastError<P::Cast>> {
        if let Some(door) = &self.door {
            return door.cast(message);
        }
        match self.place() {
            Ok(Place::Here(door)) => door.cast(message),
            Ok(Place::There(node)) => {
                let sent = self.send_encoded(&node, &message, None);
                sent.map_err(|error| CastError::of(message, error))
            }
            Err(error) => Err(CastError::of(message, error)),
        }
    }

    fn new(pid: Pid, door: Option<Arc<dyn Door<P>>>) -> Self {
        Self {
            pid,
            door,
            protocol: PhantomData,
        }
    }

    /// The server, if the reference holds it already.
    pub(super) const fn held(&self) -> Option<&Arc<dyn Door<P>>> {
        self.door.as_ref()
    }

    /// Looks for the server.
    pub(super) fn place(&self) -> Result<Place<P>, CallError> {
        let node = LocalNode::current().ok_or(CallError::NoNode)?;
        if self.pid.creation() != node.creation() {
            return Ok(Place::There(node));
        }
        match doors::find(&node, self.pid) {
            Some(door) => Ok(Place::Here(door)),
            None if node.is_alive(self.pid) => Err(CallError::WrongServer),
            None => Err(CallError::NoProcess),
        }
    }

    /// Sends a call, which has a time-out, or a cast to another node.
    pub(super) fn send_encoded(
        &self,
        node: &LocalNode,
        message: &impl Wire,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let target = Target::Process(self.pid);
        let (payload, replies) = codec::encode(node, target.creation(), message)?;
        let number = number_of::<P>();
        let message = Encoded::new(current_pid(), number, timeout, replies, payload);
        node.send_message(&target, message)
    }
}

impl<P: Protocol + ?Sized, S: Accepts<P>> From<&ServerRef<S>> for ProtocolRef<P> {
    fn from(server: &ServerRef<S>) -> Self {
        let process = server.process().cloned();
        Self::new(server.pid(), process.map(|process| process as _))
    }
}

impl<P: Protocol + ?Sized, S: Accepts<P>> From<ServerRef<S>> for ProtocolRef<P> {
    fn from(server: ServerRef<S>) -> Self {
        Self::from(&server)
    }
}

impl<P: Protocol + ?Sized> Clone for ProtocolRef<P> {
    fn clone(&self) -> Self {
        Self::new(self.pid, self.door.clone())
    }
}

impl<P: Protocol + ?Sized> PartialEq for ProtocolRef<P> {
    fn eq(&self, other: &Self) -> bool {
        self.pid == other.pid
    }
}

impl<P: Protocol + ?Sized> Eq for ProtocolRef<P> {}

impl<P: Protocol + ?Sized> Hash for ProtocolRef<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pid.hash(state);
    }
}

impl<P: Protocol + ?Sized> fmt::Debug for ProtocolRef<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProtocolRef({})", self.pid)
    }
}

impl<P: Protocol + ?Sized> Serialize for ProtocolRef<P> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.pid.serialize(serializer)
    }
}

impl<'de, P: Protocol + ?Sized> Deserialize<'de> for ProtocolRef<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pid::deserialize(deserializer).map(Self::from_pid)
    }
}
