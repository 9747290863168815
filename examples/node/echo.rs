//! `Echo`: a server that says what it was told, and how often it was asked.

use noex::prelude::*;

#[derive(Default)]
pub(crate) struct Echo {
    asked: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum EchoCall {
    /// Say this.
    Say(String, ReplyTo<String>),
}

impl GenServer for Echo {
    type Args = ();
    type Call = EchoCall;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self::default())
    }

    async fn handle_call(&mut self, call: EchoCall, cx: &mut Context<Self>) -> Flow {
        match call {
            EchoCall::Say(text, reply) => {
                self.asked += 1;
                reply.send(format!(
                    "{text} (call {} on {})",
                    self.asked,
                    cx.node().id()
                ));
            }
        }
        Flow::Continue
    }
}
