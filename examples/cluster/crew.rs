//! The worker nodes: this program again, as processes of the operating system.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use noex::{NodeId, Secret};
use rustix::process::{Pid, Signal, kill_process};

/// Set for a process that is to be a worker node.
pub(crate) const ROLE: &str = "NOEX_EXAMPLE_WORKER";

/// How long a worker may take to leave before it is killed.
const LEAVE_PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether a worker has left.
const LEAVE_CHECK: Duration = Duration::from_millis(10);

/// Worker processes; those that still run when it is dropped are killed.
#[derive(Debug)]
pub(crate) struct Crew(Vec<Child>);

impl Crew {
    /// Starts `names.len()` worker nodes that join `seed`.
    pub(crate) fn start(names: &[&str], seed: &NodeId, secret: &Secret) -> io::Result<Self> {
        let mut crew = Self(Vec::new());
        for name in names {
            crew.0.push(spawn(name, seed, secret)?);
        }
        Ok(crew)
    }

    /// Stops a worker in its tracks: it neither works nor answers until it is killed.
    pub(crate) fn freeze(&self, worker: usize) -> io::Result<()> {
        let pid = Pid::from_child(&self.0[worker]);
        Ok(kill_process(pid, Signal::STOP)?)
    }

    /// Kills a worker with SIGKILL.
    pub(crate) fn kill(&mut self, worker: usize) -> io::Result<()> {
        self.0[worker].kill()
    }

    /// Lets all workers leave in order, and kills those that don't.
    pub(crate) async fn leave(mut self) {
        for child in &mut self.0 {
            // A worker ends when its standard input does.
            drop(child.stdin.take());
        }
        let gone = async {
            while self
                .0
                .iter_mut()
                .any(|child| matches!(child.try_wait(), Ok(None)))
            {
                tokio::time::sleep(LEAVE_CHECK).await;
            }
        };
        if tokio::time::timeout(LEAVE_PATIENCE, gone).await.is_err() {
            eprintln!("a worker did not leave in time and is killed");
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for child in &mut self.0 {
            if matches!(child.try_wait(), Ok(None)) {
                // It may end just now; then there is nothing to kill.
                drop(child.kill());
            }
            drop(child.wait());
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
