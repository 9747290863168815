//! Where nothing is done to the nodes that they can't bear, nobody who lives is taken for down.

use super::Invariant;
use crate::truth::{Told, Truth, What};

#[derive(Debug)]
pub(super) struct Bearable;

impl Invariant for Bearable {
    fn name(&self) -> &'static str {
        "who lives is not down"
    }

    fn saw(&mut self, told: &Told, truth: &Truth) -> Result<(), String> {
        let is_down = matches!(told.what, What::Down(_));
        let lives = [told.to, told.about];
        if is_down && truth.is_bearable && !lives.iter().any(|life| truth.is_over(*life)) {
            return Err(format!("{:?} takes {:?} for down", told.to, told.about));
        }
        Ok(())
    }
}
