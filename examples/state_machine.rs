//! A door with a code lock: what it does about an event depends on its state. It locks itself, and
//! those who knock at a locked door wait until it opens.

use std::time::Duration;

use noex::prelude::*;
use noex::state_machine::{Event, GenStateMachine, StateContext, Transition};

const OPEN_FOR: Duration = Duration::from_millis(200);

struct Door {
    code: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Locked,
    Open,
}

#[derive(Serialize, Deserialize)]
enum Ask {
    /// Answered when the door is open.
    Enter(ReplyTo<()>),
    State(ReplyTo<State>),
}

#[derive(Serialize, Deserialize)]
struct Code(u32);

impl GenStateMachine for Door {
    type Args = u32;
    type State = State;
    type Call = Ask;
    type Cast = Code;

    async fn init(code: u32, _cx: &mut StateContext<Self>) -> Result<(Self, State), ExitReason> {
        Ok((Self { code }, State::Locked))
    }

    async fn handle_event(
        &mut self,
        state: &State,
        event: Event<Self>,
        _cx: &mut StateContext<Self>,
    ) -> Transition<Self> {
        match (state, event) {
            (State::Locked, Event::Cast(Code(code))) if code == self.code => {
                println!("the code is right, the door opens");
                Transition::to(State::Open).state_timeout(OPEN_FOR)
            }
            (State::Locked, Event::Cast(Code(code))) => {
                println!("{code} is wrong");
                Transition::keep()
            }
            (State::Open, Event::StateTimeout) => {
                println!("the door locks itself");
                Transition::to(State::Locked)
            }
            // Handled again when the state has changed.
            (State::Locked, knock @ Event::Call(Ask::Enter(_))) => {
                Transition::keep().postpone(knock)
            }
            (State::Open, Event::Call(Ask::Enter(reply))) => {
                reply.send(());
                Transition::keep()
            }
            (state, Event::Call(Ask::State(reply))) => {
                reply.send(*state);
                Transition::keep()
            }
            _ => Transition::keep(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::start(ClusterConfig::new("door").port(0)).await?;
    let _inside = node.enter();

    let door = Door::start(1234).await?;
    // The visitor knocks first, then somebody tries two codes.
    let codes = async {
        door.cast(Code(4321))?;
        door.cast(Code(1234))
    };
    let (entered, tried) = tokio::join!(door.call(Ask::Enter), codes);
    tried?;
    entered?;
    println!("the visitor is in");
    while door.call(Ask::State).await? == State::Open {
        tokio::time::sleep(OPEN_FOR / 10).await;
    }

    node.stop().await;
    println!("done");
    Ok(())
}
