//! `RegistryServer`: the registry's process, which hears of ends, nodes and other registries.

use std::sync::Arc;

use noex_core::mailbox::Info;
use noex_core::{ExitReason, LocalNode, PeerEvent, Pid, WeakNode, task};
use noex_gen_server::{Context, Flow, GenServer};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::sleep_until;

use crate::Registry;
use crate::driver::neighbours_of;
use crate::proto::{Input, Letter};

/// The local name of every node's registry.
pub(crate) const NAME: &str = "noex.registry";

/// The registry's process.
#[derive(Debug)]
pub(crate) struct RegistryServer {
    registry: Arc<Registry>,
    timer: AbortHandle,
}

/// There is nothing to ask: whoever is on this node reads without the process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Never {}

/// A timeout of the machine is due.
struct Due;

impl GenServer for RegistryServer {
    type Args = Arc<Registry>;
    type Call = Never;
    type Cast = Letter;

    async fn init(registry: Arc<Registry>, cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        registry.begin(cx.node(), cx.pid());
        // Behind the server's name, which only one process has.
        cx.node().extend(Arc::clone(&registry));
        let timer = keep_time(Arc::clone(&registry), cx.node().downgrade(), cx.pid());
        let timer = task::spawn_on(&Handle::current(), timer).abort_handle();
        Ok(Self { registry, timer })
    }

    async fn handle_call(&mut self, call: Never, _cx: &mut Context<Self>) -> Flow {
        match call {}
    }

    async fn handle_cast(&mut self, letter: Letter, cx: &mut Context<Self>) -> Flow {
        let Letter { from, message } = letter;
        self.registry
            .handle(cx.node(), Input::Message { from, message });
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Context<Self>) -> Flow {
        match info {
            Info::Other(other) if other.is::<Due>() => self.registry.handle_timeout(cx.node()),
            info => self.handle_news(info, cx.node()),
        }
        Flow::Continue
    }

    fn protocol() -> &'static str {
        NAME
    }
}

impl RegistryServer {
    fn handle_news(&self, info: Info, node: &LocalNode) {
        let input = match info {
            Info::Down(down) => Input::ProcessEnded { pid: down.pid },
            Info::Node(PeerEvent::Up(peer)) => Input::NodeUp {
                node: peer.creation,
            },
            Info::Node(PeerEvent::Reconnected(peer)) => Input::Reconnected {
                node: peer.creation,
            },
            Info::Node(PeerEvent::NeighboursChanged) => neighbours_of(node),
            Info::Node(PeerEvent::Down { peer, .. }) => Input::NodeDown {
                node: peer.creation,
            },
            Info::Flood { from, payload } => match rmp_serde::from_slice(&payload) {
                Ok(message) => Input::Message { from, message },
                Err(error) => {
                    tracing::warn!(node = %from, %error, "a flooded message does not decode");
                    return;
                }
            },
            other => {
                tracing::debug!(?other, "not for the registry; dropped");
                return;
            }
        };
        self.registry.handle(node, input);
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        self.timer.abort();
    }
}

/// Posts [`Due`] to `server` whenever a timeout of the machine is due.
async fn keep_time(registry: Arc<Registry>, node: WeakNode, server: Pid) {
    loop {
        if let Some(timeout) = registry.timeout() {
            tokio::select! {
                () = registry.rescheduled.notified() => continue,
                () = sleep_until(timeout) => {}
            }
            match node.upgrade() {
                Some(node) if node.post(server, Info::Other(Box::new(Due))) => {}
                Some(_) | None => return,
            }
        }
        registry.rescheduled.notified().await;
    }
}
