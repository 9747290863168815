//! Who does not belong to the cluster does not disturb it.

use noex_cluster::{Secret, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::harness::{DEADLINE, config, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_secret_never_joins() {
    let mut a = start(config("a", &[]));
    let wait = std::time::Duration::from_millis(600);
    let other = config("b", &[a.id()]).secret(Secret::new("another one of due length"));
    let b = start(other.join_timeout(wait));
    timeout(DEADLINE, b.cluster.running()).await.unwrap();
    assert_eq!(b.cluster.status(), Status::Running);
    assert_eq!((a.cluster.nodes(), b.cluster.nodes()), (vec![], vec![]));
    let c = start(config("c", &[a.id()]));
    a.sees(&[c.id()]).await;
}

/// Sends the bytes, and waits until the node has hung up.
async fn is_cut_off(address: (&str, u16), bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut rest = Vec::new();
    // A reset is as good an end as any.
    let _end = timeout(DEADLINE, stream.read_to_end(&mut rest))
        .await
        .unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_does_not_disturb_a_node() {
    let mut a = start(config("a", &[]));
    let address = ("127.0.0.1", a.id().port());
    is_cut_off(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    is_cut_off(address, &[0xff; 70_000]).await;
    is_cut_off(address, b"NOEX\x01\xff\xff").await;
    is_cut_off(
        address,
        b"NOEX\x01\x00\x30000000000000000000000000000000000000000000000000",
    )
    .await;
    let b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_leave_room_for_members() {
    let mut a = start(config("a", &[]));
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(
            TcpStream::connect(("127.0.0.1", a.id().port()))
                .await
                .unwrap(),
        );
    }
    let b = start(config("b", &[a.id()]));
    a.sees(&[b.id()]).await;
}
