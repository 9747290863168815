//! The types of this program's servers that accept a protocol, so that a pid is enough to find one.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

use noex_core::{LocalNode, Pid};
use parking_lot::RwLock;

use super::door::Door;
use super::{Accepts, Protocol};
use crate::Request;

/// For each protocol its `Finders`, by which a pid becomes a door. They say what the program
/// holds, not what runs: one list serves all of its nodes, and nothing is ever taken off.
static PROTOCOLS: RwLock<BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>> =
    RwLock::new(BTreeMap::new());

/// One for each server type that was started.
type Finders<P> = Vec<(TypeId, Finder<P>)>;
type Finder<P> = fn(&LocalNode, Pid) -> Option<Arc<dyn Door<P>>>;

/// Notes that servers of type `S` accept `P`.
pub(super) fn open<P: Protocol + ?Sized, S: Accepts<P>>() {
    let server = TypeId::of::<S>();
    let is_open = |finders: &Finders<P>| finders.iter().any(|(known, _)| *known == server);
    if finders::<P>().is_some_and(|finders| is_open(&finders)) {
        return;
    }
    let mut protocols = PROTOCOLS.write();
    let before = protocols.remove(&TypeId::of::<P>());
    let before = before.and_then(|finders| finders.downcast::<Finders<P>>().ok());
    let mut finders = before.map(Arc::unwrap_or_clone).unwrap_or_default();
    if !is_open(&finders) {
        finders.push((server, find_as::<P, S>));
    }
    protocols.insert(TypeId::of::<P>(), Arc::new(finders));
}

/// The process `pid` of `node`, if it is of a type that accepts `P`.
pub(super) fn find<P: Protocol + ?Sized>(node: &LocalNode, pid: Pid) -> Option<Arc<dyn Door<P>>> {
    let finders = finders::<P>()?;
    finders.iter().find_map(|(_, finder)| finder(node, pid))
}

/// A copy of the list: what is looked up, and perhaps dropped, is met without the lock.
fn finders<P: Protocol + ?Sized>() -> Option<Arc<Finders<P>>> {
    let finders = PROTOCOLS.read().get(&TypeId::of::<P>()).cloned();
    finders?.downcast().ok()
}

fn find_as<P: Protocol + ?Sized, S: Accepts<P>>(
    node: &LocalNode,
    pid: Pid,
) -> Option<Arc<dyn Door<P>>> {
    let process = node.find::<Request<S>>(pid).ok()?;
    Some(process)
}
