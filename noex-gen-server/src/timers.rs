//! Timers of a server, and what else it does by itself.

use std::any::Any;
use std::time::Duration;

use noex_core::mailbox::Info;
use noex_core::{Pid, TimerRef};

use crate::agenda::Message;
use crate::{Context, GenServer};

/// The shortest and the longest time between two beats of an interval.
const PERIODS: (Duration, Duration) = (
    Duration::from_millis(1),
    Duration::from_secs(365 * 24 * 3600),
);

/// Timers. A timer's message takes its place among the others when its time is up, however long
/// the server is busy. Timers end with their server, and a timer that was cancelled in time or too
/// late delivers nothing.
///
/// # Examples
/// A lamp that goes out by itself, and blinks once a second until then:
/// ```
/// use std::time::Duration;
///
/// use noex_core::mailbox::Info;
/// use noex_core::{ExitReason, TimerRef};
/// use noex_gen_server::{Context, Flow, GenServer};
/// use serde::{Deserialize, Serialize};
///
/// struct Lamp {
///     off: TimerRef,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// enum Button {
///     Longer,
///     Off,
/// }
///
/// struct Blink;
///
/// impl GenServer for Lamp {
///     type Args = ();
///     type Call = ();
///     type Cast = Button;
///
///     async fn init((): (), cx: &mut Context<Self>) -> Result<Self, ExitReason> {
///         cx.send_interval(Duration::from_secs(1), || Blink);
///         Ok(Self { off: cx.cast_after(Duration::from_secs(60), Button::Off) })
///     }
///
///     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow {
///         Flow::Continue
///     }
///
///     async fn handle_cast(&mut self, button: Button, cx: &mut Context<Self>) -> Flow {
///         let Button::Longer = button else {
///             return Flow::Stop(ExitReason::Normal);
///         };
///         cx.cancel_timer(self.off);
///         self.off = cx.cast_after(Duration::from_secs(60), Button::Off);
///         Flow::Continue
///     }
///
///     async fn handle_info(&mut self, info: Info, cx: &mut Context<Self>) -> Flow {
///         if let Info::Other(value) = info && value.is::<Blink>() {
///             println!("blink; {:?} left", cx.read_timer(self.off));
///         }
///         Flow::Continue
///     }
/// }
/// ```
impl<S: GenServer> Context<S> {
    /// Casts `message` to the server itself after `delay`.
    pub fn cast_after(&self, delay: Duration, message: S::Cast) -> TimerRef {
        let message = Message::Cast(message);
        self.agenda()
            .start_once(self.node(), self.pid(), delay, message)
    }

    /// Delivers `message` to [`handle_info`](GenServer::handle_info) after `delay`, as an
    /// [`Info::Other`](noex_core::mailbox::Info::Other) (OTP's `send_after`).
    pub fn send_after(&self, delay: Duration, message: impl Any + Send) -> TimerRef {
        let message = Message::Info(Info::Other(Box::new(message)));
        self.agenda()
            .start_once(self.node(), self.pid(), delay, message)
    }

    /// As [`send_after`](Self::send_after), to another process of this node. It is not delivered
    /// if this server has ended by then; one that is in the other's mailbox stays there.
    pub fn send_after_to(&self, to: Pid, delay: Duration, message: impl Any + Send) -> TimerRef {
        if to == self.pid() {
            return self.send_after(delay, message);
        }
        self.node()
            .post_after(self.pid(), to, delay, Box::new(message))
    }

    /// Casts what `make` makes to the server itself, once every `period` (at least 1 ms). Beats
    /// that a busy server missed are not made up for.
    pub fn cast_interval(
        &self,
        period: Duration,
        mut make: impl FnMut() -> S::Cast + Send + 'static,
    ) -> TimerRef {
        self.every(period, Box::new(move || Message::Cast(make())))
    }

    /// As [`cast_interval`](Self::cast_interval), for [`handle_info`](GenServer::handle_info).
    pub fn send_interval<T: Any + Send>(
        &self,
        period: Duration,
        mut make: impl FnMut() -> T + Send + 'static,
    ) -> TimerRef {
        self.every(
            period,
            Box::new(move || Message::Info(Info::Other(Box::new(make())))),
        )
    }

    /// Takes a timer back; how much of its time was left. `None`: it had delivered already.
    pub fn cancel_timer(&self, timer: TimerRef) -> Option<Duration> {
        let is_own = self.agenda().forget(timer);
        let left = self.node().cancel_timer(self.pid(), timer);
        // Its number waits in the mailbox, and stands for nothing any more.
        left.or_else(|| is_own.then_some(Duration::ZERO))
    }

    /// How much of a timer's time is left; `None` if it has delivered or was cancelled.
    #[must_use]
    pub fn read_timer(&self, timer: TimerRef) -> Option<Duration> {
        let left = self.node().read_timer(self.pid(), timer);
        left.or_else(|| self.agenda().has(timer).then_some(Duration::ZERO))
    }

    /// Asks for [`Info::Idle`](noex_core::mailbox::Info::Idle) once no message has come for
    /// `after`; `None` takes it back. As in OTP whatever is handled begins the time anew, timers
    /// too. It is told once, and again when something else has come in between.
    ///
    /// OTP's callbacks return the time-out each time; here it holds until it is changed.
    pub fn set_idle_timeout(&self, after: Option<Duration>) {
        let after = after.map(|after| after.min(PERIODS.1));
        self.agenda().set_idle(self.node(), self.pid(), after);
    }

    /// Gives the mailbox's spare memory back before the next message: for a server that expects
    /// to wait for long.
    pub fn hibernate(&self) {
        self.agenda().hibernate();
    }

    /// Hands `value` to [`handle_continue`](GenServer::handle_continue), before the next message
    /// and behind what was handed to it before.
    pub fn continue_with(&self, value: impl Any + Send) {
        self.agenda().continue_with(Box::new(value));
    }

    fn every(&self, period: Duration, make: Box<dyn FnMut() -> Message<S> + Send>) -> TimerRef {
        let period = period.clamp(PERIODS.0, PERIODS.1);
        self.agenda()
            .start_every(self.node(), self.pid(), period, make)
    }
}
