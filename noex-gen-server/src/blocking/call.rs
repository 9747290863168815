//! Calls and casts from threads outside of the runtime.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError, bounded};
use noex_core::call::deadline_after;
use noex_core::{CallError, ReplyTo, Wire};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::{CastError, Dest, GenServer};

/// How long a call blocks unless told otherwise, as with [`GenServer::call`].
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// As [`GenServer::call`], from a thread outside of the runtime, which it blocks until the reply
/// or an error is there, 5 s at most.
///
/// A name or pid is looked up on the current node: see [`LocalNode::enter`].
///
/// # Delivery
/// At most once, as with [`GenServer::call`].
///
/// # Errors
/// As [`Call`](crate::Call).
///
/// # Panics
/// Within a runtime, whose other tasks it would hold up: there the call is awaited. A thread of
/// `spawn_blocking` counts as within; it has `Handle::block_on`.
///
/// # Examples
/// ```
/// use noex_core::LocalNode;
/// use noex_gen_server::blocking;
/// # use noex_core::{ExitReason, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Counter(u64);
/// # impl GenServer for Counter {
/// #     type Args = u64;
/// #     type Call = ReplyTo<u64>;
/// #     type Cast = u64;
/// #     async fn init(start: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
/// #         Ok(Self(start))
/// #     }
/// #     async fn handle_call(&mut self, get: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
/// #         get.send(self.0);
/// #         Flow::Continue
/// #     }
/// #     async fn handle_cast(&mut self, add: u64, _: &mut Context<Self>) -> Flow {
/// #         self.0 += add;
/// #         Flow::Continue
/// #     }
/// # }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let counter = Counter::start(40).on(&node).await?;
/// let thread = std::thread::spawn(move || {
///     blocking::cast(&counter, 2).ok()?;
///     blocking::call(&counter, |reply| reply).ok()
/// });
/// assert_eq!(thread.join().ok(), Some(Some(42_u64)));
/// # Ok(())
/// # }
/// ```
///
/// [`LocalNode::enter`]: noex_core::LocalNode::enter
pub fn call<S, R, D, F>(to: D, make: F) -> Result<R, CallError>
where
    S: GenServer,
    R: Wire,
    D: Dest<S>,
    F: FnOnce(ReplyTo<R>) -> S::Call,
{
    call_within(TIMEOUT_DEFAULT, to, make)
}

/// As [`call`], for at most `timeout`.
///
/// # Errors
/// As [`call`].
///
/// # Panics
/// As [`call`].
pub fn call_within<S, R, D, F>(timeout: Duration, to: D, make: F) -> Result<R, CallError>
where
    S: GenServer,
    R: Wire,
    D: Dest<S>,
    F: FnOnce(ReplyTo<R>) -> S::Call,
{
    assert!(
        Handle::try_current().is_err(),
        "blocking::call would block a thread of the runtime: await the call there, or use \
         Handle::block_on in spawn_blocking"
    );
    let deadline = deadline_after(Instant::now(), timeout);
    let (bell, rung) = bounded(1);
    let waker = Waker::from(Arc::new(Bell(bell)));
    let mut call = S::call(to, make).timeout(timeout);
    loop {
        if let Poll::Ready(outcome) = Pin::new(&mut call).poll(&mut Context::from_waker(&waker)) {
            return outcome;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        // Rung or not, the call sees by itself when its time is over, even if its node is gone.
        let _rung = rung.recv_timeout(left);
    }
}

/// As [`GenServer::cast`]; it does not block, and is here beside [`call`] for symmetry.
///
/// # Errors
/// [`CastError`]; the message was not queued.
pub fn cast<S: GenServer, D: Dest<S>>(to: D, message: S::Cast) -> Result<(), CastError<S::Cast>> {
    S::cast(to, message)
}

/// Wakes a thread. One ring is as good as several.
struct Bell(Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        match self.0.try_send(()) {
            // It rings already, or nobody waits any more.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}
