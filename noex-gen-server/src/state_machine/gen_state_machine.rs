//! `GenStateMachine`: what you implement to define a state machine.

use std::any::type_name;
use std::fmt::Debug;
use std::future::Future;

use noex_core::{ExitReason, Wire};

use super::{Event, StateMachine, Transition};
use crate::{Context, GenServer, Start};

/// What a state machine may do as a process.
pub type StateContext<M> = Context<StateMachine<M>>;

/// A state machine: a server whose handling of an event depends on a state, as OTP's `gen_statem`
/// with one `handle_event`. The state is an enum, what goes with all states is `self`.
///
/// # Examples
/// A door that locks itself ten seconds after it was opened, and lets those who knock wait:
/// ```
/// use std::time::Duration;
///
/// use noex_core::{ExitReason, LocalNode, ReplyTo};
/// use noex_gen_server::state_machine::{Event, GenStateMachine, StateContext, Transition};
/// use serde::{Deserialize, Serialize};
///
/// struct Door {
///     code: u32,
/// }
///
/// #[derive(Debug, Clone, PartialEq, Eq)]
/// enum State {
///     Locked,
///     Open,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// enum Ask {
///     Knock(ReplyTo<()>),
/// }
///
/// impl GenStateMachine for Door {
///     type Args = u32;
///     type State = State;
///     type Call = Ask;
///     type Cast = u32;
///
///     async fn init(
///         code: u32,
///         _cx: &mut StateContext<Self>,
///     ) -> Result<(Self, State), ExitReason> {
///         Ok((Self { code }, State::Locked))
///     }
///
///     async fn handle_event(
///         &mut self,
///         state: &State,
///         event: Event<Self>,
///         _cx: &mut StateContext<Self>,
///     ) -> Transition<Self> {
///         match (state, event) {
///             (State::Locked, Event::Cast(code)) if code == self.code => {
///                 Transition::to(State::Open).state_timeout(Duration::from_secs(10))
///             }
///             (State::Open, Event::StateTimeout) => Transition::to(State::Locked),
///             (State::Locked, knock @ Event::Call(_)) => Transition::keep().postpone(knock),
///             (State::Open, Event::Call(Ask::Knock(reply))) => {
///                 reply.send(());
///                 Transition::keep()
///             }
///             _ => Transition::keep(),
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = LocalNode::start("a@127.0.0.1:4369".parse()?);
/// let door = Door::start(1234).on(&node).await?;
/// let knock = door.call(Ask::Knock);
/// door.cast(1234)?;
/// knock.await?;
/// # Ok(())
/// # }
/// ```
pub trait GenStateMachine: Sized + Send + 'static {
    /// What a new machine is made from.
    type Args: Send + 'static;
    /// The states: an enum.
    type State: Eq + Clone + Debug + Send + Sync + 'static;
    /// What it can be asked, as with a [`GenServer`].
    type Call: Wire;
    /// What it can be told, as with a [`GenServer`].
    type Cast: Wire;

    /// Whether each state begins with an [`Event::Enter`]. Such an event can't change the state,
    /// postpone or insert events: the machine ends with an error if it tries.
    const ENTER_CALLS: bool = false;

    /// Makes the data and the first state.
    ///
    /// # Errors
    /// With an error the machine does not start; its starter gets the reason.
    fn init(
        args: Self::Args,
        cx: &mut StateContext<Self>,
    ) -> impl Future<Output = Result<(Self, Self::State), ExitReason>> + Send;

    /// Handles an event. One that can't be handled in this state may be
    /// [postponed](Transition::postpone).
    fn handle_event(
        &mut self,
        state: &Self::State,
        event: Event<Self>,
        cx: &mut StateContext<Self>,
    ) -> impl Future<Output = Transition<Self>> + Send;

    /// Runs last, as [`GenServer::terminate`].
    fn terminate(
        &mut self,
        state: &Self::State,
        reason: &ExitReason,
        cx: &mut StateContext<Self>,
    ) -> impl Future<Output = ()> + Send {
        let _unused = (state, reason, cx);
        async {}
    }

    /// What is told of the machine to those who look at it, as [`GenServer::describe`].
    #[must_use]
    fn describe(&self, state: &Self::State) -> Option<String> {
        let _unused = state;
        None
    }

    /// As [`GenServer::protocol`].
    #[must_use]
    fn protocol() -> &'static str {
        type_name::<Self>()
    }

    /// Starts a machine on the current node, as [`GenServer::start`]. Its reference calls and
    /// casts; by a name or pid it is called with `StateMachine::<M>::call`.
    fn start(args: Self::Args) -> Start<StateMachine<Self>> {
        <StateMachine<Self> as GenServer>::start(args)
    }

    /// As [`start`](Self::start), linked with the calling process.
    fn start_link(args: Self::Args) -> Start<StateMachine<Self>> {
        <StateMachine<Self> as GenServer>::start_link(args)
    }
}
