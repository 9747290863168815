//! Nobody is down for silence before it was silent for all intervals but one.

use std::time::Duration;

use noex_core::NodeDownReason;

use super::Invariant;
use crate::truth::{Life, Told, Truth, What};

/// What clocks may differ by, and what a message takes.
const SLACK: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct NeverEarly;

impl Invariant for NeverEarly {
    fn name(&self) -> &'static str {
        "never down before (M - 1) intervals"
    }

    fn saw(&mut self, told: &Told, truth: &Truth) -> Result<(), String> {
        let What::Down(NodeDownReason::HeartbeatTimeout) = told.what else {
            return Ok(());
        };
        let (to, about) = (truth.life(told.to), truth.life(told.about));
        let silent = |life: &Life| {
            let is_silent = life.is_silent(told.at, truth.patience);
            life.silent_since.filter(|_| is_silent)
        };
        // Who can't speak can't dial either.
        let reasons = [silent(about), about.ended_at, silent(to)];
        let Some(since) = reasons.into_iter().flatten().min() else {
            return Err(format!(
                "{:?} takes {:?} for down, which never was silent",
                told.to, told.about
            ));
        };
        let after = told.at - since;
        // Clocks that run at another rate measure another time.
        let earliest = truth.patience.mul_f64(0.98).saturating_sub(SLACK);
        if after >= earliest {
            return Ok(());
        }
        Err(format!(
            "{:?} takes {:?} for down after {after:?}",
            told.to, told.about
        ))
    }
}
