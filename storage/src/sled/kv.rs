//! Key-value entries: split into values of at most 4 KiB, hidden while the commit they belong to is not durable.
//!
//! ```text
//! entry   tag 0 │ value                                                  where it fits one value
//! entry   tag 1 │ n_chunks u16 │ length u32 │ crc32 of the whole u32     else; the pieces lie under `v`
//! ```
//! The writer applies a batch before it syncs it. Until the sync is done, [`InFlight`] keeps the value each key
//! had before, and readers answer with that: what a reader has seen cannot vanish in a power loss.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use super::reader::read_error;
use super::tally::Tally;
use super::value::{self, PAYLOAD_BYTES_MAX, bounded, take};
use crate::error::Error;
use crate::key;
use crate::lock::lock;
use crate::record::KvEntry;

/// Reads of a split entry that raced with a write of it start again; a write takes microseconds.
const N_READS_MAX: usize = 100;

/// Values before the batch that is being synced, by the entry's key on disk.
#[derive(Default)]
pub(super) struct InFlight(Mutex<BTreeMap<Vec<u8>, Option<Vec<u8>>>>);

impl InFlight {
    fn old(&self, entry: &[u8]) -> Option<Option<Vec<u8>>> {
        lock(&self.0).get(entry).cloned()
    }

    /// Called before the batch is applied.
    pub(super) fn begin(&self, old: BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
        *lock(&self.0) = old;
    }

    /// Called when the batch is durable.
    pub(super) fn end(&self) {
        lock(&self.0).clear();
    }
}

/// Collects the key-value writes of one batch, which see each other.
pub(super) struct KvBatch<'a> {
    tree: &'a sled::Tree,
    /// What each entry is made of, as the batch leaves it.
    sealed: HashMap<Vec<u8>, Vec<Pair>>,
    old: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// Key and sealed value.
type Pair = (Vec<u8>, Vec<u8>);

impl<'a> KvBatch<'a> {
    pub(super) fn new(tree: &'a sled::Tree) -> Self {
        Self {
            tree,
            sealed: HashMap::new(),
            old: BTreeMap::new(),
        }
    }

    /// Notes what an entry holds before the batch.
    pub(super) fn load(&mut self, entry: &[u8]) -> Result<(), Error> {
        if !self.sealed.contains_key(entry) {
            let old = read(self.tree, entry)?;
            let sealed = old.as_deref().map_or_else(Vec::new, |old| seal(entry, old));
            self.sealed.insert(entry.to_vec(), sealed);
            self.old.insert(entry.to_vec(), old);
        }
        Ok(())
    }

    /// Puts one write of a loaded entry into the batch.
    pub(super) fn put(&mut self, batch: &mut sled::Batch, tally: &mut Tally, entry: &[u8], value: Option<&[u8]>) {
        let new = value.map_or_else(Vec::new, |value| seal(entry, value));
        let old = self.sealed.remove(entry).unwrap_or_default();
        old.iter().for_each(|(_, sealed)| tally.remove(sealed));
        // The entry itself comes first, then its pieces: what the new one has no more goes.
        for (key, _) in old.iter().skip(new.len()) {
            batch.remove(&key[..]);
        }
        for (key, sealed) in &new {
            tally.add(sealed);
            batch.insert(&key[..], &sealed[..]);
        }
        self.sealed.insert(entry.to_vec(), new);
    }

    /// What each key held before the batch.
    pub(super) fn into_old(self) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
        self.old
    }
}

/// The durable value of an entry.
pub(super) fn get(tree: &sled::Tree, in_flight: &InFlight, entry: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    // The tree first: were it read second, a batch could be applied between the two looks.
    let found = read(tree, entry)?;
    Ok(in_flight.old(entry).unwrap_or(found))
}

/// Durable entries of a tree after a key.
pub(super) fn scan(
    tree: &sled::Tree,
    in_flight: &InFlight,
    name: &str,
    after: Option<&[u8]>,
    n_max: usize,
) -> Result<Vec<KvEntry>, Error> {
    let start = key::kv_tree(name);
    // A key that ends in NUL is the next one after the same key without it.
    let from = after.map_or_else(|| start.clone(), |after| [&key::kv(name, after)[..], &[0]].concat());
    // The tree's name ends in NUL, so the same name with 1 in its place is above all its keys.
    let end = [&start[..start.len() - 1], &[1]].concat();
    let mut found = BTreeMap::new();
    let mut up_to = None;
    for entry in tree.range(from.clone()..end.clone()) {
        let (entry, _) = entry.map_err(read_error)?;
        if found.len() == n_max {
            up_to = Some(entry.to_vec());
            break;
        }
        if let Some(value) = get(tree, in_flight, &entry)? {
            found.insert(entry.to_vec(), value);
        }
    }
    // Keys that the batch in flight removes are still there.
    for (entry, old) in lock(&in_flight.0).range(from..up_to.unwrap_or(end)) {
        if let Some(old) = old {
            found.insert(entry.clone(), old.clone());
        }
    }
    Ok(found
        .into_iter()
        .take(n_max)
        .map(|(entry, value)| (entry[start.len()..].to_vec(), value))
        .collect())
}

/// Names of the trees that hold an entry.
pub(super) fn trees(tree: &sled::Tree) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    let mut from = vec![key::prefix::KV];
    while let Some(entry) = tree.range(from..vec![key::prefix::KV + 1]).next() {
        let (entry, _) = entry.map_err(read_error)?;
        let Some((name, _)) = key::parse_kv(&entry) else {
            return Err(Error::corrupt(None, format!("key `{:?}` is not an entry's", &*entry)));
        };
        let start = key::kv_tree(name);
        from = [&start[..start.len() - 1], &[1]].concat();
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Checks every entry.
pub(super) fn verify(tree: &sled::Tree) -> Result<(), Error> {
    for entry in tree.scan_prefix([key::prefix::KV]) {
        let (entry, _) = entry.map_err(read_error)?;
        read(tree, &entry)?;
    }
    Ok(())
}

/// Keys and values of an entry: itself, then its pieces where value and tag do not fit one value.
fn seal(entry: &[u8], value: &[u8]) -> Vec<Pair> {
    if value.len() < PAYLOAD_BYTES_MAX {
        return vec![(entry.to_vec(), value::seal(entry, &[&[0], value]))];
    }
    let n_chunks: u16 = bounded(value.len().div_ceil(PAYLOAD_BYTES_MAX));
    let header = [
        &[1][..],
        &n_chunks.to_le_bytes(),
        &bounded::<u32>(value.len()).to_le_bytes(),
        &crc32fast::hash(value).to_le_bytes(),
    ];
    let mut pairs = vec![(entry.to_vec(), value::seal(entry, &header))];
    for (chunk, piece) in (0..).zip(value.chunks(PAYLOAD_BYTES_MAX)) {
        let chunk_key = key::kv_chunk(entry, chunk);
        let sealed = value::seal(&chunk_key, &[piece]);
        pairs.push((chunk_key, sealed));
    }
    pairs
}

/// The value of an entry as the tree has it, durable or not.
pub(super) fn read(tree: &sled::Tree, entry: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    for _ in 0..N_READS_MAX {
        let Some(sealed) = tree.get(entry).map_err(read_error)? else {
            return Ok(None);
        };
        let Some((tag, rest)) = value::unseal(entry, &sealed).and_then(<[u8]>::split_first) else {
            break;
        };
        if *tag == 0 {
            return Ok(Some(rest.to_vec()));
        }
        // A writer may replace the pieces while they are read; the CRC of the whole tells.
        if let Some(value) = read_split(tree, entry, rest)? {
            return Ok(Some(value));
        }
    }
    let (name, key) = key::parse_kv(entry).unwrap_or_default();
    Err(Error::corrupt(
        None,
        format!(
            "entry `{}` of tree `{name}` does not match its checksum",
            key.escape_ascii()
        ),
    ))
}

fn read_split(tree: &sled::Tree, entry: &[u8], mut header: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let (Some(n_chunks), Some(n_bytes), Some(crc)) = (take(&mut header), take(&mut header), take(&mut header)) else {
        return Ok(None);
    };
    let (n_chunks, n_bytes) = (u16::from_le_bytes(n_chunks), u32::from_le_bytes(n_bytes));
    let mut whole = Vec::with_capacity(usize::from(n_chunks) * PAYLOAD_BYTES_MAX);
    for chunk in 0..n_chunks {
        let chunk_key = key::kv_chunk(entry, chunk);
        let Some(sealed) = tree.get(&chunk_key).map_err(read_error)? else {
            return Ok(None);
        };
        let Some(piece) = value::unseal(&chunk_key, &sealed) else {
            return Ok(None);
        };
        whole.extend_from_slice(piece);
    }
    let is_whole = whole.len() == n_bytes as usize && crc32fast::hash(&whole) == u32::from_le_bytes(crc);
    Ok(is_whole.then_some(whole))
}
