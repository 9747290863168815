//! `Claim`: the name that a server is started under for another node.

use noex_core::{LocalNode, NameError, Pid};
use noex_gen_server::Name;

/// A name that may be held still by the process that the new one replaces.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) replaces: Option<Pid>,
}

impl Name for Claim {
    fn register(&self, node: &LocalNode, pid: Pid) -> Result<(), NameError> {
        let held_by_former = self.replaces.is_some() && node.whereis(&self.name) == self.replaces;
        if held_by_former {
            node.unregister(&self.name);
        }
        node.register(&self.name, pid)
    }
}
