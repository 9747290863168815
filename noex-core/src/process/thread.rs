//! Code of a process that runs on a thread of its own, away from the process's task.

use std::fmt;

use super::{Scope, Unanswered, catch, leave_unanswered};
use crate::exit::Panic;
use crate::id::Pid;
use crate::node::LocalNode;

/// Runs `work` on this thread as code of the process `pid` of `node`: both are the current ones in
/// it, and a panic becomes a value.
///
/// The process's task takes what comes out and drops it there: it knows what becomes of calls
/// whose handles `work` dropped.
///
/// # Examples
/// ```
/// use noex_core::LocalNode;
/// use noex_core::process::{SpawnOptions, current_pid, run_as};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
/// let process = node.spawn::<(), _, _>(SpawnOptions::default(), |_mailbox| async {
///     std::future::pending().await
/// });
/// let (pid, _dropped) = run_as(&node, process.pid(), current_pid);
/// assert_eq!(pid.unwrap(), Some(process.pid()));
/// # }
/// ```
pub fn run_as<T>(
    node: &LocalNode,
    pid: Pid,
    work: impl FnOnce() -> T,
) -> (Result<T, Panic>, DroppedReplies) {
    let mut scope = node.process(pid).map_or_else(
        // It was killed meanwhile: nobody is left to answer for what is dropped.
        || Scope::Node(node.clone()),
        Scope::Process,
    );
    let (outcome, unanswered) = scope.run(|| catch(work));
    (outcome, DroppedReplies(unanswered.unwrap_or_default()))
}

/// Reply handles that were dropped without a reply. Whoever drops this answers for them: within
/// the poll of a process they share its fate, elsewhere they fail at once.
#[must_use = "drop it in the process whose code dropped the handles"]
pub struct DroppedReplies(Vec<Unanswered>);

impl Drop for DroppedReplies {
    fn drop(&mut self) {
        self.0.drain(..).for_each(leave_unanswered);
    }
}

impl fmt::Debug for DroppedReplies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DroppedReplies({})", self.0.len())
    }
}
