//! What a man in the middle changes, repeats and makes up: each of it is refused once, told once,
//! and survived.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use noex::CallError;
use noex::prelude::*;
use snow::{Builder, HandshakeState};

use crate::mesh::{Mesh, ask, ask_to_ask, known};
use crate::probe::{Probe, ProbeCall, ProbeCast};
use crate::proxy::{Deed, From, Proxy};
use crate::secrecy::through_a_proxy;
use crate::strangers::say;
use crate::support::{NodeProcess, Plan, eventually};

/// What the log says of bytes that a node did not send.
const FORGED: &[&str] = &["WARN", "not what the node sent"];
/// What it says of somebody who answers a dial without knowing the secret.
const NO_NODE: &[&str] = &["WARN", "no node of this cluster"];

/// The test's node and `b`, and `c`, which has reached `b` through a proxy.
struct Scene {
    mesh: Mesh<1>,
    proxy: Proxy,
    c: NodeProcess,
}

impl Scene {
    async fn set() -> Self {
        let mesh = Mesh::start_with_log("info", ["b"]).await;
        let proxy = Proxy::start(mesh.others[0].address());
        Self::set_with(mesh, proxy).await
    }

    async fn set_with(mesh: Mesh<1>, proxy: Proxy) -> Self {
        let c = Plan::new("c").log("info").seed(&proxy.address).start();
        c.wait_up(&mesh.others[0].id);
        let scene = Self { mesh, proxy, c };
        scene.talks().await;
        scene
    }

    fn b(&self) -> &NodeProcess {
        &self.mesh.others[0]
    }

    /// Waits until `c` can call `b`, and `b` can call `c`.
    async fn talks(&self) {
        let _inside = self.mesh.enter();
        known(&self.mesh, "probe-c").await;
        for (asked, other) in [("probe-c", "probe-b"), ("probe-b", "probe-c")] {
            let what = format!("{asked} calls {other}");
            eventually(&what, async || ask_to_ask(asked, other).await.is_ok()).await;
        }
    }

    /// Lets `c` call `b`, whatever comes of it.
    async fn call(&self) -> Result<(), CallError> {
        let _inside = self.mesh.enter();
        ask_to_ask("probe-c", "probe-b").await.map(drop)
    }

    /// Waits for the one line of `node` with these words, and for the cluster to be whole again,
    /// as if nothing had been.
    async fn is_refused_once_and_survived(&self, node: &NodeProcess, words: &[&str]) {
        node.logged(words).await;
        self.talks().await;
        assert_eq!(node.logged_times(words), 1, "{:?}", node.log());
        let down = |line: &str| line.starts_with("down");
        assert!(self.b().says_nothing(Duration::ZERO, down));
        assert!(self.c.says_nothing(Duration::ZERO, down));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_flipped_bit_is_refused_once_and_survived() {
    let scene = Scene::set().await;
    scene.proxy.meddle(From::Client, Deed::Flip);
    let _lost = scene.call().await;
    scene.is_refused_once_and_survived(scene.b(), FORGED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_changed_bit_ends_the_connection_and_is_not_believed() {
    let (node, proxy, process) = through_a_proxy().await;
    let _inside = node.enter();
    let pid = known(&node, "probe-b").await;
    // The last connection that a session opens is the one that carries messages.
    proxy.meddle(From::Client, Deed::Flip);
    Probe::cast(pid, ProbeCast::Note(1)).unwrap();
    let both_ended = async || proxy.ended() == 2;
    eventually("the session ends", both_ended).await;
    // The next session goes around the proxy: a member is dialled where it says that it is.
    eventually("there is another session", async || {
        Probe::call(pid, ProbeCall::Where).await.is_ok()
    })
    .await;
    let casts = Probe::call(pid, ProbeCall::Casts).await.unwrap();
    assert!(
        casts.is_empty(),
        "a changed message was believed: {casts:?}"
    );
    Probe::cast(pid, ProbeCast::Note(2)).unwrap();
    let casts = Probe::call(pid, ProbeCall::Casts).await.unwrap();
    assert_eq!(casts, [2]);
    let lost = |line: &str| line.starts_with("down");
    assert!(process.says_nothing(Duration::ZERO, lost));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_two_frames_that_were_swapped_are_refused_once_and_survived() {
    let scene = Scene::set().await;
    // The first one waits in the proxy for a second one, which another process sends.
    let inside = scene.mesh.enter();
    let start = |reply| ProbeCall::Start("second".to_owned(), reply);
    ask("probe-c", start).await.unwrap();
    known(&scene.mesh, "second").await;
    scene.proxy.meddle(From::Client, Deed::Swap);
    let _lost = tokio::join!(scene.call(), ask_to_ask("second", "probe-b"));
    drop(inside);
    scene.is_refused_once_and_survived(scene.b(), FORGED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_repeated_frame_is_refused_once_and_survived() {
    let scene = Scene::set().await;
    scene.proxy.meddle(From::Client, Deed::Repeat);
    let _lost = scene.call().await;
    scene.is_refused_once_and_survived(scene.b(), FORGED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_reflected_frame_is_refused_once_and_survived() {
    let scene = Scene::set().await;
    scene.proxy.meddle(From::Client, Deed::Reflect);
    let _lost = scene.call().await;
    scene.is_refused_once_and_survived(&scene.c, FORGED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_stream_that_was_cut_short_is_lost_and_no_goodbye() {
    let scene = Scene::set().await;
    scene.proxy.meddle(From::Client, Deed::Truncate);
    let lost = scene.call().await;
    assert_eq!(lost, Err(CallError::NoConnection { sent: true }));
    let address = scene.c.id.to_string();
    scene.b().logged(&["without a goodbye", &address]).await;
    scene.talks().await;
    let down = |line: &str| line.starts_with("down");
    assert!(scene.b().says_nothing(Duration::ZERO, down));
    assert_eq!(scene.b().logged_times(FORGED), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_handshake_that_was_edited_on_the_way_is_refused_once_and_survived() {
    // The first and the third message are the client's, the second one is the server's.
    for (from, number, refuser, words) in [
        (
            From::Client,
            0,
            "c",
            &["WARN", "refused the first message"][..],
        ),
        (From::Server, 0, "c", NO_NODE),
        (From::Client, 1, "b", &["WARN", "malformed or forged"]),
    ] {
        let mesh = Mesh::start_with_log("info", ["b"]).await;
        let proxy = Proxy::start_with(mesh.others[0].address(), from, number, Deed::Flip);
        let scene = Scene::set_with(mesh, proxy).await;
        let (refuser, other) = match refuser {
            "b" => (scene.b(), &scene.c),
            _ => (&scene.c, scene.b()),
        };
        assert_eq!(refuser.logged_times(words), 1, "{:?}", refuser.log());
        // One of the two hears of it: to the other, it was a dial that came to nothing.
        let told = other.logged_times(&["WARN", "address="]);
        assert_eq!(told, 0, "{:?}", other.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_message_sent_back_to_its_sender_is_no_answer() {
    let mesh = Mesh::start_with_log("info", ["b"]).await;
    let proxy = Proxy::start_with(mesh.others[0].address(), From::Client, 0, Deed::Reflect);
    let scene = Scene::set_with(mesh, proxy).await;
    assert_eq!(scene.c.logged_times(NO_NODE), 1, "{:?}", scene.c.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_recorded_session_is_not_even_answered_again() {
    let Scene { mesh, proxy, mut c } = Scene::set().await;
    let b = &mesh.others[0];
    c.leave();
    assert_eq!(b.wait_down(&c.id), "graceful_shutdown");
    let recordings = proxy.heard_from_clients();
    assert_eq!(recordings.len(), 2, "a session has two connections");
    for (number, recorded) in (1..).zip(&recordings) {
        let from = [127, 0, 2, number];
        assert_eq!(
            say(b.address(), from, recorded.as_slice().into()).await,
            b""
        );
        assert_eq!(
            say(b.address(), from, recorded.as_slice().into()).await,
            b""
        );
        let address = format!("127.0.2.{number}:");
        b.logged(&["WARN", "came before", &address]).await;
        assert_eq!(b.logged_times(&["WARN", &address]), 1, "{:?}", b.log());
    }
    let anything = |line: &str| line.starts_with("up");
    assert!(b.says_nothing(Duration::ZERO, anything));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_recorded_handshake_is_of_no_use_with_a_later_life_of_the_node() {
    let mut b = Plan::new("b").start();
    let proxy = Proxy::start(b.address());
    let mut c = Plan::new("c").seed(&proxy.address).start();
    c.wait_up(&b.id);
    c.kill();
    b.kill();
    let later = Plan::new("b").port(b.id.port()).start();
    for (number, recorded) in (1..).zip(proxy.heard_from_clients()) {
        // The answer to the first message is all that comes, if it is not reset.
        let answer = say(later.address(), [127, 0, 3, number], recorded.into()).await;
        assert!(answer.len() < 1_100, "{} bytes", answer.len());
        let address = format!("127.0.3.{number}:");
        later
            .logged(&["WARN", "malformed or forged", &address])
            .await;
        assert_eq!(later.logged_times(&["WARN", &address]), 1);
    }
    let anything = |line: &str| line.starts_with("up");
    assert!(later.says_nothing(Duration::ZERO, anything));
    let member = Plan::new("c").seed(&later.id).start();
    member.wait_up(&later.id);
}

/// A side of the handshake that knows all of it but the secret.
fn guess(is_dialler: bool) -> HandshakeState {
    let prologue = [&b"NOEX\x01"[..], &4_u64.to_be_bytes(), b"noex"].concat();
    let params = "Noise_XXpsk0_25519_AESGCM_SHA256".parse().unwrap();
    let builder = Builder::new(params).psk(0, &[7; 32]).unwrap();
    let builder = builder.local_private_key(&[9; 32]).unwrap();
    let builder = builder.prologue(&prologue).unwrap();
    if is_dialler {
        builder.build_initiator().unwrap()
    } else {
        builder.build_responder().unwrap()
    }
}

fn framed(before: &[u8], state: &mut HandshakeState) -> (Vec<u8>, Vec<u8>) {
    let mut message = vec![0; 1_024];
    let size = state.write_message(&[], &mut message).unwrap();
    message.truncate(size);
    let length = u16::try_from(size).unwrap().to_be_bytes();
    ([before, &length, &message].concat(), message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_c11_a_man_in_the_middle_without_the_secret_is_refused_by_both_sides() {
    let mesh = Mesh::start_with_log("info", ["b"]).await;
    let _inside = mesh.enter();
    let [b] = &mesh.others;
    let (first, message) = framed(b"NOEX\x01", &mut guess(true));
    let mut answering = guess(false);
    answering.read_message(&message, &mut [0; 64]).unwrap();
    let (second, _) = framed(b"", &mut answering);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let middle = listener.local_addr().unwrap();
    // To each that dials, it answers as if it knew the secret.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut heard = [0; 55];
            let _answered = stream.read_exact(&mut heard).and_then(|()| {
                stream.write_all(&second)?;
                stream.read_to_end(&mut Vec::new())
            });
        }
    });
    let c = Plan::new("c").log("info").seed(&middle).start();
    c.logged(NO_NODE).await;
    assert_eq!(c.logged_times(&["WARN", &middle.to_string()]), 1);

    // To the node, it speaks as if it knew the secret.
    assert_eq!(say(b.address(), [127, 0, 4, 1], first.into()).await, b"");
    b.logged(&["WARN", "another secret", "127.0.4.1:"]).await;
    assert_eq!(b.logged_times(&["WARN", "127.0.4.1:"]), 1);

    let anything = |line: &str| line.starts_with("up");
    assert!(c.says_nothing(Duration::ZERO, anything));
    let joined = format!("up {}", c.id);
    assert!(b.says_nothing(Duration::ZERO, |line| line == joined));
    assert_eq!(ask("probe-b", ProbeCall::Where).await.0, b.id);
    assert_eq!(mesh.connected("probe-b").await, [mesh.id().clone()]);
}
