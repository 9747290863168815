//! Exactly one down for each up.

use super::Invariant;
use crate::truth::{Told, Truth, What};

#[derive(Debug)]
pub(super) struct OneDownPerUp;

impl Invariant for OneDownPerUp {
    fn name(&self) -> &'static str {
        "exactly one down per up"
    }

    fn saw(&mut self, told: &Told, _truth: &Truth) -> Result<(), String> {
        match (told.what, told.was_up) {
            (What::Up, true) => Err(format!(
                "{:?} is told twice that {:?} is up",
                told.to, told.about
            )),
            (What::Down(_), false) => Err(format!(
                "{:?} is told that {:?} is down, which was not up",
                told.to, told.about
            )),
            _ => Ok(()),
        }
    }
}
