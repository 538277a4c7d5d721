//! Bytes of files without a disk: for tests, and for an engine whose log is in memory too.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::{Blob, BlobId, BlobStore, BlobWriter, NewBlob, SPACE_BYTES};
use crate::error::Error;
use crate::lock::lock;

type Kept = Arc<Mutex<BTreeMap<BlobId, Arc<[u8]>>>>;

/// Bytes of files in memory. What it holds is always old: it does not look at a clock.
#[derive(Clone, Default)]
pub struct MemoryBlobs {
    kept: Kept,
}

impl std::fmt::Debug for MemoryBlobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = lock(&self.kept).len();
        f.debug_struct("MemoryBlobs").field("n", &n).finish_non_exhaustive()
    }
}

impl MemoryBlobs {
    /// Without anything in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl BlobStore for MemoryBlobs {
    fn begin(&self) -> Result<Box<dyn BlobWriter>, Error> {
        Ok(Box::new(Incoming {
            kept: self.kept.clone(),
            bytes: Vec::new(),
        }))
    }

    fn n_bytes(&self, id: &BlobId) -> Result<Option<u64>, Error> {
        Ok(lock(&self.kept).get(id).map(|bytes| bytes.len() as u64))
    }

    fn open(&self, id: &BlobId) -> Result<Option<Box<dyn Read + Send>>, Error> {
        let bytes = lock(&self.kept).get(id).cloned();
        Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn remove(&self, id: &BlobId) -> Result<bool, Error> {
        Ok(lock(&self.kept).remove(id).is_some())
    }

    fn scan(&self, after: Option<&BlobId>, n_max: usize) -> Result<Vec<Blob>, Error> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(*after));
        let kept = lock(&self.kept);
        let blobs = kept.range((from, Bound::Unbounded)).take(n_max);
        Ok(blobs
            .map(|(id, bytes)| Blob {
                id: *id,
                n_bytes: bytes.len() as u64,
                kept_at: SystemTime::UNIX_EPOCH,
            })
            .collect())
    }
}

struct Incoming {
    kept: Kept,
    bytes: Vec<u8>,
}

impl BlobWriter for Incoming {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn keep(self: Box<Self>, space: [u8; SPACE_BYTES]) -> Result<NewBlob, Error> {
        let id = BlobId {
            space,
            digest: Sha256::digest(&self.bytes).into(),
        };
        let n_bytes = self.bytes.len() as u64;
        let is_new = lock(&self.kept).insert(id, self.bytes.into()).is_none();
        Ok(NewBlob { id, n_bytes, is_new })
    }
}
