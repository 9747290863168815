//! The node's share in calls that cross to other nodes.

use super::LocalNode;
use crate::call::{Answer, CallError, Custody, Duty, ReplyAddress, Step, Taken};
use crate::id::{CallRef, Creation};
use crate::signal::{Encoded, Signal, Target};

impl LocalNode {
    /// Sends a call or cast to a process, most often one of another node.
    ///
    /// # Errors
    /// As a call reports them: [`CallError::NoProcess`] for a process of a life that is over,
    /// else what [`RouteError`](crate::RouteError) says. The calls that the message could have
    /// answered are failed with it.
    pub fn send_message(&self, target: &Target, message: Encoded) -> Result<(), CallError> {
        let replies = message.replies.clone();
        let Err(error) = self.send(target, Signal::Message(message)) else {
            return Ok(());
        };
        let error = if self.is_superseded(target.creation()) {
            CallError::NoProcess
        } else {
            error.into()
        };
        for address in replies {
            self.fail_call(address, error.clone());
        }
        Err(error)
    }

    /// The handle of a call leaves for the node `to`.
    pub(crate) fn open_call(&self, duty: Duty, to: Creation) -> ReplyAddress {
        let custody = Custody::new(self.creation(), to);
        let call = self.inner().pending.open(self, duty, custody);
        ReplyAddress::new(self.creation(), call)
    }

    /// The caller gave up a call whose handle is on another node.
    pub(crate) fn cancel_call(&self, call: CallRef) {
        if let Some(holder) = self.inner().pending.close(call) {
            self.cancel_at(call, holder);
        }
    }

    /// Fails the call at `address`, here or on the node that made it.
    pub fn fail_call(&self, address: ReplyAddress, error: CallError) {
        let failed = Signal::CallFailed {
            call: address.call,
            error,
        };
        if let Err(error) = self.send(&Target::Node(address.node), failed) {
            tracing::debug!(node = %address.node, %error, "the caller's node is gone");
        }
    }

    pub(super) fn deliver_answer(&self, from: Creation, answer: Signal) {
        match answer {
            Signal::Reply { call, body } => {
                self.take_step(from, call, Step::Answered(Answer::Reply(body)));
            }
            Signal::CallFailed { call, error } => {
                self.take_step(from, call, Step::Answered(Answer::Failed(error)));
            }
            Signal::CallMoved { call, to } => {
                if !self.take_step(from, call, Step::Moved(to)) {
                    self.cancel_at(call, to);
                }
            }
            Signal::CallCancelled { call } if call.node == from => {
                self.inbound_calls().cancel(call);
            }
            other => tracing::debug!(node = %from, ?other, "not an answer; dropped"),
        }
    }

    /// The node `from` says what it did with a handle. `false`: the caller gave the call up.
    fn take_step(&self, from: Creation, call: CallRef, step: Step) -> bool {
        match self.inner().pending.take(call, from, step) {
            Taken::Over => return false,
            Taken::Open(holder) => self.await_holder(holder),
            Taken::Answered(duty, Answer::Reply(body)) => duty.reply_encoded(body),
            Taken::Answered(duty, Answer::Failed(error)) => duty.fail(error),
        }
        true
    }

    /// A call waits for `holder`, which may be gone already, or never have been sent anything.
    fn await_holder(&self, holder: Creation) {
        let is_here = holder == self.creation();
        let is_up = is_here || self.node_of(holder).is_some();
        if !is_up || !is_here && self.router().connect(holder).is_err() {
            self.inner().pending.sever(holder);
        }
    }

    fn cancel_at(&self, call: CallRef, holder: Creation) {
        let call = ReplyAddress::new(self.creation(), call);
        let to = Target::Node(holder);
        if let Err(error) = self.send(&to, Signal::CallCancelled { call }) {
            tracing::debug!(node = %holder, %error, "a cancelled call's node is gone");
        }
    }
}
