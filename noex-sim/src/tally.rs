//! `Tally`: how many messages of each kind all nodes have sent.

use noex_cluster::sim::{Message, News};

/// The kinds of messages, and behind them those of what is flooded.
const KINDS: [&str; 17] = [
    "Heartbeat",
    "Ping",
    "Pong",
    "Ask",
    "Seen",
    "Unseen",
    "State",
    "Digest",
    "Rest",
    "Rested",
    "News",
    "- Up",
    "- Left",
    "- Down",
    "- Vote",
    "- Heard",
    "- Present",
];

/// Where the message stands among them that carries what is flooded.
const NEWS: usize = 10;

/// How many messages of each kind all nodes have sent, and how much of what is flooded was in them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally([usize; KINDS.len()]);

impl Tally {
    /// A message was sent.
    pub(crate) fn add(&mut self, message: &Message) {
        self.0[place_of(message)] += 1;
        if let Message::News(news) = message {
            for news in news.iter() {
                self.0[place_of_news(news)] += 1;
            }
        }
    }

    /// Takes in what another run sent.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            *own += other;
        }
    }

    /// The kinds of which something was sent, and how many.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        let all = KINDS.into_iter().zip(self.0);
        all.filter(|(_, count)| *count > 0)
    }
}

const fn place_of(message: &Message) -> usize {
    match message {
        Message::Heartbeat(_) => 0,
        Message::Ping => 1,
        Message::Pong => 2,
        Message::Ask { .. } => 3,
        Message::Seen { .. } => 4,
        Message::Unseen { .. } => 5,
        Message::State(_) => 6,
        Message::Digest(_) => 7,
        Message::Rest => 8,
        Message::Rested => 9,
        Message::News(_) => NEWS,
    }
}

const fn place_of_news(news: &News) -> usize {
    NEWS + match news {
        News::Up(_) => 1,
        News::Left(_) => 2,
        News::Down(_) => 3,
        News::Vote(_) => 4,
        News::Heard(_) => 5,
        News::Present(_) => 6,
    }
}
