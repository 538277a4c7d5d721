//! The mark that the index was closed whole: the one case in which it is believed without a look at all of it.
//!
//! ```text
//! <directory>/closed     generation of the journal u32 │ last record in the index u64 │ crc32 u32; or zeros
//! ```
//! It is written when the database is gone and its files are synced, and taken away, synced, before they are opened
//! again. So after a kill or a loss of power at any other moment it is not there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::journal::sync_directory;
use super::value::take;

const NAME: &str = "closed";
const BYTES: usize = 16;

/// What a closed index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed {
    /// Generation of the journal it belongs to.
    pub(super) generation: u32,
    /// The last record of it that it holds.
    pub(super) seq: u64,
}

impl Closed {
    /// Reads the mark and takes it away.
    pub(super) fn take(directory: &Path) -> io::Result<Option<Self>> {
        let file = match File::options().read(true).write(true).open(directory.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = [0; BYTES];
        // A shorter file is none of ours, and no mark.
        let found = file.read_exact_at(&mut bytes, 0).ok().and_then(|()| parse(&bytes));
        // In place: this needs no room on a full disk.
        file.write_all_at(&[0; BYTES], 0)?;
        file.sync_data()?;
        Ok(found)
    }

    /// Leaves the mark. Every file of the index must be synced.
    pub(super) fn put(self, directory: &Path) -> io::Result<()> {
        let mut bytes = [0; BYTES];
        bytes[..4].copy_from_slice(&self.generation.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.seq.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..12]);
        bytes[12..].copy_from_slice(&crc.to_le_bytes());
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(NAME))?;
        file.write_all_at(&bytes, 0)?;
        file.sync_all()?;
        sync_directory(directory)
    }
}

fn parse(bytes: &[u8; BYTES]) -> Option<Closed> {
    let mut rest = &bytes[..];
    let (generation, seq) = (take(&mut rest)?, take(&mut rest)?);
    (*rest == crc32fast::hash(&bytes[..12]).to_le_bytes()).then(|| Closed {
        generation: u32::from_le_bytes(generation),
        seq: u64::from_le_bytes(seq),
    })
}
