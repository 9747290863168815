//! Servers whose mailboxes are full, and what becomes of casts to them.

use std::num::NonZeroUsize;
use std::sync::Arc;

use noex_core::mailbox::Overflow;
use noex_core::{CallError, Creation, ExitReason, LocalNode};
use noex_gen_server::{
    Address, CastError, Context, Dest, Flow, GenServer, ServerRef, Start, Successor,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::support::{id, soon, until};

/// The message whose handler casts to its own server.
const OWN: u32 = 77;

/// Writes down what it is told. It handles as many messages as its gate has permits.
#[derive(Clone)]
struct Clerk {
    seen: Arc<Mutex<Vec<u32>>>,
    gate: Arc<Semaphore>,
}

impl Clerk {
    fn new() -> Self {
        Self {
            seen: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Its server, busy with message 0, whose mailbox has room for two.
    async fn start(&self, change: impl FnOnce(Start<Self>) -> Start<Self>) -> ServerRef<Self> {
        let node = LocalNode::start(id(1));
        let room = NonZeroUsize::new(2).unwrap();
        let start = GenServer::start(self.clone()).mailbox_capacity(room);
        let server = change(start).on(&node).await.unwrap();
        server.cast(0).unwrap();
        until("it is busy", || *self.seen.lock() == [0]).await;
        server
    }
}

impl GenServer for Clerk {
    type Args = Self;
    type Call = ();
    type Cast = u32;

    async fn init(clerk: Self, _cx: &mut Context<Self>) -> Result<Self, ExitReason> {
        Ok(clerk)
    }

    async fn handle_call(&mut self, (): (), _cx: &mut Context<Self>) -> Flow {
        Flow::Continue
    }

    async fn handle_cast(&mut self, number: u32, cx: &mut Context<Self>) -> Flow {
        self.seen.lock().push(number);
        if number == OWN {
            for own in [1, 2] {
                cx.this().cast_wait(own).await.unwrap();
            }
            // Nobody else would ever make room for it.
            let refused = cx.this().cast_wait(3).await;
            assert_eq!(refused, Err(CastError::Full(3)));
        }
        self.gate.acquire().await.unwrap().forget();
        Flow::Continue
    }
}

#[tokio::test]
async fn a_cast_that_waits_is_queued_once_there_is_room() {
    let clerk = Clerk::new();
    let server = clerk.start(|start| start).await;
    for number in [1, 2] {
        soon("there is room", server.cast_wait(number))
            .await
            .unwrap();
    }
    assert_eq!(server.cast(3), Err(CastError::Full(3)));
    let mut waiting = Box::pin(server.cast_wait(3));
    tokio::select! {
        biased;
        queued = &mut waiting => panic!("there is no room: {queued:?}"),
        () = tokio::task::yield_now() => {}
    }
    clerk.gate.add_permits(1);
    soon("there is room", waiting).await.unwrap();
    clerk.gate.add_permits(3);
    until("all are handled", || *clerk.seen.lock() == [0, 1, 2, 3]).await;
}

#[tokio::test]
async fn a_cast_that_waits_is_given_back_by_a_server_that_ends_and_lost_by_who_gives_up() {
    let clerk = Clerk::new();
    let server = clerk.start(|start| start).await;
    for number in [1, 2] {
        server.cast(number).unwrap();
    }
    let mut given_up = Box::pin(server.cast_wait(3));
    let mut waiting = Box::pin(server.cast_wait(4));
    tokio::select! {
        biased;
        queued = &mut given_up => panic!("there is no room: {queued:?}"),
        queued = &mut waiting => panic!("there is no room: {queued:?}"),
        () = tokio::task::yield_now() => {}
    }
    drop(given_up);
    clerk.gate.add_permits(1);
    soon("there is room", &mut waiting).await.unwrap();
    let mut late = Box::pin(server.cast_wait(5));
    tokio::select! {
        biased;
        queued = &mut late => panic!("there is no room: {queued:?}"),
        () = tokio::task::yield_now() => {}
    }
    // Its handler panics, as the gate is gone.
    clerk.gate.close();
    let refused = soon("the server ends", late).await;
    assert_eq!(refused, Err(CastError::NoProcess(5)));
    assert_eq!(*clerk.seen.lock(), [0, 1]);
}

#[tokio::test]
async fn a_server_does_not_wait_for_room_in_its_own_mailbox() {
    let clerk = Clerk::new();
    let server = clerk.start(|start| start).await;
    server.cast(OWN).unwrap();
    clerk.gate.add_permits(4);
    until("all are handled", || *clerk.seen.lock() == [0, OWN, 1, 2]).await;
}

#[tokio::test]
async fn a_full_mailbox_drops_what_its_server_says() {
    for (overflow, kept) in [
        (Overflow::DropNewest, [0, 1, 2]),
        (Overflow::DropOldest, [0, 3, 4]),
    ] {
        let clerk = Clerk::new();
        let server = clerk.start(|start| start.mailbox_overflow(overflow)).await;
        for number in 1..=4 {
            server.cast(number).unwrap();
        }
        let info = server.inspect().info().unwrap();
        assert_eq!(info.mailbox.dropped, 2);
        clerk.gate.add_permits(3);
        until("all are handled", || *clerk.seen.lock() == kept).await;
    }
}

/// A name that moves from node to node.
struct Moving;

impl Dest<Clerk> for Moving {
    fn resolve(&self) -> Result<Address<Clerk>, CallError> {
        Err(CallError::NoProcess)
    }

    fn moves(&self) -> bool {
        true
    }

    fn successor(&self, _refused_by: Option<Creation>) -> Option<Successor> {
        Some(Box::pin(async {}))
    }
}

#[test]
fn an_address_moves_where_its_name_does() {
    let at = Clerk::at(Moving);
    assert!(at.moves() && at.successor(None).is_some());
    let at = Clerk::at("local");
    assert!(!at.moves() && at.successor(None).is_none());
}
