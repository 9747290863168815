//! What `fuzz/` feeds with bytes of its own making: every decoder that reads what others say.
//!
//! Each function takes any bytes, and panics if a promise about them is broken.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use noex_core::{Creation, NodeId};

use crate::config::Seed;
use crate::proto::handshake::{
    Accepted, Accepting, Dialled, Dialling, First, FirstMessages, Hello, Opener, Purpose,
    take_first, take_second, take_third,
};
use crate::proto::membership::Message;
use crate::proto::wire::{Frame, FrameReader, SessionEnds, encode_frame};
use crate::secret::{Keyring, Secret, StaticKey};

const CLUSTER: &str = "noex";
const VERSIONS: (u8, u8) = (1, 2);
const OWN: Creation = Creation::from_bits(1);
const PEER: Creation = Creation::from_bits(2);
/// A small limit for frames, so that bytes which break it are found.
const FRAME_SIZE_MAX: usize = 1 << 12;

/// One node, which does both sides of every handshake.
struct Node {
    keys: Keyring,
    own: StaticKey,
    hello: Hello,
}

static NODE: LazyLock<Node> = LazyLock::new(|| Node {
    keys: Keyring::new(CLUSTER, Some(&Secret::new("fuzz")), &[]),
    own: StaticKey::generate(),
    hello: Hello {
        node: "a@h:1".parse().expect("it is a node's id"),
        creation: OWN,
        incarnation: 0,
        purpose: Purpose::Session,
        versions: (1, 1),
        handshakes: (1, 1),
        capabilities: 0,
        uptime: Duration::ZERO,
        process_count: 0,
    },
});

impl Node {
    fn dial(&self) -> (Dialling, Vec<u8>) {
        let current = &self.keys.current;
        Dialling::start(1, current, &self.own, CLUSTER, &self.hello).expect("it is short")
    }

    fn accept(&self, first: &First) -> Option<(Accepting, Vec<u8>)> {
        Accepting::read_first(&self.keys, &self.own, CLUSTER, &self.hello, first).ok()
    }

    fn connect(&self) -> (Dialled, Accepted) {
        let (dialling, first) = self.dial();
        let first = take_first(&mut BytesMut::from(&*first), VERSIONS);
        let first = first.ok().flatten().expect("it is whole");
        let (accepting, second) = self.accept(&first).expect("it knows the secret");
        let second = take_third(&mut BytesMut::from(&*second));
        let second = second.ok().flatten().expect("it is whole");
        let dialled = dialling.read_second(&second).expect("it knows the secret");
        let third = take_third(&mut BytesMut::from(&*dialled.third));
        let third = third.ok().flatten().expect("it is whole");
        let accepted = accepting.read_third(&third).expect("it knows the secret");
        (dialled, accepted)
    }
}

/// What a connection begins with, in two pieces: the cut changes nothing.
pub fn preamble(bytes: &[u8]) {
    let whole = take_first(&mut BytesMut::from(bytes), VERSIONS);
    let (front, back) = bytes.split_at(bytes.len() / 2);
    let mut wire = BytesMut::from(front);
    let early = take_first(&mut wire, VERSIONS);
    if early == Ok(None) {
        wire.extend_from_slice(back);
        assert_eq!(take_first(&mut wire, VERSIONS), whole);
    }
    for take in [
        |wire: &mut BytesMut| take_second(wire, VERSIONS),
        take_third,
    ] {
        let mut wire = BytesMut::from(bytes);
        if let Ok(Some(message)) = take(&mut wire) {
            assert!(message.len() <= 1_024);
            assert_eq!(bytes.len(), 2 + message.len() + wire.len());
        }
    }
}

/// Each message of the handshake: none that was not made with the secret is taken.
pub fn handshake(bytes: &[u8]) {
    let (node, message) = (&*NODE, Bytes::copy_from_slice(bytes));
    let mut first_messages = FirstMessages::default();
    first_messages.remember(bytes);
    assert_eq!(first_messages.has(bytes), bytes.len() >= 16);
    let handshake = 1;
    assert!(node.accept(&First { handshake, message }).is_none());
    let (dialling, first) = node.dial();
    let first = take_first(&mut BytesMut::from(&*first), VERSIONS);
    let first = first.ok().flatten().expect("it is whole");
    let (accepting, _second) = node.accept(&first).expect("it knows the secret");
    assert!(accepting.read_third(bytes).is_err());
    assert!(dialling.read_second(bytes).is_err());
}

/// Records of a session that bytes are put into: none of them opens.
pub fn records(bytes: &[u8]) {
    thread_local! {
        /// One for all bytes: what does not open changes nothing.
        static OPENER: RefCell<Opener> = RefCell::new(NODE.connect().1.channel.opener);
    }
    let (mut wire, mut plain) = (BytesMut::from(bytes), BytesMut::new());
    let opened = OPENER.with_borrow_mut(|opener| opener.open(&mut wire, &mut plain));
    assert_ne!(opened, Ok(true));
    assert!(plain.is_empty());
}

/// What a node says about itself: whatever is understood is understood again.
pub fn hello(bytes: &[u8]) {
    if let Ok(hello) = Hello::decode(bytes) {
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }
}

/// Frames and the signals in them: whatever is understood can be said, and is understood again.
pub fn frames(bytes: &[u8]) {
    let (local, remote) = (OWN, PEER);
    let reader = FrameReader::new(FRAME_SIZE_MAX, SessionEnds { local, remote });
    let mut plain = BytesMut::from(bytes);
    while let Ok(Some(frame)) = reader.next(&mut plain) {
        if matches!(frame, Frame::Unknown { .. }) {
            continue;
        }
        let (local, remote) = (PEER, OWN);
        let mut again = BytesMut::new();
        encode_frame(&frame, SessionEnds { local, remote }, &mut again)
            .expect("what was read can be written");
        let read = reader.next(&mut again);
        assert_eq!(read.as_ref().ok().and_then(Option::as_ref), Some(&frame));
        assert!(again.is_empty());
    }
}

/// What members tell each other.
pub fn membership(bytes: &[u8]) {
    if let Ok(message) = rmp_serde::from_slice::<Message>(bytes) {
        let again = rmp_serde::to_vec_named(&message).expect("it is encoded into memory");
        assert!(rmp_serde::from_slice::<Message>(&again).is_ok_and(|read| read == message));
    }
}

/// Node ids and seeds: whatever is understood is written in a form that is understood again.
pub fn addresses(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(id) = text.parse::<NodeId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(seed) = text.parse::<Seed>() {
        assert_eq!(seed.to_string().parse().ok(), Some(seed));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    type Target = fn(&[u8]);

    /// Every target, by the name of its folder in the kept corpus.
    const TARGETS: [(&str, Target); 7] = [
        ("preamble", preamble),
        ("handshake", handshake),
        ("records", records),
        ("hello", hello),
        ("frames", frames),
        ("membership", membership),
        ("addresses", addresses),
    ];

    #[test]
    fn what_the_fuzzer_found_worth_keeping_does_no_harm() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, target) in TARGETS {
            let mut count = 0;
            for file in std::fs::read_dir(corpus.join(name)).unwrap() {
                target(&std::fs::read(file.unwrap().path()).unwrap());
                count += 1;
            }
            assert!(count > 0, "{name} has no corpus");
        }
    }
}
