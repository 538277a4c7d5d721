//! Bytes of files in an export: behind the commits, since whatever names a file was written after its bytes were kept.

use std::io::Read;

use super::line::{Bytes, FileLine, Line, LineWriter};
use crate::blobs::{BlobId, BlobStore, BlobWriter, hex, unhex};
use crate::error::Error;

/// Bytes of a file in one line.
const BITE_BYTES: usize = 1 << 20;
/// Files listed at a time.
const BITE: usize = 256;

/// Writes the bytes of every file, those of drafts too; how many files.
pub(super) fn write(blobs: &dyn BlobStore, lines: &mut LineWriter<'_>) -> Result<u64, Error> {
    let mut n_files = 0;
    let mut after: Option<BlobId> = None;
    loop {
        let listed = blobs.scan(after.as_ref(), BITE)?;
        let Some(last) = listed.last() else { return Ok(n_files) };
        after = Some(last.id);
        for blob in &listed {
            // One that went meanwhile has nobody left who names it.
            let Some(mut bytes) = blobs.open(&blob.id)? else {
                continue;
            };
            let mut at = 0;
            loop {
                let bite = read(&mut *bytes)?;
                if (at > 0 || blob.n_bytes > 0) && bite.is_empty() {
                    break;
                }
                let n = bite.len() as u64;
                lines.write(&Line::File(FileLine {
                    space: hex(&blob.id.space),
                    digest: hex(&blob.id.digest),
                    n_bytes: blob.n_bytes,
                    at,
                    bytes: Bytes(bite),
                }))?;
                at += n;
                if at >= blob.n_bytes {
                    break;
                }
            }
            if at != blob.n_bytes {
                return Err(Error::corrupt(
                    None,
                    format!("file `{:?}` has {at} bytes, not {}", blob.id, blob.n_bytes),
                ));
            }
            n_files += 1;
        }
    }
}

fn read(bytes: &mut dyn Read) -> Result<Vec<u8>, Error> {
    let mut bite = Vec::new();
    let read = bytes.take(BITE_BYTES as u64).read_to_end(&mut bite);
    read.map_err(|error| Error::io("read the bytes of a file", &error))?;
    Ok(bite)
}

/// Files of an import on their way to where bytes are kept.
#[derive(Default)]
pub(super) struct Incoming {
    /// The one that is not whole yet.
    open: Option<Open>,
}

struct Open {
    id: BlobId,
    n_bytes: u64,
    n_written: u64,
    writer: Box<dyn BlobWriter>,
}

impl Incoming {
    /// Whether a file was begun and is not whole.
    pub(super) fn is_cut(&self) -> bool {
        self.open.is_some()
    }

    /// Takes a line in; whether a file is whole with it.
    ///
    /// # Errors
    /// The inner one is what is wrong with the line.
    pub(super) fn take(&mut self, blobs: &dyn BlobStore, line: FileLine) -> Result<Result<bool, &'static str>, Error> {
        let (Some(space), Some(digest)) = (unhex(&line.space), unhex(&line.digest)) else {
            return Ok(Err("names no file"));
        };
        let id = BlobId { space, digest };
        let mut open = match self.open.take() {
            None if line.at == 0 => Open {
                id,
                n_bytes: line.n_bytes,
                n_written: 0,
                writer: blobs.begin()?,
            },
            Some(open) if open.id == id && open.n_written == line.at && open.n_bytes == line.n_bytes => open,
            Some(_) | None => return Ok(Err("does not go on with the file before it")),
        };
        open.writer.write(&line.bytes.0)?;
        open.n_written += line.bytes.0.len() as u64;
        if open.n_written < open.n_bytes {
            if line.bytes.0.is_empty() {
                return Ok(Err("has nothing of its file"));
            }
            self.open = Some(open);
            return Ok(Ok(false));
        }
        let kept = open.writer.keep(space)?;
        if kept.id != id || kept.n_bytes != open.n_bytes {
            blobs.remove(&kept.id)?;
            return Ok(Err("ends a file that has not its digest"));
        }
        Ok(Ok(true))
    }
}
