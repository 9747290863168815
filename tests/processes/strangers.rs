//! Whoever does not know the secret: no join, no memory, one line in the log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex::prelude::*;
use noex::{Cluster, ConfigError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::mesh::{Mesh, ask};
use crate::probe::ProbeCall;
use crate::support::{PATIENCE, Plan, SECRET};

/// How many connections of each kind there are, and by how many KiB the node may grow for all of
/// them: less than 4 KiB for each.
const CONNECTIONS: usize = 200;
const GROWTH_MAX: u64 = 3 * 1024;

/// Connects from an address of this machine, so that each kind of stranger has its own.
async fn connect(to: SocketAddr, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

/// Says this, and waits until the node hangs up; what the node said.
pub(crate) async fn say(to: SocketAddr, from: [u8; 4], bytes: Arc<[u8]>) -> Vec<u8> {
    let mut stream = connect(to, from).await;
    // The node may hang up before it has heard all.
    let _cut_off = stream.write_all(&bytes).await;
    let mut answer = Vec::new();
    let hung_up = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
    // It is closed or reset, but not left open.
    let _closed_or_reset = hung_up.await.expect("the node hangs up");
    answer
}

/// Says this so many times at once; whether it was never answered.
async fn say_in_vain(to: SocketAddr, from: [u8; 4], bytes: &Arc<[u8]>, times: usize) -> bool {
    let say = || say(to, from, Arc::clone(bytes));
    let said: JoinSet<Vec<u8>> = (0..times).map(|_| say()).collect();
    said.join_all().await.iter().all(Vec::is_empty)
}

/// What strangers may say.
fn nonsense() -> [(&'static str, Arc<[u8]>); 5] {
    let huge_preamble = |length: &[u8]| [b"NOEX\x01", length, &[7; 64]].concat().into();
    [
        ("garbage", (0..=255).cycle().skip(200).take(4_096).collect()),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: noex\r\n\r\n"[..].into()),
        ("65535", huge_preamble(&[0xff; 2])),
        ("4 GiB", [0xff; 64].into()),
        ("forged", huge_preamble(&[0, 64])),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c10_strangers_get_no_answer_no_memory_and_one_line_each() {
    let mesh = Mesh::start(["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    for (kind, (what, bytes)) in (1..).zip(&nonsense()) {
        let warm_up = say_in_vain(b.address(), [127, 0, 1, kind], bytes, CONNECTIONS);
        assert!(warm_up.await, "{what}");
    }
    let before = b.memory();
    for (kind, (what, bytes)) in (1..).zip(&nonsense()) {
        let said = say_in_vain(b.address(), [127, 0, 1, kind], bytes, CONNECTIONS);
        assert!(said.await, "{what}");
        let address = format!("127.0.1.{kind}:");
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
    // More than the node hears at a time, and all from the member's own address.
    for _ in 0..2 * CONNECTIONS {
        silent.push(connect(b.address(), [127, 0, 0, 1]).await);
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
async fn contract_c10_who_fails_again_and_again_is_heard_more_slowly_and_nobody_else_is() {
    let b = Plan::new("b").start();
    let (bad, (_, bytes)) = ([127, 0, 6, 1], &nonsense()[4]);
    let began = Instant::now();
    for _ in 0..16 {
        say(b.address(), bad, Arc::clone(bytes)).await;
    }
    let slowed = began.elapsed();
    // Eight are innocent, and the ninth shows that they are not: the seven behind it wait.
    assert!(slowed >= 7 * Duration::from_millis(250), "{slowed:?}");
    let quick = Instant::now();
    for _ in 0..8 {
        say(b.address(), [127, 0, 6, 2], Arc::clone(bytes)).await;
    }
    assert!(quick.elapsed() < slowed / 2, "{:?}", quick.elapsed());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_can_accept_nobody_says_why() {
    let few = ["sh", "-c", "ulimit -n 48; exec \"$0\""].map(str::to_owned);
    let node = Plan::new("b").prefix(few.to_vec()).start();
    let address = SocketAddr::from(([127, 0, 0, 1], node.id.port()));
    let mut strangers = Vec::new();
    for _ in 0..64 {
        strangers.push(connect(address, [127, 0, 0, 5]).await);
    }
    node.logged(&["WARN", "can't be accepted", "Too many open files"])
        .await;
    assert_eq!(node.logged_times(&["can't be accepted"]), 1);
}
