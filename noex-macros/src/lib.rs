//! Attribute macros of noex. They expand to paths below `::noex::__private` and know no other
//! crate.

mod main_fn;
mod protocol;
mod server;

use proc_macro::TokenStream;

/// Makes an async function the entry point of a node of a cluster.
///
/// It starts, in this order: the runtime, logging, and the node with its cluster, both from the
/// environment. The body begins once the cluster is running. When it returns, or on SIGTERM or
/// SIGINT, the node stops in order: names are handed over, calls in flight finish, servers stop,
/// the cluster is left. A signal ends the process with code 0, otherwise the body's result decides.
///
/// Arguments: `worker_threads = N`, the runtime's worker threads; one for each core at first.
///
/// ```text
/// #[noex::main]
/// async fn main() -> Result<(), noex::StartError> {
///     let counter = Counter::start(0).name("counter").await?;
///     noex::until_stopped().await;
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, function: TokenStream) -> TokenStream {
    main_fn::expand(arguments.into(), function.into()).into()
}

/// Makes an impl block of handlers a server: the messages, `impl GenServer` and a trait of typed
/// calls are written for it. `noex::server` has the whole of it, with examples that run.
///
/// ```text
/// #[noex::server]
/// impl Counter {
///     fn init(start: u64) -> Self { Self { n: start } }
///     #[call] fn get(&self) -> u64 { self.n }
///     #[cast] fn add(&mut self, by: u64) { self.n += by }
/// }
/// let n: u64 = counter.get().await?;
/// ```
#[proc_macro_attribute]
pub fn server(arguments: TokenStream, block: TokenStream) -> TokenStream {
    server::expand(&arguments.into(), &block.into()).into()
}

/// Makes a trait of calls and casts a protocol, which servers of several types accept.
/// `noex::protocol` has the whole of it, with examples that run.
///
/// ```text
/// #[noex::protocol]
/// trait Store {
///     #[call] fn get(&self, key: String) -> Option<u64>;
///     #[cast] fn forget(&mut self, key: String);
/// }
/// let store: StoreRef = (&server).into();
/// let n: Option<u64> = store.get("a".into()).await?;
/// ```
#[proc_macro_attribute]
pub fn protocol(arguments: TokenStream, item: TokenStream) -> TokenStream {
    protocol::expand(arguments.into(), &item.into()).into()
}

/// Writes that a server accepts a protocol; the macro of the protocol's name calls it.
#[doc(hidden)]
#[proc_macro]
pub fn implement(input: TokenStream) -> TokenStream {
    protocol::implement(input.into()).into()
}
