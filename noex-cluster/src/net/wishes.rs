//! `Wishes`: what the user wants of the cluster's thread. However fast it comes, none is lost, and
//! no more is kept than one entry for each node that is named.

use std::collections::BTreeMap;
use std::sync::Arc;

use noex_core::NodeId;
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// No session with this member.
    Disconnect(NodeId),
    /// A session with this member, at once.
    Reconnect(NodeId),
    /// To leave the cluster.
    Leave,
}

/// Where wishes are told.
#[derive(Debug)]
pub(crate) struct Wisher {
    waiting: Arc<Mutex<Waiting>>,
    /// Holds one: whether anything waits.
    news: mpsc::Sender<()>,
}

/// Where they are taken.
#[derive(Debug)]
pub(super) struct Wishes {
    waiting: Arc<Mutex<Waiting>>,
    news: mpsc::Receiver<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    nodes: BTreeMap<NodeId, Want>,
    leave: bool,
}

/// What is wanted of one node. What was wanted last counts; of the wishes before it, only that an
/// open session is to end makes a difference.
#[derive(Debug, Clone, Copy)]
enum Want {
    Disconnect,
    Reconnect,
    DisconnectThenReconnect,
}

/// Both ends.
pub(super) fn wishes() -> (Wisher, Wishes) {
    let (told, news) = mpsc::channel(1);
    let waiting = Arc::<Mutex<Waiting>>::default();
    let wisher = Wisher {
        waiting: Arc::clone(&waiting),
        news: told,
    };
    (wisher, Wishes { waiting, news })
}

impl Wisher {
    /// Tells what the user wants. Nothing happens once the cluster's thread has ended.
    pub(super) fn tell(&self, wish: Wish) {
        if self.news.is_closed() {
            return tracing::debug!(?wish, "the cluster has ended already");
        }
        self.waiting.lock().add(wish);
        // If there is news already, it is not looked at yet.
        let _told_or_full = self.news.try_send(());
    }
}

impl Wishes {
    /// Waits for the next wish. `None`: there is nobody any more who could have one.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Option<Wish> {
        loop {
            let wish = self.waiting.lock().take();
            if wish.is_some() {
                return wish;
            }
            self.news.recv().await?;
        }
    }
}

impl Waiting {
    fn add(&mut self, wish: Wish) {
        match wish {
            Wish::Disconnect(node) => drop(self.nodes.insert(node, Want::Disconnect)),
            Wish::Reconnect(node) => {
                let former = self.nodes.get(&node);
                let want = match former {
                    Some(Want::Disconnect | Want::DisconnectThenReconnect) => {
                        Want::DisconnectThenReconnect
                    }
                    Some(Want::Reconnect) | None => Want::Reconnect,
                };
                self.nodes.insert(node, want);
            }
            Wish::Leave => self.leave = true,
        }
    }

    /// What was wanted of nodes comes before the leave.
    fn take(&mut self) -> Option<Wish> {
        let Some((node, want)) = self.nodes.pop_first() else {
            return std::mem::take(&mut self.leave).then_some(Wish::Leave);
        };
        Some(match want {
            Want::Disconnect => Wish::Disconnect(node),
            Want::Reconnect => Wish::Reconnect(node),
            Want::DisconnectThenReconnect => {
                self.nodes.insert(node.clone(), Want::Reconnect);
                Wish::Disconnect(node)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u16) -> NodeId {
        NodeId::new("n", "h", number).unwrap()
    }

    /// All that is told before anybody listens.
    async fn taken(told: impl IntoIterator<Item = Wish>) -> Vec<Wish> {
        let (wisher, mut wishes) = wishes();
        for wish in told {
            wisher.tell(wish);
        }
        drop(wisher);
        let mut taken = Vec::new();
        while let Some(wish) = wishes.next().await {
            taken.push(wish);
        }
        taken
    }

    #[tokio::test]
    async fn contract_c45_no_wish_is_lost_however_many_come_at_once() {
        let all = || (1..=1_000).map(|number| Wish::Disconnect(node(number)));
        assert_eq!(taken(all()).await, all().collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn of_one_node_the_last_wish_counts_and_an_open_session_ends_if_it_was_to() {
        use Wish::{Disconnect, Leave, Reconnect};
        let (down, up) = (|| Disconnect(node(1)), || Reconnect(node(1)));
        assert_eq!(taken([up(), up()]).await, [up()]);
        assert_eq!(taken([up(), down()]).await, [down()]);
        assert_eq!(taken([down(), up()]).await, [down(), up()]);
        assert_eq!(taken([up(), down(), up()]).await, [down(), up()]);
        assert_eq!(taken([down(), up(), down()]).await, [down()]);
        assert_eq!(taken([Leave, down(), Leave]).await, [down(), Leave]);
    }

    #[tokio::test]
    async fn who_waits_hears_of_a_wish_and_nobody_of_one_that_comes_too_late() {
        let (wisher, mut wishes) = wishes();
        let waiting = async { wishes.next().await };
        let telling = async { wisher.tell(Wish::Leave) };
        let (wish, ()) = tokio::join!(waiting, telling);
        assert_eq!(wish, Some(Wish::Leave));
        drop(wishes);
        wisher.tell(Wish::Disconnect(node(1)));
        assert!(wisher.waiting.lock().nodes.is_empty());
    }
}
