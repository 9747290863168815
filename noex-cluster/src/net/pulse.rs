//! `Pulse`: whether the users' runtime runs tasks, and what the driver does while it does not.
//!
//! The cluster's thread is not held up by busy processes. But a node whose runtime stands still can
//! do nothing for anybody, and must not tell the others that it lives.

use std::time::{Duration, Instant};

use noex_core::task::spawn_on;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep_until, timeout_at};

use super::driver::{Driver, now};

/// A question begins so many times in the patience.
const QUESTIONS: u32 = 4;

/// Asks the users' runtime again and again to run a task.
#[derive(Debug)]
pub(super) struct Pulse {
    runtime: Handle,
    patience: Duration,
    asked_at: Instant,
    /// The task that it was asked to run, unless that has run.
    answer: Option<JoinHandle<()>>,
}

/// Why nothing is to be expected of the users' runtime.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrest {
    /// A task waits for its turn for too long.
    StandsStill,
    /// It was shut down.
    Ended,
}

impl Pulse {
    /// A runtime that leaves a task waiting for `patience` stands still.
    pub(super) fn new(runtime: Handle, patience: Duration, now: Instant) -> Self {
        Self {
            runtime,
            patience,
            asked_at: now,
            answer: None,
        }
    }

    /// Waits until the runtime stands still, or has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn stops(&mut self) -> Arrest {
        loop {
            if let Some(answer) = &mut self.answer {
                let overdue_at = self.asked_at + self.patience;
                let Ok(answer) = timeout_at(overdue_at.into(), answer).await else {
                    return Arrest::StandsStill;
                };
                self.answer = None;
                if answer.is_err() {
                    return Arrest::Ended;
                }
            }
            sleep_until((self.asked_at + self.patience / QUESTIONS).into()).await;
            self.asked_at = now();
            self.answer = Some(spawn_on(&self.runtime, async {}));
        }
    }

    /// Waits until the runtime runs tasks again: for how long it did not. `None`: it has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn returns(&mut self) -> Option<Duration> {
        if let Some(answer) = &mut self.answer {
            let answer = answer.await;
            self.answer = None;
            answer.ok()?;
        }
        Some(now().saturating_duration_since(self.asked_at))
    }
}

impl Driver {
    /// The users' runtime stands still. Until it runs again, or the user wants to leave, this node
    /// hears nobody and says nothing of itself: to the others it is as if its process were stopped.
    ///
    /// Whether there is still anything to drive.
    pub(super) async fn stand_still(&mut self, arrest: Arrest) -> bool {
        let node = &self.identity.node;
        if arrest == Arrest::Ended {
            tracing::debug!(%node, "the runtime has ended, and the node with it");
            return false;
        }
        tracing::warn!(
            %node, waited = ?self.pulse.patience,
            "the runtime runs no tasks: this node is silent until it does, and down to the others \
             if that takes long. Code that blocks belongs in a `BlockingServer` or `spawn_blocking`"
        );
        while self.is_staying {
            tokio::select! {
                biased;
                wish = self.wishes.next() => {
                    let Some(wish) = wish else { return false };
                    self.grant(wish);
                    self.perform();
                }
                stood_still = self.pulse.returns() => {
                    let Some(stood_still) = stood_still else { return false };
                    let node = &self.identity.node;
                    tracing::warn!(%node, ?stood_still, "the runtime runs tasks again");
                    return true;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(50);

    /// A runtime with one worker, which is blocked until the sender is dropped.
    fn blocked() -> (Runtime, Sender<()>) {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).build().unwrap();
        let (release, released) = channel::<()>();
        drop(spawn_on(runtime.handle(), async move {
            // It ends when the sender is dropped.
            let _ended = released.recv();
        }));
        (runtime, release)
    }

    fn pulse_of(runtime: &Runtime) -> Pulse {
        Pulse::new(runtime.handle().clone(), PATIENCE, now())
    }

    #[tokio::test]
    async fn a_runtime_that_is_blocked_stands_still_until_it_is_not() {
        let (runtime, release) = blocked();
        let mut pulse = pulse_of(&runtime);
        assert_eq!(pulse.stops().await, Arrest::StandsStill);
        // It does so as often as one looks.
        assert_eq!(pulse.stops().await, Arrest::StandsStill);
        let returns = timeout_at((now() + PATIENCE).into(), pulse.returns());
        assert!(returns.await.is_err());
        drop(release);
        assert!(pulse.returns().await.unwrap() >= 2 * PATIENCE);
        runtime.shutdown_background();
    }

    #[tokio::test]
    async fn a_runtime_that_was_shut_down_has_ended() {
        let runtime = Builder::new_multi_thread().build().unwrap();
        let mut pulse = pulse_of(&runtime);
        runtime.shutdown_background();
        assert_eq!(pulse.stops().await, Arrest::Ended);
    }
}
