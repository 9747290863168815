//! The server that the tests talk to.

use std::sync::Arc;
use std::time::Duration;

use noex_core::mailbox::Info;
use noex_core::{ExitReason, Local, LocalNode, Pid, ReplyTo};
use noex_gen_server::{Accepted, Context, Flow, GenServer, ServerRef};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::protocols::Sums;
use crate::support::until;

/// What a test sees of a server, and how it holds it up.
pub(crate) struct Board {
    log: Mutex<Vec<String>>,
    gate: Semaphore,
}

impl Board {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            log: Mutex::default(),
            gate: Semaphore::new(0),
        })
    }

    /// Lets one handler go on that waits at the gate.
    pub(crate) fn open(&self) {
        self.gate.add_permits(1);
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().clone()
    }

    pub(crate) async fn saw(&self, entry: &str) {
        until(entry, || self.log.lock().iter().any(|seen| seen == entry)).await;
    }

    fn note(&self, entry: impl Into<String>) {
        self.log.lock().push(entry.into());
    }
}

/// How `init` goes.
pub(crate) enum Init {
    Ok,
    Fail,
    Panic,
    Never,
}

pub(crate) struct Probe {
    board: Arc<Board>,
    sum: u64,
    kept: Vec<ReplyTo<u64>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    Sum(ReplyTo<u64>),
    /// Waits at the gate, then answers.
    Wait(ReplyTo<u64>),
    Panic(ReplyTo<u64>),
    Keep(ReplyTo<u64>),
    Drop(ReplyTo<u64>),
    /// The handle goes on to another server.
    Pass(Pid, ReplyTo<u64>),
    CallYourself(ReplyTo<String>),
    StopYourself(ReplyTo<String>),
    Here(Local<u64>, ReplyTo<u64>),
    /// Starts a linked server whose `init` does not end, and waits for so long.
    StartLinked(Duration, ReplyTo<String>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tell {
    Add(u64),
    Wait,
    Answer(Keeper),
    Keep(Keeper),
    AnswerKept,
    Watch(Pid),
    Link(Pid),
    Trap,
    Report(Pid, u64),
    End(ExitReason),
}

/// A handle within a cast.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Keeper(pub(crate) ReplyTo<u64>);

impl PartialEq for Keeper {
    fn eq(&self, _other: &Self) -> bool {
        false
    }
}

impl GenServer for Probe {
    type Args = (Init, Arc<Board>);
    type Call = Ask;
    type Cast = Tell;

    async fn init((init, board): Self::Args, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        match init {
            Init::Ok => {}
            Init::Fail => return Err(ExitReason::error("no luck")),
            Init::Panic => panic!("init broke"),
            Init::Never => std::future::pending().await,
        }
        Ok(Self {
            board,
            sum: 0,
            kept: Vec::new(),
        })
    }

    async fn handle_call(&mut self, ask: Ask, cx: &mut Context<Self>) -> Flow {
        match ask {
            Ask::Sum(reply) => {
                self.board.note("sum");
                reply.send(self.sum);
            }
            Ask::Wait(reply) => {
                self.wait().await;
                reply.send(self.sum);
            }
            Ask::Panic(_reply) => {
                self.wait().await;
                panic!("it broke");
            }
            Ask::Keep(reply) => {
                self.kept.push(reply);
                self.board.note("kept");
            }
            Ask::Drop(reply) => drop(reply),
            Ask::Pass(to, reply) => Self::cast(to, Tell::Keep(Keeper(reply))).unwrap(),
            Ask::CallYourself(reply) => {
                let error = Self::call(cx.this(), Ask::Sum).await.unwrap_err();
                reply.send(format!("{error:?}"));
            }
            Ask::StopYourself(reply) => {
                let error = Self::stop(cx.this()).await.unwrap_err();
                reply.send(format!("{error:?}"));
            }
            Ask::Here(number, reply) => reply.send(*number),
            Ask::StartLinked(patience, reply) => {
                let child = Self::start_link((Init::Never, Board::new()));
                let child = tokio::time::timeout(patience, child.timeout(2 * patience)).await;
                let how = child.map(|started| started.map(|server| server.pid()));
                reply.send(format!("{how:?}"));
            }
        }
        Flow::Continue
    }

    async fn handle_cast(&mut self, tell: Tell, cx: &mut Context<Self>) -> Flow {
        match tell {
            Tell::Add(number) => {
                self.sum += number;
                self.board.note(format!("add {number}"));
            }
            Tell::Wait => self.wait().await,
            Tell::Answer(Keeper(reply)) => reply.send(self.sum),
            Tell::Keep(Keeper(reply)) => {
                self.kept.push(reply);
                self.board.note("kept");
            }
            Tell::AnswerKept => self.kept.drain(..).for_each(|reply| reply.send(self.sum)),
            Tell::Watch(pid) => drop(cx.monitor(pid)),
            Tell::Link(pid) => cx.link(pid),
            Tell::Trap => cx.trap_exit(true),
            Tell::Report(to, number) => {
                Self::cast(to, Tell::Add(number)).unwrap();
                return Flow::Stop(ExitReason::Shutdown);
            }
            Tell::End(reason) => return Flow::Stop(reason),
        }
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Context<Self>) -> Flow {
        match info {
            Info::Down(down) => self.board.note(format!("down {}", down.reason)),
            Info::Exit(exit) => self.board.note(format!("exit {}", exit.reason)),
            _ => {}
        }
        Flow::Continue
    }

    async fn terminate(&mut self, reason: &ExitReason, _cx: &mut Context<Self>) {
        self.board.note(format!("terminate {reason}"));
    }

    fn describe(&self) -> Option<String> {
        Some(format!("sum {}", self.sum))
    }

    fn protocols() -> &'static [Accepted<Self>] {
        const { &[Accepted::of::<Sums>()] }
    }
}

impl Probe {
    async fn wait(&self) {
        self.board.note("waits");
        self.board.gate.acquire().await.unwrap().forget();
    }

    /// A server on `node`.
    pub(crate) async fn on(node: &LocalNode) -> (ServerRef<Self>, Arc<Board>) {
        let board = Board::new();
        let server = Self::start((Init::Ok, Arc::clone(&board)));
        (server.on(node).await.unwrap(), board)
    }
}

/// A server of another type.
pub(crate) struct Other;

impl GenServer for Other {
    type Args = ();
    type Call = ReplyTo<u64>;
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, reply: ReplyTo<u64>, _cx: &mut Context<Self>) -> Flow {
        reply.send(1);
        Flow::Continue
    }

    /// The messages of a [`Probe`] come here, and do not decode.
    fn protocol() -> &'static str {
        "other"
    }
}

/// Claims to speak the protocol of [`Probe`], with another type.
pub(crate) struct Impostor;

impl GenServer for Impostor {
    type Args = ();
    type Call = (ReplyTo<u64>, String);
    type Cast = ();

    async fn init((): (), _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(Self)
    }

    async fn handle_call(&mut self, _call: Self::Call, _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    fn protocol() -> &'static str {
        Probe::protocol()
    }
}
