//! `Dest`: whatever a call or cast can be addressed to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use noex_core::process::{FindError, Process};
use noex_core::{CallError, Creation, LocalNode, NodeId, Pid, Target};

use crate::{GenServer, Request, ServerRef};

/// Whatever a call or cast to an `S` can be addressed to: a [`ServerRef`], a [`Pid`], a local
/// name, a local name on another node, or the names of a registry.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not address a server of type `{S}`",
    note = "use `&ServerRef<{S}>`, a `Pid`, a local name as \"counter\", or `Global(\"counter\")`"
)]
pub trait Dest<S: GenServer> {
    /// Finds the server.
    ///
    /// # Errors
    /// [`CallError::NoProcess`] if nobody is there, [`CallError::WrongServer`] if it is a server
    /// of another type, [`CallError::NoNode`] outside of any node.
    fn resolve(&self) -> Result<Address<S>, CallError>;

    /// The server, if the address holds it already: then nothing is looked up or counted.
    fn held(&self) -> Option<&Arc<Process<Request<S>>>> {
        None
    }

    /// Whether the address is a name that can pass from a node that stops to another one. A call
    /// that fails with [`CallError::Draining`] then waits for the [successor](Self::successor).
    fn moves(&self) -> bool {
        false
    }

    /// Ends when somebody else is found at the address than a process of `refused_by`, the node
    /// that refused a call since it is stopping, or than nobody. `None` if nobody can be.
    fn successor(&self, _refused_by: Option<Creation>) -> Option<Successor> {
        None
    }
}

/// The wait for whoever has a name next.
pub type Successor = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a server was found.
#[non_exhaustive]
pub enum Address<S: GenServer> {
    /// On this node.
    Local(Arc<Process<Request<S>>>),
    /// On another one.
    Remote {
        /// The node that sends.
        node: LocalNode,
        /// The server there.
        target: Target,
    },
}

impl<S: GenServer> Address<S> {
    /// The address of the process `pid`, seen from `node`.
    ///
    /// # Errors
    /// As [`Dest::resolve`].
    pub fn of_pid(node: LocalNode, pid: Pid) -> Result<Self, CallError> {
        if pid.creation() != node.creation() {
            return Ok(Self::Remote {
                node,
                target: Target::Process(pid),
            });
        }
        node.find(pid)
            .map(Self::Local)
            .map_err(|error| match error {
                FindError::OtherMessages => CallError::WrongServer,
                _no_process => CallError::NoProcess,
            })
    }
}

impl<S: GenServer> fmt::Debug for Address<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(process) => write!(f, "Local({})", process.pid()),
            Self::Remote { target, .. } => write!(f, "Remote({target:?})"),
        }
    }
}

impl<S: GenServer> Dest<S> for ServerRef<S> {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        match self.process() {
            Some(process) => Ok(Address::Local(Arc::clone(process))),
            None => self.pid().resolve(),
        }
    }

    fn held(&self) -> Option<&Arc<Process<Request<S>>>> {
        self.process()
    }
}

impl<S: GenServer, D: Dest<S> + ?Sized> Dest<S> for &D {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        (**self).resolve()
    }

    fn held(&self) -> Option<&Arc<Process<Request<S>>>> {
        (**self).held()
    }

    fn moves(&self) -> bool {
        (**self).moves()
    }

    fn successor(&self, refused_by: Option<Creation>) -> Option<Successor> {
        (**self).successor(refused_by)
    }
}

impl<S: GenServer> Dest<S> for Pid {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        Address::of_pid(LocalNode::current().ok_or(CallError::NoNode)?, *self)
    }
}

impl<S: GenServer> Dest<S> for str {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        let node = LocalNode::current().ok_or(CallError::NoNode)?;
        let pid = node.whereis(self).ok_or(CallError::NoProcess)?;
        Address::of_pid(node, pid)
    }
}

impl<S: GenServer> Dest<S> for String {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        self.as_str().resolve()
    }
}

/// The server with this local name on that node (OTP's `{Name, Node}`).
impl<S: GenServer> Dest<S> for (&str, &NodeId) {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        let (name, id) = *self;
        let node = LocalNode::current().ok_or(CallError::NoNode)?;
        if id == node.id() {
            return name.resolve();
        }
        let peer = node.peers().into_iter().find(|peer| peer.id == *id);
        let peer = peer.ok_or(CallError::NoConnection { sent: false })?;
        let target = Target::Named {
            node: peer.creation,
            name: name.into(),
        };
        Ok(Address::Remote { node, target })
    }
}
