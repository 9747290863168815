//! A server and a protocol that others use, under every lint; messages hold a private type.

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

/// A protocol that other crates could implement.
pub mod lamp {
    #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
    struct Colour(u8);

    /// Can be on.
    #[noex::protocol]
    pub trait Lamp {
        /// Whether it is.
        #[call]
        fn is_on(&self) -> bool;

        /// Private, and part of the protocol all the same.
        #[cast]
        fn paint(&mut self, colour: Colour);

        /// Turns it.
        #[cast]
        fn turn(&mut self, on: bool);
    }

    /// A lamp.
    #[derive(Debug)]
    pub struct Candle(bool);

    #[noex::server(implements(Lamp))]
    impl Candle {
        fn init() -> Self {
            Self(false)
        }

        #[call]
        fn is_on(&self) -> bool {
            self.0
        }

        #[cast]
        fn paint(&self, _colour: Colour) {}

        #[cast]
        fn turn(&mut self, on: bool) {
            self.0 = on;
        }
    }
}

/// Other lamps, of which nothing is used here.
pub mod lamps {
    use crate::public::lamp::Lamp as Light;

    /// Can be on, and is known by another's name.
    #[noex::protocol(name = "other lamp")]
    pub trait Lamp {}

    #[derive(Debug)]
    struct Dark;

    #[noex::server(implements(Lamp))]
    impl Dark {
        fn init() -> Self {
            Self
        }
    }

    /// Whether the light is on.
    pub async fn is_on<S: noex::Accepts<dyn Light>>(light: &noex::ServerRef<S>) -> bool {
        let light = crate::public::lamp::LampRef::from(light);
        light.turn(true).is_ok() && light.is_on().await == Ok(true)
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

#[tokio::test]
async fn a_protocol_is_used_by_another_module() {
    let node = crate::pair::alone().await;
    let _inside = node.enter();
    let candle = lamp::Candle::start(()).await.expect("it starts");
    assert!(lamps::is_on(&candle).await);
    node.stop().await;
}
