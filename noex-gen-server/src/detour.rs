//! `Detour`: what a call keeps to go to who has its name next.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use noex_core::call::{Parties, ReplyFuture};
use noex_core::process::current_pid;
use noex_core::{CallError, Creation, Encoded, LocalNode, ReplyTo, Target, Wire, codec};
use tokio::time::Instant;

use crate::patience::Patience;
use crate::{Address, GenServer, Successor};

/// What a call keeps to go to who has its name next, if the holder's node is stopping.
pub(crate) struct Detour<R: Send + 'static> {
    /// Since when the call's present time runs.
    began: Instant,
    sent: Option<Sent>,
    waiting: Option<Waiting<R>>,
}

/// A request that was sent.
struct Sent {
    node: LocalNode,
    to: Creation,
    message: Encoded,
}

/// The wait for who has the name next.
struct Waiting<R: Send + 'static> {
    /// Answered by nobody yet: it tells when the call's time is over. Dropped before the handle.
    reply: ReplyFuture<R>,
    reply_to: ReplyTo<R>,
    successor: Successor,
}

impl<R: Wire> Detour<R> {
    /// Nothing was sent, and nobody is waited for.
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            sent: None,
            waiting: None,
        }
    }

    /// The request `message` goes out. One that holds other handles than its own can't be sent
    /// again: they fail with it.
    pub(crate) fn sends(&mut self, node: &LocalNode, to: Creation, message: &Encoded) {
        self.sent = (message.replies.len() == 1).then(|| Sent {
            node: node.clone(),
            to,
            message: message.clone(),
        });
    }

    /// The node that a request was sent to which can be sent again.
    pub(crate) fn sent_to(&self) -> Option<Creation> {
        self.sent.as_ref().map(|sent| sent.to)
    }

    /// Waits from now on.
    ///
    /// # Errors
    /// [`CallError::NoNode`] outside of any node.
    pub(crate) fn wait(
        &mut self,
        successor: Successor,
        patience: &mut Patience,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let now = Instant::now();
        patience.pass(now - self.began);
        self.began = now;
        let node = match &self.sent {
            Some(sent) => sent.node.clone(),
            None => LocalNode::current().ok_or(CallError::NoNode)?,
        };
        let (reply, reply_to, _guard) = patience.open(Parties::none(), &node, cx.waker());
        self.waiting = Some(Waiting {
            reply,
            reply_to,
            successor,
        });
        Ok(())
    }

    /// Ready if nobody is waited for, or somebody was found. What was waited with then.
    ///
    /// # Errors
    /// [`CallError::Draining`] if the call's time was over first.
    pub(crate) fn poll_found(
        &mut self,
        patience: &mut Patience,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Again<R>>, CallError>> {
        let Some(waiting) = &mut self.waiting else {
            return Poll::Ready(Ok(None));
        };
        if Pin::new(&mut waiting.reply).poll(cx).is_ready() {
            return Poll::Ready(Err(CallError::Draining));
        }
        ready!(waiting.successor.as_mut().poll(cx));
        let now = Instant::now();
        patience.pass(now - self.began);
        self.began = now;
        let again = self.waiting.take().map(|waiting| Again {
            reply: waiting.reply,
            reply_to: waiting.reply_to,
        });
        Poll::Ready(Ok(again))
    }

    /// Sends the request again, to `address`. The reply to it.
    ///
    /// # Errors
    /// As a call's.
    pub(crate) fn send_again<S: GenServer>(
        &mut self,
        again: Again<R>,
        address: &Address<S>,
        patience: &Patience,
    ) -> Result<ReplyFuture<R>, CallError> {
        let Again { reply, reply_to } = again;
        let sent = self.sent.as_mut().ok_or(CallError::Draining)?;
        let target = match address {
            Address::Local(process) if Some(process.pid()) == current_pid() => {
                return Err(CallError::CallingSelf);
            }
            Address::Local(process) => Target::Process(process.pid()),
            Address::Remote { target, .. } => target.clone(),
        };
        sent.to = target.creation();
        // The handle is beside the payload, so that another one can take its place.
        let (_place, replies) = codec::encode(&sent.node, sent.to, &reply_to)?;
        let message = Encoded::new(
            current_pid(),
            sent.message.protocol,
            Some(patience.timeout()),
            replies,
            sent.message.payload.clone(),
        );
        sent.node.send_message(&target, message)?;
        Ok(reply)
    }
}

/// The two ends of a call that is sent again.
pub(crate) struct Again<R: Send + 'static> {
    reply: ReplyFuture<R>,
    reply_to: ReplyTo<R>,
}
