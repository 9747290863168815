//! `Namespace`: a network and a resolver of the test's own, in which nodes can be started.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::demand::allowed;

/// The address from which this machine would reach others, if there were any.
pub(crate) const OWN_ADDRESS: &str = "10.244.1.7";

/// The name that the hosts file has for [`OWN_ADDRESS`], as in the first pod of a headless service.
pub(crate) const POD_NAME: &str = "shop-0.shop-headless.default.svc.cluster.local";

/// The address of the name server that processes within ask.
pub(crate) const NAME_SERVER: &str = "127.0.0.53:53";

/// A loopback network without any other, and a resolver that asks [`NAME_SERVER`] alone.
pub(crate) struct Namespace {
    /// The process that keeps it.
    keeper: Child,
    files: PathBuf,
}

/// What the keeper does. The files that it mounts tell the resolver whom to ask.
const KEEP: &str = "
    set -e
    mount --make-rprivate /
    for file in resolv.conf nsswitch.conf hosts; do mount --bind \"$0/$file\" /etc/$file; done
    ip link set lo up
    ip address add $1 dev lo
    ip route add default dev lo src $1
    echo ready
    exec cat
";

impl Namespace {
    /// Makes one; `None` where the machine does not allow that.
    ///
    /// # Panics
    /// Where the machine does not allow it and the environment demands it.
    pub(crate) fn new() -> Option<Self> {
        allowed(Self::try_new(), "root and network namespaces")
    }

    fn try_new() -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let files = format!("noex-namespace-{}-{count}", std::process::id());
        let files = std::env::temp_dir().join(files);
        std::fs::create_dir_all(&files).map_err(|error| error.to_string())?;
        let hosts = format!("127.0.0.1 localhost\n{OWN_ADDRESS}\t{POD_NAME}\tshop-0\n");
        let resolv = "nameserver 127.0.0.53\noptions timeout:2 attempts:2\n";
        for (file, text) in [
            ("resolv.conf", resolv),
            ("nsswitch.conf", "hosts: files dns\n"),
            ("hosts", &hosts),
        ] {
            std::fs::write(files.join(file), text).map_err(|error| error.to_string())?;
        }
        let keeper = Command::new("unshare")
            .args(["--mount", "--net", "sh", "-c", KEEP])
            .arg(&files)
            .arg(OWN_ADDRESS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut namespace = Self {
            keeper: keeper.map_err(|error| format!("unshare: {error}"))?,
            files,
        };
        namespace.wait()?;
        Ok(namespace)
    }

    fn wait(&mut self) -> Result<(), String> {
        let mut said = String::new();
        let output = self.keeper.stdout.take().expect("it is piped");
        let read = BufReader::new(output).read_line(&mut said);
        read.map_err(|error| error.to_string())?;
        if said == "ready\n" {
            return Ok(());
        }
        let errors = self.keeper.stderr.take().expect("it is piped");
        let errors = std::io::read_to_string(errors);
        Err(errors.unwrap_or_else(|error| error.to_string()))
    }

    /// The command that starts a program within.
    pub(crate) fn prefix(&self) -> Vec<String> {
        let keeper = self.keeper.id().to_string();
        ["nsenter", "--target", &keeper, "--mount", "--net"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Moves the network of this thread, and of no other, into the namespace.
    pub(crate) fn enter(&self) {
        let network = File::open(format!("/proc/{}/ns/net", self.keeper.id())).unwrap();
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(network.as_fd(), kind).expect("the test may enter what it made");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.keeper.kill());
        drop(self.keeper.wait());
        drop(std::fs::remove_dir_all(&self.files));
    }
}
