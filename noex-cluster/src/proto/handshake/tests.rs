//! Tests of whole handshakes and of the channels they end in.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use noex_core::Creation;
use proptest::prelude::*;

use super::*;
use crate::proto::wire::{Frame, FrameReader, SessionEnds, encode_frame};
use crate::secret::{Keyring, LinkKey, Secret, StaticKey};

const CLUSTER: &str = "noex";

fn hello(bits: u64) -> Hello {
    Hello {
        node: format!("n{bits}@host:4369").parse().unwrap(),
        creation: Creation::from_bits(bits),
        purpose: Purpose::Session,
        versions: (1, 1),
        capabilities: 0,
        uptime: Duration::from_secs(bits),
        process_count: bits,
    }
}

fn keyring(secrets: &[&str]) -> Keyring {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let (current, previous) = secrets.split_first().unwrap();
    Keyring::new(CLUSTER, Some(current), previous)
}

fn key(secret: &str) -> LinkKey {
    LinkKey::new(CLUSTER, &Secret::new(secret))
}

fn first(bytes: &[u8]) -> Bytes {
    take_first(&mut BytesMut::from(bytes)).unwrap().unwrap()
}

fn message(bytes: &[u8]) -> Bytes {
    take_message(&mut BytesMut::from(bytes)).unwrap().unwrap()
}

/// A handshake of two nodes that agree.
fn connect() -> (Dialled, Accepted, [[u8; 32]; 2]) {
    let (ours, theirs) = (StaticKey::generate(), StaticKey::generate());
    let (dialling, one) = Dialling::start(&key("s"), &ours, CLUSTER, &hello(1)).unwrap();
    let (accepting, two) =
        Accepting::read_first(&keyring(&["s"]), &theirs, CLUSTER, &hello(2), &first(&one)).unwrap();
    let dialled = dialling.read_second(&message(&two)).unwrap();
    let accepted = accepting.read_third(&message(&dialled.third)).unwrap();
    (dialled, accepted, [ours.public(), theirs.public()])
}

fn seal(sealer: &mut Sealer, plain: &[u8]) -> BytesMut {
    let mut wire = BytesMut::new();
    sealer.seal(plain, &mut wire);
    wire
}

fn open(opener: &mut Opener, wire: &mut BytesMut) -> Result<Vec<u8>, RecordError> {
    let mut plain = BytesMut::new();
    opener
        .open(wire, &mut plain)
        .map(|_progress| plain.to_vec())
}

#[test]
fn contract_c11_both_ends_learn_who_the_other_is_and_its_key() {
    let (dialled, accepted, keys) = connect();
    assert_eq!((dialled.peer, accepted.peer), (hello(2), hello(1)));
    assert_eq!([accepted.peer_key, dialled.peer_key], keys);
    assert_eq!(
        (dialled.version, accepted.version, accepted.key_index),
        (1, 1, 0)
    );
}

#[test]
fn contract_c10_another_secret_or_cluster_gets_no_answer() {
    let own = StaticKey::generate();
    let answer = |key: &LinkKey, cluster: &str| {
        let (_dialling, one) = Dialling::start(key, &own, cluster, &hello(1)).unwrap();
        Accepting::read_first(
            &keyring(&["s", "t"]),
            &own,
            CLUSTER,
            &hello(2),
            &first(&one),
        )
        .map(|(accepting, _answer)| accepting)
    };
    let wrong = |key: &LinkKey, cluster| answer(key, cluster).unwrap_err();
    assert_eq!(wrong(&key("x"), CLUSTER), HandshakeError::WrongSecret);
    assert_eq!(
        wrong(&LinkKey::public(CLUSTER), CLUSTER),
        HandshakeError::WrongSecret
    );
    assert_eq!(wrong(&key("s"), "other"), HandshakeError::WrongSecret);
    assert!(answer(&key("s"), CLUSTER).is_ok());
}

#[test]
fn contract_c12_an_older_secret_is_accepted_and_said_to_be_old() {
    let own = StaticKey::generate();
    let (dialling, one) = Dialling::start(&key("old"), &own, CLUSTER, &hello(1)).unwrap();
    let keys = keyring(&["new", "old"]);
    let (accepting, two) =
        Accepting::read_first(&keys, &own, CLUSTER, &hello(2), &first(&one)).unwrap();
    let dialled = dialling.read_second(&message(&two)).unwrap();
    let accepted = accepting.read_third(&message(&dialled.third)).unwrap();
    assert_eq!(accepted.key_index, 1);
}

#[test]
fn contract_c11_no_changed_or_recorded_message_completes_a_handshake() {
    let own = StaticKey::generate();
    let keys = keyring(&["s"]);
    let start = || {
        let (dialling, one) = Dialling::start(&key("s"), &own, CLUSTER, &hello(1)).unwrap();
        let (accepting, two) =
            Accepting::read_first(&keys, &own, CLUSTER, &hello(2), &first(&one)).unwrap();
        (dialling, accepting, message(&two))
    };
    let (dialling, accepting, recorded_second) = start();
    let recorded_third = message(&dialling.read_second(&recorded_second).unwrap().third);
    assert!(accepting.read_third(&recorded_third).is_ok());

    let (dialling, accepting, second) = start();
    assert_eq!(
        dialling.read_second(&recorded_second).unwrap_err(),
        HandshakeError::BadMessage
    );
    assert_eq!(
        accepting.read_third(&recorded_third).unwrap_err(),
        HandshakeError::BadMessage
    );

    for place in [0, second.len() / 2, second.len() - 1] {
        let (dialling, _accepting, second) = start();
        let mut changed = second.to_vec();
        changed[place] ^= 1;
        assert_eq!(
            dialling.read_second(&changed).unwrap_err(),
            HandshakeError::BadMessage
        );
    }
}

#[test]
fn the_longest_names_fit_a_handshake_message() {
    let long = Hello {
        node: format!("{0}@{0}:65535", "a".repeat(253)).parse().unwrap(),
        creation: Creation::from_bits(u64::MAX),
        purpose: Purpose::Lane { session: u64::MAX },
        versions: (u16::MAX, u16::MAX),
        capabilities: u64::MAX,
        uptime: Duration::MAX,
        process_count: u64::MAX,
    };
    let (own, keys) = (StaticKey::generate(), keyring(&["s"]));
    let (dialling, one) = Dialling::start(&key("s"), &own, CLUSTER, &long).unwrap();
    let (accepting, two) =
        Accepting::read_first(&keys, &own, CLUSTER, &long, &first(&one)).unwrap();
    let dialled = dialling.read_second(&message(&two)).unwrap();
    assert_eq!(
        accepting.read_third(&message(&dialled.third)).unwrap().peer,
        long
    );
}

#[test]
fn nodes_without_a_common_version_say_so() {
    let (own, keys) = (StaticKey::generate(), keyring(&["s"]));
    let later = Hello {
        versions: (2, 3),
        ..hello(2)
    };
    let (dialling, one) = Dialling::start(&key("s"), &own, CLUSTER, &hello(1)).unwrap();
    let (_accepting, two) =
        Accepting::read_first(&keys, &own, CLUSTER, &later, &first(&one)).unwrap();
    assert_eq!(
        dialling.read_second(&message(&two)).unwrap_err(),
        HandshakeError::Incompatible {
            ours: (1, 1),
            theirs: (2, 3)
        }
    );
}

#[test]
fn what_is_sealed_at_one_end_opens_at_the_other() {
    let (mut dialled, mut accepted, _keys) = connect();
    let large = vec![7; 200_000];
    let mut wire = seal(&mut dialled.channel.sealer, &large);
    assert_eq!(wire.len(), large.len() + 4 * (2 + 16));
    dialled.channel.sealer.seal(b"more", &mut wire);
    let opened = open(&mut accepted.channel.opener, &mut wire).unwrap();
    assert_eq!(opened, [&large[..], b"more"].concat());
    assert!(wire.is_empty());
    let mut back = seal(&mut accepted.channel.sealer, b"back");
    assert_eq!(
        open(&mut dialled.channel.opener, &mut back).unwrap(),
        b"back"
    );
}

#[test]
fn a_record_opens_only_when_it_is_whole() {
    let (mut dialled, mut accepted, _keys) = connect();
    let whole = seal(&mut dialled.channel.sealer, b"abc");
    let (mut wire, mut plain) = (BytesMut::new(), BytesMut::new());
    for byte in &whole[..whole.len() - 1] {
        wire.extend_from_slice(&[*byte]);
        assert_eq!(
            accepted.channel.opener.open(&mut wire, &mut plain),
            Ok(false)
        );
    }
    wire.extend_from_slice(&whole[whole.len() - 1..]);
    assert_eq!(
        accepted.channel.opener.open(&mut wire, &mut plain),
        Ok(true)
    );
    assert_eq!(plain, "abc");
}

#[test]
fn contract_c11_a_changed_repeated_lost_or_foreign_record_does_not_open() {
    let (mut dialled, mut accepted, _keys) = connect();
    let opener = &mut accepted.channel.opener;
    let mut one = seal(&mut dialled.channel.sealer, b"one");
    let mut two = seal(&mut dialled.channel.sealer, b"two");
    assert_eq!(open(opener, &mut two.clone()), Err(RecordError::Forged));
    assert_eq!(open(opener, &mut one.clone()).unwrap(), b"one");
    assert_eq!(open(opener, &mut one), Err(RecordError::Forged));
    let mut changed = two.clone();
    changed[2] ^= 1;
    assert_eq!(open(opener, &mut changed), Err(RecordError::Forged));
    let mut reflected = seal(&mut accepted.channel.sealer, b"two");
    let opener = &mut accepted.channel.opener;
    assert_eq!(open(opener, &mut reflected), Err(RecordError::Forged));
    assert_eq!(
        open(opener, &mut BytesMut::from(&[0, 15][..])),
        Err(RecordError::Short(15))
    );
    assert_eq!(open(opener, &mut two).unwrap(), b"two");
}

/// What a connection does with what comes, however it was cut on the way.
fn receive(opener: &mut Opener, reader: &FrameReader, pieces: &[&[u8]]) -> Vec<Frame> {
    let (mut wire, mut plain, mut frames) = (BytesMut::new(), BytesMut::new(), Vec::new());
    for piece in pieces {
        wire.extend_from_slice(piece);
        opener.open(&mut wire, &mut plain).unwrap();
        while let Some(frame) = reader.next(&mut plain).unwrap() {
            frames.push(frame);
        }
    }
    assert!(wire.is_empty() && plain.is_empty());
    frames
}

#[test]
fn frames_arrive_whole_and_in_order_however_the_stream_is_cut() {
    let (mut dialled, mut accepted, _keys) = connect();
    let sizes = [0, 1, 65_518, 65_519, 65_520, 200_000];
    let sent: Vec<_> = sizes
        .map(|size| Frame::Control(Bytes::from(vec![1; size])))
        .into();
    let (one, two) = (Creation::from_bits(1), Creation::from_bits(2));
    let mut plain = BytesMut::new();
    for frame in &sent {
        encode_frame(
            frame,
            SessionEnds {
                local: one,
                remote: two,
            },
            &mut plain,
        )
        .unwrap();
    }
    let reader = FrameReader::new(
        1 << 20,
        SessionEnds {
            local: two,
            remote: one,
        },
    );
    for size in [7, 1000, 65_537, 1_000_000] {
        let wire = seal(&mut dialled.channel.sealer, &plain);
        let pieces: Vec<_> = wire.chunks(size).collect();
        assert_eq!(
            receive(&mut accepted.channel.opener, &reader, &pieces),
            sent
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_bytes_make_a_handshake_panic(bytes in prop::collection::vec(any::<u8>(), 0..1100)) {
        let (own, keys) = (StaticKey::generate(), keyring(&["s"]));
        let start = || Dialling::start(&key("s"), &own, CLUSTER, &hello(1)).unwrap();
        prop_assert!(start().0.read_second(&bytes).is_err());
        prop_assert!(
            Accepting::read_first(&keys, &own, CLUSTER, &hello(2), &bytes).is_err()
        );
        let one = first(&start().1);
        let accepting = Accepting::read_first(&keys, &own, CLUSTER, &hello(2), &one).unwrap().0;
        prop_assert!(accepting.read_third(&bytes).is_err());
    }

    #[test]
    fn no_bytes_make_a_channel_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_dialled, mut accepted, _keys) = connect();
        let mut plain = BytesMut::new();
        let mut wire = BytesMut::from(&bytes[..]);
        let opened = accepted.channel.opener.open(&mut wire, &mut plain);
        prop_assert!(opened != Ok(true) && plain.is_empty());
    }
}
