//! A node has a bounded number of dials under way.

use super::Invariant;
use crate::truth::{LifeIndex, Load, Truth};

/// 64 for members that are lost, 48 of a roll call, and neighbours whose connections broke.
const DIALS_MAX: usize = 64 + 48 + 32;

#[derive(Debug)]
pub(super) struct DialsBounded;

impl Invariant for DialsBounded {
    fn name(&self) -> &'static str {
        "dials are bounded"
    }

    fn weighed(&mut self, who: LifeIndex, load: Load, _truth: &Truth) -> Result<(), String> {
        if load.dials <= DIALS_MAX {
            return Ok(());
        }
        Err(format!(
            "{who:?} has {} dials under way, more than {DIALS_MAX}",
            load.dials
        ))
    }
}
