//! `At`: an address, and the type of the server that is there.

use std::sync::Arc;
use std::{fmt, marker::PhantomData};

use noex_core::process::Process;
use noex_core::{CallError, Creation, ReplyTo, Wire};

use crate::{Address, Call, CastError, CastWait, Dest, GenServer, Request, Stop, Successor};

/// An address, and the type of the server that is there; made by [`GenServer::at`].
///
/// Nothing is looked up before it is called, and each call looks anew: who holds the name then
/// gets the call.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// # struct Counter(u64);
/// # impl GenServer for Counter {
/// #     type Args = u64;
/// #     type Call = ReplyTo<u64>;
/// #     type Cast = u64;
/// #     async fn init(start: u64, _: &mut Context<Self>) -> Result<Self, ExitReason> {
/// #         Ok(Self(start))
/// #     }
/// #     async fn handle_call(&mut self, reply: ReplyTo<u64>, _: &mut Context<Self>) -> Flow {
/// #         reply.send(self.0);
/// #         Flow::Continue
/// #     }
/// #     async fn handle_cast(&mut self, add: u64, _: &mut Context<Self>) -> Flow {
/// #         self.0 += add;
/// #         Flow::Continue
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let _inside = node.enter();
/// let pid = Counter::start(40).name("counter").await?.pid();
///
/// let counter = Counter::at("counter");
/// counter.cast(2)?;
/// assert_eq!(counter.call(|reply| reply).await?, 42);
/// assert_eq!(Counter::at(pid).call(|reply| reply).await?, 42);
/// # Ok(())
/// # }
/// ```
pub struct At<S, D> {
    to: D,
    server: PhantomData<fn() -> S>,
}

impl<S: GenServer, D: Dest<S>> At<S, D> {
    pub(crate) const fn new(to: D) -> Self {
        Self {
            to,
            server: PhantomData,
        }
    }

    /// As [`GenServer::call`].
    pub fn call<R, F>(&self, make: F) -> Call<S, R, &Self, F>
    where
        R: Wire,
        F: FnOnce(ReplyTo<R>) -> S::Call,
    {
        S::call(self, make)
    }

    /// As [`GenServer::cast`].
    ///
    /// # Errors
    /// [`CastError`]; the message was not queued.
    pub fn cast(&self, message: S::Cast) -> Result<(), CastError<S::Cast>> {
        S::cast(self, message)
    }

    /// As [`GenServer::cast_wait`].
    pub fn cast_wait(&self, message: S::Cast) -> CastWait<S, &Self> {
        S::cast_wait(self, message)
    }

    /// As [`GenServer::stop`].
    pub fn stop(&self) -> Stop<S, &Self> {
        S::stop(self)
    }
}

impl<S: GenServer, D: Dest<S>> Dest<S> for At<S, D> {
    fn resolve(&self) -> Result<Address<S>, CallError> {
        self.to.resolve()
    }

    fn held(&self) -> Option<&Arc<Process<Request<S>>>> {
        self.to.held()
    }

    fn moves(&self) -> bool {
        self.to.moves()
    }

    fn successor(&self, refused_by: Option<Creation>) -> Option<Successor> {
        self.to.successor(refused_by)
    }
}

impl<S, D: Clone> Clone for At<S, D> {
    fn clone(&self) -> Self {
        Self {
            to: self.to.clone(),
            server: PhantomData,
        }
    }
}

impl<S, D: Copy> Copy for At<S, D> {}

impl<S, D: fmt::Debug> fmt::Debug for At<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("At").field(&self.to).finish()
    }
}
