//! `Router`: the node's outbound edge, implemented by the cluster.

use std::fmt;

use thiserror::Error;

use crate::id::Creation;
use crate::signal::{Signal, Target};

/// Carries signals to other nodes.
///
/// # Delivery
/// At most once. What one process sends to another arrives in the order sent, or stops arriving;
/// the node learns of the gap by [`LocalNode::session_lost`](crate::LocalNode::session_lost).
///
/// # Examples
/// A router to one other node of the same program:
/// ```
/// use noex_core::{Creation, LocalNode, RouteError, Router, Signal, Target};
///
/// #[derive(Debug)]
/// struct Direct {
///     own: Creation,
///     other: LocalNode,
/// }
///
/// impl Router for Direct {
///     fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
///         if to.creation() != self.other.creation() {
///             return Err(RouteError::NoConnection);
///         }
///         self.other.deliver(self.own, to, signal);
///         Ok(())
///     }
///
///     fn neighbours(&self) -> Vec<Creation> {
///         vec![self.other.creation()]
///     }
/// }
/// ```
pub trait Router: fmt::Debug + Send + Sync + 'static {
    /// Queues `signal` for `to`, which is on another node. Never blocks.
    ///
    /// Only messages ([`Signal::Message`] and [`Signal::Flood`]) are refused for want of room;
    /// what answers something was admitted with it.
    ///
    /// # Errors
    /// [`RouteError`]; the signal was not sent.
    fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError>;

    /// Sees to a connection with a node that is up, for which somebody here waits without having
    /// sent it anything: so its loss is noticed. Does nothing where all are connected.
    ///
    /// # Errors
    /// [`RouteError::NoConnection`] if there can be none now.
    fn connect(&self, _node: Creation) -> Result<(), RouteError> {
        Ok(())
    }

    /// The nodes that news goes to first: in a large cluster a few, so that whoever is up is
    /// reached if each passes news on.
    fn neighbours(&self) -> Vec<Creation>;

    /// The most bytes that a message to another node may have.
    fn message_size_max(&self) -> usize {
        usize::MAX
    }

    /// The nodes that a signal goes to at once, since there is a connection already.
    fn connected(&self) -> Vec<Creation> {
        self.neighbours()
    }
}

/// Why a signal was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError {
    /// There is no session with that node.
    #[error("no connection with the node")]
    NoConnection,
    /// The session's queue is full.
    #[error("the queue to the node is full")]
    Full,
    /// The message is larger than a message may be.
    #[error("message of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most bytes a message may have.
        limit: usize,
    },
}

/// The router of a node without a cluster: nobody can be reached.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct NoRouter;

impl Router for NoRouter {
    fn route(&self, _to: &Target, _signal: Signal) -> Result<(), RouteError> {
        Err(RouteError::NoConnection)
    }

    fn neighbours(&self) -> Vec<Creation> {
        Vec::new()
    }
}
