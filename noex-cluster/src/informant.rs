//! `Informant`: the process that tells other nodes how this one fares.

use std::task::Waker;
use std::time::Duration;

use noex_core::call::ReplyFuture;
use noex_core::mailbox::{Incoming, Info};
use noex_core::process::{Receiver, SpawnOptions};
use noex_core::{
    CallError, Creation, Encoded, ExitReason, LocalNode, Pid, ReplyTo, Target, WeakNode, codec,
};
use serde::{Deserialize, Serialize};

use crate::proto::membership::Facts;

/// The local name of every node's informant.
const NAME: &str = "noex.cluster";

/// Tells its questions from what servers are asked.
const PROTOCOL: u64 = u64::from_be_bytes(*b"noexnode");

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an informant is asked.
#[derive(Serialize, Deserialize)]
enum Question {
    /// How does the node fare?
    Facts(ReplyTo<Facts>),
}

/// The process that tells other nodes how this one fares. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Informant {
    node: WeakNode,
    pid: Pid,
}

impl Informant {
    /// Starts the informant of `node`.
    pub(crate) fn start(node: &LocalNode) -> Self {
        let weak = node.downgrade();
        let informant = node.spawn(SpawnOptions::default(), |mailbox| serve(weak, mailbox));
        let pid = informant.pid();
        if let Err(error) = node.register(NAME, pid) {
            tracing::warn!(node = %node.id(), %error, "nobody can ask the node how it fares");
        }
        let node = node.downgrade();
        Self { node, pid }
    }
}

impl Drop for Informant {
    fn drop(&mut self) {
        if let Some(node) = self.node.upgrade() {
            // It may have ended with its node.
            node.post(self.pid, Info::Stop(ExitReason::Shutdown));
        }
    }
}

async fn serve(node: WeakNode, mut mailbox: Receiver<Question>) -> ExitReason {
    loop {
        match mailbox.next().await {
            Incoming::Message(question) => answer(&node, question),
            Incoming::Encoded(inbound) if inbound.protocol() != PROTOCOL => {
                inbound.fail(&CallError::WrongServer);
            }
            Incoming::Encoded(inbound) => match inbound.decode() {
                Ok(question) => answer(&node, question),
                Err(error) => tracing::debug!(%error, "a question is not understood"),
            },
            Incoming::Info(info) => {
                if let Info::Stop(reason) = *info {
                    return reason;
                }
            }
        }
    }
}

/// Asks the node `peer` how it fares, over a session that is opened if there is none.
///
/// # Errors
/// [`CallError`] if the node can't be reached or does not answer in time.
///
/// # Cancel safety
/// Dropping the future forgets the answer.
pub(crate) async fn ask(node: &LocalNode, peer: Creation) -> Result<Facts, CallError> {
    let (facts, reply, _guard) = ReplyFuture::new(node, PATIENCE, Waker::noop());
    let (payload, replies) = codec::encode(node, peer, &Question::Facts(reply))?;
    let question = Encoded::new(None, PROTOCOL, Some(PATIENCE), replies, payload);
    let name = NAME.into();
    node.send_message(&Target::Named { node: peer, name }, question)?;
    facts.await
}

/// How `node` fares.
pub(crate) fn facts_of(node: &LocalNode) -> Facts {
    Facts {
        process_count: u64::try_from(node.process_count()).unwrap_or(u64::MAX),
        uptime: node.uptime(),
    }
}

fn answer(node: &WeakNode, Question::Facts(reply): Question) {
    match node.upgrade() {
        Some(node) => reply.send(facts_of(&node)),
        None => reply.fail(CallError::NoProcess),
    }
}
