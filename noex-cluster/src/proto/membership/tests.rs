//! What a cluster of machines comes to, whatever happens to its nodes and its network.

use std::collections::BTreeSet;
use std::iter;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, NodeDownReason, NodeId, Peer};

use super::linking::WANTED_DIALS_MAX;
use super::message::{
    Cause, Digest, Facts, Life, News, RECORDS_MAX, Record, Report, Standing, State, Vote, Who,
};
use super::simulation::{RULES, Simulation, Told, key_of, port_of};
use super::{
    DialFailure, Endpoint, Input, Machine, Message, Notice, OBSERVERS, Output, SessionId, Stream,
    Via,
};
use crate::proto::wire::Refusal;

/// Random runs of each property.
const RUNS: u64 = 100;

/// What a decision that waits for no time-out may take.
const AT_ONCE: Duration = Duration::from_millis(200);

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A cluster of this size in which everybody knows everybody.
fn cluster(seed: u64, size: usize) -> Simulation {
    let mut sim = Simulation::new(seed, now());
    for index in 0..size {
        let first = if index == 0 { &[][..] } else { &[0] };
        sim.add(first);
    }
    sim.run(seconds(10));
    for index in 0..size {
        assert_eq!(sim.view(index), others(index, size), "seed {seed}");
    }
    sim
}

fn others(index: usize, size: usize) -> Vec<usize> {
    (0..size).filter(|other| *other != index).collect()
}

fn downs(sim: &Simulation, index: usize) -> usize {
    let is_down = |told: &Told| matches!(told, Told::Down(..));
    sim.nodes[index]
        .told
        .iter()
        .filter(|(_, told)| is_down(told))
        .count()
}

#[test]
fn everybody_learns_everybody_from_one_seed() {
    for seed in 0..RUNS {
        cluster(seed, 7);
    }
}

#[test]
fn nodes_that_dial_each_other_keep_one_session_and_nobody_goes_down() {
    for seed in 0..RUNS * 10 {
        let mut sim = Simulation::new(seed, now());
        sim.add(&[1]);
        sim.add(&[0]);
        sim.run(seconds(3));
        for (index, other) in [(0, 1), (1, 0)] {
            assert_eq!(sim.view(index), [other], "seed {seed}");
            assert_eq!(sim.sessions_of(index).len(), 1, "seed {seed}");
            assert_eq!(sim.nodes[index].told.len(), 2, "seed {seed}");
        }
    }
}

#[test]
fn a_killed_process_is_down_at_once_everywhere() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 5);
        let since = sim.now;
        sim.kill(2);
        sim.run(seconds(1));
        for index in others(2, 5) {
            let (after, reason) = sim.down_after(index, 2, since).unwrap();
            assert_eq!(reason, NodeDownReason::ConnectionClosed);
            assert!(after < AT_ONCE, "seed {seed}: {after:?}");
        }
    }
}

#[test]
fn a_paused_process_is_down_in_time_and_comes_back_as_the_same_life() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 4);
        let since = sim.now;
        sim.nodes[1].is_paused = true;
        sim.run(seconds(20));
        let detection = RULES.detection_time();
        for index in others(1, 4) {
            let (after, reason) = sim.down_after(index, 1, since).unwrap();
            assert_eq!(reason, NodeDownReason::HeartbeatTimeout);
            assert!(after <= detection.mul_f64(1.1), "seed {seed}: {after:?}");
            let earliest = detection - RULES.heartbeat_interval;
            assert!(after >= earliest, "seed {seed}: {after:?}");
        }
        sim.resume(1);
        sim.run(seconds(40));
        for index in 0..4 {
            assert_eq!(sim.view(index), others(index, 4), "seed {seed}");
        }
        assert_eq!(downs(&sim, 1), 0, "seed {seed}: {:?}", sim.nodes[1].told);
    }
}

#[test]
fn a_node_whose_sessions_break_as_it_falls_silent_is_not_down_early() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        sim.run(Duration::from_millis(40 * seed));
        for other in [0, 2] {
            sim.reset(other, 1);
        }
        let since = sim.now;
        sim.nodes[1].is_paused = true;
        sim.run(seconds(20));
        let earliest = RULES.detection_time() - RULES.heartbeat_interval;
        for index in [0, 2] {
            let (after, _) = sim.down_after(index, 1, since).unwrap();
            assert!(after >= earliest, "seed {seed}: {after:?}");
        }
    }
}

#[test]
fn a_short_pause_makes_nobody_go_down() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 4);
        sim.nodes[3].is_paused = true;
        sim.run(Duration::from_millis(3_900));
        sim.resume(3);
        sim.run(seconds(10));
        for index in 0..4 {
            assert_eq!(downs(&sim, index), 0, "seed {seed}");
        }
    }
}

#[test]
fn a_node_that_leaves_is_gone_at_once_and_not_dialled_again() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 4);
        let since = sim.now;
        sim.feed(3, Input::Leave);
        sim.run(seconds(2));
        for index in others(3, 4) {
            let (after, reason) = sim.down_after(index, 3, since).unwrap();
            assert_eq!(reason, NodeDownReason::GracefulShutdown);
            assert!(after < AT_ONCE, "seed {seed}: {after:?}");
        }
        sim.kill(3);
        let before: Vec<usize> = sim.nodes.iter().map(|node| node.dials).collect();
        sim.run(seconds(20));
        let after: Vec<usize> = sim.nodes.iter().map(|node| node.dials).collect();
        assert_eq!(before, after, "seed {seed}");
    }
}

#[test]
fn a_broken_connection_is_replaced_and_nobody_goes_down() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        sim.reset(0, 1);
        sim.run(seconds(3));
        for index in 0..3 {
            assert_eq!(sim.view(index), others(index, 3), "seed {seed}");
            assert_eq!(downs(&sim, index), 0, "seed {seed}");
        }
        for (index, other) in [(0, 1), (1, 0)] {
            let peer = sim.nodes[other].peer.clone();
            let told: Vec<&Told> = sim.nodes[index].told.iter().map(|(_, told)| told).collect();
            let last: Vec<&Told> = told.into_iter().rev().take(2).collect();
            let expected = [&Told::Opened(peer.clone()), &Told::Lost(peer)];
            assert_eq!(last, expected, "seed {seed}");
        }
    }
}

#[test]
fn a_session_that_both_want_at_one_moment_is_opened_and_not_lost_by_a_dial_that_was_too_many() {
    for seed in 0..RUNS * 5 {
        let mut sim = cluster(seed, 2);
        sim.reset(0, 1);
        sim.run(Duration::from_millis(5));
        let creations = [0, 1].map(|index: usize| sim.nodes[index].peer.creation);
        for (index, peer) in [(0, creations[1]), (1, creations[0])] {
            sim.feed(index, Input::Wanted { peer });
        }
        sim.run(seconds(3));
        for node in &sim.nodes {
            let told: Vec<&Told> = node.told.iter().map(|(_, told)| told).collect();
            let lost = told.iter().filter(|told| matches!(told, Told::Lost(_)));
            assert_eq!(lost.count(), 1, "seed {seed}: {told:?}");
            assert!(
                matches!(told[..], [.., Told::Opened(_)]),
                "seed {seed}: {told:?}"
            );
        }
    }
}

/// The sessions of a node for which the membership has no use, with whom each is.
fn spare(sim: &Simulation, index: usize) -> Vec<(SessionId, usize)> {
    let sessions = sim.sessions_of(index).into_iter();
    let spare = sessions.filter(|session| sim.nodes[index].machine.is_spare(*session));
    spare
        .map(|session| (session, sim.ends[&(index, session)].0))
        .collect()
}

fn told_since(sim: &Simulation, index: usize, since: Instant) -> Vec<&Told> {
    let told = sim.nodes[index].told.iter();
    told.filter(|(at, _)| *at >= since)
        .map(|(_, told)| told)
        .collect()
}

const MANY: usize = 24;

/// A cluster that was joined through its first node, which has a session with all.
fn with_spare_sessions(seed: u64) -> Simulation {
    let mut sim = cluster(seed, MANY);
    // The first sessions carry news for a while.
    sim.run(seconds(10));
    assert!(spare(&sim, 0).len() > 3, "seed {seed}");
    sim
}

#[test]
fn a_session_that_nobody_uses_is_closed_without_a_loss_whoever_begins() {
    let (mut rested, mut opened) = (0, 0);
    for seed in 0..6 {
        let mut sim = with_spare_sessions(seed);
        let since = sim.now;
        for (count, (session, other)) in spare(&sim, 0).into_iter().enumerate() {
            let theirs = sim.ends[&(0, session)].1;
            // This node alone, both at one moment, the other one alone, both shortly after each
            // other.
            if count % 4 != 2 {
                sim.feed(0, Input::Rest { session });
            }
            if count % 4 == 3 {
                sim.run(Duration::from_millis(1));
            }
            if count % 4 != 0 {
                sim.feed(other, Input::Rest { session: theirs });
            }
        }
        sim.run(seconds(3));
        assert_eq!(spare(&sim, 0), [], "seed {seed}");
        for index in 0..MANY {
            assert_eq!(sim.view(index), others(index, MANY), "seed {seed}");
            let told = told_since(&sim, index, since);
            let all_rested = told.iter().all(|told| matches!(told, Told::Rested(_)));
            assert!(all_rested, "seed {seed}: {told:?}");
            rested += told.len();
        }
        // It opens again when it is wanted, also by both at once.
        let since = sim.now;
        for other in 1..MANY {
            let creations = [other, 0].map(|index| sim.nodes[index].peer.creation);
            for (index, peer) in [0, other].into_iter().zip(creations) {
                sim.feed(index, Input::Wanted { peer });
            }
        }
        sim.run(seconds(3));
        assert_eq!(sim.sessions_of(0).len(), MANY - 1, "seed {seed}");
        opened += told_since(&sim, 0, since).len();
    }
    assert!(rested > 40 && opened * 2 == rested, "{rested} {opened}");
}

#[test]
fn a_session_that_is_wanted_as_soon_as_it_rests_is_opened_again_without_a_loss() {
    for seed in 0..6 {
        let mut sim = with_spare_sessions(seed);
        let (session, other) = spare(&sim, 0)[0];
        let since = sim.now;
        sim.feed(0, Input::Rest { session });
        let mut wanted = [false; 2];
        while wanted != [true; 2] {
            sim.run(Duration::from_micros(100));
            assert!(sim.now < since + seconds(1), "seed {seed}");
            for (side, (index, with)) in [(0, other), (other, 0)].into_iter().enumerate() {
                let told = told_since(&sim, index, since);
                if !wanted[side] && told.iter().any(|told| matches!(told, Told::Rested(_))) {
                    wanted[side] = true;
                    let peer = sim.nodes[with].peer.creation;
                    sim.feed(index, Input::Wanted { peer });
                }
            }
        }
        sim.run(seconds(3));
        for index in [0, other] {
            let told = told_since(&sim, index, since);
            let is_as_it_should = matches!(told[..], [Told::Rested(_), Told::Opened(_)]);
            assert!(is_as_it_should, "seed {seed}: {told:?}");
        }
    }
}

#[test]
fn a_session_that_can_not_be_closed_in_order_is_lost_and_nobody_is_down() {
    for seed in 0..6 {
        let mut sim = with_spare_sessions(seed);
        let (session, other) = spare(&sim, 0)[0];
        let since = sim.now;
        sim.cuts.insert((0, other));
        sim.feed(0, Input::Rest { session });
        sim.run(RULES.detection_time() + RULES.heartbeat_interval * 2);
        let told = told_since(&sim, 0, since);
        assert!(matches!(told[..], [Told::Lost(_)]), "seed {seed}: {told:?}");
    }
}

#[test]
fn a_session_that_goes_to_rest_is_not_replaced_by_a_dial_of_the_peer() {
    let mut sim = with_spare_sessions(1);
    let (session, other) = spare(&sim, 0)[0];
    for is_resting in [true, false] {
        sim.cuts.insert((0, other));
        if is_resting {
            sim.feed(0, Input::Rest { session });
        }
        let peer = sim.nodes[other].peer.clone();
        let key = key_of(peer.creation);
        let asked = SessionId(u64::MAX);
        let machine = &mut sim.nodes[0].machine;
        let input = Input::Asked {
            session: asked,
            peer,
            key,
        };
        machine.handle_input(input, sim.now);
        let outputs = iter::from_fn(|| machine.poll_output());
        let answers: Vec<_> = outputs
            .filter_map(|output| match output {
                Output::Answer { answer, .. } => Some(answer),
                _ => None,
            })
            .collect();
        let refused = Err(Refusal::AlreadyConnected);
        assert_eq!(answers, [if is_resting { refused } else { Ok(()) }]);
        // It has been lost, and the next one may come.
        sim.run(RULES.detection_time() + RULES.heartbeat_interval * 2);
    }
}

#[test]
fn a_session_of_neighbours_does_not_rest() {
    let mut sim = cluster(1, 4);
    sim.run(seconds(10));
    let since = sim.now;
    for session in sim.sessions_of(0) {
        sim.feed(0, Input::Rest { session });
    }
    sim.run(seconds(3));
    assert_eq!(sim.sessions_of(0).len(), 3);
    assert_eq!(told_since(&sim, 0, since).len(), 0);
}

#[test]
fn a_node_that_leaves_while_its_sessions_go_to_rest_is_down_once() {
    for seed in 0..6 {
        let mut sim = with_spare_sessions(seed);
        let since = sim.now;
        let spare = spare(&sim, 0);
        for (session, _) in &spare {
            sim.feed(0, Input::Rest { session: *session });
        }
        sim.run(Duration::from_micros(400 * seed));
        sim.feed(0, Input::Leave);
        sim.run(seconds(5));
        for index in 1..MANY {
            let (after, reason) = sim.down_after(index, 0, since).unwrap();
            assert_eq!(reason, NodeDownReason::GracefulShutdown, "seed {seed}");
            assert!(after < AT_ONCE, "seed {seed}: {after:?}");
            assert_eq!(downs(&sim, index), 1, "seed {seed}");
        }
    }
}

#[test]
fn a_session_that_breaks_again_and_again_is_not_redialled_without_pause() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 2);
        let before = sim.nodes[0].dials + sim.nodes[1].dials;
        for _ in 0..1_000 {
            sim.reset(0, 1);
            sim.run(Duration::from_millis(10));
        }
        let dials = sim.nodes[0].dials + sim.nodes[1].dials - before;
        assert!(dials <= 120, "seed {seed}: {dials} dials in 10 s");
        sim.run(seconds(5));
        assert_eq!(
            (sim.view(0), sim.view(1)),
            (vec![1], vec![0]),
            "seed {seed}"
        );
    }
}

#[test]
fn a_member_that_declines_for_good_is_down() {
    let mut sim = cluster(0, 2);
    let (session, stream) = (sim.sessions_of(0)[0], Stream::Control);
    let machine = &mut sim.nodes[0].machine;
    machine.handle_input(Input::Closed { session, stream }, sim.now);
    let dial = iter::from_fn(|| machine.poll_output()).find_map(|output| match output {
        Output::Dial { dial, .. } => Some(dial),
        _ => None,
    });
    let how = DialFailure::Declined(Refusal::WrongKey);
    let dial = dial.unwrap();
    machine.handle_input(Input::DialFailed { dial, how }, sim.now);
    let is_down = |output| matches!(output, Output::PeerDown { .. });
    assert!(iter::from_fn(|| machine.poll_output()).any(is_down));
}

#[test]
fn a_goodbye_waits_for_what_a_busy_node_has_yet_to_read() {
    let mut sim = cluster(0, 2);
    let session = sim.sessions_of(0)[0];
    let machine = &mut sim.nodes[0].machine;
    machine.handle_input(Input::Goodbye { session }, sim.now);
    machine.handle_timeout(sim.now + seconds(1));
    let is_down = |output| matches!(output, Output::PeerDown { .. });
    assert!(!iter::from_fn(|| machine.poll_output()).any(is_down));
    machine.handle_input(Input::LaneEnded { session }, sim.now + seconds(1));
    assert!(iter::from_fn(|| machine.poll_output()).any(is_down));
}

#[test]
fn a_member_that_answers_and_opens_no_session_is_down_in_time() {
    let mut sim = cluster(0, 2);
    let (session, stream) = (sim.sessions_of(0)[0], Stream::Control);
    let (peer, mut now) = (sim.nodes[1].peer.clone(), sim.now);
    let machine = &mut sim.nodes[0].machine;
    machine.handle_input(Input::Closed { session, stream }, now);
    let end = now + 2 * RULES.detection_time();
    let mut is_down = false;
    while now < end && !is_down {
        now += Duration::from_millis(100);
        machine.handle_timeout(now);
        while let Some(output) = machine.poll_output() {
            if let Output::Dial { dial, .. } = output {
                let (peer, key) = (peer.clone(), key_of(peer.creation));
                machine.handle_input(Input::Identified { dial, peer, key }, now);
                let how = DialFailure::Lost;
                machine.handle_input(Input::DialFailed { dial, how }, now);
            }
            is_down |= matches!(output, Output::PeerDown { .. });
        }
    }
    assert!(is_down);
}

/// A node that was told of so many others that do not exist, in a message each.
fn deceived(counts: &[u16]) -> Simulation {
    let mut sim = cluster(0, 2);
    let mut told = 0;
    let record = |index: u16| {
        let id = NodeId::new("x", "127.0.0.1", 20_000 + index).unwrap();
        let peer = Peer::new(id, Creation::from_bits(u64::from(index) + 1));
        let key = [0; 32];
        Record {
            who: Arc::new(Who { peer, key }),
            incarnation: 0,
            standing: Standing::Up,
        }
    };
    let session = sim.sessions_of(0)[0];
    for count in counts {
        let message = Message::State(State {
            records: (told..told + count).map(record).collect(),
            is_question: false,
        });
        let input = Input::Message { session, message };
        sim.nodes[0].machine.handle_input(input, sim.now);
        told += count;
    }
    sim
}

#[test]
fn a_message_with_more_records_than_may_be_is_cut() {
    let sim = deceived(&[200]);
    assert_eq!(sim.nodes[0].machine.member_count(), 1 + RECORDS_MAX);
}

/// Whatever a member says of times and counts: it may be mad, and must not be contagious.
#[test]
fn no_number_that_a_member_says_ends_a_node() {
    let numbers = [0, 1, u64::MAX - 1, u64::MAX];
    for seed in 0..4 {
        let mut sim = cluster(seed, 4);
        let session = sim.sessions_of(0)[0];
        let lives: Vec<Creation> = sim.nodes.iter().map(|node| node.peer.creation).collect();
        let mut said = Vec::new();
        for number in numbers {
            let time = Duration::new(number, 999_999_999);
            for creation in lives.iter().copied() {
                let life = Life {
                    creation,
                    incarnation: number,
                };
                let facts = Facts {
                    process_count: number,
                    uptime: time,
                };
                let report = Report {
                    creation,
                    facts,
                    age: time,
                };
                let vote = |cause| {
                    News::Vote(Vote {
                        suspect: life,
                        voter: lives[1],
                        age: time,
                        cause,
                    })
                };
                let news = vec![
                    News::Down(life),
                    vote(Cause::Silent),
                    vote(Cause::Closed),
                    News::Heard(life),
                    News::Present(creation),
                ];
                said.push(Message::News(Arc::new(news)));
                said.push(Message::Heartbeat(facts));
                said.push(Message::Digest(Digest {
                    view: number,
                    is_settled: true,
                    reports: vec![report],
                }));
            }
        }
        for message in said {
            sim.feed(0, Input::Message { session, message });
            sim.run(Duration::from_millis(200));
        }
        sim.run(seconds(20));
    }
}

#[test]
fn a_vote_of_any_age_about_a_member_that_was_just_vouched_for_is_told_on() {
    let mut sim = deceived(&[40]);
    let session = sim.sessions_of(0)[0];
    let lives = [1, 2].map(Creation::from_bits);
    let suspect = Life {
        creation: lives[0],
        incarnation: 0,
    };
    let vote = Vote {
        suspect,
        voter: lives[1],
        age: Duration::MAX,
        cause: Cause::Silent,
    };
    for news in [News::Heard(suspect), News::Vote(vote)] {
        let message = Message::News(Arc::new(vec![news]));
        sim.feed(0, Input::Message { session, message });
        sim.run(RULES.patience());
    }
}

#[test]
fn an_incarnation_that_nobody_can_have_is_not_believed() {
    let mut sim = cluster(1, 3);
    let session = sim.sessions_of(0)[0];
    for index in [0, 1] {
        let creation = sim.nodes[index].peer.creation;
        let incarnation = u64::MAX;
        let life = Life {
            creation,
            incarnation,
        };
        let vote = Vote {
            suspect: life,
            voter: sim.nodes[2].peer.creation,
            age: Duration::ZERO,
            cause: Cause::Closed,
        };
        let record = Record {
            who: Arc::new(Who {
                peer: sim.nodes[index].peer.clone(),
                key: key_of(creation),
            }),
            incarnation,
            standing: Standing::Up,
        };
        let said = vec![
            News::Vote(vote),
            News::Down(life),
            News::Left(life),
            News::Up(record),
        ];
        let message = Message::News(Arc::new(said));
        sim.feed(0, Input::Message { session, message });
    }
    sim.run(seconds(10));
    // Whoever is silent for a while can still show that it lives.
    for index in 0..3 {
        sim.nodes[index].is_paused = true;
        sim.run(seconds(8));
        sim.resume(index);
        sim.run(seconds(20));
        for other in 0..3 {
            assert_eq!(sim.view(other), others(other, 3), "{index} was paused");
        }
    }
}

#[test]
fn a_node_whose_clock_was_put_back_is_up_everywhere_in_its_new_life() {
    for seed in 0..RUNS / 4 {
        let size = 3 + usize::try_from(seed % 10).unwrap();
        let mut sim = cluster(seed, size);
        if seed % 2 == 0 {
            sim.kill(1);
        } else {
            sim.nodes[1].is_paused = true;
        }
        sim.run(Duration::from_millis(seed * 37 % 1_500));
        let before = sim.nodes[1].incarnation;
        sim.starts = 0;
        sim.restart(1, &[0, 2]);
        assert!(sim.nodes[1].incarnation < before);
        sim.run(seconds(30));
        let own = sim.nodes[1].peer.clone();
        for index in others(1, size) {
            assert_eq!(sim.view(index), others(index, size), "seed {seed}");
            let last = sim.nodes[index]
                .told
                .iter()
                .rev()
                .find_map(|(_, told)| match told {
                    Told::Up(peer) | Told::Down(peer, _) if peer.id == own.id => Some(told),
                    _ => None,
                });
            assert_eq!(last, Some(&Told::Up(own.clone())), "seed {seed}");
        }
    }
}

#[test]
fn a_key_that_others_tell_of_does_not_keep_out_who_proves_another() {
    let mut sim = deceived(&[1]);
    let (machine, now) = (&mut sim.nodes[0].machine, sim.now);
    let id = NodeId::new("x", "127.0.0.1", 20_000).unwrap();
    let peer = Peer::new(id, Creation::from_bits(1));
    let (told, proved) = ([0; 32], [9; 32]);
    let ask = |machine: &mut Machine, session, key| {
        let (session, peer) = (SessionId(session), peer.clone());
        machine.handle_input(Input::Asked { session, peer, key }, now);
        iter::from_fn(|| machine.poll_output()).find_map(|output| match output {
            Output::Answer { answer, .. } => Some(answer),
            _ => None,
        })
    };
    assert_eq!(ask(machine, 100, proved), Some(Ok(())));
    let opened = Input::SessionOpened {
        session: SessionId(100),
        peer: peer.clone(),
        key: proved,
        incarnation: 0,
        via: Via::Accept,
    };
    machine.handle_input(opened, now);
    let is_closed = |output| matches!(output, Output::CloseSession { .. });
    assert!(!iter::from_fn(|| machine.poll_output()).any(is_closed));
    // From now on what it proved is what counts.
    assert_eq!(ask(machine, 101, told), Some(Err(Refusal::WrongKey)));
}

#[test]
fn a_program_that_speaks_to_all_at_once_has_a_bounded_number_of_dials_and_reaches_all() {
    let mut sim = deceived(&[60; 6]);
    let creations = (1..=360).map(Creation::from_bits);
    let machine = &mut sim.nodes[0].machine;
    for peer in creations {
        machine.handle_input(Input::Wanted { peer }, sim.now);
    }
    let mut dialled = BTreeSet::new();
    let mut now = sim.now;
    while dialled.len() < 360 {
        assert!(machine.dial_count() <= WANTED_DIALS_MAX + 2 * OBSERVERS);
        while let Some(output) = machine.poll_output() {
            if let Output::Dial {
                dial,
                to: Endpoint::Node(node),
            } = output
            {
                dialled.insert(node);
                let how = DialFailure::NoAnswer;
                machine.handle_input(Input::DialFailed { dial, how }, now);
            }
        }
        now += Duration::from_millis(200);
        assert!(now < sim.now + seconds(2), "{} were dialled", dialled.len());
        machine.handle_timeout(now);
    }
}

#[test]
fn nobody_is_made_to_dial_everywhere_at_once() {
    let mut sim = deceived(&[60, 60]);
    let now = sim.now + seconds(2);
    let machine = &mut sim.nodes[0].machine;
    machine.handle_timeout(now);
    let dials = 1..=2 * OBSERVERS;
    assert!(dials.contains(&machine.dial_count()), "neighbours alone");
    assert!(
        machine.poll_timeout().unwrap() > now,
        "it waits before it tries again"
    );
}

#[test]
fn a_node_that_comes_back_at_once_is_down_and_then_up_as_another_life() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 4);
        let former = sim.nodes[2].peer.clone();
        sim.kill(2);
        sim.restart(2, &[0]);
        let latter = sim.nodes[2].peer.clone();
        sim.run(seconds(10));
        for index in others(2, 4) {
            assert_eq!(sim.view(index), others(index, 4), "seed {seed}");
            let told: Vec<&Told> = sim.nodes[index].told.iter().map(|(_, told)| told).collect();
            let down = Told::Down(former.clone(), NodeDownReason::ConnectionClosed);
            let down = told.iter().position(|told| **told == down).unwrap();
            let up = told
                .iter()
                .position(|told| **told == Told::Up(latter.clone()))
                .unwrap();
            assert!(down < up, "seed {seed}");
        }
    }
}

#[test]
fn a_split_is_noticed_in_time_and_heals() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 4);
        let since = sim.now;
        sim.cuts.extend([(0, 2), (0, 3), (1, 2), (1, 3)]);
        sim.run(seconds(20));
        for (index, other) in [(0, 2), (3, 1)] {
            let (after, reason) = sim.down_after(index, other, since).unwrap();
            assert_eq!(reason, NodeDownReason::HeartbeatTimeout);
            assert!(
                after <= RULES.detection_time().mul_f64(1.1),
                "seed {seed}: {after:?}"
            );
        }
        assert_eq!(
            (sim.view(0), sim.view(3)),
            (vec![1], vec![2]),
            "seed {seed}"
        );
        sim.cuts.clear();
        sim.run(seconds(60));
        for index in 0..4 {
            assert_eq!(sim.view(index), others(index, 4), "seed {seed}");
        }
    }
}

#[test]
fn two_halves_that_share_a_seed_merge() {
    for seed in 0..RUNS {
        let mut sim = Simulation::new(seed, now());
        for seeds in [&[2][..], &[0, 2], &[], &[2]] {
            sim.add(seeds);
        }
        sim.cuts.extend([(0, 2), (1, 2), (0, 3), (1, 3)]);
        sim.run(seconds(15));
        assert_eq!(
            (sim.view(0), sim.view(2)),
            (vec![1], vec![3]),
            "seed {seed}"
        );
        sim.cuts.clear();
        sim.run(seconds(60));
        for index in 0..4 {
            assert_eq!(sim.view(index), others(index, 4), "seed {seed}");
        }
    }
}

#[test]
fn a_disconnected_member_stays_away_until_it_is_wanted() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        let node = sim.nodes[1].peer.id.clone();
        sim.feed(0, Input::Disconnect { node: node.clone() });
        sim.run(seconds(60));
        assert_eq!(
            (sim.view(0), sim.view(1)),
            (vec![2], vec![2]),
            "seed {seed}"
        );
        sim.feed(0, Input::Reconnect { node });
        sim.run(seconds(1));
        assert_eq!(
            (sim.view(0), sim.view(1)),
            (vec![1, 2], vec![0, 2]),
            "seed {seed}"
        );
    }
}

#[test]
fn contract_c45_a_disconnected_member_that_was_silent_meanwhile_stays_away() {
    for seed in 0..RUNS / 2 {
        let mut sim = cluster(seed, 4);
        let node = sim.nodes[1].peer.id.clone();
        sim.feed(0, Input::Disconnect { node: node.clone() });
        sim.run(seconds(1));
        sim.nodes[1].is_paused = true;
        sim.run(seconds(20));
        sim.resume(1);
        sim.run(seconds(40));
        assert_eq!(sim.view(0), [2, 3], "seed {seed}");
        assert_eq!(sim.view(1), [2, 3], "seed {seed}");
        assert_eq!(sim.view(2), [0, 1, 3], "seed {seed}");
        sim.feed(0, Input::Reconnect { node });
        sim.run(seconds(2));
        assert_eq!(sim.view(0), [1, 2, 3], "seed {seed}");
    }
}

#[test]
fn contract_c45_a_member_that_is_disconnected_while_it_is_down_is_up_on_both_sides_or_on_none() {
    for seed in 0..RUNS / 2 {
        let mut sim = cluster(seed, 4);
        let node = sim.nodes[1].peer.id.clone();
        sim.nodes[1].is_paused = true;
        sim.run(seconds(20));
        assert_eq!(sim.view(0), [2, 3], "seed {seed}");
        sim.feed(0, Input::Disconnect { node: node.clone() });
        sim.resume(1);
        sim.run(seconds(40));
        let sees = [(0, 1), (1, 0)].map(|(index, other)| sim.view(index).contains(&other));
        assert_eq!(sees[0], sees[1], "seed {seed}");
        sim.feed(0, Input::Reconnect { node });
        sim.run(seconds(2));
        assert_eq!(sim.view(0), [1, 2, 3], "seed {seed}");
        assert_eq!(sim.view(1), [0, 2, 3], "seed {seed}");
    }
}

#[test]
fn contract_c45_a_disconnected_member_that_is_found_behind_a_seed_stays_away() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        let node = sim.nodes[1].peer.id.clone();
        sim.feed(2, Input::Disconnect { node: node.clone() });
        sim.run(seconds(1));
        let addresses = vec![format!("127.0.0.1:{}", node.port()).parse().unwrap()];
        sim.feed(2, Input::Resolved { seed: 0, addresses });
        let dials = sim.nodes[2].dials;
        sim.run(seconds(60));
        assert!(sim.nodes[2].dials > dials, "seed {seed}: it is dialled");
        assert_eq!(sim.view(2), [0], "seed {seed}");
        assert_eq!(sim.view(1), [0], "seed {seed}");
    }
}

#[test]
fn contract_c45_the_next_life_of_a_disconnected_member_is_welcome_at_once() {
    for seed in 0..6 {
        let mut sim = with_spare_sessions(seed);
        // Somebody of whom this node hears nothing itself.
        let (session, other) = spare(&sim, 0)[0];
        sim.feed(0, Input::Rest { session });
        sim.run(seconds(1));
        let id = sim.nodes[other].peer.id.clone();
        for is_disconnected in [false, true] {
            if is_disconnected {
                let node = id.clone();
                sim.feed(0, Input::Disconnect { node });
                sim.run(seconds(1));
            }
            let peer = Peer::new(id.clone(), Creation::from_bits(7));
            let (session, key) = (SessionId(u64::MAX), key_of(peer.creation));
            let machine = &mut sim.nodes[0].machine;
            machine.handle_input(Input::Asked { session, peer, key }, sim.now);
            let answers = iter::from_fn(|| machine.poll_output());
            let answers: Vec<_> = answers
                .filter_map(|output| match output {
                    Output::Answer { answer, .. } => Some(answer.is_ok()),
                    _ => None,
                })
                .collect();
            assert_eq!(answers, [is_disconnected], "seed {seed}");
        }
    }
}

#[test]
fn a_member_that_is_disconnected_while_it_is_away_is_not_down_once_more() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        let node = sim.nodes[1].peer.id.clone();
        sim.feed(0, Input::Disconnect { node: node.clone() });
        sim.run(Duration::from_millis(seed % 4));
        sim.feed(0, Input::Reconnect { node: node.clone() });
        sim.run(Duration::from_millis(seed % 3));
        sim.feed(0, Input::Disconnect { node: node.clone() });
        sim.run(seconds(10));
        sim.feed(0, Input::Reconnect { node: node.clone() });
        sim.run(seconds(1));
        assert_eq!(sim.view(0), [1, 2], "seed {seed}");
        let told = sim.nodes[0].told.iter();
        let is_up = told.filter_map(|(_, told)| match told {
            Told::Up(peer) if peer.id == node => Some(true),
            Told::Down(peer, _) if peer.id == node => Some(false),
            _ => None,
        });
        let is_up: Vec<bool> = is_up.collect();
        assert!(
            is_up.windows(2).all(|pair| pair[0] != pair[1]),
            "seed {seed}: {is_up:?}"
        );
    }
}

#[test]
fn a_member_that_does_not_answer_when_it_is_wanted_again_is_dialled_until_it_does() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        let node = sim.nodes[1].peer.id.clone();
        sim.feed(0, Input::Disconnect { node: node.clone() });
        sim.run(seconds(1));
        sim.nodes[1].is_paused = true;
        sim.feed(0, Input::Reconnect { node });
        sim.run(seconds(3));
        sim.resume(1);
        sim.run(seconds(10));
        assert_eq!(
            (sim.view(0), sim.view(1)),
            (vec![1, 2], vec![0, 2]),
            "seed {seed}"
        );
    }
}

#[test]
fn contract_c30_a_killed_node_is_dialled_after_each_of_the_promised_delays() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 2);
        sim.kill(1);
        // The first dial shows that it is down; the delays begin there.
        sim.run(AT_ONCE);
        let margin = AT_ONCE * 2;
        let mut dials = sim.nodes[0].dials;
        for (number, delay) in [1, 2, 4, 8, 16, 30, 30]
            .map(seconds)
            .into_iter()
            .enumerate()
        {
            let done = if number == 0 { AT_ONCE } else { margin / 2 };
            sim.run(delay - done - margin / 2);
            assert_eq!(sim.nodes[0].dials, dials, "seed {seed}: before {delay:?}");
            sim.run(margin);
            dials += 1;
            assert_eq!(sim.nodes[0].dials, dials, "seed {seed}: after {delay:?}");
        }
    }
}

#[test]
fn contract_c02_a_second_live_node_with_the_same_identity_is_refused_and_told_so_once() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        let twin = sim.add_twin(1, &[0]);
        sim.run(seconds(60));
        for index in [0, 2] {
            assert_eq!(sim.view(index), others(index, 3), "seed {seed}");
            assert_eq!(downs(&sim, index), 0, "seed {seed}");
        }
        assert_eq!(sim.sessions_of(twin), [], "seed {seed}");
        let told = &sim.nodes[twin].notices;
        assert_eq!(told[..], [Notice::NameTaken { is_member: false }]);
        assert_eq!(sim.nodes[1].notices, []);
    }
}

#[test]
fn a_member_that_finds_a_node_of_its_own_identity_goes_on_and_is_not_the_one_to_yield() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 3);
        let twin = sim.add_twin(1, &[]);
        let addresses =
            [0, twin].map(|node| SocketAddr::from((Ipv4Addr::LOCALHOST, port_of(node))));
        let (seed_of_it, addresses) = (0, addresses.to_vec());
        sim.feed(
            1,
            Input::Resolved {
                seed: seed_of_it,
                addresses,
            },
        );
        sim.run(seconds(30));
        let refused = sim.nodes[twin].peer.clone();
        let told = &sim.nodes[1].notices;
        assert!(
            told.contains(&Notice::TwoLives { peer: refused }),
            "seed {seed}"
        );
        let is_taken = |notice: &Notice| matches!(notice, Notice::NameTaken { .. });
        assert!(!told.iter().any(is_taken), "seed {seed}: {told:?}");
        assert_eq!(sim.view(1), [0, 2], "seed {seed}");
    }
}

#[test]
fn contract_c02_twins_that_come_in_by_different_seeds_are_told_so_and_nobody_else_goes_down() {
    for seed in 0..RUNS {
        let mut sim = cluster(seed, 2);
        let one = sim.add(&[0]);
        let two = sim.add_twin(one, &[1]);
        sim.run(seconds(60));
        for twin in [one, two] {
            let told = &sim.nodes[twin].notices;
            assert_eq!(
                told[..],
                [Notice::NameTaken { is_member: true }],
                "seed {seed}"
            );
            assert_eq!(downs(&sim, twin), 0, "seed {seed}");
        }
        for (index, other) in [(0, 1), (1, 0)] {
            assert_eq!(sim.view(index), [other, one], "seed {seed}");
            let other = Some(&sim.nodes[other].peer);
            let downs = sim.nodes[index]
                .told
                .iter()
                .filter_map(|(_, told)| match told {
                    Told::Down(peer, _) => Some(peer),
                    _ => None,
                });
            assert!(
                downs.into_iter().all(|peer| Some(peer) != other),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_node_that_is_restarted_in_silence_is_up_everywhere_in_its_new_life_and_is_told_of_no_twin() {
    for seed in 0..RUNS / 4 {
        let size = 3 + usize::try_from(seed % 10).unwrap();
        let mut sim = cluster(seed, size);
        for life in 0..3 {
            // Nobody hears of the end of the former life.
            sim.nodes[1].is_paused = true;
            sim.run(Duration::from_millis(seed * 37 % 1_500));
            sim.restart(1, &[0, 2]);
            sim.run(seconds(30));
            let own = &sim.nodes[1].peer;
            for index in others(1, size) {
                let told = sim.nodes[index].told.iter().rev();
                let mut told = told.filter_map(|(_, told)| match told {
                    Told::Up(peer) | Told::Down(peer, _) if peer.id == own.id => Some(told),
                    _ => None,
                });
                let last = told.next().unwrap();
                assert_eq!(last, &Told::Up(own.clone()), "seed {seed}: life {life}");
            }
            assert_eq!(sim.nodes[1].notices, [], "seed {seed}: life {life}");
        }
    }
}
