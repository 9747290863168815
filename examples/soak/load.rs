//! `Load`: a task that makes trouble.

use std::future::IntoFuture;
use std::time::Duration;

use noex::prelude::*;
use noex::task::Task;
use noex::{
    DynamicSupervisor, DynamicSupervisorClient, LocalNode, Pid, Restart, TaskSupervisor, Wire,
};
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout};

use crate::program::{CROWD, SHELVES, WORKERS, name, passer_by};
use crate::token::Token;
use crate::worker::{Worker, WorkerCall, WorkerCast};

/// A task that makes trouble, at random but always the same for one seed.
pub(crate) struct Load {
    random: u64,
    node: LocalNode,
    tasks: TaskSupervisor,
    end: Instant,
}

impl Load {
    pub(crate) fn new(seed: u64, node: LocalNode, tasks: TaskSupervisor, end: Instant) -> Self {
        Self {
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            node,
            tasks,
            end,
        }
    }

    /// Goes on until its time is over; how much it did.
    pub(crate) async fn run(mut self) -> u64 {
        let mut deeds = 0;
        while Instant::now() < self.end {
            self.deed().await;
            deeds += 1;
            consume_budget().await;
        }
        deeds
    }

    /// What fails here is meant to; what must not stay behind is counted in the end.
    async fn deed(&mut self) {
        let by = self.below(3);
        let token = Token::new();
        match self.below(100) {
            0..30 => {
                let call = |reply| WorkerCall::Add { by, token, reply };
                self.call(call).await;
            }
            30..34 => {
                let call = |reply| WorkerCall::Divide { by, token, reply };
                self.call(call).await;
            }
            34..38 => self.call(|reply| WorkerCall::Later { token, reply }).await,
            38..40 => self.give_up().await,
            40..48 => self.cast(WorkerCast::Answer {}),
            48..60 => self.cast(WorkerCast::Keep { token }),
            60..70 => {
                let delay = Duration::from_millis(self.below(2000));
                self.cast(WorkerCast::SetTimer { delay });
            }
            70..73 => self.between(|other| WorkerCast::Link { other }),
            73..80 => self.between(|other| WorkerCast::Monitor { other }),
            80..82 => self.cast(WorkerCast::End {
                reason: ExitReason::error("as told"),
            }),
            82..84 => self.kill(),
            84..92 => self.crowd().await,
            _ => self.task().await,
        }
    }

    async fn call<R: Wire>(&mut self, make: impl FnOnce(ReplyTo<R>) -> WorkerCall) {
        let name = self.worker();
        let call = Worker::call(name.as_str(), make);
        drop(call.timeout(Duration::from_millis(20)).await);
    }

    /// Sends a call, and does not wait for its reply.
    async fn give_up(&mut self) {
        let name = self.worker();
        let call = Worker::call(name.as_str(), |reply| WorkerCall::Later {
            token: Token::new(),
            reply,
        });
        drop(timeout(Duration::ZERO, call).await);
    }

    fn cast(&mut self, cast: WorkerCast) {
        let name = self.worker();
        drop(Worker::cast(name.as_str(), cast));
    }

    fn between(&mut self, make: impl FnOnce(Pid) -> WorkerCast) {
        let other = self.worker();
        if let Some(other) = self.node.whereis(&other) {
            self.cast(make(other));
        }
    }

    fn kill(&mut self) {
        let name = self.worker();
        if let Some(pid) = self.node.whereis(&name) {
            let _gone_before = self.node.exit(self.node.pid(), pid, ExitReason::Killed);
        }
    }

    /// Starts one that comes and goes, or ends another.
    async fn crowd(&mut self) {
        let Some(crowd) = self.node.whereis(CROWD) else {
            return;
        };
        let crowd: ServerRef<DynamicSupervisor> = ServerRef::from_pid(crowd);
        if self.below(2) == 0 {
            let restart = [Restart::Permanent, Restart::Transient, Restart::Temporary];
            let spec = passer_by(restart[self.below(3) as usize]);
            drop(crowd.start_child(spec).await);
            return;
        }
        let Ok(children) = crowd.which_children().await else {
            return;
        };
        let chosen = self.below(children.len().max(1) as u64) as usize;
        let Some(pid) = children.get(chosen).and_then(|child| child.pid) else {
            return;
        };
        match self.below(3) {
            0 => drop(crowd.terminate_child(pid).await),
            1 => drop(
                Worker::call(pid, |reply| WorkerCall::Divide {
                    by: 0,
                    token: Token::new(),
                    reply,
                })
                .await,
            ),
            _ => drop(Worker::cast(
                pid,
                WorkerCast::End {
                    reason: ExitReason::Normal,
                },
            )),
        }
    }

    /// A task that is awaited, given up, ended, or fails; one of them with its caller.
    async fn task(&mut self) {
        let (token, time) = (Token::new(), Duration::from_millis(self.below(20)));
        let fails = self.below(4) == 0;
        let work = async move {
            tokio::time::sleep(time).await;
            assert!(!fails, "as told");
            drop(token);
        };
        match self.below(5) {
            0 => {
                let tasks = self.tasks.clone();
                let caller = Task::spawn_unlinked(async move {
                    if let Ok(task) = tasks.spawn(work).await {
                        drop(task.await);
                    }
                });
                drop(caller.await);
            }
            1 => drop(
                timeout(
                    Duration::ZERO,
                    self.tasks.spawn_unlinked(work).into_future(),
                )
                .await,
            ),
            choice => {
                let Ok(task) = self.tasks.spawn_unlinked(work).await else {
                    return;
                };
                match choice {
                    2 => drop(task.await),
                    3 => drop(task.shutdown(Duration::from_millis(1)).await),
                    _ => drop(task),
                }
            }
        }
    }

    fn worker(&mut self) -> String {
        let (shelf, worker) = (self.below(SHELVES), self.below(WORKERS));
        name(shelf, worker)
    }

    /// A random number below `end`, by Marsaglia's xorshift.
    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end
    }
}
