//! Tests of whole handshakes and of the channels they end in.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use noex_core::Creation;
use proptest::prelude::*;

use super::channel::KeyLife;
use super::*;
use crate::proto::wire::{Frame, FrameReader, SessionEnds, encode_frame};
use crate::secret::{Keyring, LinkKey, Secret, StaticKey};

const CLUSTER: &str = "noex";
const VERSIONS: (u8, u8) = (1, 1);

fn hello(bits: u64) -> Hello {
    Hello {
        node: format!("n{bits}@host:4369").parse().unwrap(),
        creation: Creation::from_bits(bits),
        incarnation: 0,
        purpose: Purpose::Session,
        versions: (1, 1),
        handshakes: VERSIONS,
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

fn first(bytes: &[u8]) -> First {
    take_first(&mut BytesMut::from(bytes), (1, 9))
        .unwrap()
        .unwrap()
}

fn message(bytes: &[u8]) -> Bytes {
    take_third(&mut BytesMut::from(bytes)).unwrap().unwrap()
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A handshake of two nodes that agree.
fn connect() -> (Dialled, Accepted, [[u8; 32]; 2]) {
    let (ours, theirs) = (StaticKey::generate(), StaticKey::generate());
    let (dialling, one) = Dialling::start(1, &key("s"), &ours, CLUSTER, &hello(1)).unwrap();
    let (accepting, two) =
        Accepting::read_first(&keyring(&["s"]), &theirs, CLUSTER, &hello(2), &first(&one)).unwrap();
    let dialled = dialling.read_second(&message(&two)).unwrap();
    let accepted = accepting.read_third(&message(&dialled.third)).unwrap();
    (dialled, accepted, [ours.public(), theirs.public()])
}

fn seal(sealer: &mut Sealer, plain: &[u8]) -> BytesMut {
    let mut wire = BytesMut::new();
    sealer.seal(plain, now(), &mut wire);
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
        let (_dialling, one) = Dialling::start(1, key, &own, cluster, &hello(1)).unwrap();
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
    let (dialling, one) = Dialling::start(1, &key("old"), &own, CLUSTER, &hello(1)).unwrap();
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
        let (dialling, one) = Dialling::start(1, &key("s"), &own, CLUSTER, &hello(1)).unwrap();
        let (accepting, two) =
            Accepting::read_first(&keys, &own, CLUSTER, &hello(2), &first(&one)).unwrap();
        (dialling, accepting, message(&two))
    };
    let (dialling, accepting, recorded_second) = start();
    let recorded_third = message(&dialling.read_second(&recorded_second).unwrap().third);
    assert!(accepting.read_third(&recorded_third).is_ok());

    let (dialling, accepting, second) = start();
    assert_eq!(
        dialling.read_second(&recorded_second).unwrap_err().error,
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
            dialling.read_second(&changed).unwrap_err().error,
            HandshakeError::BadMessage
        );
    }
}

#[test]
fn the_longest_names_fit_a_handshake_message() {
    let long = Hello {
        node: format!("{0}@{0}:65535", "a".repeat(253)).parse().unwrap(),
        creation: Creation::from_bits(u64::MAX),
        incarnation: u64::MAX,
        purpose: Purpose::Lane { session: u64::MAX },
        versions: (0, u16::MAX),
        handshakes: VERSIONS,
        capabilities: u64::MAX,
        uptime: Duration::MAX,
        process_count: u64::MAX,
    };
    let (own, keys) = (StaticKey::generate(), keyring(&["s"]));
    let (dialling, one) = Dialling::start(1, &key("s"), &own, CLUSTER, &long).unwrap();
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
    let (dialling, one) = Dialling::start(1, &key("s"), &own, CLUSTER, &hello(1)).unwrap();
    let (accepting, two) =
        Accepting::read_first(&keys, &own, CLUSTER, &later, &first(&one)).unwrap();
    let unfit = dialling.read_second(&message(&two)).unwrap_err();
    let (old, new) = ((1, 1), (2, 3));
    let incompatible = |ours, theirs| HandshakeError::Incompatible { ours, theirs };
    assert_eq!(unfit.error, incompatible(old, new));
    // The other one is told as well.
    let third = message(&unfit.third.unwrap());
    let error = accepting.read_third(&third).unwrap_err();
    assert_eq!(error, incompatible(new, old));
}

#[test]
fn what_is_sealed_at_one_end_opens_at_the_other() {
    let (mut dialled, mut accepted, _keys) = connect();
    let large = vec![7; 200_000];
    let mut wire = seal(&mut dialled.channel.sealer, &large);
    assert_eq!(wire.len(), large.len() + 4 * (2 + 16));
    dialled.channel.sealer.seal(b"more", now(), &mut wire);
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

/// Two ends whose keys live for so long.
fn short_lived(life: KeyLife) -> (Channel, Channel) {
    let (dialled, accepted, _keys) = connect();
    (
        dialled.channel.with_life(life),
        accepted.channel.with_life(life),
    )
}

#[test]
fn contract_c11_each_direction_changes_its_key_after_so_many_bytes() {
    let life = KeyLife {
        size: 100,
        time: Duration::from_hours(1),
    };
    let (mut one, mut other) = short_lived(life);
    for (sealer, opener) in [
        (&mut one.sealer, &mut other.opener),
        (&mut other.sealer, &mut one.opener),
    ] {
        // Each record has 40 bytes, so three of them wear a key out: what announces the next key
        // has 18 more.
        let mut sizes = Vec::new();
        for number in 0..9_u8 {
            let mut wire = seal(sealer, &[number; 22]);
            sizes.push(wire.len());
            assert_eq!(open(opener, &mut wire).unwrap(), [number; 22]);
        }
        assert_eq!(sizes, [40, 40, 40, 58, 40, 40, 58, 40, 40]);
    }
}

#[test]
fn contract_c11_a_key_is_changed_after_so_long() {
    let time = Duration::from_secs(60);
    let (mut one, mut other) = short_lived(KeyLife {
        size: 1 << 20,
        time,
    });
    let began = now();
    let mut sizes = Vec::new();
    for seconds in [0, 59, 60, 61, 119, 120] {
        let mut wire = BytesMut::new();
        let now = began + Duration::from_secs(seconds);
        one.sealer.seal(b"abcd", now, &mut wire);
        sizes.push(wire.len());
        assert_eq!(open(&mut other.opener, &mut wire).unwrap(), b"abcd");
    }
    assert_eq!(sizes, [22, 22, 40, 22, 22, 40]);
}

#[test]
fn contract_c11_what_was_sealed_with_a_former_key_does_not_open() {
    let life = KeyLife {
        size: 20,
        time: Duration::from_hours(1),
    };
    let (mut one, mut other) = short_lived(life);
    let opener = &mut other.opener;
    let mut former = seal(&mut one.sealer, b"one");
    assert_eq!(open(opener, &mut former.clone()).unwrap(), b"one");
    // Under the next key, the record's number is that of the former one.
    let mut changed = seal(&mut one.sealer, b"two");
    assert_eq!(open(opener, &mut changed).unwrap(), b"two");
    let mut announced = seal(&mut one.sealer, b"three");
    let (mut announcement, mut rest) = (announced.split_to(18), announced);
    assert_eq!(open(opener, &mut rest.clone()), Err(RecordError::Forged));
    assert_eq!(open(opener, &mut announcement).unwrap(), b"");
    assert_eq!(open(opener, &mut former), Err(RecordError::Forged));
    assert_eq!(open(opener, &mut rest).unwrap(), b"three");
}

#[test]
fn a_peer_that_never_changes_its_key_is_cut_off() {
    let never = KeyLife {
        size: u64::MAX,
        time: Duration::MAX,
    };
    let short = KeyLife { size: 100, ..never };
    let (dialled, accepted, _keys) = connect();
    let mut sealer = dialled.channel.with_life(never).sealer;
    let mut opener = accepted.channel.with_life(short).opener;
    let opened = |_: &_| open(&mut opener, &mut seal(&mut sealer, &[0; 22])).is_ok();
    assert_eq!((0..9).take_while(opened).count(), 6);
    assert_eq!(
        open(&mut opener, &mut seal(&mut sealer, &[0; 22])),
        Err(RecordError::Overused)
    );
}

#[test]
fn nodes_that_both_speak_a_later_handshake_notice_that_they_did_not() {
    let (own, keys) = (StaticKey::generate(), keyring(&["s"]));
    let later = |bits| Hello {
        handshakes: (1, 2),
        ..hello(bits)
    };
    for (version, expected) in [(1, Some(HandshakeError::Downgraded)), (2, None)] {
        let (dialling, one) =
            Dialling::start(version, &key("s"), &own, CLUSTER, &later(1)).unwrap();
        let (_accepting, two) =
            Accepting::read_first(&keys, &own, CLUSTER, &later(2), &first(&one)).unwrap();
        let unfit = dialling.read_second(&message(&two)).err();
        assert_eq!(unfit.map(|unfit| unfit.error), expected);
    }
}

#[test]
fn contract_c11_the_version_of_the_handshake_is_bound_to_it() {
    let (own, keys) = (StaticKey::generate(), keyring(&["s"]));
    let (_dialling, one) = Dialling::start(2, &key("s"), &own, CLUSTER, &hello(1)).unwrap();
    let mut changed = first(&one);
    changed.handshake = 1;
    let refused = Accepting::read_first(&keys, &own, CLUSTER, &hello(2), &changed);
    assert_eq!(refused.err(), Some(HandshakeError::WrongSecret));
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
        let start = || Dialling::start(1, &key("s"), &own, CLUSTER, &hello(1)).unwrap();
        prop_assert!(start().0.read_second(&bytes).is_err());
        let message = Bytes::copy_from_slice(&bytes);
        let wrong = First { handshake: 1, message };
        prop_assert!(
            Accepting::read_first(&keys, &own, CLUSTER, &hello(2), &wrong).is_err()
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
