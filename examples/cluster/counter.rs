//! `WordCounter`: the server that counts the words of one chunk at a time.

use noex::prelude::*;
use noex::{Bytes, NodeId};

use crate::words::{self, Counts};

/// Counts words; it keeps nothing, so that it can start anywhere at any time.
pub(crate) struct WordCounter;

#[derive(Serialize, Deserialize)]
pub(crate) enum CounterCall {
    /// Count the words of this text.
    Count(Bytes, ReplyTo<Counted>),
}

/// The words of one chunk, and the node that counted them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) node: NodeId,
    pub(crate) counts: Counts,
}

impl GenServer for WordCounter {
    type Args = ();
    type Call = CounterCall;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, call: CounterCall, cx: &mut Context<Self>) -> Flow {
        match call {
            CounterCall::Count(text, reply) => {
                let mut counts = Counts::default();
                words::count(&text, &mut counts);
                reply.send(Counted {
                    node: cx.node().id().clone(),
                    counts,
                });
            }
        }
        Flow::Continue
    }
}

// Other nodes may start it here.
noex::register_server!(WordCounter);
