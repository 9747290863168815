//! Servers with parameters.

use std::collections::BTreeMap;

use noex::Wire;
use noex::prelude::*;

use crate::pair::{alone, pair};

struct Cache<K, V, const MAX: usize> {
    entries: BTreeMap<K, V>,
}

#[noex::server]
impl<K, V: Wire + Clone, const MAX: usize> Cache<K, V, MAX>
where
    K: Wire + Ord,
{
    fn init() -> Self {
        let entries = BTreeMap::new();
        Self { entries }
    }

    #[call]
    fn get(&self, key: K) -> Option<V> {
        self.entries.get(&key).cloned()
    }

    #[call]
    fn len(&self) -> usize {
        self.entries.len()
    }

    #[cast]
    fn put(&mut self, key: K, value: V) {
        if self.entries.len() < MAX {
            self.entries.insert(key, value);
        }
    }

    #[cast]
    fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Its messages name none of its parameters.
struct Silent<T>(Vec<T>);

#[noex::server(vis = pub(crate))]
impl<T: Send + Sync + 'static> Silent<T> {
    fn init(items: Vec<T>) -> Self {
        Self(items)
    }

    #[call]
    fn len(&self) -> usize {
        self.0.len()
    }
}

#[tokio::test]
async fn a_generic_server_is_called_from_another_node() {
    let (a, b) = pair().await;
    let cache = {
        let _inside = a.enter();
        Cache::<String, u64, 2>::start(()).await.expect("it starts")
    };
    {
        let _inside = b.enter();
        let cache = ServerRef::<Cache<String, u64, 2>>::from_pid(cache.pid());
        for (key, value) in [("one", 1), ("two", 2), ("three", 3)] {
            cache.put(key.into(), value).expect("queued");
        }
        assert_eq!(cache.get("two".into()).await, Ok(Some(2)));
        assert_eq!(cache.len().await, Ok(2));
        cache.cast(CacheCast::Clear).expect("queued");
        assert_eq!(cache.call(CacheCall::Len).await, Ok(0));
        cache.clear().expect("queued");
        assert_eq!(cache.get("two".into()).await, Ok(None));
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn messages_need_not_name_the_parameters() {
    let node = alone().await;
    let _inside = node.enter();
    let silent = Silent::start(vec!['a', 'b']).await.expect("it starts");
    assert_eq!(silent.len().await, Ok(2));
    node.stop().await;
}
