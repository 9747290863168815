//! Panics of processes, as exit reasons.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};

use crate::exit::Panic;

thread_local! {
    static LOCATION: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic becomes a value, as the reason of a process has it. State that `work`
/// borrowed is dropped by whoever owns it, never used again, so that no broken invariant is seen.
///
/// # Errors
/// The panic: its message, and where it happened, if a node was ever started.
///
/// # Examples
/// ```
/// use noex_core::process::catch;
///
/// let broken = catch(|| -> u32 { panic!("told to") }).unwrap_err();
/// assert_eq!(&*broken.message, "told to");
/// ```
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let location = LOCATION.with_borrow_mut(Option::take);
        Panic::new(message_of(&*payload), location)
    })
}

/// Notes where a panic happened before the hook that was there before runs. The one process-wide
/// thing of this crate: std offers the place of a panic to the hook alone.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = take_hook();
        set_hook(Box::new(move |info| {
            let location = info.location().map(|place| Arc::from(place.to_string()));
            // A thread that ends has no slot any more, and no process that would read it.
            drop(LOCATION.try_with(|slot| slot.replace(location)));
            next(info);
        }));
    });
}

fn message_of(payload: &(dyn Any + Send)) -> Arc<str> {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        return Arc::from(*text);
    }
    match payload.downcast_ref::<String>() {
        Some(text) => Arc::from(text.as_str()),
        None => Arc::from("panic with a payload that is no text"),
    }
}
