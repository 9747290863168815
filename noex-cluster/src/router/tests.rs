//! Ways to members: which of them there is, and what waits for one.

use bytes::Bytes;
use noex_core::{ExitReason, Pid};

use super::*;

const LIMITS: Limits = Limits {
    message_size_max: 100,
    queue_size_max: 1_000,
};

fn router() -> (ClusterRouter, Creation, Target) {
    let (own, peer) = (Creation::from_bits(1), Creation::from_bits(2));
    let to = Target::Process(Pid::new(peer, 7));
    (ClusterRouter::new(own, LIMITS), peer, to)
}

fn stop() -> Signal {
    Signal::Stop {
        reason: ExitReason::Normal,
    }
}

#[tokio::test]
async fn the_first_signal_waits_for_a_session_which_is_asked_for_once() {
    let (router, peer, to) = router();
    router.up(peer);
    assert_eq!(router.route(&to, stop()), Ok(()));
    assert_eq!(router.route(&to, stop()), Ok(()));
    assert_eq!(router.wanted().await, peer);
    assert_eq!(*router.wanted.lock(), BTreeSet::new());
    let waiting = router.queue_of(peer).unwrap();
    assert!(Arc::ptr_eq(&router.open(peer).unwrap(), &waiting));
}

#[tokio::test]
async fn a_member_with_a_session_is_not_asked_for() {
    let (router, peer, to) = router();
    router.up(peer);
    let queue = router.open(peer).unwrap();
    assert_eq!(router.route(&to, stop()), Ok(()));
    assert!(Arc::ptr_eq(&router.queue_of(peer).unwrap(), &queue));
    assert_eq!(*router.wanted.lock(), BTreeSet::new());
}

#[test]
fn who_is_not_up_is_not_reached() {
    let (router, peer, to) = router();
    assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
    router.up(peer);
    router.remove(peer);
    assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
    assert!(router.open(peer).is_none());
    assert_eq!(router.lose(peer), None);
}

#[tokio::test]
async fn nothing_is_let_in_before_the_loss_of_a_session_was_told() {
    let (router, peer, to) = router();
    router.up(peer);
    let lost = router.open(peer).unwrap();
    assert_eq!(router.lose(peer), Some(Loss::OfSession));
    assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
    assert_eq!(lost.push(&to, &stop()), Err(RouteError::NoConnection));
    router.loss_told(peer);
    assert_eq!(router.route(&to, stop()), Ok(()));
    assert_eq!(router.wanted().await, peer);
    assert!(!Arc::ptr_eq(&router.queue_of(peer).unwrap(), &lost));
}

#[tokio::test]
async fn who_is_waited_for_gets_a_session_without_a_signal() {
    let (router, peer, _) = router();
    assert_eq!(router.connect(peer), Err(RouteError::NoConnection));
    router.up(peer);
    assert_eq!(router.connect(peer), Ok(()));
    assert_eq!(router.wanted().await, peer);
    assert_eq!(router.lose(peer), Some(Loss::OfHope));
    assert_eq!(router.connect(peer), Err(RouteError::NoConnection));
}

#[tokio::test]
async fn it_is_settled_when_nothing_waits_for_a_session() {
    let (router, peer, to) = router();
    router.settled().await;
    router.up(peer);
    type Ending = fn(&ClusterRouter, Creation);
    let endings: [Ending; 3] = [
        |router, peer| drop(router.open(peer)),
        |router, peer| assert!(router.lose(peer).is_some()),
        |router, peer| router.remove(peer),
    ];
    for ending in endings {
        router.up(peer);
        router.route(&to, stop()).unwrap();
        let mut settled = std::pin::pin!(router.settled());
        let waits = tokio::time::timeout(std::time::Duration::ZERO, &mut settled).await;
        assert!(waits.is_err());
        ending(&router, peer);
        settled.await;
    }
}

#[tokio::test]
async fn what_comes_while_a_session_goes_to_rest_waits_for_the_next_one() {
    let (router, peer, to) = router();
    router.up(peer);
    let former = router.open(peer).unwrap();
    router.rest(peer);
    assert_eq!(former.push(&to, &stop()), Err(RouteError::NoConnection));
    assert_eq!(router.route(&to, stop()), Ok(()));
    let waiting = router.queue_of(peer).unwrap();
    assert!(!Arc::ptr_eq(&waiting, &former));
    assert_eq!(
        *router.wanted.lock(),
        BTreeSet::new(),
        "not before it rests"
    );
    router.rested(peer);
    assert_eq!(router.wanted().await, peer);
    assert!(Arc::ptr_eq(&router.open(peer).unwrap(), &waiting));
}

#[tokio::test]
async fn a_session_that_rests_is_opened_again_by_the_first_signal() {
    let (router, peer, to) = router();
    router.up(peer);
    router.open(peer).unwrap();
    router.rest(peer);
    router.rested(peer);
    assert_eq!(*router.wanted.lock(), BTreeSet::new());
    assert_eq!(router.route(&to, stop()), Ok(()));
    assert_eq!(router.wanted().await, peer);
}

#[test]
fn who_had_the_queue_of_a_session_that_rests_in_hand_sends_over_the_next_one() {
    let (router, peer, to) = router();
    router.up(peer);
    // Ended between the look for the queue and the push into it.
    router.open(peer).unwrap().end();
    assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
    router.rest(peer);
    assert_eq!(router.route(&to, stop()), Ok(()));
}

#[test]
fn a_session_that_is_lost_before_it_rests_takes_along_what_waits() {
    let (router, peer, to) = router();
    router.up(peer);
    router.open(peer).unwrap();
    router.rest(peer);
    router.route(&to, stop()).unwrap();
    let waiting = router.queue_of(peer).unwrap();
    assert_eq!(router.lose(peer), Some(Loss::OfSession));
    assert_eq!(waiting.push(&to, &stop()), Err(RouteError::NoConnection));
    // It is not at rest, but lost.
    router.rested(peer);
    assert_eq!(router.route(&to, stop()), Err(RouteError::NoConnection));
}

#[test]
fn the_queue_without_a_session_has_the_bound_of_one_with_it() {
    let (router, peer, to) = router();
    router.up(peer);
    let payload = Bytes::from_static(&[0; 100]);
    let message = noex_core::Encoded::new(None, 0, None, Vec::new(), payload);
    let send = || router.route(&to, Signal::Message(message.clone()));
    let taken = std::iter::from_fn(|| send().ok()).count();
    assert!((5..10).contains(&taken), "{taken}");
    assert_eq!(send(), Err(RouteError::Full));
}
