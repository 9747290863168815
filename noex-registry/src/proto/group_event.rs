//! Pure: `GroupEvent`, a change of a group.

use std::sync::Arc;

use noex_core::Pid;

/// A change of a group, as those that [monitor](crate::Group::monitor) it are told: it comes to
/// [`handle_info`](noex_gen_server::GenServer::handle_info) as `Info::Other`.
///
/// # Examples
/// A server that counts the workers:
/// ```
/// use noex_core::mailbox::Info;
/// use noex_core::{ExitReason, LocalNode, ReplyTo};
/// use noex_gen_server::{Context, Flow, GenServer};
/// use noex_registry::{Group, GroupEvent, Registry};
///
/// struct Count(usize);
///
/// impl GenServer for Count {
///     type Args = ();
///     type Call = ReplyTo<usize>;
///     type Cast = ();
///
///     async fn init((): (), cx: &mut Context<Self>) -> Result<Self, ExitReason> {
///         let workers = Group("workers").monitor(cx.this()).map_err(ExitReason::error)?;
///         Ok(Self(workers.len()))
///     }
///
///     async fn handle_call(&mut self, reply: ReplyTo<usize>, _: &mut Context<Self>) -> Flow {
///         reply.send(self.0);
///         Flow::Continue
///     }
///
///     async fn handle_info(&mut self, info: Info, _: &mut Context<Self>) -> Flow {
///         if let Info::Other(news) = info {
///             match news.downcast_ref() {
///                 Some(GroupEvent::Joined { .. }) => self.0 += 1,
///                 Some(GroupEvent::Left { .. }) => self.0 -= 1,
///                 None => {}
///             }
///         }
///         Flow::Continue
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// # let _inside = node.enter();
/// # Registry::start(&node).await?;
/// let count = Count::start(()).await?;
/// Group("workers").join(&count)?;
/// assert_eq!(count.call(|reply| reply).await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a member comes or goes")]
pub enum GroupEvent {
    /// A process is a member from now on.
    Joined {
        /// The group's name.
        group: Arc<str>,
        /// The process.
        pid: Pid,
    },
    /// A process is not a member any more: it left or ended, or its node is down.
    Left {
        /// The group's name.
        group: Arc<str>,
        /// The process.
        pid: Pid,
    },
}

impl GroupEvent {
    /// The group's name.
    #[must_use]
    pub fn group(&self) -> &str {
        match self {
            Self::Joined { group, .. } | Self::Left { group, .. } => group,
        }
    }

    /// The process.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        match self {
            Self::Joined { pid, .. } | Self::Left { pid, .. } => *pid,
        }
    }
}
