//! Pure: `Rules`, what the machine of a supervisor goes by.

use crate::intensity::Intensity;
use crate::{AutoShutdown, RestartDelay, Strategy};

/// What the machine of a supervisor goes by.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) strategy: Strategy,
    pub(super) intensity: Intensity,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) restart_delay: RestartDelay,
    pub(super) population: Population,
}

/// What kind of children there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Population {
    /// Each has an id of its own and stays when it has ended. They stop in reverse order.
    #[default]
    Named,
    /// They are many of a kind, at most so many. A number behind its id tells each from the
    /// others, it goes when it has ended, and all stop at the same time.
    Numbered { children_max: usize },
}
