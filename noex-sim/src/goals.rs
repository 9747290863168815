//! The goals: what several runs measured, and whether it is good enough.

use std::collections::BTreeMap;

/// What several runs measured.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub figures: BTreeMap<&'static str, Vec<f64>>,
    pub is_sound: bool,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            figures: BTreeMap::new(),
            is_sound: true,
        }
    }
}

impl Figures {
    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, figures) in &other.figures {
            self.figures.entry(name).or_default().extend(figures);
        }
        self.is_sound &= other.is_sound;
    }

    /// The figure below which this share of all others is.
    fn at(&self, name: &str, share: f64) -> f64 {
        let mut figures = self.figures.get(name).cloned().unwrap_or_default();
        figures.sort_by(f64::total_cmp);
        percentile(&figures, share)
    }

    fn sum(&self, name: &str) -> f64 {
        self.figures
            .get(name)
            .map_or(0.0, |figures| figures.iter().sum())
    }

    /// Whether a share of the figures is at most so much. It is not if there are none.
    fn is_within(&self, name: &str, share: f64, limit: f64) -> bool {
        self.at(name, share) <= limit
    }
}

/// What was measured, and whether that meets the goal.
#[derive(Debug)]
pub(crate) struct Measured {
    pub text: String,
    pub is_met: bool,
}

/// The figure below which this share of all others is; they must be in order.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
pub fn percentile(figures: &[f64], share: f64) -> f64 {
    let last = figures.len().saturating_sub(1);
    let place = (share * last as f64).ceil() as usize;
    figures.get(place).copied().unwrap_or(f64::NAN)
}

pub(crate) fn idle(figures: &Figures) -> Measured {
    let (messages, bytes) = (figures.at("messages", 1.0), figures.at("bytes", 1.0));
    Measured {
        text: format!("{messages:.2}/s, {:.2} KB/s", bytes / 1_000.0),
        is_met: messages <= 10.0 && bytes <= 2_000.0,
    }
}

pub(crate) fn crash_messages(figures: &Figures) -> Measured {
    let mean =
        figures.sum("power-off messages") / figures.figures["power-off messages"].len() as f64;
    let max = figures.at("power-off messages of one", 1.0);
    Measured {
        text: format!("mean {mean:.1}, max {max:.0}"),
        is_met: mean <= 40.0 && max <= 60.0,
    }
}

pub(crate) fn power_off(figures: &Figures) -> Measured {
    let at = |share| figures.at("power-off", share);
    let is_met = at(0.99) <= 5.05 && at(1.0) <= 5.1 && at(0.0) >= 4.0 && at(0.5) <= 4.6;
    Measured {
        text: format!(
            "p50 {:.2} s, p99 {:.2} s, max {:.2} s, min {:.2} s",
            at(0.5),
            at(0.99),
            at(1.0),
            at(0.0)
        ),
        is_met,
    }
}

pub(crate) fn power_off_of_few(figures: &Figures) -> Measured {
    let measured = power_off(figures);
    let is_met = figures.is_within("power-off", 1.0, 5.1) && figures.at("power-off", 0.0) >= 4.0;
    Measured { is_met, ..measured }
}

pub(crate) fn kill(figures: &Figures) -> Measured {
    quick("kill", figures, 0.02, 0.1)
}

pub(crate) fn leave(figures: &Figures) -> Measured {
    quick("leave", figures, 0.02, 0.02)
}

fn quick(name: &str, figures: &Figures, p50: f64, p99: f64) -> Measured {
    let at = |share| 1_000.0 * figures.at(name, share);
    Measured {
        text: format!(
            "p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        ),
        is_met: figures.is_within(name, 0.5, p50) && figures.is_within(name, 0.99, p99),
    }
}

pub(crate) fn spread(figures: &Figures) -> Measured {
    let off = 1_000.0 * figures.at("power-off spread", 0.99);
    let kill = 1_000.0 * figures.at("kill spread", 0.99);
    Measured {
        text: format!("power-off {off:.1} ms, kill {kill:.1} ms"),
        is_met: off <= 50.0 && kill <= 50.0,
    }
}

pub(crate) fn false_downs(figures: &Figures) -> Measured {
    let (downs, hours) = (figures.sum("false"), figures.sum("node-hours"));
    let over = if hours > 0.0 {
        format!(" in {hours:.0} node-hours")
    } else {
        String::new()
    };
    Measured {
        text: format!("{downs}{over}"),
        is_met: downs == 0.0,
    }
}

pub(crate) fn deaf(figures: &Figures) -> Measured {
    let (downs, messages) = (figures.sum("false"), figures.at("messages", 1.0));
    let most = figures.at("messages of one", 1.0);
    Measured {
        text: format!("{downs} downs, {messages:.1} messages/s, {most:.1} of one"),
        is_met: downs == 0.0 && messages <= 2.0 * 9.5,
    }
}

pub(crate) fn split(figures: &Figures) -> Measured {
    let (stable, healed) = (figures.at("stable", 1.0), figures.at("healed", 1.0));
    Measured {
        text: format!("stable {stable:.2} s, healed {healed:.2} s"),
        is_met: stable <= 6.0 && healed <= 2.0 && figures.sum("false") == 0.0,
    }
}

pub(crate) fn observers(figures: &Figures) -> Measured {
    let down = figures.at("down", 1.0);
    Measured {
        text: format!("{down:.2} s, {} false", figures.sum("false")),
        is_met: down <= 7.0 && figures.sum("false") == 0.0,
    }
}

pub(crate) fn restarts(figures: &Figures) -> Measured {
    let (joined, downs) = (figures.at("one view", 1.0), figures.sum("false"));
    Measured {
        text: format!("{downs} false, one view {joined:.2} s"),
        is_met: downs == 0.0 && joined <= 1.0,
    }
}

pub(crate) fn resting(figures: &Figures) -> Measured {
    let sum = |name| figures.sum(name);
    Measured {
        text: format!("{} of {}, {} left", sum("lost"), sum("rested"), sum("left")),
        is_met: sum("lost") == 0.0 && sum("left") == 0.0 && sum("rested") > 0.0,
    }
}

pub(crate) fn join(figures: &Figures) -> Measured {
    let joined = figures.at("joined", 1.0);
    Measured {
        text: format!("{joined:.2} s"),
        is_met: joined <= 10.0,
    }
}

pub(crate) fn sound(figures: &Figures) -> Measured {
    Measured {
        text: if figures.is_sound { "none" } else { "some" }.to_owned(),
        is_met: figures.is_sound,
    }
}
