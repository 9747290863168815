//! `DestMany`: whatever a call or cast to many servers can be addressed to.

use noex_core::{CallError, Pid};

use crate::{Dest, GenServer, ServerRef};

/// Whatever a call or cast to many `S` can be addressed to: a slice, an array or a vector of
/// [`ServerRef`]s or [`Pid`]s, or the group of a registry.
///
/// # Examples
/// Servers that a program keeps in a set of its own:
/// ```
/// use std::collections::BTreeSet;
///
/// use noex_core::{CallError, Pid};
/// use noex_gen_server::{DestMany, GenServer};
///
/// struct Crew(BTreeSet<Pid>);
///
/// impl<S: GenServer> DestMany<S> for Crew {
///     type Each = Pid;
///
///     fn resolve_many(&self) -> Result<Vec<(Pid, Pid)>, CallError> {
///         Ok(self.0.iter().map(|pid| (*pid, *pid)).collect())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not address many servers of type `{S}`",
    note = "use a slice or `Vec` of `ServerRef<{S}>` or `Pid`, or `Group(\"workers\")`"
)]
pub trait DestMany<S: GenServer> {
    /// How each of the servers is reached.
    type Each: Dest<S>;

    /// The servers that are meant now, and how each of them is reached.
    ///
    /// # Errors
    /// [`CallError::NoNode`] outside of any node, where one is needed to find them.
    fn resolve_many(&self) -> Result<Vec<(Pid, Self::Each)>, CallError>;
}

impl<S: GenServer> DestMany<S> for [ServerRef<S>] {
    type Each = ServerRef<S>;

    fn resolve_many(&self) -> Result<Vec<(Pid, ServerRef<S>)>, CallError> {
        let servers = self.iter();
        Ok(servers
            .map(|server| (server.pid(), server.clone()))
            .collect())
    }
}

impl<S: GenServer> DestMany<S> for [Pid] {
    type Each = Pid;

    fn resolve_many(&self) -> Result<Vec<(Pid, Pid)>, CallError> {
        Ok(self.iter().map(|pid| (*pid, *pid)).collect())
    }
}

impl<S: GenServer, T> DestMany<S> for Vec<T>
where
    [T]: DestMany<S>,
{
    type Each = <[T] as DestMany<S>>::Each;

    fn resolve_many(&self) -> Result<Vec<(Pid, Self::Each)>, CallError> {
        self.as_slice().resolve_many()
    }
}

impl<S: GenServer, T, const N: usize> DestMany<S> for [T; N]
where
    [T]: DestMany<S>,
{
    type Each = <[T] as DestMany<S>>::Each;

    fn resolve_many(&self) -> Result<Vec<(Pid, Self::Each)>, CallError> {
        self.as_slice().resolve_many()
    }
}

impl<S: GenServer, M: DestMany<S> + ?Sized> DestMany<S> for &M {
    type Each = M::Each;

    fn resolve_many(&self) -> Result<Vec<(Pid, Self::Each)>, CallError> {
        (**self).resolve_many()
    }
}
