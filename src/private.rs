//! What the code that `#[noex::server]` writes stands on.

use std::any::{Any, type_name};
use std::fmt::{Debug, Display};
use std::future::Future;

use noex_core::codec::Local;
use noex_core::mailbox::Info;
use noex_core::{ExitReason, Pid, Wire};
use noex_gen_server::{Context, Flow, GenServer, ReplyTo};
use serde::de::Error as _;
use serde::{Deserializer, Serialize, Serializer};

/// Does nothing: the compiler says where a `T` is no message.
pub const fn is_message<T: Wire>() {}

/// A handler's future; the compiler says where it can't move between threads.
pub const fn movable<F: Future + Send>(handled: F) -> F {
    handled
}

/// Why a server did not start: the reason that its `init` gave, or the text of its error.
pub fn exit_reason<E: Display + 'static>(error: E) -> ExitReason {
    into(error).unwrap_or_else(ExitReason::error)
}

/// The `T` that came as `info`, or `info`.
///
/// # Errors
/// `info`, which is no `T`.
pub fn info_as<T: Send + 'static>(info: Info) -> Result<T, Info> {
    match info {
        Info::Down(down) => into(down).map_err(Info::Down),
        Info::Exit(exit) => into(exit).map_err(Info::Exit),
        Info::Node(event) => into(event).map_err(Info::Node),
        Info::Other(posted) => posted.downcast().map(|posted| *posted).map_err(Info::Other),
        other => Err(other),
    }
}

/// What becomes of an info that no handler takes.
pub fn unhandled<S: GenServer>(cx: &Context<S>, info: &Info) -> Flow {
    tracing::debug!(pid = %cx.pid(), server = type_name::<S>(), ?info, "not handled; dropped");
    Flow::Continue
}

/// What becomes of a value that none of the `#[continue_]` handlers takes.
pub fn unhandled_continue(pid: Pid) -> Flow {
    tracing::warn!(%pid, "a value given to continue_with is not handled; dropped");
    Flow::Continue
}

/// A state, as it is shown to those who look at its server.
pub fn printed<S: Debug>(state: &S) -> String {
    format!("{state:#?}")
}

/// A parameter's type in a protocol, which is that of a handler.
#[diagnostic::on_unimplemented(
    message = "the protocol says `{Self}` here, and this handler `{T}`",
    label = "write `{Self}`, as the protocol does"
)]
pub trait SameAs<T>: Sized {
    /// It, as the handler takes it.
    fn there(self) -> T;
}

impl<T> SameAs<T> for T {
    fn there(self) -> T {
        self
    }
}

/// Takes what a protocol has to its handler.
pub fn same<P: SameAs<T>, T>(given: P) -> T {
    given.there()
}

/// Takes it back. That the types are the same has been checked where it was given: here the
/// compiler would say it once more.
pub fn same_again<P: 'static, T: 'static>(taken: T) -> P {
    into(taken).unwrap_or_else(|_other| unreachable!("what was taken had this type"))
}

/// A reply's type in a protocol, which is that of a handler.
#[diagnostic::on_unimplemented(
    message = "the protocol wants the reply `{Self}`, and this handler gives `{T}`",
    label = "reply with `{Self}`, as the protocol says"
)]
pub trait SameReply<T: Send + 'static>: Send + Sized + 'static {
    /// Its handle, as the handler uses it.
    fn there(reply: ReplyTo<Self>) -> ReplyTo<T>;
}

impl<T: Send + 'static> SameReply<T> for T {
    fn there(reply: ReplyTo<Self>) -> ReplyTo<T> {
        reply
    }
}

/// Takes the reply handle of a protocol's call to its handler.
pub fn same_reply<P: SameReply<T>, T: Send + 'static>(reply: ReplyTo<P>) -> ReplyTo<T> {
    P::there(reply)
}

/// Writes a message that stays on its node.
///
/// # Errors
/// Always; the call or cast fails with [`LocalOnly`](crate::CallError::LocalOnly).
pub fn refuse_to_leave<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    Local(()).serialize(serializer)
}

/// Reads a message that stays on its node.
///
/// # Errors
/// Always.
pub fn refuse_to_come<'de, T, D: Deserializer<'de>>(_deserializer: D) -> Result<T, D::Error> {
    Err(D::Error::custom("messages of this server stay on its node"))
}

/// `value` as a `T`, if that is what it is.
fn into<V: 'static, T: 'static>(value: V) -> Result<T, V> {
    let mut slot = Some(value);
    let taken = (&mut slot as &mut dyn Any)
        .downcast_mut::<Option<T>>()
        .and_then(Option::take);
    match (taken, slot) {
        (Some(taken), _) => Ok(taken),
        (None, Some(value)) => Err(value),
        (None, None) => unreachable!("what is not taken stays"),
    }
}
