//! A node keeps sessions with its neighbours, and with few others; a seed, with all that joined by
//! it: a session that was opened to join stays.

use super::Invariant;
use crate::truth::{LifeIndex, Load, Truth};

/// Twice eight observers and eight subjects, those of the rings as they were a moment ago, and
/// what was met in a join or a roll call.
const SESSIONS_MAX: usize = 400;

#[derive(Debug)]
pub(super) struct SessionsBounded;

impl Invariant for SessionsBounded {
    fn name(&self) -> &'static str {
        "sessions are bounded"
    }

    fn weighed(&mut self, who: LifeIndex, load: Load, truth: &Truth) -> Result<(), String> {
        let is_seed = truth.seeds.contains(&truth.life(who).node);
        let most = if is_seed { usize::MAX } else { SESSIONS_MAX };
        let limit = most.min(truth.size + 1);
        if load.sessions <= limit {
            return Ok(());
        }
        Err(format!(
            "{who:?} has {} sessions, more than {limit}",
            load.sessions
        ))
    }
}
