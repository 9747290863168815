//! A life that is over, and was told to be down, is not told to be up again: creations are not
//! reused, and no late gossip brings the dead back.

use std::collections::BTreeSet;

use super::Invariant;
use crate::truth::{LifeIndex, Told, Truth, What};

#[derive(Debug, Default)]
pub(super) struct NoGhosts {
    buried: BTreeSet<(LifeIndex, LifeIndex)>,
}

impl Invariant for NoGhosts {
    fn name(&self) -> &'static str {
        "no ghosts"
    }

    fn saw(&mut self, told: &Told, truth: &Truth) -> Result<(), String> {
        let pair = (told.to, told.about);
        match told.what {
            What::Down(_) if truth.is_over(told.about) => {
                self.buried.insert(pair);
                Ok(())
            }
            What::Up if self.buried.contains(&pair) => Err(format!(
                "{:?} is told that {:?} is up, whose end it was told of",
                told.to, told.about
            )),
            _ => Ok(()),
        }
    }
}
