//! The inbound edge: signals for this node's processes, and news of other nodes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::burdens::Admission;
use super::{LocalNode, NodeDownReason, Peer, PeerEvent};
use crate::call::{CallError, Inbound};
use crate::exit::ExitReason;
use crate::id::{Creation, MonitorRef, Pid};
use crate::mailbox::{Down, Exit, Info, PushError};
use crate::process::{AnyProcess, ExitEffect};
use crate::signal::{Encoded, Signal, Target};

impl LocalNode {
    /// Delivers a signal from the node `from` to its target on this one. Never blocks.
    pub fn deliver(&self, from: Creation, to: &Target, signal: Signal) {
        let process = match to {
            Target::Process(pid) => self.process(*pid),
            Target::Named { node, name } if *node == self.creation() => {
                self.whereis(name).and_then(|pid| self.process(pid))
            }
            // Whoever holds the name now is not who was meant in a former life of the node.
            Target::Named { .. } | Target::Node(_) => None,
        };
        match signal {
            Signal::Message(message) => self.deliver_message(from, process, message),
            Signal::Link { from } => self.deliver_link(to, process, from),
            Signal::Unlink { from } => {
                if let Some(process) = process {
                    process.relations().lock().unlink(from);
                }
            }
            Signal::Exit {
                from,
                reason,
                linked,
            } => {
                if let Target::Process(to) = to {
                    self.exit_signal(*to, from, reason, linked);
                }
            }
            Signal::Monitor { from, monitor } => self.deliver_monitor(to, process, from, monitor),
            Signal::Demonitor { from, monitor } => {
                if let Some(process) = process {
                    process.relations().lock().unwatched_by(from, monitor);
                }
            }
            Signal::Down {
                pid,
                monitor,
                reason,
            } => {
                if let Target::Process(watcher) = to {
                    self.down(*watcher, &Down::new(pid, monitor, reason));
                }
            }
            Signal::Stop { reason } => {
                post(process, Info::Stop(reason));
            }
            Signal::Flood { from, payload } => {
                if !process.is_some_and(|process| process.post_flood(from, payload)) {
                    self.inner().dead_letters.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%from, ?to, "flooded news is dropped");
                }
            }
            answer @ (Signal::Reply { .. }
            | Signal::CallFailed { .. }
            | Signal::CallMoved { .. }
            | Signal::CallCancelled { .. }) => self.deliver_answer(from, answer),
        }
    }

    fn deliver_message(
        &self,
        from: Creation,
        process: Option<Arc<dyn AnyProcess>>,
        message: Encoded,
    ) {
        let is_call = message.remaining.is_some();
        let inbound = Box::new(Inbound::new(self, message));
        let is_foreign = is_call && from != self.creation();
        let is_refused = is_foreign && self.inner().draining.load(Ordering::Relaxed);
        let (refused, error) = match process {
            _ if is_refused => (inbound, CallError::Draining),
            None => (inbound, CallError::NoProcess),
            Some(process) => match process.post_encoded(inbound) {
                Ok(()) => return,
                Err(PushError::Closed(inbound)) => (inbound, CallError::NoProcess),
                Err(PushError::Full(inbound)) => (inbound, CallError::Full),
            },
        };
        if !is_call {
            self.inner().dead_letters.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(from = ?refused.from(), %error, "a cast from another node is dropped");
        }
        refused.fail(&error);
    }

    fn deliver_monitor(
        &self,
        to: &Target,
        process: Option<Arc<dyn AnyProcess>>,
        from: Pid,
        monitor: MonitorRef,
    ) {
        let reason = match process {
            Some(_) if !self.is_admitted(from) => ExitReason::NoConnection,
            Some(process) if process.relations().lock().watched_by(from, monitor).is_ok() => return,
            Some(_) | None => ExitReason::NoProcess,
        };
        if let Target::Process(pid) = *to {
            self.tell(
                from,
                Signal::Down {
                    pid,
                    monitor,
                    reason,
                },
            );
        }
    }

    fn deliver_link(&self, to: &Target, process: Option<Arc<dyn AnyProcess>>, from: Pid) {
        let reason = match process {
            Some(_) if !self.is_admitted(from) => ExitReason::NoConnection,
            Some(process) if process.relations().lock().link(from).is_ok() => return,
            Some(_) | None => ExitReason::NoProcess,
        };
        if let Target::Process(to) = to {
            self.tell(
                from,
                Signal::Exit {
                    from: *to,
                    reason,
                    linked: true,
                },
            );
        }
    }

    /// Whether the node of `from` may set one more monitor or link on processes of this one.
    fn is_admitted(&self, from: Pid) -> bool {
        let peer = from.creation();
        if peer == self.creation() {
            return true;
        }
        let count = || {
            let processes = self.processes().into_iter();
            let processes = processes.filter_map(|pid| self.process(pid));
            let held = |process: Arc<dyn AnyProcess>| process.relations().lock().held_for(peer);
            processes.map(held).sum()
        };
        match self.inner().burdens.lock().admit(peer, count) {
            Admission::Admitted => true,
            Admission::Refused => false,
            Admission::Full { limit } => {
                tracing::warn!(
                    %peer, limit,
                    "a node has set too many monitors and links; further ones fail with \
                     NoConnection, so look there for processes that set and never end them"
                );
                false
            }
        }
    }

    /// An exit signal reaches the process `to`.
    pub(super) fn exit_signal(&self, to: Pid, from: Pid, reason: ExitReason, linked: bool) {
        let Some(process) = self.process(to) else {
            return;
        };
        let effect = process
            .relations()
            .lock()
            .handle_exit(from, reason.clone(), linked);
        match effect {
            ExitEffect::None => {}
            ExitEffect::Tell => {
                process.post(Info::Exit(Exit::new(from, reason)));
            }
            ExitEffect::End(reason) => process.request_exit(reason),
        }
    }

    /// Posts `info` to `pid`, a process of this node, behind what it was sent before. Tells
    /// whether the process lives.
    pub fn post(&self, pid: Pid, info: Info) -> bool {
        post(self.process(pid), info)
    }

    /// A node is up, and reachable through the router, which opens a session when one is needed.
    pub fn peer_up(&self, peer: &Peer) {
        self.inner().peers.lock().up(peer);
        self.tell_watchers(&PeerEvent::Up(peer.clone()));
    }

    /// The session with a node that is up was lost: what crosses it breaks; the node stays up.
    pub fn session_lost(&self, lost: Creation) {
        self.sever(lost, true);
    }

    /// A session with a node that is up could not be opened: what waited for it breaks, and none
    /// of it was sent; the node stays up.
    pub fn session_not_opened(&self, peer: Creation) {
        self.sever(peer, false);
    }

    fn sever(&self, lost: Creation, sent: bool) {
        self.inner().burdens.lock().forget(lost);
        self.inner().pending.sever(lost, sent);
        self.inbound_calls().sever(lost);
        for (monitor, pid) in self.inner().observers.sever(lost) {
            self.down(
                self.pid(),
                &Down::new(pid, monitor, ExitReason::NoConnection),
            );
        }
        for process in self
            .processes()
            .into_iter()
            .filter_map(|pid| self.process(pid))
        {
            let severed = process.relations().lock().sever(lost);
            for (monitor, pid) in severed.monitors {
                let down = Down::new(pid, monitor, ExitReason::NoConnection);
                process.post(Info::Down(down));
            }
            for from in severed.links {
                self.exit_signal(process.pid(), from, ExitReason::NoConnection, true);
            }
        }
    }

    /// A node that is up had lost its session, and has a new one.
    pub fn peer_reconnected(&self, peer: &Peer) {
        self.tell_watchers(&PeerEvent::Reconnected(peer.clone()));
    }

    /// The router's [`neighbours`](crate::Router::neighbours) are others than before.
    pub fn neighbours_changed(&self) {
        self.tell_watchers(&PeerEvent::NeighboursChanged);
    }

    /// A node is down: what crosses to it breaks, and whoever watches nodes is told.
    pub fn peer_down(&self, peer: &Peer, reason: NodeDownReason) {
        // Down before what crosses to it breaks: a handle that moves there meanwhile either finds
        // the node gone, or is in the table when its calls are failed.
        self.inner().peers.lock().down(peer.creation);
        self.session_lost(peer.creation);
        self.tell_watchers(&PeerEvent::Down {
            peer: peer.clone(),
            reason,
        });
    }

    /// Tells `watcher`, a process of this node, of nodes that come and go, from now on. The nodes
    /// that are up now.
    pub fn monitor_nodes(&self, watcher: Pid) -> Vec<Peer> {
        self.inner().peers.lock().watch(watcher)
    }

    /// The nodes that are up now, without this one.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        self.inner().peers.lock().peers()
    }

    /// The node whose life `creation` is, if it is this one or up.
    #[must_use]
    pub fn node_of(&self, creation: Creation) -> Option<crate::NodeId> {
        if creation == self.creation() {
            return Some(self.id().clone());
        }
        self.inner().peers.lock().find(creation)
    }

    fn tell_watchers(&self, event: &PeerEvent) {
        let mut peers = self.inner().peers.lock();
        // Under the lock, so that a new watcher sees each event or its outcome, never both.
        peers.watchers().retain(|watcher| {
            self.process(*watcher)
                .is_some_and(|process| process.post(Info::Node(event.clone())))
        });
    }
}

fn post(process: Option<Arc<dyn AnyProcess>>, info: Info) -> bool {
    process.is_some_and(|process| process.post(info))
}

#[cfg(all(test, not(noex_loom)))]
mod tests {
    use parking_lot::Mutex;

    use super::super::burdens::Burdens;
    use super::*;
    use crate::process::{Receiver, SpawnOptions};
    use crate::router::{RouteError, Router};

    /// What was sent to other nodes.
    #[derive(Debug, Default)]
    struct Outside(Mutex<Vec<(Target, Signal)>>);

    impl Router for Outside {
        fn route(&self, to: &Target, signal: Signal) -> Result<(), RouteError> {
            self.0.lock().push((to.clone(), signal));
            Ok(())
        }

        fn neighbours(&self) -> Vec<Creation> {
            Vec::new()
        }
    }

    #[tokio::test]
    async fn a_node_that_sets_too_many_monitors_and_links_is_refused_further_ones() {
        let node = LocalNode::start("a@127.0.0.1:1".parse().unwrap());
        let outside = Arc::new(Outside::default());
        node.attach(Arc::clone(&outside) as _);
        *node.inner().burdens.lock() = Burdens::new(2);
        let process = node.spawn(SpawnOptions::default(), |_mailbox: Receiver<()>| async {
            std::future::pending().await
        });
        let pid = process.pid();
        let to = Target::Process(pid);
        let peer = Creation::from_bits(7);
        let from = |serial| Pid::new(peer, serial);
        let monitor = MonitorRef::from_bits(1);
        let watch = |serial| {
            let from = from(serial);
            node.deliver(peer, &to, Signal::Monitor { from, monitor });
        };
        let link = |serial| {
            let from = from(serial);
            node.deliver(peer, &to, Signal::Link { from });
        };
        watch(1);
        link(2);
        assert_eq!(*outside.0.lock(), []);
        watch(3);
        link(4);
        let reason = ExitReason::NoConnection;
        let refused = [
            (
                Target::Process(from(3)),
                Signal::Down {
                    pid,
                    monitor,
                    reason: reason.clone(),
                },
            ),
            (
                Target::Process(from(4)),
                Signal::Exit {
                    from: pid,
                    reason,
                    linked: true,
                },
            ),
        ];
        assert_eq!(*outside.0.lock(), refused);
        // Whoever else is there has room of its own, and so has the node when it is back.
        let other = Pid::new(Creation::from_bits(8), 1);
        let signal = Signal::Monitor {
            from: other,
            monitor,
        };
        node.deliver(other.creation(), &to, signal);
        node.session_lost(peer);
        watch(5);
        assert_eq!(outside.0.lock().len(), refused.len());
    }
}
