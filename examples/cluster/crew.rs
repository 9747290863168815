//! The worker nodes: this program again, as processes of the operating system.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use noex::{NodeId, Secret};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Set for a process that is to be a worker node.
pub(crate) const ROLE: &str = "NOEX_EXAMPLE_WORKER";

/// How long a worker may take to leave before it is killed.
const LEAVE_PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether a worker has left.
const LEAVE_CHECK: Duration = Duration::from_millis(10);

/// Worker processes; those that still run when it is dropped are killed.
#[derive(Debug)]
pub(crate) struct Crew(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    name: String,
    child: Child,
}

impl Crew {
    /// Starts `names.len()` worker nodes that join `seed`.
    pub(crate) fn start(names: &[&str], seed: &NodeId, secret: &Secret) -> io::Result<Self> {
        let mut crew = Self(Vec::new());
        for name in names {
            let child = spawn(name, seed, secret)?;
            let name = (*name).to_owned();
            crew.0.push(Worker { name, child });
        }
        Ok(crew)
    }

    /// Tells a worker to stop in its tracks: it neither works nor answers until it is killed.
    pub(crate) fn freeze(&self, name: &str) -> io::Result<()> {
        Ok(kill_process(self.pid(name), Signal::STOP)?)
    }

    /// Whether all of the worker has come to rest after it was told to.
    pub(crate) fn is_frozen(&self, name: &str) -> io::Result<bool> {
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(self.pid(name)), stopped | WaitIdOptions::NOWAIT)?.is_some())
    }

    /// Lets a worker go on that was frozen.
    pub(crate) fn thaw(&self, name: &str) -> io::Result<()> {
        Ok(kill_process(self.pid(name), Signal::CONT)?)
    }

    /// Kills a worker with SIGKILL.
    pub(crate) fn kill(&self, name: &str) -> io::Result<()> {
        Ok(kill_process(self.pid(name), Signal::KILL)?)
    }

    /// Lets all workers leave in order, and kills those that don't.
    pub(crate) async fn leave(mut self) {
        for worker in &mut self.0 {
            // A worker ends when its standard input does.
            drop(worker.child.stdin.take());
        }
        let gone = async {
            while self.0.iter_mut().any(Worker::is_running) {
                tokio::time::sleep(LEAVE_CHECK).await;
            }
        };
        if tokio::time::timeout(LEAVE_PATIENCE, gone).await.is_err() {
            eprintln!("a worker did not leave in time and is killed");
        }
    }

    /// A worker's process. It is not waited for before the crew leaves, so that the number is its
    /// own until then.
    fn pid(&self, name: &str) -> Pid {
        let mut workers = self.0.iter();
        let worker = workers.find(|worker| worker.name == name);
        Pid::from_child(&worker.expect("counters run on workers of this crew").child)
    }
}

impl Worker {
    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for worker in &mut self.0 {
            if worker.is_running() {
                // It may end just now; then there is nothing to kill.
                drop(worker.child.kill());
            }
            drop(worker.child.wait());
        }
    }
}

fn spawn(name: &str, seed: &NodeId, secret: &Secret) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    let inherited = std::env::vars_os().map(|(key, _)| key);
    for key in inherited.filter(|key| key.to_string_lossy().starts_with("NOEX_")) {
        command.env_remove(key);
    }
    if std::env::var_os("RUST_LOG").is_none() {
        command.env("RUST_LOG", "error");
    }
    command
        .env(ROLE, "1")
        .env("NOEX_NAME", name)
        .env("NOEX_LISTEN", "127.0.0.1")
        .env("NOEX_PORT", "0")
        .env("NOEX_SEEDS", seed.to_string())
        .env("NOEX_SECRET", secret.expose())
        .env("NOEX_HEARTBEAT_INTERVAL", "1s")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
}
