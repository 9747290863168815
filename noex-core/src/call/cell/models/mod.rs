//! Models of the reply cell: loom tries every order in which its sides can meet.
//!
//! Each one ends in [`Call::is_over`](call::Call::is_over): everything was dropped once, and the
//! cell is free once. That nobody uses a cell that is free, or a waker or body that is another's,
//! is loom's to find; and that a caller is woken, as it would wait for ever.

mod call;
mod sides;
mod uses;
