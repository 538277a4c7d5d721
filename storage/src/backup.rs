//! Export of a log as JSON lines, whole or from a position on, and import into an empty one. Both stream, with bounded
//! memory, and block their thread: an async caller runs them on a thread of their own.
//!
//! ```text
//! {"header":{"format":"loonflow-log","version":2,"after":0},"sha256":"…"}
//! {"entry":{"tree":"…","key":"<base64>","value":"<base64>"},"sha256":"…"}                            every key-value entry
//! {"commit":{"position":1,"stream":"…","first_version":1,"meta":"<base64>","events":[{"kind":"…","schema":1,"payload":"<base64>"}]},"sha256":"…"}
//! {"end":{"n_entries":0,"n_commits":1,"position":1,"commit":"<sha256>"},"sha256":"…"}                nothing is missing
//! ```
//!
//! # Digests
//! Every line ends with a digest, which chains it to the lines before it. A line's *content* is its bytes up to
//! `,"sha256":`; its digest is SHA-256 of the digest of the line before (as 32 bytes; zeros before the first line) and
//! of SHA-256 of its content. So a byte that changed, a line that was cut, swapped, doubled or left out is refused with
//! the number of the line, and the digest of the end line stands for the whole export. The digests find damage; they are
//! no signature, for whoever rewrites an export can make them anew.
//!
//! Version 1, which had no digests, is still read; [`BackupReport::digest`] is then `None`, and whoever restores should
//! know that a change in such an export goes unseen.
//!
//! # Files
//! Where there are files beside the log, the version is 3, and behind the commits stand their bytes, a MiB in a line:
//!
//! ```text
//! {"file":{"space":"<hex>","digest":"<sha256>","n_bytes":5,"at":0,"bytes":"<base64>"},"sha256":"…"}
//! ```
//! They come last, so whatever the log names is there. Every export has all of them, an increment too; an import takes
//! those of the last part.
//!
//! # Increments
//! [`export_since`] writes what came after an earlier export. Its header names the position after which it begins, the
//! digest of the commit at that position and, where the export before was at hand, the digest of that; [`import_chain`]
//! refuses parts that do not follow one another. An increment carries *all* key-value entries as they are at its end:
//! entries are written and removed outside of commits too, so no difference can be told from the commits. An import
//! takes the entries of the last part alone, and gives the same log as one whole export made at that moment.
//!
//! # Beside appends
//! An export can run while the log is appended to. Entries come first, so every commit whose entries were seen is
//! in the export; entries of commits that came while it ran may be missing, entries without their commit never
//! occur. Snapshots and checkpoints are left out: they are folded again.

mod digest;
mod entries;
mod files;
mod line;
mod read;
mod write;

use serde::{Deserialize, Serialize};

pub use self::digest::Digest;
pub use self::read::{Part, import, import_chain, import_chain_with_files};
pub use self::write::{export, export_since, export_with_files};
use crate::error::Error;
use crate::record::Position;

/// What an export or an import has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Commits: of an export those in it, of an import those of all its parts.
    pub n_commits: u64,
    /// Key-value entries.
    pub n_entries: u64,
    /// Files: of an export those in it, of an import those of its last part.
    pub n_files: u64,
    /// Position of the last commit; 0 where there is none.
    pub position: Position,
    /// Digest of the last line, which stands for the whole export; `None` where an export carries no digests.
    pub digest: Option<Digest>,
}

/// Where an increment begins: the end of the export before it. By default at the beginning of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Commits up to here were exported before.
    pub position: Position,
    /// Digest of the commit at that position, so that another log is not taken for the same one.
    pub commit: Option<Digest>,
    /// Digest of the export before.
    pub export: Option<Digest>,
}

impl Since {
    /// The commits after a position, when the export before is not at hand.
    #[must_use]
    pub fn at(position: Position) -> Self {
        Self {
            position,
            ..Self::default()
        }
    }

    /// What came after an export, of which this is the last line.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where it is no end line.
    pub fn end_line(line: &[u8]) -> Result<Self, Error> {
        let no_end = || Error::corrupt(None, "the last line of the export is no end line: it was cut");
        let (end, export) = line::end(line).ok_or_else(no_end)?;
        Ok(Self {
            // In version 1, which knew whole exports only, the position is the number of commits.
            position: end.position.unwrap_or(end.n_commits),
            commit: end.commit,
            export,
        })
    }
}
