//! Tests of the registry's protocol: single machines, and three of them on a bad network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use noex_core::{Creation, Pid};

use super::claim::{Claim, Clock, Drift, Stamp, winner};
use super::entry::{Entry, Key};
use super::message::{
    Change, Confirm, Delta, Fetch, Message, State, Summary, Unregister, Versions,
};
use super::versions::sum_of;
use super::{GroupEvent, Input, Machine, Now, Output, PART_SIZE, is_name};

const WALL: Duration = Duration::from_secs(1_000_000);

/// So that the number of entries alone bounds a message.
const MESSAGE_SIZE_MAX: usize = 16 << 20;

/// The only neighbour of a single machine, which says nothing.
const LISTENER: u64 = 99;

fn creation(node: u64) -> Creation {
    Creation::from_bits(node)
}

fn pid(node: u64, serial: u64) -> Pid {
    Pid::new(creation(node), serial)
}

fn stamp(seconds: u64) -> Stamp {
    Clock::default().tick(Duration::from_secs(seconds))
}

fn claim(node: u64, serial: u64, seconds: u64) -> Claim {
    Claim::new(pid(node, serial), stamp(seconds), None)
}

/// A machine, its clock, and what it had to do.
struct Node {
    machine: Machine,
    me: Creation,
    now: Now,
    /// The changes of other nodes that it passed on to the listener.
    passed_on: Vec<Message>,
    holders: BTreeMap<Arc<str>, Pid>,
    groups: BTreeMap<Arc<str>, BTreeSet<Pid>>,
}

impl Node {
    fn new(node: u64) -> Self {
        let now = Now {
            #[expect(
                clippy::disallowed_methods,
                reason = "an arbitrary origin of test time"
            )]
            at: Instant::now(),
            wall: WALL,
        };
        let mut made = Self {
            machine: Machine::new(creation(node), now),
            me: creation(node),
            now,
            passed_on: Vec::new(),
            holders: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        made.neighbours(&[LISTENER]);
        made
    }

    fn with_peers(node: u64, peers: &[u64]) -> Self {
        let mut made = Self::new(node);
        for peer in peers {
            made.up(*peer);
        }
        // Versions are compared then.
        made.pass(Duration::from_millis(100));
        made.now.wall = WALL;
        made
    }

    fn input(&mut self, input: Input) -> Vec<Output> {
        self.machine.handle_input(input, self.now);
        self.outputs()
    }

    fn pass(&mut self, time: Duration) -> Vec<Output> {
        self.now.at += time;
        self.now.wall += time;
        self.machine.handle_timeout(self.now);
        self.outputs()
    }

    fn outputs(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Publish {
                    name,
                    holder: Some(holder),
                } => drop(self.holders.insert(name, holder)),
                Output::Publish { name, holder: None } => drop(self.holders.remove(&name)),
                Output::Regroup(event) => self.regroup(event),
                Output::Flood {
                    message: Message::Delta(delta),
                    to,
                } if delta.origin != self.me && to == [creation(LISTENER)] => {
                    self.passed_on.push(Message::Delta(delta));
                }
                output => outputs.push(output),
            }
        }
        outputs
    }

    /// Each change is one: nobody joins who is in, and nobody leaves who is not.
    fn regroup(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::Joined { group, pid } => {
                assert!(self.groups.entry(group).or_default().insert(pid));
            }
            GroupEvent::Left { group, pid } => {
                let members = self.groups.get_mut(&group).unwrap();
                assert!(members.remove(&pid));
                if members.is_empty() {
                    self.groups.remove(&group);
                }
            }
        }
    }

    fn join(&mut self, group: &str, pid: Pid) -> Vec<Output> {
        let group = group.into();
        self.input(Input::Join { group, pid })
    }

    fn leave(&mut self, group: &str, pid: Pid) -> Vec<Output> {
        let group = group.into();
        self.input(Input::Leave { group, pid })
    }

    fn watch(&mut self, group: &str, watcher: Pid) -> Vec<Output> {
        let group = group.into();
        self.input(Input::WatchGroup { group, watcher })
    }

    fn members(&self, group: &str) -> Vec<Pid> {
        let members = self.groups.get(group);
        members.into_iter().flatten().copied().collect()
    }

    fn register(&mut self, name: &str, pid: Pid, replaces: Option<Pid>) -> Vec<Output> {
        self.input(Input::Register {
            name: name.into(),
            pid,
            replaces,
        })
    }

    /// What a message from its owner does.
    fn message(&mut self, message: Message) -> Vec<Output> {
        let from = match &message {
            Message::Delta(Delta { origin, .. }) | Message::State(State { origin, .. }) => *origin,
            Message::Fetch(_)
            | Message::Summary(_)
            | Message::Versions(_)
            | Message::Confirm(_)
            | Message::Confirmed(_) => creation(2),
            Message::Unregister(_) => creation(LISTENER),
        };
        self.input(Input::Message { from, message })
    }

    fn message_from(&mut self, from: u64, message: Message) -> Vec<Output> {
        let from = creation(from);
        self.input(Input::Message { from, message })
    }

    fn neighbours(&mut self, nodes: &[u64]) -> Vec<Output> {
        let nodes = nodes.iter().copied().map(creation).collect();
        self.input(Input::Neighbours {
            nodes,
            message_size_max: MESSAGE_SIZE_MAX,
        })
    }

    fn up(&mut self, node: u64) -> Vec<Output> {
        let node = creation(node);
        self.input(Input::NodeUp { node })
    }

    fn holder(&self, name: &str) -> Option<Pid> {
        let published = self.holders.get(name).copied();
        assert_eq!(published, self.machine.holder(name));
        published
    }
}

fn claimed(node: u64, before: u64, claims: &[(&str, Claim)]) -> Message {
    let changes = entries(claims).into_iter().map(Change::Held);
    delta(node, before, changes.collect())
}

fn entries(claims: &[(&str, Claim)]) -> Vec<Entry> {
    let entries = claims.iter().map(|(name, claim)| Entry::Claim {
        name: (*name).into(),
        claim: *claim,
    });
    entries.collect()
}

fn member(group: &str, pid: Pid) -> Entry {
    let group = group.into();
    Entry::Member { group, pid }
}

fn joined(node: u64, before: u64, group: &str, pid: Pid) -> Message {
    delta(node, before, vec![Change::Held(member(group, pid))])
}

fn left(node: u64, before: u64, group: &str, pid: Pid) -> Message {
    let key = member(group, pid).key();
    delta(node, before, vec![Change::Released(key)])
}

fn released(node: u64, before: u64, name: &str) -> Message {
    delta(node, before, vec![Change::Released(Key::Name(name.into()))])
}

fn delta(node: u64, before: u64, changes: Vec<Change>) -> Message {
    Message::Delta(Delta {
        origin: creation(node),
        before,
        after: before + 1,
        changes,
    })
}

fn state(node: u64, version: u64, claims: &[(&str, Claim)]) -> Message {
    Message::State(State {
        origin: creation(node),
        version,
        after: None,
        entries: entries(claims),
        has_more: false,
    })
}

/// The entries of `origin` are asked for at `to`.
fn fetch(origin: u64, to: u64) -> Output {
    send(
        to,
        Message::Fetch(Fetch {
            origin: creation(origin),
            after: None,
        }),
    )
}

fn known(versions: &[(u64, u64)]) -> Vec<(Creation, u64)> {
    let versions = versions.iter();
    versions
        .map(|(node, version)| (creation(*node), *version))
        .collect()
}

fn versions(versions: &[(u64, u64)], is_all: bool) -> Message {
    let versions = known(versions);
    Message::Versions(Versions { versions, is_all })
}

fn summary(versions: &[(u64, u64)]) -> Message {
    let sum = sum_of(known(versions).into_iter());
    Message::Summary(Summary { sum })
}

fn send(to: u64, message: Message) -> Output {
    let to = creation(to);
    Output::Send { to, message }
}

fn flood(message: Message) -> Output {
    let to = vec![creation(LISTENER)];
    Output::Flood { to, message }
}

fn evicted(outputs: &[Output]) -> Vec<Pid> {
    let evicted = outputs.iter().filter_map(|output| match output {
        Output::Evict { pid } => Some(*pid),
        _ => None,
    });
    evicted.collect()
}

fn floods(outputs: &[Output]) -> Vec<Message> {
    let floods = outputs.iter().filter_map(|output| match output {
        Output::Flood { message, .. } => Some(message.clone()),
        _ => None,
    });
    floods.collect()
}

// ---- claims ----

#[test]
fn a_name_has_1_to_255_bytes() {
    assert!(!is_name(""));
    assert!(is_name("a") && is_name(&"a".repeat(255)));
    assert!(!is_name(&"a".repeat(256)));
}

#[test]
fn the_clock_is_never_behind_what_it_has_seen() {
    let mut clock = Clock::default();
    let first = clock.tick(WALL);
    assert!(clock.tick(WALL) > first);
    assert!(
        clock.tick(Duration::ZERO) > first,
        "the wall clock jumped back"
    );
    let seen = stamp(WALL.as_secs() + 9);
    assert_eq!(clock.witness(seen, WALL), Ok(()));
    assert!(clock.tick(WALL) > seen);
}

#[test]
fn the_clock_does_not_follow_one_that_is_far_ahead() {
    let mut clock = Clock::default();
    let seen = stamp(WALL.as_secs() + 11);
    assert_eq!(clock.witness(seen, WALL), Err(Drift));
    assert!(clock.tick(WALL) < seen);
}

/// Every order of `claims`.
fn permutations(claims: &[Claim]) -> Vec<Vec<Claim>> {
    if claims.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in claims.iter().enumerate() {
        let mut rest = claims.to_vec();
        rest.remove(place);
        for mut order in permutations(&rest) {
            order.push(*first);
            all.push(order);
        }
    }
    all
}

#[test]
fn the_winner_does_not_depend_on_the_order_of_claims() {
    let heir = claim(1, 1, 5).handed_to(pid(2, 1));
    let successor = Claim::new(pid(3, 1), stamp(9), Some(pid(1, 1)));
    let circle = Claim::new(pid(5, 1), stamp(6), Some(pid(6, 1)));
    let circle_back = Claim::new(pid(6, 1), stamp(6), Some(pid(5, 1)));
    let pool = [
        claim(1, 1, 5),
        heir,
        successor,
        claim(4, 1, 5),
        circle,
        circle_back,
    ];
    for chosen in 1_u32..1 << pool.len() {
        let claims: Vec<Claim> = (0..pool.len())
            .filter(|place| chosen & (1 << place) != 0)
            .map(|place| pool[place])
            .collect();
        let won: BTreeSet<Pid> = permutations(&claims)
            .iter()
            .map(|order| winner(order).unwrap().pid)
            .collect();
        assert_eq!(won.len(), 1, "{claims:?}");
    }
}

#[test]
fn the_oldest_claim_wins_then_the_lower_creation() {
    assert_eq!(winner(&[]), None);
    let older = claim(2, 1, 4);
    assert_eq!(winner(&[claim(1, 1, 5), older]), Some(&older));
    let lower = claim(1, 9, 5);
    assert_eq!(winner(&[claim(2, 1, 5), lower]), Some(&lower));
}

#[test]
fn a_claim_that_replaces_another_beats_it_whatever_their_ages() {
    let successor = Claim::new(pid(2, 1), stamp(9), Some(pid(1, 1)));
    assert_eq!(winner(&[claim(1, 1, 5), successor]), Some(&successor));
}

#[test]
fn a_successor_beats_whom_its_predecessor_beat() {
    let old = claim(1, 1, 5);
    let heir = old.handed_to(pid(2, 1));
    let third = claim(3, 1, 6);
    assert_eq!(winner(&[old, third, heir]), Some(&heir));
    let heir_of_heir = heir.handed_to(pid(3, 2));
    assert_eq!(winner(&[old, heir_of_heir]), Some(&heir_of_heir));
}

// ---- one machine ----

#[test]
fn a_registration_is_watched_and_flooded() {
    let mut node = Node::new(1);
    let outputs = node.register("a", pid(1, 1), None);
    let since = Clock::default().tick(WALL);
    let claim = Claim::new(pid(1, 1), since, None);
    let told = claimed(1, 0, &[("a", claim)]);
    assert_eq!(outputs, [Output::Watch { pid: pid(1, 1) }, flood(told)]);
    assert_eq!(node.holder("a"), Some(pid(1, 1)));
}

#[test]
fn a_name_that_is_held_is_refused_but_to_its_holder() {
    let mut node = Node::new(1);
    node.register("a", pid(1, 1), None);
    assert_eq!(node.register("a", pid(1, 1), None), []);
    let holder = pid(1, 1);
    assert_eq!(
        node.register("a", pid(1, 2), None),
        [Output::Refused { holder }]
    );
    assert_eq!(
        node.register("a", pid(1, 2), Some(pid(9, 9))),
        [Output::Refused { holder }]
    );
}

#[test]
fn the_end_of_a_process_releases_its_names_in_one_delta() {
    let mut node = Node::new(1);
    node.register("a", pid(1, 1), None);
    node.register("b", pid(1, 1), None);
    let outputs = node.input(Input::ProcessEnded { pid: pid(1, 1) });
    let changes = ["a", "b"].map(|name| Change::Released(Key::Name(name.into())));
    assert_eq!(
        outputs,
        [
            Output::Unwatch { pid: pid(1, 1) },
            flood(delta(1, 2, changes.into()))
        ]
    );
    assert!(node.holders.is_empty());
    assert_eq!(node.input(Input::ProcessEnded { pid: pid(1, 1) }), []);
}

#[test]
fn a_name_of_this_node_is_unregistered_here() {
    let mut node = Node::new(1);
    node.register("a", pid(1, 1), None);
    let outputs = node.input(Input::Unregister { name: "a".into() });
    assert_eq!(floods(&outputs), [released(1, 1, "a")]);
    assert_eq!(node.holder("a"), None);
}

#[test]
fn a_name_of_another_node_is_unregistered_there() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(claimed(2, 0, &[("a", claim(2, 1, 5))]));
    let (name, pid) = (Arc::from("a"), pid(2, 1));
    let message = Message::Unregister(Unregister { name, pid });
    let outputs = node.input(Input::Unregister { name: "a".into() });
    let to = creation(2);
    assert_eq!(outputs, [Output::Send { to, message }]);
}

#[test]
fn an_unregistration_that_came_late_spares_the_next_holder() {
    let mut node = Node::new(1);
    node.register("a", pid(1, 2), None);
    let (name, pid_before) = (Arc::from("a"), pid(1, 1));
    let late = Unregister {
        name,
        pid: pid_before,
    };
    assert_eq!(node.message(Message::Unregister(late)), []);
    assert_eq!(node.holder("a"), Some(pid(1, 2)));
}

#[test]
fn a_node_that_goes_takes_its_names_along() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(claimed(
        2,
        0,
        &[("a", claim(2, 1, 5)), ("b", claim(2, 2, 5))],
    ));
    assert_eq!(node.holder("b"), Some(pid(2, 2)));
    let gone = creation(2);
    assert_eq!(node.input(Input::NodeDown { node: gone }), []);
    assert!(node.holders.is_empty());
    // What was on its way when the node went down.
    node.message(claimed(2, 1, &[("c", claim(2, 3, 5))]));
    assert!(node.holders.is_empty());
}

#[test]
fn the_owner_of_a_younger_claim_drops_it_and_ends_its_process() {
    let mut node = Node::with_peers(1, &[2]);
    node.register("a", pid(1, 1), None);
    let outputs = node.message(claimed(2, 0, &[("a", claim(2, 1, 5))]));
    assert_eq!(evicted(&outputs), [pid(1, 1)]);
    assert_eq!(floods(&outputs), [released(1, 1, "a")]);
    assert_eq!(node.holder("a"), Some(pid(2, 1)));
}

#[test]
fn the_owner_of_the_oldest_claim_keeps_it() {
    let mut node = Node::with_peers(1, &[2]);
    node.register("a", pid(1, 1), None);
    let younger = claim(2, 1, WALL.as_secs() + 1);
    assert_eq!(node.message(claimed(2, 0, &[("a", younger)])), []);
    assert_eq!(node.holder("a"), Some(pid(1, 1)));
}

#[test]
fn a_process_known_to_be_dead_is_replaced_before_its_node_says_so() {
    let mut node = Node::with_peers(1, &[2, 3]);
    let old = claim(2, 1, 5);
    node.message(claimed(2, 0, &[("a", old)]));
    let outputs = node.register("a", pid(1, 1), Some(pid(2, 1)));
    let heir = old.handed_to(pid(1, 1));
    assert_eq!(floods(&outputs), [claimed(1, 0, &[("a", heir)])]);
    assert_eq!(node.holder("a"), Some(pid(1, 1)));
    node.message(released(2, 1, "a"));
    assert_eq!(node.holder("a"), Some(pid(1, 1)));
}

#[test]
fn a_replacing_claim_wins_over_the_replaced_one_that_comes_later() {
    let mut node = Node::with_peers(1, &[2]);
    node.register("a", pid(1, 1), Some(pid(2, 1)));
    let outputs = node.message(claimed(2, 0, &[("a", claim(2, 1, 5))]));
    assert_eq!(outputs, []);
    assert_eq!(node.holder("a"), Some(pid(1, 1)));
}

#[test]
fn the_node_of_a_replaced_process_drops_its_claim() {
    let mut node = Node::with_peers(1, &[2]);
    node.register("a", pid(1, 1), None);
    let successor = Claim::new(pid(2, 1), stamp(WALL.as_secs() + 5), Some(pid(1, 1)));
    let outputs = node.message(claimed(2, 0, &[("a", successor)]));
    assert_eq!(evicted(&outputs), [pid(1, 1)]);
    assert_eq!(node.holder("a"), Some(pid(2, 1)));
}

#[test]
fn a_replaced_process_of_the_same_node_hands_its_name_on() {
    let mut node = Node::new(1);
    node.register("a", pid(1, 1), None);
    let outputs = node.register("a", pid(1, 2), Some(pid(1, 1)));
    assert_eq!(evicted(&outputs), [pid(1, 1)]);
    assert_eq!(node.holder("a"), Some(pid(1, 2)));
    assert_eq!(node.machine.watched().collect::<Vec<_>>(), [pid(1, 2)]);
}

#[test]
fn a_claim_that_is_not_its_senders_to_make_is_ignored() {
    let mut node = Node::with_peers(1, &[2]);
    let long = "x".repeat(256);
    let claims = [
        ("a", claim(3, 1, 5)),
        ("b", claim(1, 1, 5)),
        ("", claim(2, 1, 5)),
        (&long, claim(2, 1, 5)),
    ];
    assert_eq!(node.message(claimed(2, 0, &claims)), []);
    let own = [("a", claim(1, 1, 5))];
    assert_eq!(node.message(claimed(1, 0, &own)), []);
    assert!(node.holders.is_empty());
}

#[test]
fn a_clock_far_ahead_is_reported_and_not_followed() {
    let mut node = Node::with_peers(1, &[2]);
    let ahead = claim(2, 1, WALL.as_secs() + 11);
    let drifted = Output::Drifted { node: creation(2) };
    assert_eq!(node.message(claimed(2, 0, &[("a", ahead)])), [drifted]);
    assert_eq!(node.holder("a"), Some(pid(2, 1)));
    let outputs = node.register("b", pid(1, 1), None);
    let since = Clock::default().tick(WALL);
    let own = Claim::new(pid(1, 1), since, None);
    assert_eq!(floods(&outputs), [claimed(1, 0, &[("b", own)])]);
}

// ---- groups ----

#[test]
fn a_join_is_watched_flooded_and_published() {
    let mut node = Node::new(1);
    let outputs = node.join("g", pid(1, 1));
    let watch = Output::Watch { pid: pid(1, 1) };
    let told = flood(joined(1, 0, "g", pid(1, 1)));
    assert_eq!(outputs, [watch, told]);
    assert_eq!(node.members("g"), [pid(1, 1)]);
}

#[test]
fn who_joined_twice_is_in_once_and_leaves_twice() {
    let mut node = Node::new(1);
    node.join("g", pid(1, 1));
    assert_eq!(node.join("g", pid(1, 1)), []);
    assert_eq!(node.leave("g", pid(1, 1)), []);
    assert_eq!(node.members("g"), [pid(1, 1)]);
    let outputs = node.leave("g", pid(1, 1));
    let told = flood(left(1, 1, "g", pid(1, 1)));
    assert_eq!(outputs, [Output::Unwatch { pid: pid(1, 1) }, told]);
    assert_eq!(node.members("g"), []);
    assert_eq!(node.leave("g", pid(1, 1)), [], "there is no join left");
}

#[test]
fn a_process_is_in_many_groups_and_a_group_has_many_processes() {
    let mut node = Node::with_peers(1, &[2]);
    for (group, serial) in [("g", 1), ("g", 2), ("h", 1)] {
        node.join(group, pid(1, serial));
    }
    node.message(joined(2, 0, "g", pid(2, 1)));
    assert_eq!(node.members("g"), [pid(1, 1), pid(1, 2), pid(2, 1)]);
    assert_eq!(node.members("h"), [pid(1, 1)]);
}

#[test]
fn a_group_and_a_name_of_the_same_text_are_two_things() {
    let mut node = Node::new(1);
    node.register("a", pid(1, 1), None);
    assert_eq!(node.join("a", pid(1, 2)).len(), 2);
    node.input(Input::Unregister { name: "a".into() });
    assert_eq!(node.holder("a"), None);
    assert_eq!(node.members("a"), [pid(1, 2)]);
}

#[test]
fn the_end_of_a_process_takes_it_out_of_all_groups_in_one_delta() {
    let mut node = Node::new(1);
    node.register("a", pid(1, 1), None);
    for group in ["g", "g", "h"] {
        node.join(group, pid(1, 1));
    }
    let outputs = node.input(Input::ProcessEnded { pid: pid(1, 1) });
    let changes = [
        Key::Name("a".into()),
        member("g", pid(1, 1)).key(),
        member("h", pid(1, 1)).key(),
    ];
    let told = delta(1, 3, changes.map(Change::Released).into());
    assert_eq!(outputs, [Output::Unwatch { pid: pid(1, 1) }, flood(told)]);
    assert!(node.groups.is_empty());
}

#[test]
fn a_node_that_goes_takes_its_members_along() {
    let mut node = Node::with_peers(1, &[2, 3]);
    node.message(joined(2, 0, "g", pid(2, 1)));
    node.message(joined(3, 0, "g", pid(3, 1)));
    node.input(Input::NodeDown { node: creation(2) });
    assert_eq!(node.members("g"), [pid(3, 1)]);
}

#[test]
fn a_member_that_is_not_its_senders_to_enter_or_to_remove_is_ignored() {
    let mut node = Node::with_peers(1, &[2, 3]);
    node.join("g", pid(1, 1));
    node.message(joined(3, 0, "g", pid(3, 1)));
    let long = "x".repeat(256);
    for (before, entry) in [
        member("g", pid(3, 9)),
        member("g", pid(1, 9)),
        member("", pid(2, 1)),
        member(&long, pid(2, 1)),
    ]
    .into_iter()
    .enumerate()
    {
        let before = u64::try_from(before).unwrap();
        node.message(delta(2, before, vec![Change::Held(entry)]));
    }
    node.message(left(2, 4, "g", pid(3, 1)));
    node.message(left(2, 5, "g", pid(1, 1)));
    assert_eq!(node.members("g"), [pid(1, 1), pid(3, 1)]);
    assert_eq!(node.groups.len(), 1);
}

#[test]
fn a_full_state_takes_members_out_that_it_does_not_have() {
    let mut node = Node::with_peers(1, &[2]);
    for before in 0..3 {
        node.message(joined(2, before, "g", pid(2, before)));
    }
    let mut state = state(2, 9, &[("a", claim(2, 1, 5))]);
    if let Message::State(state) = &mut state {
        state.entries.push(member("g", pid(2, 1)));
        state.entries.push(member("h", pid(2, 2)));
    }
    node.message(state);
    assert_eq!(node.members("g"), [pid(2, 1)]);
    assert_eq!(node.members("h"), [pid(2, 2)]);
    assert_eq!(node.holder("a"), Some(pid(2, 1)));
}

#[test]
fn members_are_fetched_in_parts_like_names() {
    let mut owner = Node::with_peers(1, &[2]);
    let count = u64::try_from(PART_SIZE).unwrap();
    owner.register("a", pid(1, 0), None);
    for serial in 0..count {
        owner.join("g", pid(1, serial));
    }
    let mut learner = Node::with_peers(2, &[1]);
    let newest = versions(&[(1, u64::MAX)], false);
    let mut fetches = sent(learner.message_from(1, newest), 1);
    let mut parts = 0;
    while let Some(fetch) = fetches.pop() {
        for part in sent(owner.message_from(2, fetch), 2) {
            parts += usize::from(matches!(part, Message::State(_)));
            fetches.extend(sent(learner.message(part), 1));
        }
    }
    assert_eq!(parts, 2);
    assert_eq!(learner.members("g").len(), PART_SIZE);
    assert_eq!(learner.holder("a"), Some(pid(1, 0)));
}

#[test]
fn a_node_withdraws_all_that_its_processes_hold_in_deltas_which_fit() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(joined(2, 0, "g", pid(2, 1)));
    node.register("a", pid(1, 1), None);
    let count = u64::try_from(PART_SIZE).unwrap();
    for serial in 0..count {
        node.join("g", pid(1, serial));
    }
    let floods = floods(&node.input(Input::Withdraw));
    let sizes = floods.iter().map(|message| match message {
        Message::Delta(delta) => delta.changes.len(),
        other => panic!("not a delta: {other:?}"),
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [PART_SIZE, 1]);
    assert_eq!(node.members("g"), [pid(2, 1)]);
    assert_eq!(node.holder("a"), None);
    assert_eq!(node.machine.watched().count(), 0);
}

/// What `watcher` is told by these outputs: who came and who went.
fn tidings(outputs: &[Output], of: Pid) -> Vec<GroupEvent> {
    let tidings = outputs.iter().filter_map(|output| match output {
        Output::Tell { watcher, event } if *watcher == of => Some(event.clone()),
        _ => None,
    });
    tidings.collect()
}

fn came(group: &str, pid: Pid) -> GroupEvent {
    let group = group.into();
    GroupEvent::Joined { group, pid }
}

fn went(group: &str, pid: Pid) -> GroupEvent {
    let group = group.into();
    GroupEvent::Left { group, pid }
}

#[test]
fn who_watches_a_group_is_told_of_each_change_once() {
    let mut node = Node::with_peers(1, &[2]);
    let watcher = pid(1, 9);
    assert_eq!(node.watch("g", watcher), [Output::Watch { pid: watcher }]);
    assert_eq!(node.watch("g", watcher), []);
    let outputs = node.join("g", pid(1, 1));
    assert_eq!(tidings(&outputs, watcher), [came("g", pid(1, 1))]);
    assert_eq!(tidings(&node.join("g", pid(1, 1)), watcher), []);
    assert_eq!(tidings(&node.join("h", pid(1, 1)), watcher), []);
    let outputs = node.message(joined(2, 0, "g", pid(2, 1)));
    assert_eq!(tidings(&outputs, watcher), [came("g", pid(2, 1))]);
    assert_eq!(node.message(joined(2, 0, "g", pid(2, 1))), []);
    let outputs = node.input(Input::NodeDown { node: creation(2) });
    assert_eq!(tidings(&outputs, watcher), [went("g", pid(2, 1))]);
    let outputs = node.input(Input::ProcessEnded { pid: pid(1, 1) });
    assert_eq!(tidings(&outputs, watcher), [went("g", pid(1, 1))]);
}

#[test]
fn who_watches_no_more_is_not_told() {
    let mut node = Node::new(1);
    let watcher = pid(1, 9);
    node.watch("g", watcher);
    node.watch("h", watcher);
    let unwatch = |group: &str, watcher| Input::UnwatchGroup {
        group: group.into(),
        watcher,
    };
    assert_eq!(node.input(unwatch("g", watcher)), []);
    assert_eq!(tidings(&node.join("g", pid(1, 1)), watcher), []);
    assert_eq!(
        node.input(unwatch("h", watcher)),
        [Output::Unwatch { pid: watcher }]
    );
    assert_eq!(node.input(unwatch("h", watcher)), []);
}

#[test]
fn a_watcher_that_ends_is_forgotten_and_is_not_told_of_itself() {
    let mut node = Node::new(1);
    let watcher = pid(1, 9);
    node.join("g", watcher);
    assert_eq!(node.watch("g", watcher), [], "it is watched already");
    let outputs = node.input(Input::ProcessEnded { pid: watcher });
    assert_eq!(tidings(&outputs, watcher), []);
    let unwatched = outputs.contains(&Output::Unwatch { pid: watcher });
    assert!(unwatched, "{outputs:?}");
    assert_eq!(tidings(&node.join("g", pid(1, 1)), watcher), []);
}

// ---- versions ----

/// What `to` is sent of what these outputs send.
fn sent(outputs: Vec<Output>, to: u64) -> Vec<Message> {
    let sent = outputs.into_iter().filter_map(|output| match output {
        Output::Send { to: other, message } if other == creation(to) => Some(message),
        _ => None,
    });
    sent.collect()
}

/// A machine that holds `count` names, and one that has yet to learn them. Both were told of each
/// other, and none of what they have to say was delivered.
fn owner_and_learner(count: u64) -> (Node, Node, Vec<Message>) {
    let mut owner = Node::with_peers(1, &[2]);
    for serial in 1..=count {
        owner.register(&format!("{serial}"), pid(1, serial), None);
    }
    let mut learner = Node::with_peers(2, &[1]);
    let newest = versions(&[(1, u64::MAX)], false);
    let fetches = sent(learner.message_from(1, newest), 1);
    (owner, learner, fetches)
}

#[test]
fn many_claims_are_fetched_in_parts_which_fit_a_mailbox() {
    let count = 2 * u64::try_from(PART_SIZE).unwrap() + 1;
    let (mut owner, mut learner, mut fetches) = owner_and_learner(count);
    let mut parts = 0;
    while let Some(fetch) = fetches.pop() {
        for part in sent(owner.message_from(2, fetch), 2) {
            let Message::State(State { entries, .. }) = &part else {
                continue;
            };
            assert!(entries.len() <= PART_SIZE);
            parts += 1;
            fetches.extend(sent(learner.message(part), 1));
        }
    }
    assert_eq!(parts, 3);
    assert_eq!(learner.holder("1"), Some(pid(1, 1)));
    assert_eq!(learner.holder("9999"), None);
    assert_eq!(learner.holders.len(), usize::try_from(count).unwrap());
}

#[test]
fn what_changes_between_two_parts_is_not_lost() {
    let count = u64::try_from(PART_SIZE).unwrap() + 2;
    let (mut owner, mut learner, mut fetches) = owner_and_learner(count);
    let first = sent(owner.message_from(2, fetches.remove(0)), 2).remove(0);
    let fetch = sent(learner.message(first), 1).remove(0);
    // Of the part that is there already, and of the one that is not.
    for name in ["1", "999"] {
        let name = name.into();
        for message in floods(&owner.input(Input::Unregister { name })) {
            learner.message(message);
        }
    }
    assert_eq!(learner.holder("2"), None, "it waits for all parts");
    let second = sent(owner.message_from(2, fetch), 2).remove(0);
    learner.message(second);
    assert_eq!(learner.holder("1"), None);
    assert_eq!(learner.holder("999"), None);
    assert_eq!(learner.holder("2"), Some(pid(1, 2)));
}

#[test]
fn a_part_of_another_round_is_ignored() {
    let mut node = Node::with_peers(1, &[2]);
    let mut stray = state(2, 3, &[("b", claim(2, 1, 5))]);
    if let Message::State(part) = &mut stray {
        part.after = Some(Key::Name("a".into()));
    }
    node.message(stray);
    assert_eq!(node.holder("b"), None);
}

#[test]
fn an_unanswered_fetch_is_repeated_ever_more_rarely() {
    let mut node = Node::with_peers(1, &[2, 3]);
    let asked = node.message_from(3, versions(&[(2, 1)], false));
    assert_eq!(asked, [fetch(2, 3)]);
    let second = Duration::from_secs(1);
    let mut asked = Vec::new();
    for at in 1..=64 {
        for output in node.pass(second) {
            let mut asks = [2, LISTENER].into_iter();
            if let Some(whom) = asks.find(|to| output == fetch(2, *to)) {
                asked.push((at, whom));
            }
        }
    }
    let (owner, other) = (2, LISTENER);
    let in_turn = [
        (1, owner),
        (3, other),
        (7, owner),
        (15, other),
        (31, owner),
        (63, other),
    ];
    assert_eq!(asked, in_turn);
    node.message(state(2, 1, &[]));
    let later = node.pass(second * 100);
    assert!(!later.contains(&fetch(2, owner)) && !later.contains(&fetch(2, other)));
}

#[test]
fn nobody_can_make_a_node_s_later_changes_count_as_old_by_a_delta() {
    for after in [0, 2, u64::MAX] {
        let mut node = Node::with_peers(1, &[2]);
        let wrong = Message::Delta(Delta {
            origin: creation(2),
            before: 0,
            after,
            changes: vec![Change::Held(member("g", pid(2, 9)))],
        });
        assert_eq!(node.message_from(3, wrong), []);
        assert_eq!(node.members("g"), []);
        node.message(claimed(2, 0, &[("a", claim(2, 1, 1))]));
        assert_eq!(node.holder("a"), Some(pid(2, 1)));
        assert_eq!(node.passed_on.len(), 1, "only what its owner said");
    }
}

#[test]
fn a_repeated_delta_changes_nothing() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(claimed(2, 0, &[("a", claim(2, 1, 5))]));
    node.message(released(2, 1, "a"));
    assert_eq!(node.message(claimed(2, 0, &[("a", claim(2, 1, 5))])), []);
    assert_eq!(node.holder("a"), None);
}

#[test]
fn deltas_that_overtake_each_other_are_applied_in_order() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(state(2, 0, &[]));
    node.message(released(2, 1, "a"));
    node.message(claimed(2, 2, &[("b", claim(2, 1, 5))]));
    assert!(node.holders.is_empty());
    node.message(claimed(2, 0, &[("a", claim(2, 1, 5))]));
    assert_eq!(node.holder("a"), None);
    assert_eq!(node.holder("b"), Some(pid(2, 1)));
    assert_eq!(node.pass(Duration::from_secs(1)), []);
}

#[test]
fn a_gap_that_stays_makes_the_full_state_fetched() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(state(2, 0, &[]));
    assert_eq!(node.message(claimed(2, 4, &[("e", claim(2, 5, 5))])), []);
    assert_eq!(node.pass(Duration::from_millis(199)), []);
    assert_eq!(node.pass(Duration::from_millis(1)), [fetch(2, LISTENER)]);
    node.message(state(2, 4, &[("a", claim(2, 1, 5))]));
    assert_eq!(node.holder("a"), Some(pid(2, 1)));
    assert_eq!(node.holder("e"), Some(pid(2, 5)));
}

#[test]
fn a_full_state_takes_the_place_of_what_was_known() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(state(2, 4, &[("a", claim(2, 1, 5)), ("b", claim(2, 2, 5))]));
    node.message(state(2, 3, &[]));
    assert_eq!(node.holder("a"), Some(pid(2, 1)));
    node.message(state(2, 6, &[("b", claim(2, 3, 6)), ("c", claim(2, 2, 5))]));
    assert_eq!(node.holder("a"), None);
    assert_eq!(node.holder("b"), Some(pid(2, 3)));
    assert_eq!(node.holder("c"), Some(pid(2, 2)));
}

#[test]
fn deltas_kept_for_a_gap_are_bounded() {
    let mut node = Node::with_peers(1, &[2]);
    for before in 1..1000 {
        let name = format!("name {before}");
        node.message(claimed(2, before, &[(&name, claim(2, before, 5))]));
    }
    node.message(claimed(2, 0, &[("first", claim(2, 1, 5))]));
    assert_eq!(node.holders.len(), 65);
}

#[test]
fn versions_are_compared_with_the_neighbours_in_turn_every_five_seconds() {
    let mut node = Node::with_peers(1, &[2, 3]);
    node.message(state(2, 3, &[]));
    node.pass(Duration::from_millis(20));
    node.neighbours(&[2, 3]);
    let (interval, told) = (Duration::from_secs(5), summary(&[(2, 3)]));
    assert_eq!(node.pass(interval - Duration::from_millis(21)), []);
    assert_eq!(node.pass(Duration::from_millis(1)), [send(2, told.clone())]);
    assert_eq!(node.pass(interval), [send(3, told.clone())]);
    assert_eq!(node.pass(interval), [send(2, told)]);
}

#[test]
fn versions_are_compared_with_a_new_neighbour_after_a_loss_and_when_a_node_came_up() {
    let mut node = Node::new(1);
    node.up(2);
    assert_eq!(node.pass(Duration::from_millis(99)), []);
    let told = summary(&[]);
    assert_eq!(
        node.pass(Duration::from_millis(1)),
        [send(LISTENER, told.clone())]
    );
    assert_eq!(node.neighbours(&[2, LISTENER]), [send(2, told.clone())]);
    let down = Input::NodeDown { node: creation(2) };
    assert_eq!(node.input(down), []);
    assert_eq!(node.up(2), [send(2, told.clone())]);
    let reconnected = |node| Input::Reconnected {
        node: creation(node),
    };
    assert_eq!(node.input(reconnected(2)), [send(2, told)]);
    assert_eq!(node.input(reconnected(3)), []);
}

#[test]
fn who_knows_the_same_is_not_answered() {
    let mut node = Node::with_peers(1, &[2, 3]);
    node.message(state(2, 3, &[]));
    node.register("a", pid(1, 1), None);
    assert_eq!(node.message(summary(&[(1, 1), (2, 3)])), []);
    let all = versions(&[(2, 3), (1, 1)], true);
    assert_eq!(node.message(summary(&[(2, 3)])), [send(2, all)]);
}

#[test]
fn who_knows_more_is_asked_and_who_knows_less_is_told() {
    let mut node = Node::with_peers(1, &[2, 3]);
    node.register("a", pid(1, 1), None);
    node.message(state(2, 3, &[]));
    node.message(state(3, 3, &[]));
    let theirs = [(2, 2), (3, 4), (9, 1)];
    let news = versions(&[(2, 3), (1, 1)], false);
    let outputs = node.message(versions(&theirs, true));
    assert_eq!(outputs, [fetch(3, 2), send(2, news)]);
    // It is awaited, and what is no full list says nothing of what is not in it.
    assert_eq!(node.message(versions(&theirs, false)), []);
}

#[test]
fn whoever_knows_the_entries_of_a_node_gives_them_away() {
    let mut node = Node::with_peers(1, &[2]);
    let entries = state(2, 3, &[("a", claim(2, 1, 5))]);
    node.message(entries.clone());
    let ask = |origin| {
        let origin = creation(origin);
        let after = None;
        Message::Fetch(Fetch { origin, after })
    };
    assert_eq!(node.message_from(7, ask(2)), [send(7, entries)]);
    assert_eq!(node.message_from(7, ask(8)), [], "it is not known here");
}

#[test]
fn what_is_news_is_passed_on_once_but_not_to_who_told_it() {
    let mut node = Node::with_peers(1, &[2]);
    let (first, second) = (released(2, 0, "a"), released(2, 1, "a"));
    // The second one before it can be applied.
    for told in [&second, &second, &first, &first] {
        node.message_from(7, told.clone());
    }
    assert_eq!(node.passed_on, [second, first]);
    assert_eq!(node.message_from(LISTENER, released(2, 2, "a")), []);
    assert_eq!(node.passed_on.len(), 2);
    node.message(released(8, 0, "a"));
    assert_eq!(node.passed_on.len(), 2, "nobody knows that node");
}

#[test]
fn what_was_fetched_is_announced_to_the_others_together() {
    let mut node = Node::with_peers(1, &[2, 3, 4]);
    node.neighbours(&[2, 3]);
    node.message_from(2, state(4, 7, &[]));
    node.message_from(3, state(3, 1, &[]));
    assert_eq!(node.pass(Duration::from_millis(19)), []);
    let told = node.pass(Duration::from_millis(1));
    let (to_2, to_3) = (versions(&[(3, 1)], false), versions(&[(4, 7)], false));
    assert_eq!(told, [send(2, to_2), send(3, to_3)]);
    assert_eq!(node.pass(Duration::from_millis(20)), []);
}

#[test]
fn a_later_part_from_who_knows_less_is_not_taken() {
    let mut node = Node::with_peers(1, &[2]);
    let part = |version, after: Option<&str>, name| {
        Message::State(State {
            origin: creation(2),
            version,
            after: after.map(|after| Key::Name(after.into())),
            entries: entries(&[(name, claim(2, 1, 5))]),
            has_more: after.is_none(),
        })
    };
    node.message(part(5, None, "a"));
    node.message(part(4, Some("a"), "b"));
    assert_eq!(node.holder("a"), None, "it still waits");
    node.message(part(6, Some("a"), "c"));
    assert_eq!(node.holder("b"), None);
    assert_eq!(node.holder("c"), Some(pid(2, 1)));
}

#[test]
fn messages_survive_the_wire() {
    let messages = [
        claimed(2, 4, &[("a", claim(2, 1, 5).handed_to(pid(2, 2)))]),
        released(2, 5, "a"),
        joined(2, 6, "g", pid(2, 1)),
        left(2, 7, "g", pid(2, 1)),
        state(2, 4, &[("a", claim(2, 1, 5))]),
    ];
    for message in messages {
        let bytes = rmp_serde::to_vec_named(&message).unwrap();
        assert_eq!(rmp_serde::from_slice::<Message>(&bytes).unwrap(), message);
    }
}

// ---- draining ----

fn drain(node: &mut Node, asked: &[u64]) -> Vec<Output> {
    let asked = asked.iter().copied().map(creation).collect();
    node.input(Input::Drain { asked })
}

fn awaited(name: &str, is_awaited: bool) -> Output {
    let name = name.into();
    Output::Await { name, is_awaited }
}

fn confirmed(version: u64) -> Message {
    Message::Confirmed(Confirm { version })
}

#[test]
fn a_draining_claim_holds_a_name_only_if_there_is_no_other() {
    let old = claim(1, 1, 1);
    assert_eq!(winner(&[old.draining(true)]), Some(&old.draining(true)));
    let claims = [old.draining(true), claim(2, 1, 3), claim(3, 1, 2)];
    for claims in permutations(&claims) {
        assert_eq!(winner(&claims), Some(&claim(3, 1, 2)));
    }
    // Who takes over from a dead process drains no more than before.
    let heir = old.draining(true).handed_to(pid(2, 1));
    assert!(!heir.is_draining());
}

#[test]
fn a_claim_of_a_version_without_draining_does_not_drain() {
    #[derive(serde::Serialize)]
    struct Former {
        pid: Pid,
        since: Stamp,
        generation: u32,
        replaces: Option<Pid>,
    }
    let former = Former {
        pid: pid(1, 1),
        since: stamp(1),
        generation: 0,
        replaces: None,
    };
    let bytes = rmp_serde::to_vec_named(&former).unwrap();
    assert_eq!(
        rmp_serde::from_slice::<Claim>(&bytes).unwrap(),
        claim(1, 1, 1)
    );
}

#[test]
fn a_node_that_drains_keeps_its_names_until_others_take_them_and_leaves_its_groups() {
    let mut node = Node::with_peers(1, &[2]);
    node.register("a", pid(1, 1), None);
    node.register("b", pid(1, 1), None);
    node.join("g", pid(1, 1));
    let outputs = drain(&mut node, &[]);
    assert!(outputs.contains(&Output::Drained));
    assert_eq!(node.members("g"), []);
    assert_eq!(node.holder("a"), Some(pid(1, 1)));
    let Some(Message::Delta(told)) = floods(&outputs).pop() else {
        panic!("the neighbour is told: {outputs:?}");
    };
    let draining = told.changes.iter().filter(
        |change| matches!(change, Change::Held(Entry::Claim { claim, .. }) if claim.is_draining()),
    );
    assert_eq!(draining.count(), 2);
    // Another takes one of them: the process that held it goes on.
    let outputs = node.message(claimed(2, 0, &[("a", claim(2, 1, 2_000_000))]));
    assert_eq!(evicted(&outputs), []);
    assert_eq!(node.holder("a"), Some(pid(2, 1)));
    assert_eq!(node.holder("b"), Some(pid(1, 1)));
    // What is restarted takes its name back for those that are here, and is in no group.
    node.input(Input::ProcessEnded { pid: pid(1, 1) });
    node.register("b", pid(1, 2), None);
    assert_eq!(node.holder("b"), Some(pid(1, 2)));
    node.join("g", pid(1, 2));
    assert_eq!(node.members("g"), []);
    let outputs = node.message(claimed(2, 1, &[("b", claim(2, 1, 2_000_000))]));
    assert_eq!(evicted(&outputs), []);
    assert_eq!(node.holder("b"), Some(pid(2, 1)));
    assert_eq!(
        node.register("b", pid(1, 3), None),
        [Output::Refused { holder: pid(2, 1) }]
    );
}

#[test]
fn a_name_of_a_node_that_drains_is_held_by_nobody_and_awaited_until_somebody_takes_it() {
    let mut node = Node::with_peers(1, &[2, 3]);
    let held = claim(2, 1, 1);
    node.message(claimed(2, 0, &[("a", held), ("b", held)]));
    let outputs = node.message(claimed(2, 1, &[("a", held.draining(true))]));
    assert_eq!(outputs, [awaited("a", true)]);
    assert_eq!(node.holders.get("a"), None);
    // A process of this node takes one, one of a third node takes another.
    let outputs = node.register("a", pid(1, 1), None);
    assert!(outputs.contains(&awaited("a", false)), "{outputs:?}");
    assert_eq!(node.holder("a"), Some(pid(1, 1)));
    node.message(claimed(2, 2, &[("b", held.draining(true))]));
    let outputs = node.message(claimed(3, 0, &[("b", claim(3, 1, 9))]));
    assert_eq!(outputs, [awaited("b", false)]);
    assert_eq!(node.holder("b"), Some(pid(3, 1)));
}

#[test]
fn a_name_is_awaited_for_5_s_after_the_node_that_drained_is_gone() {
    for is_taken in [false, true] {
        let mut node = Node::with_peers(1, &[2, 3]);
        let held = claim(2, 1, 1).draining(true);
        node.message(claimed(2, 0, &[("a", held)]));
        // However long that takes.
        node.pass(Duration::from_secs(60));
        let gone = creation(2);
        node.input(Input::NodeDown { node: gone });
        let outputs = node.pass(Duration::from_millis(4_999));
        assert!(!outputs.contains(&awaited("a", false)), "{outputs:?}");
        if is_taken {
            let outputs = node.message(claimed(3, 0, &[("a", claim(3, 1, 9))]));
            assert_eq!(outputs, [awaited("a", false)]);
        }
        let outputs = node.pass(Duration::from_millis(1));
        assert_eq!(outputs.contains(&awaited("a", false)), !is_taken);
    }
}

#[test]
fn a_name_that_was_held_by_a_node_which_did_not_drain_is_not_awaited() {
    let mut node = Node::with_peers(1, &[2]);
    node.message(claimed(2, 0, &[("a", claim(2, 1, 1))]));
    let gone = creation(2);
    assert_eq!(node.input(Input::NodeDown { node: gone }), []);
}

#[test]
fn a_node_has_drained_when_all_that_it_asked_have_confirmed_or_are_down() {
    let mut node = Node::with_peers(1, &[2, 3]);
    node.register("a", pid(1, 1), None);
    let outputs = drain(&mut node, &[2, 3]);
    let ask = |to| send(to, Message::Confirm(Confirm { version: 2 }));
    // Behind the delta, on the same way.
    assert!(matches!(&outputs[0], Output::Flood { to, .. } if to.len() == 3));
    assert_eq!(outputs[1..], [ask(2), ask(3)]);
    // Of a version before, and of one that was not asked.
    assert_eq!(node.message_from(2, confirmed(1)), []);
    assert_eq!(node.message_from(LISTENER, confirmed(2)), []);
    assert_eq!(node.message_from(2, confirmed(2)), []);
    let outputs = node.input(Input::NodeDown { node: creation(3) });
    assert_eq!(outputs, [Output::Drained]);
    assert_eq!(node.message_from(2, confirmed(2)), []);
}

#[test]
fn who_is_asked_to_confirm_does_once_it_knows_the_version() {
    let mut node = Node::with_peers(1, &[2]);
    let ask = |version| Message::Confirm(Confirm { version });
    assert_eq!(node.message_from(2, ask(2)), []);
    assert_eq!(node.message(claimed(2, 0, &[("a", claim(2, 1, 1))])), []);
    let outputs = node.message(claimed(2, 1, &[("b", claim(2, 1, 1))]));
    assert_eq!(outputs, [send(2, confirmed(2))]);
    assert_eq!(node.message_from(2, ask(2)), [send(2, confirmed(2))]);
    // By a full state as well, and of a node that is up alone.
    assert_eq!(node.message_from(2, ask(5)), []);
    let outputs = node.message(state(2, 5, &[]));
    assert!(outputs.contains(&send(2, confirmed(5))), "{outputs:?}");
    assert_eq!(node.message_from(3, ask(0)), []);
}

// ---- three machines ----

/// A small generator, so that a seed repeats a run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let high = usize::try_from(self.0 >> 33).unwrap();
        high % bound
    }
}

/// Three machines on a network that delays, reorders, repeats and loses.
struct World {
    random: Random,
    nodes: BTreeMap<u64, Node>,
    alive: BTreeSet<Pid>,
    /// How often who joined which group, less how often it left.
    joins: BTreeMap<(Arc<str>, Pid), usize>,
    flying: Vec<(u64, u64, Message)>,
    /// Whom a node says goodbye to by a split.
    split: Option<u64>,
    serial: u64,
    is_lossy: bool,
}

const NODES: [u64; 3] = [1, 2, 3];

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            random: Random(seed),
            nodes: NODES.map(|node| (node, Node::new(node))).into(),
            alive: BTreeSet::new(),
            joins: BTreeMap::new(),
            flying: Vec::new(),
            split: None,
            serial: 0,
            is_lossy: true,
        };
        for (a, b) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
            world.input(a, Input::NodeUp { node: creation(b) });
        }
        for at in NODES {
            world.tell_neighbours(at);
        }
        world
    }

    /// Everybody is a neighbour of everybody, but over the split.
    fn tell_neighbours(&mut self, at: u64) {
        let is_cut = |other: &u64| self.split.is_some_and(|cut| cut == at || cut == *other);
        let others = NODES.into_iter().filter(|other| *other != at);
        let nodes = others.filter(|other| !is_cut(other)).map(creation);
        let nodes = nodes.collect();
        self.input(
            at,
            Input::Neighbours {
                nodes,
                message_size_max: MESSAGE_SIZE_MAX,
            },
        );
    }

    fn input(&mut self, at: u64, input: Input) {
        let outputs = self.nodes.get_mut(&at).unwrap().input(input);
        self.perform(at, outputs);
    }

    fn perform(&mut self, at: u64, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Flood { to, message } => {
                    for to in to {
                        self.send(at, to.bits(), message.clone());
                    }
                }
                Output::Send { to, message } => self.send(at, to.bits(), message),
                Output::Evict { pid } => {
                    self.alive.remove(&pid);
                }
                Output::Publish { .. }
                | Output::Await { .. }
                | Output::Drained
                | Output::Regroup(_)
                | Output::Tell { .. }
                | Output::Refused { .. }
                | Output::Watch { .. }
                | Output::Unwatch { .. }
                | Output::Drifted { .. } => {}
            }
        }
    }

    fn send(&mut self, from: u64, to: u64, message: Message) {
        let is_cut = self.split.is_some_and(|cut| cut == from || cut == to);
        let is_lost = self.is_lossy && self.random.below(5) == 0;
        if to == LISTENER || is_cut || is_lost {
            return;
        }
        if self.is_lossy && self.random.below(10) == 0 {
            self.flying.push((from, to, message.clone()));
        }
        self.flying.push((from, to, message));
    }

    fn step(&mut self) {
        let at = NODES[self.random.below(3)];
        let names = ["a", "b", "c"];
        let name = names[self.random.below(3)];
        match self.random.below(16) {
            0..=2 => self.register(at, name, None),
            12 | 13 => {
                self.serial += 1;
                self.alive.insert(pid(at, self.serial));
                self.join(at, name, pid(at, self.serial));
            }
            // Of those that are there already, one joins or leaves.
            14 => {
                if let Some(pid) = self.any_of(at) {
                    self.join(at, name, pid);
                }
            }
            15 => {
                if let Some(pid) = self.any_of(at) {
                    self.leave(at, name, pid);
                }
            }
            3 => {
                // A supervisor saw the holder end, before its node's registry did.
                if let Some(dead) = self.nodes[&at].holder(name) {
                    self.alive.remove(&dead);
                    self.register(at, name, Some(dead));
                }
            }
            4 => {
                if let Some(pid) = self.any_of(at) {
                    self.end(at, pid);
                }
            }
            5 => self.input(at, Input::Unregister { name: name.into() }),
            6 if self.random.below(8) == 0 => self.turn_split(at),
            7 => self.pass(Duration::from_millis(300)),
            _ => self.deliver(),
        }
    }

    fn register(&mut self, at: u64, name: &str, replaces: Option<Pid>) {
        self.serial += 1;
        let pid = pid(at, self.serial);
        let node = self.nodes.get_mut(&at).unwrap();
        let outputs = node.register(name, pid, replaces);
        if !matches!(&outputs[..], [Output::Refused { .. }]) {
            self.alive.insert(pid);
        }
        self.perform(at, outputs);
    }

    /// A process of that node that has a name or is in a group.
    fn any_of(&mut self, at: u64) -> Option<Pid> {
        let pids: Vec<Pid> = self.nodes[&at].machine.watched().collect();
        let chosen = self.random.below(pids.len().max(1));
        pids.get(chosen).copied()
    }

    fn join(&mut self, at: u64, group: &str, pid: Pid) {
        *self.joins.entry((group.into(), pid)).or_default() += 1;
        let outputs = self.nodes.get_mut(&at).unwrap().join(group, pid);
        self.perform(at, outputs);
    }

    fn leave(&mut self, at: u64, group: &str, pid: Pid) {
        let joins = self.joins.entry((group.into(), pid)).or_default();
        *joins = joins.saturating_sub(1);
        let outputs = self.nodes.get_mut(&at).unwrap().leave(group, pid);
        self.perform(at, outputs);
    }

    fn end(&mut self, at: u64, pid: Pid) {
        self.alive.remove(&pid);
        self.input(at, Input::ProcessEnded { pid });
    }

    /// Who is in which group, by what was done.
    fn expected_groups(&self) -> BTreeMap<Arc<str>, BTreeSet<Pid>> {
        let mut groups = BTreeMap::<_, BTreeSet<_>>::new();
        for ((group, pid), joins) in &self.joins {
            if *joins > 0 && self.alive.contains(pid) {
                groups.entry(Arc::clone(group)).or_default().insert(*pid);
            }
        }
        groups
    }

    fn turn_split(&mut self, at: u64) {
        let cut = self.split.take();
        if cut.is_none() {
            self.split = Some(at);
        }
        let cut = cut.unwrap_or(at);
        for other in NODES.into_iter().filter(|other| *other != cut) {
            for (a, b) in [(cut, other), (other, cut)] {
                let node = creation(b);
                let input = match self.split {
                    Some(_) => Input::NodeDown { node },
                    None => Input::NodeUp { node },
                };
                self.input(a, input);
            }
        }
        for at in NODES {
            self.tell_neighbours(at);
        }
    }

    fn deliver(&mut self) {
        if !self.flying.is_empty() {
            let place = self.random.below(self.flying.len());
            let (from, to, message) = self.flying.swap_remove(place);
            let from = creation(from);
            self.input(to, Input::Message { from, message });
        }
    }

    fn pass(&mut self, time: Duration) {
        for at in NODES {
            let outputs = self.nodes.get_mut(&at).unwrap().pass(time);
            self.perform(at, outputs);
        }
    }

    /// The network gets well, the dead are reported, and time passes.
    fn settle(&mut self) {
        self.is_lossy = false;
        if let Some(cut) = self.split {
            self.turn_split(cut);
        }
        for _ in 0..100 {
            while !self.flying.is_empty() {
                self.deliver();
            }
            for at in NODES {
                let mut dead: Vec<Pid> = self.nodes[&at].machine.watched().collect();
                dead.retain(|pid| !self.alive.contains(pid));
                for pid in dead {
                    self.end(at, pid);
                }
            }
            self.pass(Duration::from_secs(1));
        }
    }
}

#[test]
fn three_nodes_on_a_bad_network_end_with_one_holder_for_each_name_and_the_same_groups() {
    let (mut names, mut places) = (0, 0);
    for seed in 0..300 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        world.settle();
        let first = &world.nodes[&1].holders;
        let groups = world.expected_groups();
        for node in world.nodes.values() {
            assert_eq!(&node.holders, first, "seed {seed}");
            assert_eq!(node.groups, groups, "seed {seed}");
        }
        let mut held = BTreeSet::new();
        for (at, node) in &world.nodes {
            for pid in node.machine.watched() {
                assert_eq!(pid.creation(), creation(*at), "seed {seed}");
                held.insert(pid);
            }
        }
        // Nobody believes to hold what another one holds.
        let holders: BTreeSet<Pid> = first.values().copied().collect();
        let members: BTreeSet<Pid> = groups.values().flatten().copied().collect();
        assert_eq!(held, &holders | &members, "seed {seed}");
        assert!(holders.is_subset(&world.alive), "seed {seed}");
        names += holders.len();
        places += members.len();
    }
    assert!(names > 300, "most names are held in the end: {names}");
    assert!(places > 300, "many are in groups in the end: {places}");
}
