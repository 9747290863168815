//! Several ways to one end: each has a head start on the next, and the first to succeed counts.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

/// How long a way is tried before the next one is tried beside it; RFC 8305 advises as much.
const HEAD_START: Duration = Duration::from_millis(250);

/// Tries the ways in their order, the next one when one has failed or its head start is over. Those
/// that are still tried when one succeeds are dropped.
///
/// # Errors
/// All failures, in the order in which they came, if none succeeds.
///
/// # Cancel safety
/// Dropping the future drops all that is being tried.
pub(super) async fn first_success<F, T, E>(ways: impl IntoIterator<Item = F>) -> Result<T, Vec<E>>
where
    F: Future<Output = Result<T, E>>,
{
    let (mut ways, mut tried, mut failures) = (ways.into_iter().fuse(), Vec::new(), Vec::new());
    loop {
        tried.extend(ways.next().map(Box::pin));
        if tried.is_empty() {
            return Err(failures);
        }
        match timeout(HEAD_START, any(&mut tried)).await {
            Ok(Ok(success)) => return Ok(success),
            Ok(Err(failure)) => failures.push(failure),
            Err(_no_head_start_any_more) => {}
        }
    }
}

/// Waits until one of them is ready, and takes it out.
async fn any<F: Future>(tried: &mut Vec<Pin<Box<F>>>) -> F::Output {
    poll_fn(|cx| {
        let ready = tried.iter_mut().enumerate().find_map(|(index, way)| {
            let Poll::Ready(output) = way.as_mut().poll(cx) else {
                return None;
            };
            Some((index, output))
        });
        let Some((index, output)) = ready else {
            return Poll::Pending;
        };
        drop(tried.remove(index));
        Poll::Ready(output)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::{Instant, sleep};

    use super::*;

    /// Each way is how many milliseconds it takes, and whether it succeeds. The outcome, when it
    /// was there, and how many were tried.
    async fn outcome(ways: &[(u64, bool)]) -> (Result<u64, Vec<u64>>, u128, usize) {
        let (began, tried) = (Instant::now(), Cell::new(0));
        let ways = ways.iter().map(|&(millis, succeeds)| {
            tried.set(tried.get() + 1);
            async move {
                sleep(Duration::from_millis(millis)).await;
                if succeeds { Ok(millis) } else { Err(millis) }
            }
        });
        let outcome = first_success(ways).await;
        (outcome, began.elapsed().as_millis(), tried.get())
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_holds_up_the_next_one_for_its_head_start_alone() {
        let silent = (60_000, false);
        let ways = [silent, silent, (1, true), (1, true)];
        assert_eq!(outcome(&ways).await, (Ok(1), 501, 3));
        // Who answers late does so too.
        let ways = [(600, true), silent, silent];
        assert_eq!(outcome(&ways).await, (Ok(600), 600, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_at_once_holds_up_nobody_and_all_failures_are_told() {
        let ways = [(1, false), (2, false), (3, true)];
        assert_eq!(outcome(&ways).await, (Ok(3), 6, 3));
        let ways = [(900, false), (1, false), (2, false)];
        assert_eq!(outcome(&ways).await, (Err(vec![1, 2, 900]), 900, 3));
        assert_eq!(outcome(&[]).await, (Err(vec![]), 0, 0));
    }
}
