//! `Callee`: what has the typed calls of a server as methods.

use noex_gen_server::{At, Dest, GenServer, ServerRef};
use noex_registry::Global;

/// What has the typed calls that [`#[noex::server]`](macro@crate::server) writes as methods: a
/// [`ServerRef`], a [`Global`] name, whatever [`GenServer::at`] was given, and a type of yours for
/// which you say so.
///
/// Texts and pids are addresses, too, but not by themselves: each `String` of a module would have
/// the methods of the servers that it imports. `Counter::at("counter")` says which server it is.
///
/// # Examples
/// ```
/// use noex::prelude::*;
/// use noex::{Address, Callee, Dest};
///
/// struct Shard(u32);
///
/// impl<S: GenServer> Dest<S> for Shard {
///     fn resolve(&self) -> Result<Address<S>, CallError> {
///         format!("shard-{}", self.0).resolve()
///     }
/// }
///
/// impl<S: GenServer> Callee<S> for Shard {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no typed calls of `{S}`",
    note = "use a `ServerRef<{S}>`, `Global(\"name\")`, or, for local names and pids, \
            `{S}::at(\"name\")`"
)]
pub trait Callee<S: GenServer>: Dest<S> {}

impl<S: GenServer> Callee<S> for ServerRef<S> {}

impl<S: GenServer, D: Dest<S>> Callee<S> for At<S, D> {}

impl<S: GenServer, N: AsRef<str>> Callee<S> for Global<N> where Self: Dest<S> {}
