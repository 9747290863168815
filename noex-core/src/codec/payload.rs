//! The payload codec: MessagePack with named fields, and reply handles that travel beside it.
//!
//! A reply handle is encoded as its place in the frame's list of replies. The list, not the
//! payload, names the call, so that a node can answer for a message that it can't decode.

use std::cell::RefCell;

use bytes::Bytes;
use rmp_serde::config::BytesMode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{CallError, Remote, ReplyAddress};
use crate::id::Creation;
use crate::node::LocalNode;
use crate::process::catch;

/// How deep a message may nest; more could overflow a worker's stack.
const DEPTH_MAX: usize = 64;

/// What can travel between nodes: anything that serde can write and read.
///
/// It is implemented for every type that has the bounds; derive `Serialize` and `Deserialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't travel between nodes",
    label = "not a message",
    note = "derive it: #[derive(serde::Serialize, serde::Deserialize)]"
)]
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// What the encoder or decoder at work on this thread knows of reply handles.
enum Scope {
    Encoding {
        node: LocalNode,
        to: Creation,
        replies: Vec<ReplyAddress>,
        local_only: bool,
    },
    Decoding {
        given: Vec<Option<Remote>>,
        /// Handles that were taken, and dropped by a value that did not come about.
        dropped: Vec<Remote>,
    },
}

thread_local! {
    static SCOPE: RefCell<Vec<Scope>> = const { RefCell::new(Vec::new()) };
}

/// Encodes `value` for the node `to`: the bytes, and the replies that it can give.
///
/// # Errors
/// [`CallError::Codec`] or [`CallError::LocalOnly`]; the calls of handles that were already
/// encoded have failed with it.
pub fn encode<T: Serialize + ?Sized>(
    node: &LocalNode,
    to: Creation,
    value: &T,
) -> Result<(Bytes, Vec<ReplyAddress>), CallError> {
    let scope = Scope::Encoding {
        node: node.clone(),
        to,
        replies: Vec::new(),
        local_only: false,
    };
    SCOPE.with_borrow_mut(|scopes| scopes.push(scope));
    let written = catch(|| {
        let mut body = Vec::with_capacity(64);
        let serializer = rmp_serde::Serializer::new(&mut body).with_struct_map();
        value
            .serialize(&mut serializer.with_bytes(BytesMode::ForceIterables))
            .map(|()| body)
    });
    let scope = SCOPE.with_borrow_mut(Vec::pop);
    let Some(Scope::Encoding {
        replies,
        local_only,
        ..
    }) = scope
    else {
        return Err(CallError::Codec("an encoder left another's scope".into()));
    };
    let error = match written {
        Ok(Ok(body)) => return Ok((body.into(), replies)),
        Ok(Err(_)) if local_only => CallError::LocalOnly,
        Ok(Err(error)) => CallError::Codec(error.to_string().into()),
        Err(panic) => CallError::Codec(panic.to_string().into()),
    };
    for address in replies {
        node.fail_call(address, error.clone());
    }
    Err(error)
}

/// Decodes a `T`; its reply handles are taken out of `replies`.
pub(crate) fn decode<T: DeserializeOwned>(
    body: &[u8],
    replies: &mut [Option<Remote>],
) -> Result<T, CallError> {
    let given = replies.iter_mut().map(Option::take).collect();
    let dropped = Vec::new();
    SCOPE.with_borrow_mut(|scopes| scopes.push(Scope::Decoding { given, dropped }));
    let read = catch(|| {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(body);
        deserializer.set_max_depth(DEPTH_MAX);
        T::deserialize(&mut deserializer)
    });
    if let Some(Scope::Decoding { given, dropped }) = SCOPE.with_borrow_mut(Vec::pop) {
        let mut dropped = dropped.into_iter();
        for (slot, left) in replies.iter_mut().zip(given) {
            *slot = left;
        }
        for slot in replies.iter_mut().filter(|slot| slot.is_none()) {
            *slot = dropped.next();
        }
        dropped.for_each(|other| other.fail(CallError::ReplyDropped));
    }
    match read {
        Ok(read) => read.map_err(|error| CallError::Codec(error.to_string().into())),
        Err(panic) => Err(CallError::Codec(panic.to_string().into())),
    }
}

/// What a reply handle says when it meets a serializer that is not noex's.
const FOREIGN: &str = "a reply handle travels in noex messages only";

/// Where the message that is being encoded comes from and goes to.
pub(crate) fn destination() -> Result<(LocalNode, Creation), &'static str> {
    SCOPE.with_borrow(|scopes| match scopes.last() {
        Some(Scope::Encoding { node, to, .. }) => Ok((node.clone(), *to)),
        Some(Scope::Decoding { .. }) | None => Err(FOREIGN),
    })
}

/// Puts a handle into the message that is being encoded. Returns its place in the list of replies.
pub(crate) fn export(address: ReplyAddress) -> Result<u32, &'static str> {
    SCOPE.with_borrow_mut(|scopes| match scopes.last_mut() {
        Some(Scope::Encoding { replies, .. }) => {
            let place = u32::try_from(replies.len()).map_err(|_too_many| "too many handles")?;
            replies.push(address);
            Ok(place)
        }
        Some(Scope::Decoding { .. }) | None => Err(FOREIGN),
    })
}

/// A handle was dropped: if its message is just being decoded, the decoder answers for it.
pub(crate) fn give_back(remote: Remote) -> Option<Remote> {
    let mut remote = Some(remote);
    // A thread that ends decodes nothing any more.
    let _ended = SCOPE.try_with(|scopes| {
        if let Some(Scope::Decoding { dropped, .. }) = scopes.borrow_mut().last_mut() {
            dropped.extend(remote.take());
        }
    });
    remote
}

/// Takes the handle at `place` of the message that is being decoded.
pub(crate) fn import(place: u32) -> Result<Remote, &'static str> {
    SCOPE.with_borrow_mut(|scopes| match scopes.last_mut() {
        Some(Scope::Decoding { given, .. }) => usize::try_from(place)
            .ok()
            .and_then(|place| given.get_mut(place)?.take())
            .ok_or("no such reply handle in this message"),
        Some(Scope::Encoding { .. }) | None => Err(FOREIGN),
    })
}

/// Notes that what is being encoded can't leave its node.
pub(crate) fn refuse_to_leave() {
    SCOPE.with_borrow_mut(|scopes| {
        if let Some(Scope::Encoding { local_only, .. }) = scopes.last_mut() {
            *local_only = true;
        }
    });
}
