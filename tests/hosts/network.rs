//! `Network`: hosts with a network each, joined by a bridge on which frames can be lost.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::demand::allowed;

/// How many hosts there are.
pub(crate) const HOSTS: usize = 5;

/// A network of hosts. It is gone when this is dropped, and when the test's process ends in any
/// other way: what keeps it ends with its standard input.
pub(crate) struct Network {
    bridge: Keeper,
    hosts: Vec<Keeper>,
}

/// A process in a network namespace of its own, which is there as long as something runs in it.
struct Keeper(Child);

/// The address of a host, counted from nought.
pub(crate) fn address(host: usize) -> String {
    format!("10.77.0.{}", host + 1)
}

impl Network {
    /// Makes one; `None` where the machine does not allow that.
    ///
    /// # Panics
    /// Where the machine does not allow it and the environment demands it.
    pub(crate) fn new() -> Option<Self> {
        allowed(Self::try_new(), "root, network namespaces and nft")
    }

    fn try_new() -> Result<Self, String> {
        let bridge = Keeper::start()?;
        bridge.run("ip link add br0 type bridge; ip link set br0 up")?;
        let mut network = Self {
            bridge,
            hosts: Vec::new(),
        };
        for host in 0..HOSTS {
            let keeper = Keeper::start()?;
            let pid = keeper.0.id();
            network.bridge.run(&format!(
                "ip link add port{host} type veth peer name eth0 netns {pid}
                 ip link set port{host} master br0 up"
            ))?;
            let address = address(host);
            keeper.run(&format!(
                "ip address add {address}/24 dev eth0; ip link set eth0 up"
            ))?;
            network.hosts.push(keeper);
        }
        network.bridge.rule("bridge", "forward", &[])?;
        Ok(network)
    }

    /// From now on the bridge does this with frames, in the words of nftables; in one step, which
    /// is over at the instant that is returned.
    pub(crate) fn on_the_bridge(&self, rules: &[String]) -> Instant {
        self.bridge.rule("bridge", "forward", rules).unwrap();
        Instant::now()
    }

    /// From now on the host does this with what arrives at it, in the words of nftables.
    pub(crate) fn on_arrival(&self, host: usize, rules: &[String]) {
        self.hosts[host].rule("ip", "input", rules).unwrap();
    }

    /// The open connections of the host, each in the words by which nftables knows what arrives
    /// over it.
    pub(crate) fn connections(&self, host: usize) -> Vec<String> {
        let path = format!("/proc/{}/net/tcp", self.hosts[host].0.id());
        let table = std::fs::read_to_string(path).expect("the host is there");
        table.lines().skip(1).filter_map(connection).collect()
    }

    /// The command that starts a program on the host.
    pub(crate) fn enter(&self, host: usize) -> Command {
        self.hosts[host].enter()
    }
}

impl Keeper {
    fn start() -> Result<Self, String> {
        let keeper = Command::new("unshare")
            .args(["--net", "sh", "-c"])
            .arg("ip link set lo up && echo ready && exec cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut keeper = Self(keeper.map_err(|error| format!("unshare: {error}"))?);
        let mut said = String::new();
        let output = keeper.0.stdout.take().expect("it is piped");
        let read = BufReader::new(output).read_line(&mut said);
        read.map_err(|error| error.to_string())?;
        if said == "ready\n" {
            return Ok(keeper);
        }
        let errors = keeper.0.stderr.take().expect("it is piped");
        let errors = std::io::read_to_string(errors);
        Err(errors.unwrap_or_else(|error| error.to_string()))
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.0.id().to_string(), "--net"]);
        command
    }

    fn run(&self, script: &str) -> Result<(), String> {
        let mut command = self.enter();
        command.args(["sh", "-e"]);
        feed(command, script)
    }

    /// Replaces all rules of the namespace by these, in one step.
    fn rule(&self, family: &str, hook: &str, rules: &[String]) -> Result<(), String> {
        let mut command = self.enter();
        command.args(["nft", "-f", "-"]);
        let rules = rules.join("\n");
        let script = format!(
            "table {family} faults
             delete table {family} faults
             table {family} faults {{
                 chain faults {{
                     type filter hook {hook} priority 0
                     {rules}
                 }}
             }}\n"
        );
        feed(command, &script).map_err(|error| format!("{error} in:\n{script}"))
    }
}

/// A line of `/proc/net/tcp`, if it is of an established connection.
fn connection(line: &str) -> Option<String> {
    const ESTABLISHED: &str = "01";
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[_, local, remote, ESTABLISHED, ..] = &words[..] else {
        return None;
    };
    let port = |end: &str| u16::from_str_radix(end.split_once(':')?.1, 16).ok();
    let (local, remote) = (port(local)?, port(remote)?);
    Some(format!("tcp sport {remote} tcp dport {local}"))
}

/// Runs the command with this as its standard input.
fn feed(mut command: Command, input: &str) -> Result<(), String> {
    let process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut process = process.map_err(|error| format!("{command:?}: {error}"))?;
    let mut pipe = process.stdin.take().expect("it is piped");
    // If it ended before it had read all, it says why.
    let _ended = pipe.write_all(input.as_bytes());
    drop(pipe);
    let output = process.wait_with_output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{command:?}: {errors}"))
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
