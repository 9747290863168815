//! A server that others use, under every lint; its messages hold a private type.

#![deny(
    warnings,
    unused,
    unreachable_pub,
    unnameable_types,
    unused_qualifications
)]
#![deny(
    missing_debug_implementations,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements
)]
#![forbid(missing_docs, unsafe_code)]

/// Where the server lives.
pub mod store {
    use noex::prelude::*;

    /// Keeps one value.
    #[derive(Debug)]
    pub struct Store<T>(Option<T>);

    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Secret(u64);

    #[noex::server]
    impl<T: noex::Wire + Clone> Store<T> {
        /// Begins with a value, or with none.
        pub fn init(first: Option<T>) -> Self {
            Self(first)
        }

        /// The value.
        #[call]
        pub fn get(&self) -> Option<T> {
            self.0.clone()
        }

        #[call]
        fn open(&self, secret: Secret) -> Secret {
            secret
        }

        #[cast]
        fn put(&mut self, value: T) {
            self.0 = Some(value);
        }

        #[cast]
        fn keep(&self, _unused: u64) {}
    }
}

/// Seen by this crate alone, and never called.
mod inner {
    struct Quiet;

    #[noex::server(local, vis = pub(crate), protocol = "quiet")]
    impl Quiet {
        fn init() -> Result<Self, noex::ExitReason> {
            Ok(Self)
        }
    }
}

use noex::GenServer;

/// Calls what it can import.
pub async fn call(store: noex::ServerRef<store::Store<u64>>) -> Option<u64> {
    use store::StoreClient;

    store.put(1).ok()?;
    store.get().await.ok()?
}

#[tokio::test]
async fn a_caller_needs_the_client_trait_alone() {
    let node = crate::pair::alone().await;
    let _inside = node.enter();
    let store = store::Store::start(None).await.expect("it starts");
    assert_eq!(call(store).await, Some(1));
    node.stop().await;
}
