//! Who says goodbye leaves in order, and nobody else does.

use noex_core::NodeDownReason;

use super::Invariant;
use crate::truth::{Told, Truth, What};

#[derive(Debug)]
pub(super) struct Reasons;

impl Invariant for Reasons {
    fn name(&self) -> &'static str {
        "reasons are true"
    }

    fn saw(&mut self, told: &Told, truth: &Truth) -> Result<(), String> {
        let What::Down(reason) = told.what else {
            return Ok(());
        };
        let is_graceful = reason == NodeDownReason::GracefulShutdown;
        let has_left = |who| truth.life(who).left_at.is_some();
        if is_graceful && !has_left(told.about) && !has_left(told.to) {
            return Err(format!(
                "{:?} is told that {:?} left, which did not",
                told.to, told.about
            ));
        }
        Ok(())
    }
}
