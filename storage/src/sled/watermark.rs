//! The watermark: a small file beside journal and index that says how far the log was durable.
//!
//! Both end at the first bad record and open with what lies before it, so a damaged file would be taken for a shorter
//! log, or for an empty one, without a word. The watermark tells damage from an end that a loss of power tore.
//!
//! ```text
//! <directory>/watermark     slot 0 │ slot 1, each: position u64 │ crc32 of it u32, little-endian
//! ```
//! Written after the sync of the batch and before its answers, without a sync of its own: a power loss may leave it
//! behind the log, which hides a loss at worst, and never ahead of it, which would be a false alarm. The slots take
//! turns, so a torn write leaves the other. A log without the file (made by an earlier program) gets one.
//! Not here: damage that checksums notice (`reader`, `journal`), and what is done about it (`opening`).

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use crate::error::Error;
use crate::lock::lock;
use crate::record::Position;

/// Name in the log's directory.
const FILE: &str = "watermark";

const SLOT_BYTES: usize = 12;

/// The open file.
pub(super) struct Watermark {
    state: Mutex<State>,
    found: Position,
}

struct State {
    file: File,
    slot: bool,
}

impl Watermark {
    /// Opens the file, which is created where it is missing, and reads what it says.
    pub(super) fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join(FILE);
        let open = || -> io::Result<Self> {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error),
            };
            let found = bytes.chunks(SLOT_BYTES).take(2).filter_map(parse).max().unwrap_or(0);
            // The slot that holds the highest position is not the next to be written.
            let slot = bytes.get(..SLOT_BYTES).and_then(parse) == Some(found);
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            let state = Mutex::new(State { file, slot });
            Ok(Self { state, found })
        };
        open().map_err(|error| Error::io("open `watermark` of the log", &error))
    }

    /// Whether the log reaches as far as it was once durable.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first position that is gone, and the ways out.
    pub(super) fn check(&self, last: Position) -> Result<(), Error> {
        if last >= self.found {
            return Ok(());
        }
        let found = self.found;
        let what = format!(
            "the log ends at position `{last}`, but commits up to `{found}` were durable: its files are damaged or were \
             replaced. Keep a copy of the directory; then restore an export into a new one, or remove `{FILE}` from \
             this one to go on with what is left"
        );
        Err(Error::corrupt(Some(last + 1), what))
    }

    /// Remembers that everything up to a position is durable.
    pub(super) fn raise(&self, position: Position) -> io::Result<()> {
        let mut bytes = [0; SLOT_BYTES];
        let (number, crc) = bytes.split_at_mut(8);
        number.copy_from_slice(&position.to_le_bytes());
        crc.copy_from_slice(&crc32fast::hash(number).to_le_bytes());
        let mut state = lock(&self.state);
        let offset = if state.slot { SLOT_BYTES as u64 } else { 0 };
        state.file.seek(SeekFrom::Start(offset))?;
        state.file.write_all(&bytes)?;
        state.slot = !state.slot;
        Ok(())
    }

    /// Brings it to the device.
    pub(super) fn sync(&self) -> io::Result<()> {
        lock(&self.state).file.sync_data()
    }
}

fn parse(slot: &[u8]) -> Option<Position> {
    let (number, crc) = slot.split_first_chunk::<8>()?;
    (crc == crc32fast::hash(number).to_le_bytes()).then(|| Position::from_le_bytes(*number))
}
