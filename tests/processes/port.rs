//! Everything between nodes goes over one port of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use noex::prelude::*;

use crate::mesh::{Mesh, ask_to_ask};
use crate::support::NodeProcess;

/// One socket of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Socket {
    local_port: u16,
    remote_port: u16,
    is_listening: bool,
}

/// The sockets of a kind, such as `tcp`, that the process has open, as the system tells.
fn sockets(process: &NodeProcess, kind: &str) -> Vec<Socket> {
    let own = inodes(process);
    let table = fs::read_to_string(format!("/proc/{}/net/{kind}", process.pid())).unwrap();
    let rows = table.lines().skip(1).map(row);
    rows.filter(|(inode, _)| own.contains(inode))
        .map(|(_, socket)| socket)
        .collect()
}

/// The numbers of the sockets that the process has open.
fn inodes(process: &NodeProcess) -> BTreeSet<u64> {
    let files = fs::read_dir(format!("/proc/{}/fd", process.pid())).unwrap();
    let inode = |file: std::io::Result<fs::DirEntry>| {
        // It may be closed meanwhile.
        let target = fs::read_link(file.ok()?.path()).ok()?;
        let number = target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?;
        number.parse().ok()
    };
    files.filter_map(inode).collect()
}

fn row(line: &str) -> (u64, Socket) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let port = |address: &str| {
        let (_, port) = address.rsplit_once(':').unwrap();
        u16::from_str_radix(port, 16).unwrap()
    };
    let socket = Socket {
        local_port: port(words[1]),
        remote_port: port(words[2]),
        is_listening: words[3] == "0A",
    };
    (words[9].parse().unwrap(), socket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c06_everything_goes_over_one_tcp_port_of_each_node() {
    let mesh = Mesh::start(["a", "b", "c"]).await;
    let _inside = mesh.enter();
    // Handshakes, heartbeats and gossip there were; these are calls and replies.
    for asked in mesh.probes() {
        for other in mesh.probes().iter().filter(|other| **other != asked) {
            ask_to_ask(&asked, other).await.unwrap();
        }
    }
    let ports: BTreeMap<u16, &str> = (mesh.others.iter())
        .map(|node| (node.id.port(), node.id.name()))
        .chain([(mesh.id().port(), "t")])
        .collect();
    assert_eq!(ports.len(), 4);
    for node in &mesh.others {
        let mut tcp = sockets(node, "tcp");
        tcp.extend(sockets(node, "tcp6"));
        let (listening, connected): (Vec<_>, Vec<_>) =
            tcp.into_iter().partition(|socket| socket.is_listening);
        let listening: Vec<u16> = listening.iter().map(|socket| socket.local_port).collect();
        assert_eq!(listening, [node.id.port()]);
        assert!(!connected.is_empty());
        for socket in connected {
            let is_accepted = socket.local_port == node.id.port();
            let is_dialled = ports.contains_key(&socket.remote_port);
            assert!(is_accepted || is_dialled, "{}: {socket:?}", node.id);
        }
        for kind in ["udp", "udp6"] {
            assert_eq!(sockets(node, kind), [], "{}: {kind}", node.id);
        }
    }
}

#[test]
fn contract_c06_the_port_is_4369_by_default() {
    let config = ClusterConfig::new("a").validate().unwrap();
    assert_eq!(config.port, 4369);
}
