//! The node's share in calls that cross to other nodes.

use std::sync::Arc;

use super::LocalNode;
use crate::call::{AnyCell, CallError, ReplyAddress};
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

    /// The reply handle of `cell` leaves for the node `to`.
    pub(crate) fn open_call(&self, cell: &Arc<dyn AnyCell>, to: Creation) -> ReplyAddress {
        let call = self.inner().pending.open(Arc::clone(cell), to);
        if !cell.export(self, call) {
            self.inner().pending.close(call);
        }
        ReplyAddress::new(self.creation(), call)
    }

    /// The caller gave up a call whose handle is on another node.
    pub(crate) fn cancel_call(&self, call: CallRef) {
        if let Some((_, holder)) = self.inner().pending.close(call) {
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
                if let Some((cell, _)) = self.inner().pending.close(call) {
                    cell.reply_encoded(body);
                }
            }
            Signal::CallFailed { call, error } => {
                if let Some((cell, _)) = self.inner().pending.close(call) {
                    cell.fail(error);
                }
            }
            Signal::CallMoved { call, to } => self.call_moved(call, to),
            Signal::CallCancelled { call } if call.node == from => {
                self.inbound_calls().cancel(call);
            }
            other => tracing::debug!(node = %from, ?other, "not an answer; dropped"),
        }
    }

    /// The node that holds the handle now may be gone already; the caller may have given up.
    fn call_moved(&self, call: CallRef, to: Creation) {
        if !self.inner().pending.moved(call, to) {
            self.cancel_at(call, to);
        } else if to != self.creation() && self.node_of(to).is_none() {
            self.inner().pending.sever(to);
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
