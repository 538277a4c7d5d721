//! A file on its way in: written to the disk as it comes, measured all the while, a draft once it is whole.

use std::sync::Arc;
use std::sync::PoisonError;

use loonflow_storage::blobs::SPACE_BYTES;
use loonflow_storage::{BlobId, BlobStore, BlobWriter};
use tokio::sync::OwnedSemaphorePermit;

use super::{Kept, blocking, fresh_id, name, records};
use crate::limits::{DRAFT_BYTES_OF_USER_MAX, DRAFTS_OF_USER_MAX, FILE_BYTES_MAX};
use crate::runtime::Answer;
use crate::runtime::fault::Fault;
use crate::runtime::options::Ports;
use crate::runtime::request::Caller;
use crate::ticket::{FileInfo, Refusal};

/// Bytes that are written at a time.
const BITE_BYTES: usize = 256 << 10;
/// Bytes at the beginning by which a type is told.
const HEAD_BYTES: usize = 8 << 10;
/// Seconds after which an upload that found no room may come again.
const RETRY_S: u32 = 2;

/// A file on its way in. Dropped before it is finished, nothing of it stays.
pub struct Upload {
    kept: Arc<Kept>,
    ports: Ports,
    caller: Caller,
    writer: Option<Box<dyn BlobWriter>>,
    /// What was sent and is not written yet.
    bite: Vec<u8>,
    head: Vec<u8>,
    n_bytes: u64,
    _place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("n_bytes", &self.n_bytes)
            .finish_non_exhaustive()
    }
}

/// Room that a user's drafts and a tenant's files were found to have, until the file is there.
struct Reserved {
    kept: Arc<Kept>,
    caller: Caller,
    n_bytes: u64,
}

/// Finds room for a file among the user's drafts and the tenant's files, and keeps it free. Blocking.
fn reserve(kept: &Arc<Kept>, caller: &Caller, n_bytes: u64) -> Result<Result<Reserved, Refusal>, Fault> {
    let (tenant, user) = (&caller.tenant_id, &caller.user_id);
    let space = records::space(tenant);
    let mut usage = kept.usage.lock().unwrap_or_else(PoisonError::into_inner);
    let of_tenant = match usage.spaces.get(&space) {
        Some(used) => *used,
        None => {
            let used = size_of(&*kept.store, space)?;
            usage.spaces.insert(space, used);
            used
        }
    };
    let (n_drafts, of_drafts) = records::size_of_drafts(&*kept.log, tenant, user)?;
    let of = (tenant.clone(), user.clone());
    let (n_coming, coming) = usage.coming.get(&of).copied().unwrap_or_default();
    let all_coming = usage.coming.iter().filter(|((of, _), _)| of == tenant);
    let all_coming: u64 = all_coming.map(|(_, (_, n_bytes))| n_bytes).sum();
    let rooms = [
        (
            "the files that you have uploaded and not used",
            (n_drafts + n_coming + 1) as u64,
            DRAFTS_OF_USER_MAX as u64,
            "files",
        ),
        (
            "the files that you have uploaded and not used",
            of_drafts + coming + n_bytes,
            DRAFT_BYTES_OF_USER_MAX,
            "bytes",
        ),
        (
            "the files of the tenant",
            of_tenant + all_coming + n_bytes,
            kept.bytes_of_tenant_max,
            "bytes",
        ),
    ];
    for (whose, n, n_max, unit) in rooms {
        if n > n_max {
            return Ok(Err(Refusal::QuotaExceeded { whose, n, n_max, unit }));
        }
    }
    usage.coming.insert(of, (n_coming + 1, coming + n_bytes));
    Ok(Ok(Reserved {
        kept: kept.clone(),
        caller: caller.clone(),
        n_bytes,
    }))
}

/// Bytes of a space. Blocking.
fn size_of(store: &dyn BlobStore, space: [u8; SPACE_BYTES]) -> Result<u64, Fault> {
    let mut used = 0;
    let mut after = Some(BlobId { space, digest: [0; 32] });
    loop {
        let blobs = store.scan(after.as_ref(), 1_000)?;
        let of_space = blobs.iter().take_while(|blob| blob.id.space == space);
        let n = of_space.clone().count();
        used += of_space.map(|blob| blob.n_bytes).sum::<u64>();
        if n == 0 || n < blobs.len() {
            return Ok(used);
        }
        after = blobs.last().map(|blob| blob.id);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut usage = self.kept.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (self.caller.tenant_id.clone(), self.caller.user_id.clone());
        if let Some((n, n_bytes)) = usage.coming.get_mut(&of) {
            *n = n.saturating_sub(1);
            *n_bytes = n_bytes.saturating_sub(self.n_bytes);
            if *n == 0 {
                usage.coming.remove(&of);
            }
        }
    }
}

impl Upload {
    pub(crate) async fn begin(kept: Arc<Kept>, ports: Ports, caller: Caller) -> Answer<Self> {
        let overloaded = |_| Fault::Overloaded { retry_after_s: RETRY_S };
        let place = kept.uploads.clone().try_acquire_owned().map_err(overloaded)?;
        // Who has no room for anything need not send it.
        let writer = {
            let (kept, caller) = (kept.clone(), caller.clone());
            blocking(move || match reserve(&kept, &caller, 0)? {
                Ok(_) => Ok(Ok(kept.store.begin()?)),
                Err(refusal) => Ok(Err(refusal)),
            })
            .await?
        };
        Ok(writer.map(|writer| Self {
            kept,
            ports,
            caller,
            writer: Some(writer),
            bite: Vec::new(),
            head: Vec::new(),
            n_bytes: 0,
            _place: place,
        }))
    }

    /// Takes more of its bytes.
    ///
    /// # Errors
    /// A fault; the refusal is inside: the file is larger than one may be.
    pub async fn write(&mut self, bytes: &[u8]) -> Answer<()> {
        self.n_bytes += bytes.len() as u64;
        if self.n_bytes > FILE_BYTES_MAX {
            return Ok(Err(Refusal::FileTooLarge {
                n_bytes_max: FILE_BYTES_MAX,
            }));
        }
        let n_more = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..n_more]);
        self.bite.extend_from_slice(bytes);
        if self.bite.len() >= BITE_BYTES {
            self.flush().await?;
        }
        Ok(Ok(()))
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let Some(mut writer) = self.writer.take() else {
            return Err(Fault::WorkerDied);
        };
        let bite = std::mem::take(&mut self.bite);
        let written = blocking(move || {
            writer.write(&bite)?;
            Ok(writer)
        });
        self.writer = Some(written.await?);
        Ok(())
    }

    /// It is whole: keeps it, as a draft of whoever sent it.
    ///
    /// # Errors
    /// A fault; the refusal is inside: their drafts or the tenant's files have no room for it.
    pub async fn finish(mut self, sent_name: &str) -> Answer<FileInfo> {
        self.flush().await?;
        let Some(writer) = self.writer.take() else {
            return Err(Fault::WorkerDied);
        };
        let (kept, caller, n_bytes) = (self.kept.clone(), self.caller.clone(), self.n_bytes);
        let info = FileInfo {
            id: fresh_id(&*self.ports.random),
            name: name::cleaned(sent_name),
            n_bytes,
            media_type: media_type(&self.head).to_owned(),
            sha256: [0; 32],
        };
        let now = self.ports.clock.now();
        blocking(move || {
            let _reserved = match reserve(&kept, &caller, n_bytes)? {
                Ok(reserved) => reserved,
                Err(refusal) => return Ok(Err(refusal)),
            };
            // Bytes that are here must not go before they are counted.
            let _counting = kept.sweeping.read().unwrap_or_else(PoisonError::into_inner);
            let blob = writer.keep(records::space(&caller.tenant_id))?;
            if blob.is_new {
                let mut usage = kept.usage.lock().unwrap_or_else(PoisonError::into_inner);
                *usage.spaces.entry(blob.id.space).or_default() += blob.n_bytes;
            }
            let info = FileInfo {
                sha256: blob.id.digest,
                ..info
            };
            let draft = records::Draft { info, used_at: now };
            records::put_draft(&*kept.log, &caller.tenant_id, &caller.user_id, &draft)?;
            Ok(Ok(draft.info))
        })
        .await
    }
}

/// What a file is, by its first bytes: what its sender says of it counts for nothing.
fn media_type(head: &[u8]) -> &'static str {
    infer::get(head).map_or("application/octet-stream", |found| found.mime_type())
}
