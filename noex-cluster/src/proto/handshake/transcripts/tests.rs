//! Tests that the versions which were ever spoken are still understood.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use noex_core::{
    CallError, CallRef, Creation, Encoded, ExitReason, MonitorRef, Pid, ReplyAddress, Signal,
    Target,
};

use crate::proto::handshake::accepting::{Accepted, Accepting};
use crate::proto::handshake::channel::{KEY_LIFE, KeyLife, Opener, Sealer};
use crate::proto::handshake::dialling::{Dialled, Dialling};
use crate::proto::handshake::hello::{Hello, Purpose};
use crate::proto::handshake::noise::{self, Side};
use crate::proto::handshake::preamble::{take_first, take_second, take_third};
use crate::proto::wire::{Frame, FrameReader, Refusal, SessionEnds, Verdict, encode_frame};
use crate::secret::{LinkKey, Secret};

const V1: &str = include_str!("v1.txt");

const DIALLER: Creation = Creation::from_bits(0x0102_0304_0506_0708);
const ACCEPTOR: Creation = Creation::from_bits(0x1112_1314_1516_1718);
const THIRD: Creation = Creation::from_bits(0x2122_2324_2526_2728);

/// What never changes: who the two are, and the numbers that they would have drawn.
const CLUSTER: &str = "noex";
const SECRET: &str = "the secret of the transcripts";
const DIALLER_KEYS: Keys = Keys {
    private: [1; 32],
    one_time: [2; 32],
};
const ACCEPTOR_KEYS: Keys = Keys {
    private: [3; 32],
    one_time: [4; 32],
};

struct Keys {
    private: [u8; 32],
    one_time: [u8; 32],
}

/// The third frame of the dialler wears its key out.
const LIFE: KeyLife = KeyLife {
    size: 100,
    ..KEY_LIFE
};

fn hello(node: &str, creation: Creation) -> Hello {
    Hello {
        node: node.parse().unwrap(),
        creation,
        incarnation: 0,
        purpose: Purpose::Lane { session: 7 },
        versions: (1, 1),
        handshakes: (1, 1),
        capabilities: 0,
        uptime: Duration::from_millis(1_500),
        process_count: 3,
    }
}

fn state(side: Side, keys: &Keys) -> snow::HandshakeState {
    let key = LinkKey::new(CLUSTER, &Secret::new(SECRET));
    let prologue = noise::prologue(1, CLUSTER);
    noise::fixed_state(side, &key, &keys.private, &keys.one_time, &prologue)
}

fn dial() -> (Dialling, Vec<u8>) {
    let state = state(Side::Dialler, &DIALLER_KEYS);
    Dialling::begin(state, 1, &hello("d@10.0.0.1:4369", DIALLER)).unwrap()
}

fn accept(first: &[u8]) -> (Accepting, Vec<u8>) {
    let first = take_first(&mut BytesMut::from(first), (1, 1)).unwrap();
    let first = first.unwrap();
    let mut state = state(Side::Acceptor, &ACCEPTOR_KEYS);
    noise::read(&mut state, &first.message).unwrap();
    let hello = hello("a@10.0.0.2:4369", ACCEPTOR);
    Accepting::answer(state, &hello, first.handshake, 0).unwrap()
}

fn read_second(dialling: Dialling, second: &[u8]) -> Dialled {
    let message = take_second(&mut BytesMut::from(second), (1, 1)).unwrap();
    dialling.read_second(&message.unwrap()).unwrap()
}

fn read_third(accepting: Accepting, third: &[u8]) -> Accepted {
    let message = take_third(&mut BytesMut::from(third)).unwrap();
    accepting.read_third(&message.unwrap()).unwrap()
}

const fn ends(local: Creation, remote: Creation) -> SessionEnds {
    SessionEnds { local, remote }
}

/// One of each kind that the acceptor says.
fn from_acceptor() -> Vec<(&'static str, Frame)> {
    let refused = Frame::Verdict(Verdict::Refused(Refusal::NameTaken));
    vec![
        ("accepted", Frame::Verdict(Verdict::Accepted { session: 7 })),
        ("refused", refused),
        ("control", Frame::Control(Bytes::from_static(b"control"))),
        ("goodbye", Frame::Goodbye),
    ]
}

/// One of each kind of signal to a process.
fn signals() -> Vec<(&'static str, Signal)> {
    let (from, watched) = (Pid::new(DIALLER, 300), Pid::new(DIALLER, 301));
    let (call, monitor) = (CallRef::from_bits(1 << 33), MonitorRef::from_bits(5));
    let reason = ExitReason::Error(Arc::from("why"));
    let message = Encoded::new(
        Some(from),
        0x1122_3344_5566_7788,
        Some(Duration::from_secs(5)),
        vec![
            ReplyAddress::new(DIALLER, call),
            ReplyAddress::new(THIRD, call),
        ],
        Bytes::from_static(b"payload"),
    );
    vec![
        ("message", Signal::Message(message)),
        ("link", Signal::Link { from }),
        ("unlink", Signal::Unlink { from }),
        (
            "exit",
            Signal::Exit {
                from,
                reason: ExitReason::Killed,
                linked: true,
            },
        ),
        ("monitor", Signal::Monitor { from, monitor }),
        ("demonitor", Signal::Demonitor { from, monitor }),
        (
            "down",
            Signal::Down {
                pid: watched,
                monitor,
                reason,
            },
        ),
        (
            "stop",
            Signal::Stop {
                reason: ExitReason::Shutdown,
            },
        ),
        (
            "reply",
            Signal::Reply {
                call,
                body: Bytes::from_static(b"reply"),
            },
        ),
        (
            "call-failed",
            Signal::CallFailed {
                call,
                error: CallError::NoProcess,
            },
        ),
        ("call-moved", Signal::CallMoved { call, to: THIRD }),
        (
            "call-cancelled",
            Signal::CallCancelled {
                call: ReplyAddress::new(DIALLER, call),
            },
        ),
    ]
}

/// One of each kind that the dialler says.
fn from_dialler() -> Vec<(&'static str, Frame)> {
    let process = Target::Process(Pid::new(ACCEPTOR, 9));
    let to_process = |(name, signal)| {
        let to = process.clone();
        (name, Frame::Signal { to, signal })
    };
    let mut frames: Vec<_> = signals().into_iter().map(to_process).collect();
    let (node, name) = (ACCEPTOR, Arc::from("noex.registry"));
    let flood = Signal::Flood {
        from: DIALLER,
        payload: Bytes::from_static(b"news"),
    };
    let to = Target::Named { node, name };
    frames.push(("flood", Frame::Signal { to, signal: flood }));
    frames.push(("lane-end", Frame::LaneEnd));
    frames
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Writes each frame down, in plain and sealed.
fn write_frames(
    transcript: &mut String,
    side: &str,
    frames: &[(&str, Frame)],
    sealer: &mut Sealer,
    ends: SessionEnds,
) {
    let now = tokio::time::Instant::now().into_std();
    for (name, frame) in frames {
        let (mut plain, mut sealed) = (BytesMut::new(), BytesMut::new());
        encode_frame(frame, ends, &mut plain).unwrap();
        sealer.seal(&plain, now, &mut sealed);
        writeln!(transcript, "{side}.{name}.frame {}", hex(&plain)).unwrap();
        writeln!(transcript, "{side}.{name}.record {}", hex(&sealed)).unwrap();
    }
}

/// Reads each frame of the transcript, and expects it to be the one of its name.
fn read_frames(
    lines: &BTreeMap<&str, Vec<u8>>,
    side: &str,
    frames: &[(&str, Frame)],
    opener: &mut Opener,
    ends: SessionEnds,
) {
    let reader = FrameReader::new(1 << 10, ends);
    for (name, frame) in frames {
        let mut record = BytesMut::from(&*lines[&*format!("{side}.{name}.record")]);
        let mut plain = BytesMut::new();
        opener.open(&mut record, &mut plain).unwrap();
        assert_eq!(plain, lines[&*format!("{side}.{name}.frame")], "{name}");
        assert_eq!(
            reader.next(&mut plain).unwrap().as_ref(),
            Some(frame),
            "{name}"
        );
    }
}

#[test]
fn this_code_still_says_what_version_1_says() {
    let (dialling, first) = dial();
    let (accepting, second) = accept(&first);
    let dialled = read_second(dialling, &second);
    let accepted = read_third(accepting, &dialled.third);
    let comment = V1.lines().take_while(|line| line.starts_with('#'));
    let mut said: String = comment.flat_map(|line| [line, "\n"]).collect();
    for (name, bytes) in [
        ("first", &first),
        ("second", &second),
        ("third", &dialled.third),
    ] {
        writeln!(said, "{name} {}", hex(bytes)).unwrap();
    }
    let mut sealer = accepted.channel.with_life(LIFE).sealer;
    let of_acceptor = ends(ACCEPTOR, DIALLER);
    write_frames(
        &mut said,
        "acceptor",
        &from_acceptor(),
        &mut sealer,
        of_acceptor,
    );
    let mut sealer = dialled.channel.with_life(LIFE).sealer;
    let of_dialler = ends(DIALLER, ACCEPTOR);
    write_frames(
        &mut said,
        "dialler",
        &from_dialler(),
        &mut sealer,
        of_dialler,
    );
    assert!(said == V1, "it says now:\n{said}");
}

#[test]
fn this_code_still_understands_version_1() {
    let lines = V1.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.map(|line| line.split_once(' ').unwrap());
    let lines: BTreeMap<&str, Vec<u8>> = lines.map(|(name, text)| (name, unhex(text))).collect();
    let dialled = read_second(dial().0, &lines["second"]);
    assert_eq!(dialled.peer, hello("a@10.0.0.2:4369", ACCEPTOR));
    let accepted = read_third(accept(&lines["first"]).0, &lines["third"]);
    assert_eq!(accepted.peer, hello("d@10.0.0.1:4369", DIALLER));
    let mut opener = dialled.channel.with_life(LIFE).opener;
    let at_dialler = ends(DIALLER, ACCEPTOR);
    read_frames(
        &lines,
        "acceptor",
        &from_acceptor(),
        &mut opener,
        at_dialler,
    );
    let mut opener = accepted.channel.with_life(LIFE).opener;
    let at_acceptor = ends(ACCEPTOR, DIALLER);
    read_frames(&lines, "dialler", &from_dialler(), &mut opener, at_acceptor);
}
