//! Whoever does not know the secret: no join, no memory, one line in the log.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use noex::prelude::*;
use noex::{Cluster, ConfigError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::mesh::{Mesh, ask};
use crate::probe::ProbeCall;
use crate::support::{NodeProcess, PATIENCE, Plan, SECRET};

/// How many connections of each kind there are, and by how many KiB the node may grow for all of
/// them: less than 4 KiB for each.
const CONNECTIONS: usize = 200;
const GROWTH_MAX: u64 = 3 * 1024;

/// Connects from an address of this machine, so that each kind of stranger has its own.
async fn connect(process: &NodeProcess, from: [u8; 4]) -> TcpStream {
    let to: IpAddr = process.id.host().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
    let to = SocketAddr::new(to, process.id.port());
    socket.connect(to).await.unwrap()
}

/// Says this, and waits until the node hangs up; what the node said.
async fn say(process: &NodeProcess, from: [u8; 4], bytes: &[u8]) -> usize {
    let mut stream = connect(process, from).await;
    // The node may hang up before it has heard all.
    let _cut_off = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let hung_up = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
    // It is closed or reset, but not left open.
    let _closed_or_reset = hung_up.await.expect("the node hangs up");
    answer.len()
}

/// What strangers may say.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    let huge_preamble = |length: &[u8]| [b"NOEX\x01", length, &[7; 64]].concat();
    vec![
        ("garbage", (0..=255).cycle().skip(200).take(4_096).collect()),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: noex\r\n\r\n".to_vec()),
        ("65535", huge_preamble(&[0xff; 2])),
        ("4 GiB", vec![0xff; 64]),
        ("forged", huge_preamble(&[0, 64])),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c10_strangers_get_no_answer_no_memory_and_one_line_each() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    for (kind, (_, bytes)) in nonsense().iter().enumerate() {
        let from = [127, 0, 1, 1 + u8::try_from(kind).unwrap()];
        for _warm_up in 0..20 {
            assert_eq!(say(b, from, bytes).await, 0);
        }
    }
    let before = b.memory();
    for (kind, (what, bytes)) in nonsense().iter().enumerate() {
        let from = [127, 0, 1, 1 + u8::try_from(kind).unwrap()];
        for _ in 0..CONNECTIONS {
            assert_eq!(say(b, from, bytes).await, 0, "{what}");
        }
        let address = format!("127.0.1.{}:", kind + 1);
        b.logged(&["WARN", &address]).await;
        let log = b.log();
        let lines = log.iter().filter(|line| line.contains(&address));
        assert_eq!(lines.count(), 1, "{what}: {log:?}");
    }
    let growth = b.memory().saturating_sub(before);
    assert!(growth < GROWTH_MAX, "{growth} KiB");
    assert!(b.log().iter().all(|line| !line.contains(SECRET)));
    assert_eq!(ask("probe-b", ProbeCall::Where).await.0, b.id);
    assert_eq!(mesh.connected("probe-b").await, [mesh.id().clone()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c10_strangers_that_say_nothing_take_no_room_from_members() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    let before = b.memory();
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(connect(b, [127, 0, 0, 1]).await);
    }
    let member = Plan::new("c").seed(&b.id).start();
    member.wait_up(&b.id);
    b.wait_up(&member.id);
    assert_eq!(ask("probe-b", ProbeCall::Where).await.0, b.id);
    let growth = b.memory().saturating_sub(before);
    assert!(growth < GROWTH_MAX, "{growth} KiB");
    for mut stream in silent {
        let mut answer = [0; 16];
        let hung_up = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await;
        assert!(
            matches!(hung_up.unwrap(), Ok(0) | Err(_)),
            "it is heard for ever"
        );
    }
    assert_eq!(ask("probe-b", ProbeCall::Where).await.0, b.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c10_a_node_without_the_secret_or_with_another_never_joins() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    let address = format!("{}:{}", b.id.host(), b.id.port());
    for secret in [None, Some("another secret, as long as that")] {
        // It runs alone when it has waited long enough.
        let stranger = Plan::new("x").secret(secret).seed(&b.id).start();
        let own = stranger.logged(&["secret", &address]).await;
        assert!(own.contains("WARN"), "{own}");
        let lines = stranger.log();
        let refusals = lines.iter().filter(|line| line.contains(&address));
        assert_eq!(refusals.count(), 1, "{lines:?}");
        let words = [secret.unwrap_or(SECRET), SECRET];
        assert!(
            lines
                .iter()
                .all(|line| words.iter().all(|word| !line.contains(word)))
        );
        let joined = |line: &str| line.starts_with("up");
        assert!(stranger.says_nothing(Duration::from_millis(200), joined));
        assert_eq!(stranger.told_of(&b.id), [""; 0]);
        assert_eq!(b.told_of(&stranger.id), [""; 0]);
    }
    b.logged(&["WARN", "another secret", "127.0.0.1:"]).await;
    let lines = b.log();
    let refusals = lines.iter().filter(|line| line.contains("refused"));
    assert_eq!(
        refusals.count(),
        1,
        "one address gets one line a minute: {lines:?}"
    );
    assert!(lines.iter().all(|line| !line.contains(SECRET)));
    assert_eq!(mesh.connected("probe-b").await, [mesh.id().clone()]);
    assert_eq!(ask("probe-b", ProbeCall::Where).await.0, b.id);
}

#[test]
fn contract_c14_a_routable_address_needs_a_secret_or_the_word_insecure() {
    let open = || ClusterConfig::new("a").listen("0.0.0.0").port(0);
    assert!(matches!(open().validate(), Err(ConfigError::NoSecret(_))));
    assert!(Cluster::bind(open()).is_err());
    let bound = Cluster::bind(open().insecure().advertise("127.0.0.1")).unwrap();
    assert_ne!(bound.node_id().port(), 0);
    let alone = Cluster::bind(ClusterConfig::new("a").port(0)).unwrap();
    assert_eq!(alone.node_id().host(), "127.0.0.1");
}
