//! Tests of whole frames: every one reads as it was written, and no bytes do harm.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use noex_core::{
    CallError, CallRef, Creation, Encoded, ExitReason, MonitorRef, Panic, Pid, ReplyAddress,
    Signal, Target,
};
use proptest::prelude::*;

use super::*;

const WRITER: Creation = Creation::from_bits(0x1111_2222_3333_4444);
const READER: Creation = Creation::from_bits(0x5555_6666_7777_8888);
const LIMIT: usize = 1 << 20;

/// The session as the node that writes sees it, and as the one that reads does.
const AT_WRITER: SessionEnds = SessionEnds {
    local: WRITER,
    remote: READER,
};
const AT_READER: SessionEnds = SessionEnds {
    local: READER,
    remote: WRITER,
};

fn write(frame: &Frame) -> BytesMut {
    let mut out = BytesMut::new();
    encode_frame(frame, AT_WRITER, &mut out).unwrap();
    out
}

fn read(plain: &mut BytesMut) -> Result<Option<Frame>, WireError> {
    FrameReader::new(LIMIT, AT_READER).next(plain)
}

/// A frame of this kind and body, however wrong.
fn raw(kind: u8, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u32(u32::try_from(body.len() + 1).unwrap());
    out.put_u8(kind);
    out.put_slice(body);
    out
}

fn to_reader(signal: Signal) -> Frame {
    Frame::Signal {
        to: Target::Process(Pid::new(READER, 7)),
        signal,
    }
}

fn encode_error(to: &Target, signal: &Signal) -> EncodeError {
    let mut out = BytesMut::from("before");
    let error = encode_signal(to, signal, AT_WRITER, &mut out).unwrap_err();
    assert_eq!(out, "before");
    error
}

#[test]
fn a_common_call_has_a_header_of_at_most_32_bytes() {
    let call = Encoded::new(
        Some(Pid::new(WRITER, 100_000)),
        u64::MAX,
        Some(Duration::from_secs(5)),
        vec![ReplyAddress::new(WRITER, CallRef::from_bits(1 << 34))],
        Bytes::from_static(b"payload"),
    );
    let to = Target::Process(Pid::new(READER, 100_000));
    let size = write(&Frame::Signal {
        to,
        signal: Signal::Message(call),
    })
    .len();
    assert!(size <= 32 + b"payload".len(), "{size}");
}

#[test]
fn a_length_over_the_limit_is_refused_before_anything_is_reserved() {
    let mut plain = BytesMut::from(&[0xff, 0xff, 0xff, 0xff, 2][..]);
    let capacity = plain.capacity();
    let size = usize::try_from(u32::MAX).unwrap();
    assert_eq!(
        read(&mut plain),
        Err(WireError::TooLarge { size, limit: LIMIT })
    );
    assert_eq!(plain.capacity(), capacity);
    let limit = u32::try_from(LIMIT).unwrap();
    assert_eq!(
        read(&mut BytesMut::from(&limit.to_be_bytes()[..])),
        Ok(None)
    );
    assert!(read(&mut BytesMut::from(&(limit + 1).to_be_bytes()[..])).is_err());
    assert_eq!(
        read(&mut BytesMut::from(&[0, 0, 0, 0][..])),
        Err(WireError::Empty)
    );
}

#[test]
fn a_payload_is_cut_out_without_copying() {
    let payload = Bytes::from(vec![9; 100_000]);
    let mut plain = write(&to_reader(Signal::Reply {
        call: CallRef::from_bits(1),
        body: payload.clone(),
    }));
    let range = plain.as_ptr_range();
    let Ok(Some(Frame::Signal {
        signal: Signal::Reply { body, .. },
        ..
    })) = read(&mut plain)
    else {
        panic!("the frame is whole");
    };
    assert_eq!(body, payload);
    assert!(range.contains(&body.as_ptr()));
}

#[test]
fn an_unknown_kind_is_skipped_only_if_it_is_optional() {
    for kind in 128..=u8::MAX {
        let mut plain = raw(kind, b"whatever");
        plain.unsplit(write(&Frame::Goodbye));
        assert_eq!(read(&mut plain), Ok(Some(Frame::Unknown { kind })));
        assert_eq!(read(&mut plain), Ok(Some(Frame::Goodbye)));
    }
    for kind in [0, 5, 15, 29, 127] {
        assert_eq!(
            read(&mut raw(kind, b"whatever")),
            Err(WireError::UnknownKind(kind))
        );
    }
}

#[test]
fn a_refusal_of_a_later_version_keeps_its_text_but_no_line_break() {
    let verdict = read(&mut raw(1, b"\x63too\nmany")).unwrap();
    let message = "too many".to_owned();
    assert_eq!(
        verdict,
        Some(Frame::Verdict(Verdict::Refused(Refusal::Other {
            code: 0x63,
            message
        })))
    );
    assert_eq!(
        read(&mut raw(1, &[9; 258])),
        Err(WireError::TooLong("refusal"))
    );
}

#[test]
fn nobody_can_speak_for_a_process_of_another_node() {
    let to = Target::Process(Pid::new(READER, 7));
    let from = Pid::new(Creation::from_bits(3), 1);
    let monitor = MonitorRef::from_bits(1);
    let reason = ExitReason::Killed;
    let call = ReplyAddress::new(from.creation(), CallRef::from_bits(1));
    for signal in [
        Signal::Link { from },
        Signal::Unlink { from },
        Signal::Exit {
            from,
            reason: reason.clone(),
            linked: true,
        },
        Signal::Monitor { from, monitor },
        Signal::Demonitor { from, monitor },
        Signal::Down {
            pid: from,
            monitor,
            reason,
        },
        Signal::CallCancelled { call },
        Signal::Flood {
            from: from.creation(),
            payload: Bytes::new(),
        },
        Signal::Message(Encoded::new(Some(from), 1, None, Vec::new(), Bytes::new())),
    ] {
        assert_eq!(encode_error(&to, &signal), EncodeError::ForeignSender);
        // Who writes it all the same, having lied to its own encoder, speaks for itself.
        let mut plain = BytesMut::new();
        let liar = SessionEnds {
            local: from.creation(),
            remote: READER,
        };
        encode_signal(&to, &signal, liar, &mut plain).unwrap();
        let Ok(Some(Frame::Signal { signal, .. })) = read(&mut plain) else {
            panic!("the frame is well formed");
        };
        assert_eq!(sender_of(&signal), Some(WRITER));
    }
}

fn sender_of(signal: &Signal) -> Option<Creation> {
    match signal {
        Signal::Flood { from, .. } => Some(*from),
        Signal::Link { from }
        | Signal::Unlink { from }
        | Signal::Exit { from, .. }
        | Signal::Monitor { from, .. }
        | Signal::Demonitor { from, .. }
        | Signal::Down { pid: from, .. } => Some(from.creation()),
        Signal::CallCancelled { call } => Some(call.node),
        Signal::Message(message) => message.from.map(Pid::creation),
        _ => None,
    }
}

#[test]
fn what_is_over_a_limit_is_refused_at_both_ends() {
    let message = |replies| Signal::Message(Encoded::new(None, 1, None, replies, Bytes::new()));
    let reply = ReplyAddress::new(WRITER, CallRef::from_bits(1));
    let node = Target::Node(READER);
    let many = EncodeError::TooManyReplies {
        count: 1025,
        limit: 1024,
    };
    assert_eq!(encode_error(&node, &message(vec![reply; 1025])), many);
    assert!(read(&mut write(&to_reader(message(vec![reply; 1024])))).is_ok());
    let name: Arc<str> = Arc::from("n".repeat(1025));
    let long = EncodeError::NameTooLong {
        size: 1025,
        limit: 1024,
    };
    let named = Target::Named { node: READER, name };
    assert_eq!(encode_error(&named, &message(Vec::new())), long);

    let claim = |count: &[u8]| raw(16, &[&[8, 0, 0, 0, 0, 0, 0, 0, 0, 0], count].concat());
    let too_long = Err(WireError::TooLong("list of replies"));
    assert_eq!(read(&mut claim(&[0x81, 0x08])), too_long);
    assert_eq!(read(&mut claim(&[0x80, 0x08])), Err(WireError::Truncated));
    assert_eq!(
        read(&mut raw(16, &[4, 0x81, 0x08])),
        Err(WireError::TooLong("name"))
    );
    assert_eq!(
        read(&mut raw(16, &[4, 0x80, 0x08])),
        Err(WireError::Truncated)
    );
}

#[test]
fn fields_that_can_not_be_are_refused() {
    let field = |what| Err(WireError::Field(what));
    assert_eq!(read(&mut raw(17, &[3, 1])), field("tag of a creation"));
    assert_eq!(read(&mut raw(17, &[12, 1])), field("kind of target"));
    assert_eq!(read(&mut raw(17, &[4, 1, 0xff, 1])), field("name"));
    assert_eq!(read(&mut raw(16, &[8, 4])), field("flag of a message"));
    assert_eq!(read(&mut raw(19, &[8, 1, 2])), field("boolean"));
    assert_eq!(read(&mut raw(17, &[8, 1, 1])), Err(WireError::Trailing(1)));
    assert_eq!(read(&mut raw(4, &[0])), Err(WireError::Trailing(1)));
}

fn creation() -> impl Strategy<Value = Creation> {
    prop_oneof![
        Just(WRITER),
        Just(READER),
        any::<u64>().prop_map(Creation::from_bits)
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..300, any::<u64>()]
}

fn text() -> impl Strategy<Value = Arc<str>> {
    ".{0,20}".prop_map(Arc::from)
}

fn payload() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn sender() -> impl Strategy<Value = Pid> {
    number().prop_map(|serial| Pid::new(WRITER, serial))
}

fn call() -> impl Strategy<Value = CallRef> {
    number().prop_map(CallRef::from_bits)
}

fn monitor() -> impl Strategy<Value = MonitorRef> {
    number().prop_map(MonitorRef::from_bits)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        (creation(), number()).prop_map(|(node, serial)| Target::Process(Pid::new(node, serial))),
        (creation(), text()).prop_map(|(node, name)| Target::Named { node, name }),
        creation().prop_map(Target::Node),
    ]
}

fn reason() -> impl Strategy<Value = ExitReason> {
    prop_oneof![
        prop::sample::select(vec![
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::Killed,
            ExitReason::NoProcess,
            ExitReason::NoConnection,
            ExitReason::NameConflict,
        ]),
        text().prop_map(ExitReason::ShutdownWith),
        text().prop_map(ExitReason::Error),
        (text(), prop::option::of(text()))
            .prop_map(|(message, location)| ExitReason::Panic(Panic::new(message, location))),
    ]
}

fn call_error() -> impl Strategy<Value = CallError> {
    prop_oneof![
        prop::sample::select(vec![
            CallError::Timeout,
            CallError::DeadlineInherited,
            CallError::Deadlock,
            CallError::NoProcess,
            CallError::Full,
            CallError::ReplyDropped,
            CallError::CallingSelf,
            CallError::WrongServer,
            CallError::LocalOnly,
            CallError::Draining,
            CallError::NoQuorum,
            CallError::NoNode,
        ]),
        reason().prop_map(CallError::Exited),
        any::<bool>().prop_map(|sent| CallError::NoConnection { sent }),
        text().prop_map(CallError::Codec),
        any::<(usize, usize)>().prop_map(|(size, limit)| CallError::TooLarge { size, limit }),
    ]
}

fn message() -> impl Strategy<Value = Encoded> {
    let reply = (creation(), call()).prop_map(|(node, call)| ReplyAddress::new(node, call));
    let remaining = prop::option::of(number().prop_map(Duration::from_micros));
    let replies = prop::collection::vec(reply, 0..4);
    (
        prop::option::of(sender()),
        any::<u64>(),
        remaining,
        replies,
        payload(),
    )
        .prop_map(|(from, protocol, remaining, replies, payload)| {
            Encoded::new(from, protocol, remaining, replies, payload)
        })
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        message().prop_map(Signal::Message),
        sender().prop_map(|from| Signal::Link { from }),
        sender().prop_map(|from| Signal::Unlink { from }),
        (sender(), reason(), any::<bool>()).prop_map(|(from, reason, linked)| Signal::Exit {
            from,
            reason,
            linked
        }),
        (sender(), monitor()).prop_map(|(from, monitor)| Signal::Monitor { from, monitor }),
        (sender(), monitor()).prop_map(|(from, monitor)| Signal::Demonitor { from, monitor }),
        (sender(), monitor(), reason()).prop_map(|(pid, monitor, reason)| Signal::Down {
            pid,
            monitor,
            reason
        }),
        reason().prop_map(|reason| Signal::Stop { reason }),
        (call(), payload()).prop_map(|(call, body)| Signal::Reply { call, body }),
        (call(), call_error()).prop_map(|(call, error)| Signal::CallFailed { call, error }),
        (call(), creation()).prop_map(|(call, to)| Signal::CallMoved { call, to }),
        call().prop_map(|call| Signal::CallCancelled {
            call: ReplyAddress::new(WRITER, call)
        }),
        payload().prop_map(|payload| Signal::Flood {
            from: WRITER,
            payload
        }),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    let other =
        (8..=u8::MAX, "[a-zč ]{0,20}").prop_map(|(code, message)| Refusal::Other { code, message });
    let known = prop::sample::select(vec![
        Refusal::AlreadyConnected,
        Refusal::Crossing,
        Refusal::OwnAddress,
        Refusal::NameTaken,
        Refusal::Stopping,
        Refusal::WrongKey,
        Refusal::UnknownSession,
    ]);
    prop_oneof![known, other]
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        10 => (target(), signal()).prop_map(|(to, signal)| Frame::Signal { to, signal }),
        1 => payload().prop_map(Frame::Control),
        1 => Just(Frame::LaneEnd),
        1 => Just(Frame::Goodbye),
        1 => any::<u64>().prop_map(|session| Frame::Verdict(Verdict::Accepted { session })),
        1 => refusal().prop_map(|refusal| Frame::Verdict(Verdict::Refused(refusal))),
    ]
}

/// Reads until the bytes are used up or refused, as a connection does.
fn read_all(plain: &mut BytesMut) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = read(plain) {
        frames.push(frame);
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn every_frame_reads_as_it_was_written(frames in prop::collection::vec(frame(), 1..4)) {
        let mut plain = BytesMut::new();
        for frame in &frames {
            encode_frame(frame, AT_WRITER, &mut plain).unwrap();
        }
        prop_assert_eq!(read_all(&mut plain), frames);
        prop_assert!(plain.is_empty());
    }

    #[test]
    fn a_frame_is_read_only_when_it_is_whole(frame in frame()) {
        let whole = write(&frame);
        for size in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..size]);
            prop_assert_eq!(read(&mut part), Ok(None));
            prop_assert_eq!(part.len(), size);
        }
    }

    #[test]
    fn a_body_that_was_cut_short_is_another_one_or_none(frame in frame()) {
        // The code of a known refusal is enough; its text is for who does not know the code.
        prop_assume!(!matches!(frame, Frame::Verdict(Verdict::Refused(_))));
        let whole = write(&frame);
        let Some((kind, body)) = whole[4..].split_first() else { unreachable!() };
        for size in 0..body.len() {
            let read = read(&mut raw(*kind, &body[..size]));
            prop_assert!(read != Ok(Some(frame.clone())), "{size} bytes were enough");
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&mut BytesMut::from(&bytes[..]));
    }

    #[test]
    fn no_body_makes_a_decoder_panic(
        kind in any::<u8>(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        read_all(&mut raw(kind, &body));
    }

    #[test]
    fn mutated_frames_do_no_harm_and_what_they_say_can_be_written_again(
        frame in frame(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut plain = write(&frame);
        for (place, byte) in changes {
            let place = place.index(plain.len());
            plain[place] = byte;
        }
        for frame in read_all(&mut plain) {
            if !matches!(frame, Frame::Unknown { .. }) {
                // Read by the reader, so written by the writer: the ends are the same.
                prop_assert_eq!(read(&mut write(&frame)), Ok(Some(frame)));
            }
        }
    }
}
