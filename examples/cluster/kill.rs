//! Pure: how far the killing of the victim is, and what that means for the job.

use std::time::{Duration, Instant};

/// With fewer chunks nothing is killed.
pub(crate) const CHUNKS_TO_KILL: usize = 6;

/// How far the killing is.
///
/// ```text
///  Planned ──a third is counted──► Frozen ──given a chunk more──► Loaded ──► Killed ──► Noticed
///     │                              │                              │      node_down of the victim
///     └────── any node_down ─────────┴──────────────────────────────┴──► Off
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// The victim works like the others.
    Planned,
    /// It was told to stop in its tracks: its last answers come in.
    Frozen,
    /// It got a chunk after it had stopped, so that it certainly holds an unfinished one.
    Loaded,
    /// It was killed, and nobody has noticed yet.
    Killed { at: Instant },
    /// The cluster has told that it is down.
    Noticed,
    /// The job is too small for it, or has lost a node without it.
    Off,
}

/// What it means that a node is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It was killed so long ago.
    Expected { after: Duration },
    /// It is lost without being killed, and that is enough for one job.
    CallsOff,
    /// It is lost without being killed, and nothing was to be killed any more.
    Unexpected,
}

impl Kill {
    /// What is planned for a job of so many chunks.
    pub(crate) fn plan(chunks: usize) -> Self {
        if chunks < CHUNKS_TO_KILL {
            Self::Off
        } else {
            Self::Planned
        }
    }

    /// A node is down.
    pub(crate) fn node_down(&mut self, is_victim: bool, now: Instant) -> News {
        match *self {
            Self::Killed { at } if is_victim => {
                *self = Self::Noticed;
                let after = now.duration_since(at);
                News::Expected { after }
            }
            Self::Planned | Self::Frozen | Self::Loaded => {
                *self = Self::Off;
                News::CallsOff
            }
            Self::Killed { .. } | Self::Noticed | Self::Off => News::Unexpected,
        }
    }

    /// Whether the victim is to be frozen, with `done` of `total` chunks counted.
    pub(crate) fn is_due(self, done: usize, total: usize) -> bool {
        self == Self::Planned && done * 3 >= total
    }

    /// How many of `total` chunks stay back, so that there is work to lose and to hand over.
    pub(crate) fn reserve(self, total: usize) -> usize {
        match self {
            Self::Planned | Self::Frozen | Self::Loaded => total / 3,
            Self::Killed { .. } | Self::Noticed | Self::Off => 0,
        }
    }

    /// Whether the victim gets chunks like the others.
    pub(crate) fn spares_victim(self) -> bool {
        matches!(self, Self::Planned | Self::Off)
    }

    /// Whether what the victim holds waits for the news of its end.
    pub(crate) fn awaits_news(self) -> bool {
        matches!(self, Self::Killed { .. })
    }

    pub(crate) fn killed(self) -> usize {
        match self {
            Self::Killed { .. } | Self::Noticed => 1,
            Self::Planned | Self::Frozen | Self::Loaded | Self::Off => 0,
        }
    }

    /// Whether nothing more will come of it.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Noticed | Self::Off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some time, and a second later.
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no other way to an Instant; which one makes no difference"
    )]
    fn times() -> (Instant, Instant) {
        let at = Instant::now();
        (at, at + Duration::from_secs(1))
    }

    #[test]
    fn six_chunks_are_enough_to_kill() {
        assert_eq!(Kill::plan(5), Kill::Off);
        assert_eq!(Kill::plan(6), Kill::Planned);
    }

    #[test]
    fn it_is_due_when_a_third_is_done() {
        assert!(!Kill::Planned.is_due(2, 7));
        assert!(Kill::Planned.is_due(3, 7));
        assert!(!Kill::Frozen.is_due(7, 7));
        assert!(!Kill::Off.is_due(7, 7));
    }

    #[test]
    fn a_third_can_be_done_and_a_chunk_is_left_for_the_frozen_victim() {
        for total in CHUNKS_TO_KILL..100 {
            let left = Kill::Planned.reserve(total);
            assert!(left > 0, "{total} chunks");
            assert!(Kill::Planned.is_due(total - left, total), "{total} chunks");
        }
    }

    #[test]
    fn the_end_of_the_killed_victim_is_noticed_once() {
        let (at, later) = times();
        let mut kill = Kill::Killed { at };
        assert_eq!(kill.node_down(false, later), News::Unexpected);
        assert_eq!(kill, Kill::Killed { at });
        let after = later - at;
        assert_eq!(kill.node_down(true, later), News::Expected { after });
        assert_eq!(kill, Kill::Noticed);
        assert_eq!(kill.node_down(true, later), News::Unexpected);
        assert_eq!((kill.killed(), kill.is_over()), (1, true));
    }

    #[test]
    fn a_node_that_is_lost_by_itself_calls_the_killing_off() {
        let (_, now) = times();
        for (mut kill, is_victim) in [
            (Kill::Planned, true),
            (Kill::Planned, false),
            (Kill::Frozen, true),
            (Kill::Loaded, false),
        ] {
            assert_eq!(kill.node_down(is_victim, now), News::CallsOff);
            assert_eq!((kill, kill.killed()), (Kill::Off, 0));
        }
    }
}
