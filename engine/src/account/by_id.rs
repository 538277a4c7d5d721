//! Entries of a directory by id: looked up by hash, gone through in the order of ids.
//!
//! Ids of one tenant are often long with a common beginning, and a decision looks up a dozen: comparing them along a
//! sorted map took longer than hashing one. Entries are shared, so the second index holds pointers alone. Not here:
//! indexes by anything else than the id (`directory`).

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, btree_map};
use std::hash::Hash;
use std::sync::Arc;

/// Hashing for lookups by id. Seeded for each map, so that nobody can choose ids that collide; the order of such a map
/// is never looked at.
pub type IdHash = foldhash::fast::RandomState;

/// Entries by id.
#[derive(Clone, Debug)]
pub struct ById<K, V> {
    sorted: BTreeMap<K, Arc<V>>,
    by_hash: HashMap<K, Arc<V>, IdHash>,
}

impl<K, V> Default for ById<K, V> {
    fn default() -> Self {
        Self {
            sorted: BTreeMap::new(),
            by_hash: HashMap::default(),
        }
    }
}

impl<K: Clone + Ord + Hash, V> ById<K, V> {
    /// An entry.
    #[must_use]
    pub fn get<Q: Eq + Hash + ?Sized>(&self, id: &Q) -> Option<&Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.by_hash.get(id)
    }

    /// An entry with the map's own copy of its id.
    #[must_use]
    pub fn get_key_value<Q: Eq + Hash + ?Sized>(&self, id: &Q) -> Option<(&K, &Arc<V>)>
    where
        K: Borrow<Q>,
    {
        self.by_hash.get_key_value(id)
    }

    /// Whether there is such an entry.
    #[must_use]
    pub fn contains_key<Q: Eq + Hash + ?Sized>(&self, id: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.by_hash.contains_key(id)
    }

    /// Puts an entry in the place of the one with its id, which is given back.
    pub fn insert(&mut self, id: K, entry: Arc<V>) -> Option<Arc<V>> {
        self.by_hash.insert(id.clone(), Arc::clone(&entry));
        self.sorted.insert(id, entry)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Ids and entries in the order of ids.
    pub fn iter(&self) -> btree_map::Iter<'_, K, Arc<V>> {
        self.sorted.iter()
    }

    /// Ids in their order.
    pub fn keys(&self) -> btree_map::Keys<'_, K, Arc<V>> {
        self.sorted.keys()
    }

    /// Entries in the order of ids.
    pub fn values(&self) -> btree_map::Values<'_, K, Arc<V>> {
        self.sorted.values()
    }
}

impl<K: Clone + Ord + Hash + Borrow<str>, V> std::ops::Index<&str> for ById<K, V> {
    type Output = Arc<V>;

    /// An entry that is known to be there.
    ///
    /// # Panics
    /// Where it is not.
    fn index(&self, id: &str) -> &Arc<V> {
        &self.by_hash[id]
    }
}

impl<'a, K, V> IntoIterator for &'a ById<K, V> {
    type Item = (&'a K, &'a Arc<V>);
    type IntoIter = btree_map::Iter<'a, K, Arc<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted.iter()
    }
}
