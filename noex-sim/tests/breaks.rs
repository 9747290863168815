//! The simulator notices when the machine is broken: each flaw is caught by an invariant, in runs
//! in which the machine as it is meant to be passes.

use std::collections::BTreeSet;
use std::time::Duration;

use noex_cluster::sim::Flaw;
use noex_sim::scenarios::{Outcome, Run, Scenario};

const LIVES: &str = "who lives is not down";
const VIEW: &str = "one view at the end";

/// The scenarios in which each flaw shows, small enough for a debug build.
fn outcome(scenario: Scenario, size: usize, flaw: Flaw) -> Outcome {
    let mut all = Outcome::default();
    for seed in 1..=3 {
        let run = Run::new(scenario, size, seed).lasting(Duration::from_secs(120));
        all.merge(run.broken(flaw).run());
    }
    all
}

/// The invariants that object to the runs.
fn findings(scenario: Scenario, size: usize, flaw: Flaw) -> BTreeSet<&'static str> {
    let violations = outcome(scenario, size, flaw).violations.into_iter();
    violations.map(|violation| violation.invariant).collect()
}

#[track_caller]
fn assert_caught(scenario: Scenario, size: usize, flaw: Flaw, invariant: &str) {
    let [sound, broken] = [Flaw::None, flaw].map(|flaw| findings(scenario, size, flaw));
    assert!(sound.is_empty(), "not broken: {sound:?}");
    assert_eq!(broken, BTreeSet::from([invariant]), "{flaw:?}");
}

#[test]
fn a_node_that_does_not_refute_is_caught() {
    assert_caught(Scenario::LongPauses, 30, Flaw::SkipRefutation, LIVES);
}

#[test]
fn a_node_that_reuses_its_incarnation_is_caught() {
    assert_caught(Scenario::Split(50), 10, Flaw::ReuseIncarnation, LIVES);
}

#[test]
fn a_verdict_by_one_vote_is_caught() {
    assert_caught(Scenario::Deaf, 100, Flaw::OneVote, LIVES);
}

#[test]
fn downs_that_are_merged_as_facts_are_caught() {
    assert_caught(Scenario::Split(30), 10, Flaw::MergeDowns, LIVES);
}

#[test]
fn a_node_that_takes_its_own_pause_for_silence_is_caught() {
    assert_caught(Scenario::Suspension, 10, Flaw::IgnoreResume, LIVES);
}

#[test]
fn votes_that_are_not_passed_on_are_caught() {
    assert_caught(Scenario::Deaf, 30, Flaw::RelayNothing, LIVES);
}

#[test]
fn lost_members_that_nobody_looks_for_are_caught() {
    assert_caught(Scenario::Split(50), 10, Flaw::SearchNobody, VIEW);
}
