//! `Whereis`: a name whose holder can be found without knowing what the holder is.

use noex_core::{LocalNode, Pid};

/// A name whose holder can be found without knowing what the holder is: a local name as
/// `"store"`, the names of a registry, and names of yours.
///
/// # Examples
/// ```
/// use noex_core::{LocalNode, Pid};
/// use noex_gen_server::Whereis;
///
/// struct Shard(u32);
///
/// impl Whereis for Shard {
///     fn whereis(&self, node: &LocalNode) -> Option<Pid> {
///         format!("shard-{}", self.0).whereis(node)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no name",
    note = "use a local name as \"store\", or `Global(\"store\")`; a pid is a reference already, \
            with `from_pid`"
)]
pub trait Whereis {
    /// Who holds the name now, as `node` knows.
    fn whereis(&self, node: &LocalNode) -> Option<Pid>;
}

impl Whereis for str {
    fn whereis(&self, node: &LocalNode) -> Option<Pid> {
        node.whereis(self)
    }
}

impl Whereis for String {
    fn whereis(&self, node: &LocalNode) -> Option<Pid> {
        node.whereis(self)
    }
}

impl<N: Whereis + ?Sized> Whereis for &N {
    fn whereis(&self, node: &LocalNode) -> Option<Pid> {
        (**self).whereis(node)
    }
}
