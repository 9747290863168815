//! `#[noex::protocol]`: references that name messages, and servers of several types behind them.

use std::collections::BTreeMap;
use std::time::Duration;

use noex::prelude::*;
use noex::{Accepts, CastError, Protocol, ProtocolRef};

use crate::pair::{alone, pair};

/// Keeps numbers.
#[noex::protocol]
trait Store {
    /// The number.
    #[call]
    fn get(&self, key: String) -> Option<u64>;

    #[call]
    fn put(&mut self, key: String, value: u64) -> Result<u64, Refused>;

    /// Answered once there is such a number.
    #[call]
    fn wait_for(&mut self, key: String) -> u64;

    #[call]
    fn len(&self) -> usize;

    #[cast]
    fn forget(&mut self, key: String);

    #[cast]
    fn clear(&mut self);
}

/// Why a number was not kept.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Refused(String);

/// Messages of another module, under a name of their own.
mod audit {
    /// Whatever counts what it does.
    #[noex::protocol(name = "audited")]
    pub(crate) trait Audited {
        #[call]
        fn done(&self) -> u64;
        /// Its handle has a name, as in a server.
        #[call]
        fn store(&self, answer: noex::ReplyTo<super::StoreRef>);
    }
}

/// All in memory.
#[derive(Default)]
struct Memory {
    numbers: BTreeMap<String, u64>,
    waiting: Vec<(String, ReplyTo<u64>)>,
    done: u64,
}

#[noex::server(implements(Store, audit::Audited))]
impl Memory {
    fn init() -> Self {
        Self::default()
    }

    #[call]
    fn get(&self, key: String) -> Option<u64> {
        self.numbers.get(&key).copied()
    }

    /// The protocol's parameters have other names.
    #[call]
    async fn put(&mut self, at: String, number: u64) -> Result<u64, Refused> {
        tokio::task::yield_now().await;
        self.done += 1;
        if at.is_empty() {
            return Err(Refused(format!("{number} has no key")));
        }
        let waiting = self.waiting.extract_if(.., |(key, _)| *key == at);
        waiting.for_each(|(_, reply)| reply.send(number));
        Ok(self.numbers.insert(at, number).unwrap_or_default())
    }

    #[call]
    fn wait_for(&mut self, reply: ReplyTo<u64>, key: String) {
        match self.numbers.get(&key) {
            Some(number) => reply.send(*number),
            None => self.waiting.push((key, reply)),
        }
    }

    #[call]
    fn len(&self) -> usize {
        self.numbers.len()
    }

    #[cast]
    fn forget(&mut self, key: String) {
        self.numbers.remove(&key);
        self.done += 1;
    }

    #[cast]
    fn clear(&mut self) {
        self.numbers.clear();
    }

    #[call]
    fn done(&self, _cx: &mut Context<Self>) -> (u64, Flow) {
        (self.done, Flow::Continue)
    }

    #[call]
    fn store(&self, cx: &mut Context<Self>) -> StoreRef {
        cx.this().into()
    }

    /// No message of a protocol.
    #[call]
    fn own(&self) -> String {
        "memory".into()
    }
}

/// Keeps the last numbers, and speaks one protocol.
struct Last<const MAX: usize>(Vec<(String, u64)>);

#[noex::server(implements(Store), vis = pub(crate))]
impl<const MAX: usize> Last<MAX> {
    fn init() -> Self {
        Self(Vec::new())
    }

    #[call]
    fn get(&self, key: String) -> Option<u64> {
        let mut numbers = self.0.iter();
        numbers.find_map(|(known, number)| (*known == key).then_some(*number))
    }

    #[call]
    fn put(&mut self, key: String, value: u64) -> Result<u64, Refused> {
        if key.is_empty() {
            return Err(Refused(format!("{value} has no key")));
        }
        let before = self.get(key.clone()).unwrap_or_default();
        self.forget(key.clone());
        self.0.insert(0, (key, value));
        self.0.truncate(MAX);
        Ok(before)
    }

    #[call]
    fn wait_for(&self, key: String) -> u64 {
        self.get(key).unwrap_or_default()
    }

    #[call]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[cast]
    fn forget(&mut self, key: String) {
        self.0.retain(|(known, _)| *known != key);
    }

    #[cast]
    fn clear(&mut self) -> Flow {
        self.0.clear();
        Flow::Continue
    }
}

/// Uses stores that it is given.
struct User(Option<StoreRef>);

#[noex::server]
impl User {
    fn init() -> Self {
        Self(None)
    }

    #[call]
    fn take(&mut self, store: StoreRef) -> StoreRef {
        self.0.insert(store).clone()
    }

    #[call]
    async fn use_it(&mut self, key: String) -> Result<Option<u64>, CallError> {
        let store = self.0.as_ref().ok_or(CallError::NoProcess)?;
        store.get(key).await
    }
}

/// Speaks no protocol; one of its messages has the name of another's.
struct Stranger;

#[noex::server]
impl Stranger {
    fn init() -> Self {
        Self
    }

    #[call]
    fn len(&self) -> usize {
        9
    }
}

/// All that a store does, whatever it is.
async fn exercise(store: StoreRef) {
    assert_eq!(store.put("a".into(), 1).await, Ok(Ok(0)));
    assert_eq!(store.put("a".into(), 2).await, Ok(Ok(1)));
    let refused = Err(Refused("3 has no key".into()));
    assert_eq!(store.put(String::new(), 3).await, Ok(refused));
    let get = store.get("a".into()).timeout(Duration::from_secs(9));
    assert_eq!(get.await, Ok(Some(2)));
    assert_eq!(store.wait_for("a".into()).await, Ok(2));
    store
        .put("b".into(), 5)
        .await
        .expect("a reply")
        .expect("a key");
    store.forget("a".into()).expect("queued");
    assert_eq!(store.len().await, Ok(1));
    store.cast(StoreCast::Clear).expect("queued");
    assert_eq!(store.call(StoreCall::Len).await, Ok(0));
    store.clear().expect("queued");
}

#[tokio::test]
async fn servers_of_several_types_are_used_alike_here_and_on_another_node() {
    let (a, b) = pair().await;
    let (memory, last) = {
        let _inside = a.enter();
        let memory = Memory::start(()).await.expect("it starts");
        let last = Last::<3>::start(()).await.expect("it starts");
        exercise((&memory).into()).await;
        exercise(StoreRef::from(last.clone())).await;
        assert_eq!(memory.own().await.as_deref(), Ok("memory"));
        (memory.pid(), last.pid())
    };
    for node in [&a, &b] {
        let _inside = node.enter();
        exercise(StoreRef::from_pid(memory)).await;
        exercise(ServerRef::<Last<3>>::from_pid(last).into()).await;
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn a_reply_can_come_late_or_too_late() {
    let (a, b) = pair().await;
    let memory = {
        let _inside = a.enter();
        Memory::start(()).await.expect("it starts").pid()
    };
    for (node, key) in [(&a, "here"), (&b, "there")] {
        let _inside = node.enter();
        let store = StoreRef::from_pid(memory);
        let (late, put) = tokio::join!(store.wait_for(key.into()), store.put(key.into(), 7));
        assert_eq!((late, put), (Ok(7), Ok(Ok(0))));
        let never = store.wait_for("never".into());
        let never = never.timeout(Duration::from_millis(20)).await;
        assert_eq!(never, Err(CallError::Timeout));
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn a_reference_travels_and_is_the_same_everywhere() {
    let (a, b) = pair().await;
    let (store, user) = {
        let _inside = a.enter();
        let memory = Memory::start(()).await.expect("it starts");
        let store = StoreRef::from(&memory);
        store
            .put("a".into(), 4)
            .await
            .expect("a reply")
            .expect("a key");
        (store, User::start(()).await.expect("it starts"))
    };
    let far = {
        let _inside = b.enter();
        User::start(()).await.expect("it starts")
    };
    for user in [user.pid(), far.pid()] {
        let _inside = a.enter();
        let user = User::at(user);
        assert_eq!(user.take(store.clone()).await, Ok(store.clone()));
        assert_eq!(user.use_it("a".into()).await, Ok(Ok(Some(4))));
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn a_server_speaks_several_protocols() {
    let (a, b) = pair().await;
    let memory = {
        let _inside = a.enter();
        Memory::start(()).await.expect("it starts").pid()
    };
    for (node, done) in [(&a, 1), (&b, 2)] {
        let _inside = node.enter();
        let audited = audit::AuditedRef::from_pid(memory);
        let store = audited.store().await.expect("a reply");
        assert_eq!(store.pid(), audited.pid());
        store.forget("a".into()).expect("queued");
        assert_eq!(audited.done().await, Ok(done));
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn names_lead_to_servers_whatever_they_are() {
    let (a, b) = pair().await;
    {
        let _inside = a.enter();
        let memory = Memory::start(()).name("here").name(Global("everywhere"));
        memory.await.expect("it starts");
        assert!(StoreRef::named("here").is_ok());
        let nobody = StoreRef::named("nobody");
        assert_eq!(nobody, Err(CallError::NoProcess));
    }
    for node in [&a, &b] {
        let _inside = node.enter();
        let known = async {
            loop {
                match StoreRef::named(Global("everywhere")) {
                    Ok(store) => return store,
                    Err(_not_yet) => tokio::task::yield_now().await,
                }
            }
        };
        let store = tokio::time::timeout(Duration::from_secs(10), known).await;
        exercise(store.expect("the other node learns the name")).await;
    }
    assert_eq!(StoreRef::named("here"), Err(CallError::NoNode));
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_speak_it_says_so() {
    let (a, b) = pair().await;
    let (stranger, last) = {
        let _inside = a.enter();
        let stranger = Stranger::start(()).await.expect("it starts");
        (stranger, Last::<1>::start(()).await.expect("it starts"))
    };
    for node in [&a, &b] {
        let _inside = node.enter();
        let store = StoreRef::from_pid(stranger.pid());
        assert_eq!(store.len().await, Err(CallError::WrongServer));
        let audited = audit::AuditedRef::from_pid(last.pid());
        assert_eq!(audited.done().await, Err(CallError::WrongServer));
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn a_cast_that_nobody_takes_is_given_back() {
    let node = alone().await;
    let _inside = node.enter();
    let memory = Memory::start(()).await.expect("it starts");
    let store = StoreRef::from(&memory);
    memory.stop().await.expect("it stops");
    let key = match store.forget("a".into()) {
        Err(CastError::NoProcess(StoreCast::Forget { key })) => Some(key),
        _ => None,
    };
    assert_eq!(key.as_deref(), Some("a"));
    assert_eq!(store.len().await, Err(CallError::NoProcess));
    node.stop().await;
}

/// What knows any protocol, and what knows one.
fn general<P: Protocol + ?Sized, S: Accepts<P>>(server: &ServerRef<S>) -> ProtocolRef<P> {
    server.into()
}

#[tokio::test]
async fn general_code_uses_any_protocol() {
    let node = alone().await;
    let _inside = node.enter();
    let memory = Memory::start(()).await.expect("it starts");
    let store = StoreRef::from(general::<dyn Store, _>(&memory));
    let again: ProtocolRef<dyn Store> = store.clone().into();
    assert_eq!((again, store.len().await), (general(&memory), Ok(0)));
    node.stop().await;
}

#[test]
fn a_protocol_is_known_by_its_path_or_by_the_name_that_was_set() {
    assert_eq!(
        <dyn Store as Protocol>::NAME,
        concat!(module_path!(), "::Store")
    );
    assert_eq!(<dyn audit::Audited as Protocol>::NAME, "audited");
}
