//! A session opens with a node that is up, and ends once: or users would take what crosses it
//! for delivered, or for lost, when it is not.

use std::collections::BTreeSet;

use super::Invariant;
use crate::truth::{LifeIndex, Told, Truth, What};

#[derive(Debug, Default)]
pub(super) struct SessionsOfTheLiving {
    open: BTreeSet<(LifeIndex, LifeIndex)>,
    wanted: BTreeSet<(LifeIndex, LifeIndex)>,
}

impl Invariant for SessionsOfTheLiving {
    fn name(&self) -> &'static str {
        "sessions are with the living"
    }

    fn saw(&mut self, told: &Told, _truth: &Truth) -> Result<(), String> {
        let pair = (told.to, told.about);
        match told.what {
            What::Opened if !told.was_up => Err(format!(
                "{:?} has a session with {:?}, which is not up",
                told.to, told.about
            )),
            What::Wanted => {
                if !self.open.contains(&pair) {
                    self.wanted.insert(pair);
                }
                Ok(())
            }
            What::Opened => {
                self.wanted.remove(&pair);
                match self.open.insert(pair) {
                    true => Ok(()),
                    false => Err(format!(
                        "{:?} has two sessions with {:?}",
                        told.to, told.about
                    )),
                }
            }
            What::Lost | What::Rested => {
                match self.open.remove(&pair) || self.wanted.remove(&pair) {
                    true => Ok(()),
                    false => Err(format!(
                        "{:?} is told of the end of a session with {:?} that it had not",
                        told.to, told.about
                    )),
                }
            }
            What::Down(_) => {
                self.open.remove(&pair);
                self.wanted.remove(&pair);
                Ok(())
            }
            What::Up => Ok(()),
        }
    }
}
