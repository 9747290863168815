//! The nodes that somebody here waits for, or that wait for somebody here.

use std::collections::BTreeSet;

use super::LocalNode;
use crate::id::Creation;

impl LocalNode {
    /// The lives of other nodes with which a link, a monitor or a call connects this one, whoever
    /// set or made it: what would break if the connection with them did.
    ///
    /// It looks at every process.
    #[must_use]
    pub fn bound_to(&self) -> BTreeSet<Creation> {
        let mut bound = self.inner().observers.nodes();
        bound.extend(self.inner().pending.holders());
        self.inbound_calls().callers(&mut bound);
        for process in self
            .processes()
            .into_iter()
            .filter_map(|pid| self.process(pid))
        {
            bound.extend(process.relations().lock().nodes());
        }
        bound.remove(&self.creation());
        bound
    }
}
