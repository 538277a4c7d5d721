//! Bytes of files, kept by what they are: each by the space it belongs to (a tenant) and its SHA-256, once. It knows
//! neither names nor whose they are; whoever embeds it keeps those in the log.
//!
//! # What is on disk when [`BlobWriter::keep`] is answered
//! The bytes, whole, and their name: both were synced. They survive SIGKILL and power loss, so an entry of the log that
//! names them may be written from then on. What was begun and not kept goes with the next opening.
//!
//! Reading order: this file (the interface), `disk`, `files` (the few calls of a file system that it needs), `memory`.
//!
//! Invariant: what stands under a digest has that digest, or the disk has changed it.

use std::fmt;
use std::io::Read;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::error::Error;

mod disk;
mod files;
mod memory;

pub use self::disk::DiskBlobs;
pub use self::memory::MemoryBlobs;

/// Bytes of a space's name: half a SHA-256 of whatever names it.
pub const SPACE_BYTES: usize = 16;

/// Which bytes: whose, and which ones. Ordered by space, then by digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId {
    /// Whose they are.
    pub space: [u8; SPACE_BYTES],
    /// Their SHA-256.
    pub digest: [u8; 32],
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", hex(&self.space), hex(&self.digest))
    }
}

/// Bytes that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Which.
    pub id: BlobId,
    /// How many.
    pub n_bytes: u64,
    /// Since when, by the machine's clock.
    pub kept_at: SystemTime,
}

/// Bytes that were taken in just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewBlob {
    /// Which.
    pub id: BlobId,
    /// How many.
    pub n_bytes: u64,
    /// Whether they were not here before.
    pub is_new: bool,
}

/// Bytes of files. Every call blocks its thread: an async caller runs it off its own.
pub trait BlobStore: fmt::Debug + Send + Sync + 'static {
    /// Begins to take bytes in.
    ///
    /// # Errors
    /// What the disk says.
    fn begin(&self) -> Result<Box<dyn BlobWriter>, Error>;

    /// How many bytes these are; `None` where they are not here.
    ///
    /// # Errors
    /// What the disk says.
    fn n_bytes(&self, id: &BlobId) -> Result<Option<u64>, Error>;

    /// Reads them from the beginning; `None` where they are not here.
    ///
    /// # Errors
    /// What the disk says.
    fn open(&self, id: &BlobId) -> Result<Option<Box<dyn Read + Send>>, Error>;

    /// Takes them away; whether they were here.
    ///
    /// # Errors
    /// What the disk says.
    fn remove(&self, id: &BlobId) -> Result<bool, Error>;

    /// What is kept, in the order of ids: at most `n_max` behind `after`.
    ///
    /// # Errors
    /// What the disk says.
    fn scan(&self, after: Option<&BlobId>, n_max: usize) -> Result<Vec<Blob>, Error>;
}

/// Bytes on their way in. Dropped before it is kept, nothing of it stays.
pub trait BlobWriter: Send {
    /// Takes more of them.
    ///
    /// # Errors
    /// What the disk says; then it can only be dropped.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;

    /// Keeps them in a space, under their digest: on disk once this is answered.
    ///
    /// # Errors
    /// What the disk says; then nobody may count on them.
    fn keep(self: Box<Self>, space: [u8; SPACE_BYTES]) -> Result<NewBlob, Error>;
}

/// Reads bytes to their end and says whether they are those of a digest.
///
/// # Errors
/// What the disk says.
pub fn is_sound(store: &dyn BlobStore, id: &BlobId, n_bytes: u64) -> Result<bool, Error> {
    let Some(mut bytes) = store.open(id)? else {
        return Ok(false);
    };
    let mut hasher = Sha256::new();
    let mut n_read = 0;
    let mut bite = vec![0; 64 << 10];
    loop {
        let n = bytes
            .read(&mut bite)
            .map_err(|error| Error::io("read the bytes of a file", &error))?;
        if n == 0 {
            break;
        }
        n_read += n as u64;
        hasher.update(&bite[..n]);
    }
    Ok(n_read == n_bytes && <[u8; 32]>::from(hasher.finalize()) == id.digest)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads what [`hex`] wrote, and nothing else.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |one: u8| match one {
        b'0'..=b'9' => Some(one - b'0'),
        b'a'..=b'f' => Some(one - b'a' + 10),
        _ => None,
    };
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
