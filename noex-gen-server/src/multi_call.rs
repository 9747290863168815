//! `multi_call`: the same call to several servers at once.

use std::future::poll_fn;
use std::time::Duration;

use noex_core::{CallError, ReplyTo, Wire};

use crate::joint::Joint;
use crate::{Dest, GenServer};

/// Calls every server in `to` at once, each for at most `timeout`, and gives what came of it
/// beside each address, in their order. It ends when the last of them has answered or failed.
///
/// OTP's takes one name and several nodes; here these are addresses like others: `(name, &node)`.
/// Servers that are known by pid, as the members of a group are, are called by
/// [`GenServer::call_many`].
///
/// # Delivery
/// At most once to each, as with [`GenServer::call`].
///
/// # Cancel safety
/// Dropping the future gives up the calls that are not answered.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use noex_core::LocalNode;
/// use noex_gen_server::{GenServer, multi_call};
/// # use noex_core::{ExitReason, ReplyTo};
/// # use noex_gen_server::{Context, Flow};
/// # struct Shard(u64);
/// # impl GenServer for Shard {
/// #     type Args = u64;
/// #     type Call = ReplyTo<u64>;
/// #     type Cast = ();
/// #     async fn init(size: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
/// #         Ok(Self(size))
/// #     }
/// #     async fn handle_call(&mut self, size: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
/// #         size.send(self.0);
/// #         Flow::Continue
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let shards = [Shard::start(3).on(&node).await?, Shard::start(4).on(&node).await?];
/// let sizes = multi_call(&shards, |size| size, Duration::from_secs(1)).await;
/// let total: u64 = sizes.into_iter().filter_map(|(_shard, size)| size.ok()).sum();
/// assert_eq!(total, 7);
/// # Ok(())
/// # }
/// ```
pub async fn multi_call<S, R, D, F>(
    to: impl IntoIterator<Item = D>,
    make: F,
    timeout: Duration,
) -> Vec<(D, Result<R, CallError>)>
where
    S: GenServer,
    R: Wire,
    D: Dest<S> + Clone,
    F: Fn(ReplyTo<R>) -> S::Call,
{
    let calls = to.into_iter().map(|to| {
        let call = S::call(to.clone(), &make).timeout(timeout);
        (to, call)
    });
    let mut calls = Joint::new(calls);
    poll_fn(|cx| calls.poll(cx)).await
}
