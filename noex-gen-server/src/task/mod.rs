//! Tasks: processes that compute one value and end.

mod many;
mod stream;
mod task_ref;

pub use many::{await_many, yield_many};
pub use stream::TaskStream;
pub use task_ref::{Task, TaskRef};
