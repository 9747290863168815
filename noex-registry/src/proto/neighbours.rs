//! Pure: the nodes that news is passed on to, and the news that waits to be told together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use noex_core::Creation;

/// How long what was learned from a full state waits for more of it, to be told in one message.
const NEWS_DELAY: Duration = Duration::from_millis(20);

/// The nodes that news is passed on to, some of all.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    nodes: BTreeSet<Creation>,
    /// Whose turn to be compared with was last.
    last: Option<Creation>,
    /// Versions that were learned from full states, and from whom.
    news: BTreeMap<Creation, (u64, Creation)>,
    news_at: Option<Instant>,
}

impl Neighbours {
    /// Other nodes are neighbours from now on: those that were none before.
    pub(crate) fn replace(&mut self, nodes: BTreeSet<Creation>) -> Vec<Creation> {
        let added = nodes.difference(&self.nodes).copied().collect();
        self.nodes = nodes;
        added
    }

    /// The next one in turn.
    pub(crate) fn take_turn(&mut self) -> Option<Creation> {
        let mut behind = self.nodes.iter().filter(|node| Some(**node) > self.last);
        self.last = behind.next().or_else(|| self.nodes.first()).copied();
        self.last
    }

    /// This version of the entries of `origin` was learned from the node `from`. A delta would
    /// have been passed on; a full state is fetched by who hears of its version.
    pub(crate) fn learned(&mut self, origin: Creation, version: u64, from: Creation, now: Instant) {
        self.news.insert(origin, (version, from));
        self.news_at.get_or_insert(now + NEWS_DELAY);
    }

    /// What is to be told now, and to whom: not to those who told it.
    pub(crate) fn take_news(&mut self, now: Instant) -> Vec<(Creation, Vec<(Creation, u64)>)> {
        if self.news_at.take_if(|at| *at <= now).is_none() {
            return Vec::new();
        }
        let news = std::mem::take(&mut self.news);
        let news_for = |to: Creation| {
            let others = news.iter().filter(move |(_, (_, from))| *from != to);
            others
                .map(|(origin, (version, _))| (*origin, *version))
                .collect()
        };
        let told = self.nodes.iter().map(|to| (*to, news_for(*to)));
        told.filter(|(_, news): &(_, Vec<_>)| !news.is_empty())
            .collect()
    }

    /// When [`take_news`](Self::take_news) is due.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.news_at
    }

    pub(crate) fn contains(&self, node: Creation) -> bool {
        self.nodes.contains(&node)
    }

    /// All but one.
    pub(crate) fn others_than(&self, node: Option<Creation>) -> Vec<Creation> {
        let others = self.nodes.iter().filter(|other| Some(**other) != node);
        others.copied().collect()
    }
}
