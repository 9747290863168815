//! `register_server!`: lets other nodes start servers of a type.

/// Lets other nodes start servers of this type on this one, under its
/// [`protocol`](noex_gen_server::GenServer::protocol) name. Its `Args` must be
/// [`Wire`](noex_core::Wire).
///
/// It stands beside the type's definition, once, in every program that shall run such servers.
///
/// # Examples
/// ```
/// # use noex_core::{ExitReason, LocalNode, ReplyTo};
/// # use noex_gen_server::{Context, Flow, GenServer};
/// struct Worker;
/// # impl GenServer for Worker {
/// #     type Args = u32;
/// #     type Call = ();
/// #     type Cast = ();
/// #     async fn init(_: u32, _: &mut Context<Self>) -> Result<Self, ExitReason> { Ok(Self) }
/// #     async fn handle_call(&mut self, _: (), _: &mut Context<Self>) -> Flow { Flow::Continue }
/// # }
///
/// noex_supervisor::register_server!(Worker);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! register_server {
    ($server:ty) => {
        $crate::__private::inventory::submit! {
            $crate::__private::ServerType::of::<$server>()
        }
    };
}
