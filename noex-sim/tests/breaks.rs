//! The simulator notices when the machine is broken: each flaw is caught by an invariant, in runs
//! in which the machine as it is meant to be passes.

use std::time::Duration;

use noex_cluster::sim::Flaw;
use noex_sim::scenarios::{Outcome, Run, Scenario};

/// The scenarios in which each flaw shows, small enough for a debug build.
fn outcome(scenario: Scenario, size: usize, flaw: Flaw) -> Outcome {
    let mut all = Outcome::default();
    for seed in 1..=3 {
        let run = Run::new(scenario, size, seed).lasting(Duration::from_secs(120));
        all.merge(run.broken(flaw).run());
    }
    all
}

/// What is wrong in the runs: violations, and members that were down without a reason.
fn findings(scenario: Scenario, size: usize, flaw: Flaw) -> Vec<String> {
    let outcome = outcome(scenario, size, flaw);
    let downs: f64 = outcome.figures.get("false").into_iter().flatten().sum();
    let downs = (downs > 0.0).then(|| format!("{downs} false downs"));
    let violations = outcome.violations.iter().map(ToString::to_string);
    violations.chain(downs).collect()
}

#[track_caller]
fn assert_caught(scenario: Scenario, size: usize, flaw: Flaw) {
    assert_eq!(
        findings(scenario, size, Flaw::None),
        Vec::<String>::new(),
        "not broken"
    );
    assert_ne!(
        findings(scenario, size, flaw),
        Vec::<String>::new(),
        "{flaw:?} is not caught"
    );
}

#[test]
fn a_node_that_does_not_refute_is_caught() {
    assert_caught(Scenario::LongPauses, 10, Flaw::SkipRefutation);
}

#[test]
fn a_node_that_reuses_its_incarnation_is_caught() {
    assert_caught(Scenario::Split(50), 10, Flaw::ReuseIncarnation);
}

#[test]
fn a_verdict_by_one_vote_is_caught() {
    assert_caught(Scenario::Deaf, 100, Flaw::OneVote);
}

#[test]
fn downs_that_are_merged_as_facts_are_caught() {
    assert_caught(Scenario::Split(30), 10, Flaw::MergeDowns);
}

#[test]
fn a_node_that_takes_its_own_pause_for_silence_is_caught() {
    assert_caught(Scenario::Suspension, 10, Flaw::IgnoreResume);
}

#[test]
fn votes_that_are_not_passed_on_are_caught() {
    assert_caught(Scenario::Endings, 30, Flaw::RelayNothing);
}

#[test]
fn lost_members_that_nobody_looks_for_are_caught() {
    assert_caught(Scenario::Split(50), 10, Flaw::SearchNobody);
}
