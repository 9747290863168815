//! Timers, as a process sets them.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::call::deadline_after;
use crate::id::{Pid, TimerRef};
use crate::node::LocalNode;
use crate::process::{AnyProcess, Process};
use crate::timer::Alarm;

impl LocalNode {
    /// Posts [`Info::Timer`](crate::mailbox::Info::Timer) to `owner`, a process of this node,
    /// after `delay`. The timer ends with its owner.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use noex_core::mailbox::{Incoming, Info};
    /// use noex_core::process::SpawnOptions;
    /// use noex_core::{ExitReason, LocalNode};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let node = LocalNode::start("a@127.0.0.1:4369".parse().unwrap());
    /// let process = node.spawn::<(), _, _>(SpawnOptions::default(), |mut mailbox| async move {
    ///     let timer = mailbox.node().start_timer(mailbox.pid(), Duration::from_millis(1));
    ///     let Incoming::Info(info) = mailbox.next().await else {
    ///         return ExitReason::error("not a timer");
    ///     };
    ///     assert!(matches!(*info, Info::Timer(due) if due == timer));
    ///     ExitReason::Normal
    /// });
    /// assert_eq!(node.ended(process.pid()).await, ExitReason::Normal);
    /// # }
    /// ```
    pub fn start_timer(&self, owner: Pid, delay: Duration) -> TimerRef {
        let at = deadline_after(Instant::now(), delay);
        self.start_owned(owner, at, self.alarm(owner, None))
    }

    /// A timer of `owner` that has been due runs again, until `at`.
    pub fn restart_timer(&self, owner: Pid, timer: TimerRef, at: Instant) {
        let alarm = self.alarm(owner, None);
        self.timers().restart(owner, timer, at, alarm);
        self.forget_if_ended(owner);
    }

    /// Posts `message` to `to`, a process of this node, after `delay`, unless `owner` or `to` has
    /// ended by then. A process of another node gets nothing: only casts and calls travel.
    pub fn post_after(
        &self,
        owner: Pid,
        to: Pid,
        delay: Duration,
        message: Box<dyn Any + Send>,
    ) -> TimerRef {
        let at = deadline_after(Instant::now(), delay);
        self.start_owned(owner, at, self.alarm(to, Some(message)))
    }

    /// Takes back a timer of `owner`; how much of its time was left. `None`: it was not running,
    /// and what it posted may be in the mailbox.
    pub fn cancel_timer(&self, owner: Pid, timer: TimerRef) -> Option<Duration> {
        let at = self.timers().cancel(owner, timer)?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// How much of the time of a timer of `owner` is left.
    #[must_use]
    pub fn read_timer(&self, owner: Pid, timer: TimerRef) -> Option<Duration> {
        let at = self.timers().due_at(owner, timer)?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    fn start_owned(&self, owner: Pid, at: Instant, alarm: Alarm) -> TimerRef {
        let timer = self.timers().start(owner, at, alarm);
        self.forget_if_ended(owner);
        timer
    }

    /// The end of `owner` takes its timers away; one that is set behind it has to go as well.
    fn forget_if_ended(&self, owner: Pid) {
        if self.process(owner).is_none() {
            self.timers().forget(owner);
        }
    }

    fn alarm(&self, to: Pid, message: Option<Box<dyn Any + Send>>) -> Alarm {
        let process = self.process(to);
        // Nobody: the timer runs out unheard.
        let nobody = || Weak::<Process<()>>::new() as Weak<dyn AnyProcess>;
        let to = process.map_or_else(nobody, |process| Arc::downgrade(&process));
        Alarm { to, message }
    }
}
