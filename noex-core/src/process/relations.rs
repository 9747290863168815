//! Pure: links, monitors and names of one process, and what signals and its end do to them.
//!
//! The rules are those of Erlang's reference manual, chapter "Processes". We depart from them where
//! OTP has one word more than we do: `exit(Pid, kill)` is a signal with `Killed` that came over no
//! link, and who is linked gets the same word over the link, where it can be trapped; and `Normal`
//! never ends who gets it, not even who sends it to itself, since a server stops by its `Flow`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::exit::ExitReason;
use crate::id::{Creation, MonitorRef, Pid};

/// Whom one process is bound to. Each process has one, and most are bound to few: it is small.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Relations {
    /// None yet, or those that there were.
    ties: Option<Box<Ties>>,
    trap_exit: bool,
    life: Life,
}

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq))]
struct Ties {
    links: BTreeSet<Pid>,
    watchers: BTreeSet<(Pid, MonitorRef)>,
    monitoring: BTreeMap<MonitorRef, Pid>,
    names: Vec<Arc<str>>,
}

/// `Running ─► Nameless ─► Ended`
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Life {
    #[default]
    Running,
    /// It has ended and gave its names back; nobody was told yet.
    Nameless,
    Ended,
}

/// What an exit signal does to the process that gets it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ExitEffect {
    /// Nothing.
    None,
    /// The process is told.
    Tell,
    /// The process ends with this reason.
    End(ExitReason),
}

/// The process has ended: it takes no new relation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended;

/// Who must be told that the process ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Bereaved {
    pub(crate) links: Vec<Pid>,
    pub(crate) watchers: Vec<(Pid, MonitorRef)>,
    pub(crate) monitoring: Vec<(MonitorRef, Pid)>,
}

/// Whom a process is bound to, for those who look at it.
#[derive(Debug, Default)]
pub(crate) struct Relatives {
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) links: Vec<Pid>,
    pub(crate) monitors: Vec<Pid>,
    pub(crate) monitored_by: Vec<Pid>,
    pub(crate) trap_exit: bool,
}

/// What broke because a node was lost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Severed {
    pub(crate) links: Vec<Pid>,
    pub(crate) monitors: Vec<(MonitorRef, Pid)>,
}

impl Relations {
    pub(crate) fn link(&mut self, other: Pid) -> Result<(), Ended> {
        self.living()?;
        self.make_ties().links.insert(other);
        Ok(())
    }

    pub(crate) fn unlink(&mut self, other: Pid) {
        self.remove_link(other);
    }

    fn remove_link(&mut self, other: Pid) -> bool {
        let ties = self.ties.as_mut();
        ties.is_some_and(|ties| ties.links.remove(&other))
    }

    pub(crate) fn watched_by(&mut self, watcher: Pid, monitor: MonitorRef) -> Result<(), Ended> {
        self.living()?;
        self.make_ties().watchers.insert((watcher, monitor));
        Ok(())
    }

    pub(crate) fn unwatched_by(&mut self, watcher: Pid, monitor: MonitorRef) {
        if let Some(ties) = &mut self.ties {
            ties.watchers.remove(&(watcher, monitor));
        }
    }

    pub(crate) fn monitor(&mut self, monitor: MonitorRef, target: Pid) -> Result<(), Ended> {
        self.living()?;
        self.make_ties().monitoring.insert(monitor, target);
        Ok(())
    }

    /// Takes a monitor out; the target, if it was still set.
    pub(crate) fn take_monitor(&mut self, monitor: MonitorRef) -> Option<Pid> {
        self.ties.as_mut()?.monitoring.remove(&monitor)
    }

    /// Takes a monitor out because `target` ended. `false`: it is not set on that process.
    pub(crate) fn settle_monitor(&mut self, monitor: MonitorRef, target: Pid) -> bool {
        let Some(ties) = &mut self.ties else {
            return false;
        };
        let expected = ties.monitoring.get(&monitor) == Some(&target);
        if expected {
            ties.monitoring.remove(&monitor);
        }
        expected
    }

    pub(crate) fn name(&mut self, name: Arc<str>) -> Result<(), Ended> {
        if self.life != Life::Running {
            return Err(Ended);
        }
        self.make_ties().names.push(name);
        Ok(())
    }

    pub(crate) fn unname(&mut self, name: &str) {
        if let Some(ties) = &mut self.ties {
            ties.names.retain(|held| &**held != name);
        }
    }

    pub(crate) fn trap_exit(&mut self, trap: bool) {
        self.trap_exit = trap;
    }

    /// An exit signal came. A kill that did not come over a link can't be trapped.
    pub(crate) fn handle_exit(
        &mut self,
        from: Pid,
        reason: ExitReason,
        linked: bool,
    ) -> ExitEffect {
        if linked && !self.remove_link(from) {
            return ExitEffect::None;
        }
        match reason {
            ExitReason::Killed if !linked => ExitEffect::End(ExitReason::Killed),
            _ if self.trap_exit => ExitEffect::Tell,
            ExitReason::Normal => ExitEffect::None,
            reason => ExitEffect::End(reason),
        }
    }

    /// The process ended: first its names become free, so that nobody who is told finds them held.
    pub(crate) fn end_names(&mut self) -> Vec<Arc<str>> {
        if self.life == Life::Running {
            self.life = Life::Nameless;
        }
        let ties = self.ties.as_mut();
        ties.map_or_else(Vec::new, |ties| std::mem::take(&mut ties.names))
    }

    /// The process ended, and its names are free.
    pub(crate) fn end(&mut self) -> Bereaved {
        self.life = Life::Ended;
        let Some(ties) = &mut self.ties else {
            return Bereaved::default();
        };
        Bereaved {
            links: std::mem::take(&mut ties.links).into_iter().collect(),
            watchers: std::mem::take(&mut ties.watchers).into_iter().collect(),
            monitoring: std::mem::take(&mut ties.monitoring).into_iter().collect(),
        }
    }

    /// The connection with the node's life `lost` broke.
    pub(crate) fn sever(&mut self, lost: Creation) -> Severed {
        let Some(ties) = &mut self.ties else {
            return Severed::default();
        };
        ties.watchers
            .retain(|(watcher, _)| watcher.creation() != lost);
        let links = ties
            .links
            .iter()
            .copied()
            .filter(|pid| pid.creation() == lost)
            .collect();
        let monitors = ties
            .monitoring
            .extract_if(.., |_, pid| pid.creation() == lost)
            .collect();
        Severed { links, monitors }
    }

    /// The nodes of all processes that it is bound to.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = Creation> {
        let ties = self.ties.iter();
        ties.flat_map(|ties| {
            let watchers = ties.watchers.iter().map(|(watcher, _)| watcher);
            let others = ties.links.iter().chain(ties.monitoring.values());
            others.chain(watchers).map(|pid| pid.creation())
        })
    }

    /// How many monitors and links tie it to processes of this node, which it would have to tell of
    /// its end.
    pub(crate) fn held_for(&self, node: Creation) -> usize {
        let Some(ties) = &self.ties else {
            return 0;
        };
        let watchers = ties.watchers.iter().map(|(watcher, _)| watcher);
        let pids = ties.links.iter().chain(watchers);
        pids.filter(|pid| pid.creation() == node).count()
    }

    pub(crate) fn relatives(&self) -> Relatives {
        let trap_exit = self.trap_exit;
        let Some(ties) = &self.ties else {
            return Relatives {
                trap_exit,
                ..Relatives::default()
            };
        };
        Relatives {
            names: ties.names.clone(),
            links: ties.links.iter().copied().collect(),
            monitors: ties.monitoring.values().copied().collect(),
            monitored_by: ties.watchers.iter().map(|(watcher, _)| *watcher).collect(),
            trap_exit,
        }
    }

    fn make_ties(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }

    fn living(&self) -> Result<(), Ended> {
        match self.life {
            Life::Running | Life::Nameless => Ok(()),
            Life::Ended => Err(Ended),
        }
    }
}

// Beside this file, since one file and a folder of the same name are not one module here; a child,
// since the table compares all that is known of a process.
#[cfg(test)]
#[path = "tests.rs"]
mod tests;
