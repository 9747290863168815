//! The reply cell: the state machine, its caller's side and its handle's side.
//!
//! A cell is shared by the caller ([`Waiting`]), whoever is to answer ([`Handle`]), the message
//! that is queued meanwhile ([`CallGuard`](super::CallGuard)) and the sweep that ends calls whose
//! time is over. Cells live for ever and are used again (see [`pool`](super::pool)), so that a
//! call costs no allocation, no reference count, and no registration with a timer.
//!
//! One word says whose turn it is:
//!
//! ```text
//!  free ─► WAITING ─► SETTLED ──────────► ANSWERED ──► free
//!                     │ the first of       the body     once the caller and the handle
//!                     │ answer, expiry     is there     are both through with it
//!                     │ and giving up      GIVEN_UP
//!                     ▼                    the caller is gone
//!                  EXPIRED
//!                     its time is over; the waker is being taken while HELD
//! ```
//!
//! - The waker is the caller's while `BUSY`, else that of whoever set `SETTLED`. Whoever set it
//!   while the caller was busy leaves the waker to the caller, who wakes itself.
//! - The body is the handle's until `ANSWERED`, then the caller's, unless it has `GIVEN_UP`.
//! - A cell is free again when `ANSWERED` and `GIVEN_UP` are both said (a caller that takes the
//!   body says so by taking it) and it is not `HELD`. `ANSWERED` and `EXPIRED` come with
//!   `SETTLED`, and only a cell that is not settled is held: so a caller that finds a body in a
//!   cell that is not held is the last to use it, and need not say so.
//! - Foreign code, which is wakers and what is dropped, runs when nothing is left to be done: it
//!   may panic, and make or end calls.
//!
//! A generation in the same word tells one use of a cell from the next one.

mod handle;
#[cfg(test)]
#[cfg(noex_loom)]
mod models;
mod reply_cell;
mod terms;
#[cfg(test)]
#[cfg(not(noex_loom))]
mod tests;
mod waiting;

pub(super) use handle::{Handle, Right};
pub(super) use reply_cell::{Generation, ReplyCell, Standing};
pub(super) use terms::{Due, Terms};
pub(super) use waiting::{Outcome, Waiting};

pub(crate) use handle::Duty;
