//! Once the faults are off, every live node holds exactly the live nodes for up.

use super::Invariant;
use crate::truth::{LifeIndex, Truth};

#[derive(Debug)]
pub(super) struct OneView;

impl Invariant for OneView {
    fn name(&self) -> &'static str {
        "one view at the end"
    }

    fn ended(&mut self, who: LifeIndex, view: &[LifeIndex], truth: &Truth) -> Result<(), String> {
        let lives = (0..).map(LifeIndex).take(truth.lives.len());
        let living: Vec<LifeIndex> = lives
            .filter(|life| *life != who && !truth.is_over(*life))
            .collect();
        if view == living {
            return Ok(());
        }
        let missing: Vec<_> = living
            .iter()
            .filter(|life| !view.contains(life))
            .take(5)
            .collect();
        let excess: Vec<_> = view
            .iter()
            .filter(|life| !living.contains(life))
            .take(5)
            .collect();
        Err(format!(
            "{who:?} misses {missing:?} and holds {excess:?} for up"
        ))
    }
}
