//! What upper layers put on a node: one value of each type.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;

#[derive(Default)]
pub(crate) struct Extensions(DashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Extensions {
    pub(super) fn insert<T: Any + Send + Sync>(&self, value: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), value);
    }

    pub(super) fn find<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(&*self.0.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({})", self.0.len())
    }
}
