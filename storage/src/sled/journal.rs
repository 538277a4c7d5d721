//! The journal: every batch of the writer as one checksummed record, appended and synced before anything else is done
//! with it. It is kept for good, and the index (the sled database) can be built from it at any time.
//!
//! ```text
//! <directory>/journal                               manifest: magic │ generation u32 │ crc32 u32
//! <directory>/journal.<generation>.<first seq>      segment: header, then records without gaps
//! header   magic 8 │ generation u32 │ first seq u64 │ last position before it u64 │ tally before it 16 │ crc32 u32
//! ```
//! # Why it survives a cut at every moment
//! - One thread writes, and record `n + 1` is written only after record `n` was synced. So after a loss of power at most
//!   the last record is torn, and nobody was told that it is there. What does not match its checksum at the end of the
//!   last segment is cut off.
//! - A segment is used only once its header and its name are synced. A segment whose header is torn holds nothing.
//! - A failed write or sync leaves bytes of which nobody knows what the device has. They are cut off, and that is
//!   synced, before the next record is written; after a failed sync the next record goes to a new segment.
//! - A generation is built aside and named by the manifest only when it is whole and synced.
//!
//! Not here: what a record means to the index (`index`), when to build it anew (`opening`).

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use self::record::{FRAME_BYTES, Mark, RECORD_BYTES_MAX, Record, RecordBuilder};
use super::tally::{TALLY_BYTES, Tally};
use super::value::take;
use crate::error::Error;
use crate::record::Position;

pub(super) mod record;

/// Name of the manifest, and the beginning of every segment's name.
const NAME: &str = "journal";
/// Said of a record that should be there and is not as it was written.
pub(super) const UNMATCHED: &str = "does not match its checksum";
const MANIFEST_MAGIC: [u8; 8] = *b"LFJRNL-M";
const SEGMENT_MAGIC: [u8; 8] = *b"LFJRNL-S";
const HEADER_BYTES: usize = 8 + 4 + 8 + 8 + TALLY_BYTES + 4;
/// A segment is followed by another beyond this: opening reads the last one whole, which takes a tenth of a second.
const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// Zeros that are written ahead of small records, so that their sync need not change the size of the file as well, which
/// costs the file system a commit of its own.
const RESERVE_BYTES: usize = 256 << 10;
/// A larger record pays for its own growth.
const SMALL_RECORD_BYTES_MAX: usize = 16 << 10;

/// One generation of the journal in a directory.
#[derive(Clone, Debug)]
pub(super) struct Place {
    directory: PathBuf,
    generation: u32,
}

/// The journal as found on disk, before anything is changed.
pub(super) struct Found {
    pub(super) place: Place,
    /// Where its last whole record leaves it.
    pub(super) mark: Mark,
    /// First record of the segment to be continued, and the byte after its last whole record.
    end: (u64, u64),
    /// Segments after that one, whose headers are torn.
    torn: Vec<PathBuf>,
    /// The manifest names this generation. Where there is no manifest, this is the newest one, and perhaps not whole.
    pub(super) is_named: bool,
}

/// The journal as the writer has it.
pub(super) struct Journal {
    place: Place,
    file: File,
    seed: u32,
    /// Bytes of the segment that are known to be on the device.
    n_bytes_durable: u64,
    durable: Mark,
    /// Bytes written, and where they leave the journal; beyond the durable ones only between `write` and `sync`.
    n_bytes: u64,
    written: Mark,
    /// Bytes of the file; from `n_bytes` on they are zeros.
    n_bytes_reserved: u64,
    /// Something may stand after the durable bytes.
    has_tail: bool,
    /// A sync failed in this segment.
    is_doubtful: bool,
}

impl Place {
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    fn segment(&self, first_seq: u64) -> PathBuf {
        self.directory
            .join(format!("{NAME}.{:08}.{first_seq:020}", self.generation))
    }

    /// First records of all segments, in order.
    fn segments(&self) -> io::Result<Vec<u64>> {
        let prefix = format!("{NAME}.{:08}.", self.generation);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(&prefix));
            found.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Every record after one, in order. Another thread may write meanwhile: what it adds later is not waited for.
    ///
    /// # Errors
    /// As the operating system says, or [`Error::Corrupt`] where no segment holds the record that should come first.
    pub(super) fn records(&self, after: u64) -> Result<Records, Error> {
        let segments = self.segments().map_err(|error| io_error("list", &error))?;
        let first = segments.iter().rposition(|&first_seq| first_seq <= after + 1);
        let Some(first) = first else {
            return Err(damaged(after + 1, "no segment holds it"));
        };
        Ok(Records {
            place: self.clone(),
            segments: segments.into_iter().skip(first).collect::<Vec<_>>().into_iter(),
            current: None,
            after,
        })
    }

    /// Removes every file of other generations.
    pub(super) fn remove_others(&self) -> io::Result<()> {
        let own = format!("{NAME}.{:08}.", self.generation);
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&format!("{NAME}.")) && !name.starts_with(&own) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Found {
    /// Looks for the journal of a directory; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the manifest or the last segments are not what was written.
    pub(super) fn look(directory: &Path) -> Result<Option<Self>, Error> {
        let manifest = match fs::read(directory.join(NAME)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error("read", &error)),
        };
        let is_named = manifest.is_some();
        let generation = match manifest {
            Some(bytes) => parse_manifest(&bytes)
                .ok_or_else(|| Error::corrupt(None, "its file `journal` does not match its checksum"))?,
            None => Self::newest_generation(directory)?,
        };
        if generation == 0 {
            return Ok(None);
        }
        let place = Place {
            directory: directory.to_owned(),
            generation,
        };
        let mut torn = Vec::new();
        let segments = place.segments().map_err(|error| io_error("list", &error))?;
        for first_seq in segments.into_iter().rev() {
            let mut segment = Segment::open(&place, first_seq).map_err(|error| io_error("read", &error))?;
            let Some(mut mark) = segment.mark_before else {
                torn.push(place.segment(first_seq));
                continue;
            };
            while let Some(record) = segment.next().map_err(|error| io_error("read", &error))? {
                mark = record.mark;
            }
            return Ok(Some(Self {
                place,
                mark,
                end: (first_seq, segment.n_bytes),
                torn,
                is_named,
            }));
        }
        if !is_named {
            return Ok(None);
        }
        Err(Error::corrupt(None, "no segment of its journal is whole"))
    }

    /// The highest generation of which a segment is there; 0 where there is none.
    pub(super) fn newest_generation(directory: &Path) -> Result<u32, Error> {
        let newest = || -> io::Result<u32> {
            let mut newest = 0;
            for entry in fs::read_dir(directory)? {
                let name = entry?.file_name();
                let parts = name
                    .to_str()
                    .and_then(|name| name.strip_prefix(NAME)?.strip_prefix('.'));
                let generation = parts.and_then(|parts| parts.split_once('.')?.0.parse().ok());
                newest = newest.max(generation.unwrap_or(0));
            }
            Ok(newest)
        };
        newest().map_err(|error| io_error("list", &error))
    }

    /// Cuts off what is torn, so that records can be appended.
    pub(super) fn open(self) -> Result<Journal, Error> {
        let open = || -> io::Result<Journal> {
            for path in &self.torn {
                fs::remove_file(path)?;
            }
            let (first_seq, n_bytes) = self.end;
            let file = File::options().write(true).open(self.place.segment(first_seq))?;
            if file.metadata()?.len() > n_bytes {
                file.set_len(n_bytes)?;
            }
            // Also where nothing was cut: what a killed process wrote and did not sync counts from here on.
            file.sync_all()?;
            sync_directory(&self.place.directory)?;
            Ok(Journal {
                seed: seed(self.place.generation, first_seq),
                place: self.place.clone(),
                file,
                n_bytes_durable: n_bytes,
                durable: self.mark,
                n_bytes,
                n_bytes_reserved: n_bytes,
                written: self.mark,
                has_tail: false,
                is_doubtful: false,
            })
        };
        open().map_err(|error| io_error("open", &error))
    }
}

impl Journal {
    /// A new generation, empty; nobody finds it before [`publish`](Journal::publish).
    pub(super) fn create(directory: &Path, generation: u32) -> Result<Self, Error> {
        let place = Place {
            directory: directory.to_owned(),
            generation,
        };
        let create = || -> io::Result<Self> {
            // Left by an attempt that did not end.
            for first_seq in place.segments()? {
                fs::remove_file(place.segment(first_seq))?;
            }
            let mark = Mark::default();
            let (file, seed) = start_segment(&place, mark)?;
            Ok(Self {
                place,
                file,
                seed,
                n_bytes_durable: HEADER_BYTES as u64,
                durable: mark,
                n_bytes: HEADER_BYTES as u64,
                n_bytes_reserved: HEADER_BYTES as u64,
                written: mark,
                has_tail: false,
                is_doubtful: false,
            })
        };
        create().map_err(|error| io_error("make", &error))
    }

    /// Names this generation as the one that counts. Everything in it must be synced.
    pub(super) fn publish(&self) -> Result<(), Error> {
        let generation = self.place.generation.to_le_bytes();
        let crc = crc32fast::hash(&[&MANIFEST_MAGIC[..], &generation].concat()).to_le_bytes();
        let publish = || -> io::Result<()> {
            let directory = &self.place.directory;
            let path = directory.join(format!("{NAME}.new"));
            let mut file = File::create(&path)?;
            io::Write::write_all(&mut file, &[&MANIFEST_MAGIC[..], &generation, &crc].concat())?;
            file.sync_all()?;
            fs::rename(&path, directory.join(NAME))?;
            sync_directory(directory)
        };
        publish().map_err(|error| io_error("name", &error))
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Where the last record that is on the device leaves the journal.
    pub(super) fn mark(&self) -> Mark {
        self.durable
    }

    /// Appends a record and brings it to the device.
    ///
    /// # Errors
    /// As the operating system says. Whether the record is there is known after [`recover`](Journal::recover).
    pub(super) fn append(&mut self, record: RecordBuilder, position: Position, tally: Tally) -> Result<(), Error> {
        self.write(record, position, tally)?;
        self.sync()
    }

    /// Appends a record; it counts after [`sync`](Journal::sync) only.
    pub(super) fn write(&mut self, record: RecordBuilder, position: Position, tally: Tally) -> Result<(), Error> {
        if self.is_doubtful || self.n_bytes > SEGMENT_BYTES_MAX {
            self.sync()?;
            let (file, seed) =
                start_segment(&self.place, self.written).map_err(|error| io_error("start a segment of", &error))?;
            (self.file, self.seed) = (file, seed);
            self.n_bytes = HEADER_BYTES as u64;
            self.n_bytes_durable = self.n_bytes;
            self.n_bytes_reserved = self.n_bytes;
            self.is_doubtful = false;
        }
        let mark = Mark {
            seq: self.written.seq + 1,
            position,
            tally,
        };
        let bytes = record.finish(mark, self.seed);
        self.has_tail = true;
        let end = self.n_bytes + bytes.len() as u64;
        let mut write = || -> io::Result<()> {
            if end > self.n_bytes_reserved && bytes.len() <= SMALL_RECORD_BYTES_MAX {
                self.file.write_all_at(&vec![0; RESERVE_BYTES], end)?;
                self.n_bytes_reserved = end + RESERVE_BYTES as u64;
            }
            self.file.write_all_at(&bytes, self.n_bytes)
        };
        write().map_err(|error| io_error("write", &error))?;
        self.n_bytes_reserved = self.n_bytes_reserved.max(end);
        self.n_bytes = end;
        self.written = mark;
        Ok(())
    }

    /// Brings to the device what was written.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        if !self.has_tail {
            return Ok(());
        }
        if let Err(error) = self.file.sync_data() {
            self.is_doubtful = true;
            return Err(io_error("sync", &error));
        }
        self.has_tail = false;
        self.n_bytes_durable = self.n_bytes;
        self.durable = self.written;
        Ok(())
    }

    /// After a failure: cuts off what nobody knows the state of. After `Ok` it is gone for good; after an error the
    /// call is to be repeated, and nothing may be appended before it succeeds.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        self.n_bytes = self.n_bytes_durable;
        self.written = self.durable;
        if self.has_tail {
            let cut = self.file.set_len(self.n_bytes).and_then(|()| self.file.sync_all());
            cut.map_err(|error| io_error("cut", &error))?;
            self.n_bytes_reserved = self.n_bytes;
            self.has_tail = false;
        }
        Ok(())
    }
}

/// Records of the journal, read in order.
pub(super) struct Records {
    place: Place,
    segments: std::vec::IntoIter<u64>,
    current: Option<Segment>,
    /// The last record given.
    after: u64,
}

impl Records {
    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where a record is missing and later ones are there.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Error> {
        loop {
            if let Some(segment) = &mut self.current {
                while let Some(record) = segment.next().map_err(|error| io_error("read", &error))? {
                    if record.mark.seq > self.after {
                        self.after = record.mark.seq;
                        return Ok(Some(record));
                    }
                }
            }
            let Some(first_seq) = self.segments.next() else {
                return Ok(None);
            };
            if self.current.is_some() && first_seq != self.after + 1 {
                return Err(damaged(self.after + 1, UNMATCHED));
            }
            let segment = Segment::open(&self.place, first_seq).map_err(|error| io_error("read", &error))?;
            if segment.mark_before.is_none() && self.segments.len() > 0 {
                return Err(damaged(first_seq, "begins a segment without a header"));
            }
            self.current = Some(segment);
        }
    }
}

/// One segment, read from its beginning.
struct Segment {
    input: BufReader<File>,
    seed: u32,
    /// What its header says; `None` where it has no whole header, and so no record.
    mark_before: Option<Mark>,
    next_seq: u64,
    /// Bytes up to the end of the last whole record.
    n_bytes: u64,
    n_bytes_file: u64,
}

impl Segment {
    fn open(place: &Place, first_seq: u64) -> io::Result<Self> {
        let file = File::open(place.segment(first_seq))?;
        let n_bytes_file = file.metadata()?.len();
        let mut input = BufReader::with_capacity(1 << 20, file);
        let header = read_exact(&mut input, HEADER_BYTES)?;
        let mark_before = header.and_then(|header| parse_header(&header, place.generation, first_seq));
        Ok(Self {
            input,
            seed: seed(place.generation, first_seq),
            mark_before,
            next_seq: first_seq,
            n_bytes: HEADER_BYTES as u64,
            n_bytes_file,
        })
    }

    /// The next whole record; `None` where there is none.
    fn next(&mut self) -> io::Result<Option<Record>> {
        if self.mark_before.is_none() {
            return Ok(None);
        }
        let Some(frame) = read_exact(&mut self.input, FRAME_BYTES)? else {
            return Ok(None);
        };
        let mut frame = &frame[..];
        let (Some(n_bytes), Some(crc)) = (take(&mut frame), take(&mut frame)) else {
            return Ok(None);
        };
        let (n_bytes, crc) = (u32::from_le_bytes(n_bytes) as usize, u32::from_le_bytes(crc));
        let end = self.n_bytes + (FRAME_BYTES + n_bytes) as u64;
        // Zeros are what was reserved.
        if n_bytes == 0 || n_bytes > RECORD_BYTES_MAX || end > self.n_bytes_file {
            return Ok(None);
        }
        let Some(bytes) = read_exact(&mut self.input, n_bytes)? else {
            return Ok(None);
        };
        let record = Record::parse(bytes, crc, self.seed).filter(|record| record.mark.seq == self.next_seq);
        if record.is_some() {
            self.next_seq += 1;
            self.n_bytes = end;
        }
        Ok(record)
    }
}

/// So many bytes; `None` where the input ends before.
fn read_exact(input: &mut impl Read, n_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; n_bytes];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the segment that begins after a mark, with its header and its name on the device.
fn start_segment(place: &Place, before: Mark) -> io::Result<(File, u32)> {
    let first_seq = before.seq + 1;
    // A file of this name has no record: the one that would be its first is about to be written.
    let file = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .open(place.segment(first_seq))?;
    let fixed = [
        &SEGMENT_MAGIC[..],
        &place.generation.to_le_bytes(),
        &first_seq.to_le_bytes(),
        &before.position.to_le_bytes(),
        &before.tally.to_bytes(),
    ]
    .concat();
    let header = [&fixed[..], &crc32fast::hash(&fixed).to_le_bytes()].concat();
    file.write_all_at(&header, 0)?;
    file.sync_all()?;
    sync_directory(&place.directory)?;
    Ok((file, seed(place.generation, first_seq)))
}

fn parse_header(header: &[u8], generation: u32, first_seq: u64) -> Option<Mark> {
    let (fixed, crc) = header.split_at_checked(HEADER_BYTES - 4)?;
    let mut rest = fixed;
    let is_ours = crc == crc32fast::hash(fixed).to_le_bytes()
        && take(&mut rest)? == SEGMENT_MAGIC
        && u32::from_le_bytes(take(&mut rest)?) == generation
        && u64::from_le_bytes(take(&mut rest)?) == first_seq;
    is_ours.then_some(())?;
    Some(Mark {
        seq: first_seq.checked_sub(1)?,
        position: u64::from_le_bytes(take(&mut rest)?),
        tally: Tally::parse(take(&mut rest)?),
    })
}

fn parse_manifest(bytes: &[u8]) -> Option<u32> {
    let (fixed, crc) = bytes.split_at_checked(12)?;
    let generation = fixed.strip_prefix(&MANIFEST_MAGIC)?;
    (crc == crc32fast::hash(fixed).to_le_bytes()).then_some(())?;
    Some(u32::from_le_bytes(generation.try_into().ok()?))
}

/// A record under the seed of another segment is not taken for one of this.
fn seed(generation: u32, first_seq: u64) -> u32 {
    crc32fast::hash(&[&generation.to_le_bytes()[..], &first_seq.to_le_bytes()].concat())
}

/// Brings the names of a directory to the device.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn io_error(doing: &str, error: &io::Error) -> Error {
    Error::io(&format!("{doing} the journal of the log"), error)
}

/// What is wrong with one record.
pub(super) fn damaged(seq: u64, why: &str) -> Error {
    Error::corrupt(None, format!("record `{seq}` of its journal {why}"))
}
