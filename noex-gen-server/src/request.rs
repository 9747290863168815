//! `Request`: a message to a server of this node, in its own type.

use std::cell::Cell;
use std::fmt;

use noex_core::call::CallGuard;

use crate::GenServer;

/// A message to a server of this node.
#[non_exhaustive]
pub enum Request<S: GenServer> {
    /// A call, with what tells whether its caller still waits.
    Call(S::Call, CallGuard),
    /// A cast.
    Cast(S::Cast),
}

impl<S: GenServer> fmt::Debug for Request<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call(..) => "Call",
            Self::Cast(_) => "Cast",
        })
    }
}

/// The number by which frames name the protocol of `S`.
pub(crate) fn protocol_of<S: GenServer>() -> u64 {
    thread_local! {
        /// The last name that was hashed: most threads send to few types, one after the other.
        static LAST: Cell<(&'static str, u64)> = const { Cell::new(("", 0)) };
    }
    let name = S::protocol();
    let (last, hash) = LAST.get();
    if std::ptr::eq(last, name) {
        return hash;
    }
    let hash = hash_of(name);
    LAST.set((name, hash));
    hash
}

fn hash_of(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    let (first, _) = hash
        .as_bytes()
        .split_first_chunk()
        .expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}
