//! Entries of a directory by id: looked up by hash, gone through in the order of ids.
//!
//! Ids of one tenant are often long with a common beginning, and a decision looks up a dozen: comparing them along a
//! sorted map took longer than hashing one. Entries are shared, so the second index holds pointers alone. A clone
//! shares its parts with the original, and a change copies only the few parts on the way to one entry: readers keep
//! the directory they have while the next one is made, whatever its size. Not here: indexes by anything else than the
//! id (`directory`).

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, OrdMap, ordmap};

/// Hashing for lookups by id. Seeded for each map, so that nobody can choose ids that collide; the order of such a map
/// is never looked at.
pub type IdHash = foldhash::fast::RandomState;

/// Entries by id.
#[derive(Clone)]
pub struct ById<K, V> {
    sorted: OrdMap<K, Arc<V>>,
    by_hash: GenericHashMap<K, Arc<V>, IdHash, DefaultSharedPtr>,
}

/// Entries of [`ById`] with their ids, in the order of ids.
pub type Iter<'a, K, V> = ordmap::Iter<'a, K, Arc<V>, DefaultSharedPtr>;

impl<K: Ord + fmt::Debug, V: fmt::Debug> fmt::Debug for ById<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.sorted.iter()).finish()
    }
}

impl<K, V> Default for ById<K, V> {
    fn default() -> Self {
        Self {
            sorted: OrdMap::new(),
            by_hash: GenericHashMap::default(),
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
    #[must_use]
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.sorted.iter()
    }

    /// Ids in their order.
    pub fn keys(&self) -> impl Iterator<Item = &K> + Clone {
        self.iter().map(|(id, _)| id)
    }

    /// Entries in the order of ids.
    pub fn values(&self) -> impl Iterator<Item = &Arc<V>> + Clone {
        self.iter().map(|(_, entry)| entry)
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

impl<'a, K: Clone + Ord + Hash, V> IntoIterator for &'a ById<K, V> {
    type Item = (&'a K, &'a Arc<V>);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
