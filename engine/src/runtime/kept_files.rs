//! Files that a running engine keeps: bytes beside the log, records in its key-value store, and who has which draft in
//! hand. Whoever may have which file is asked elsewhere (`files`).
//!
//! A file is bytes, kept once a tenant by what they are (`loonflow_storage::blobs`), and an id, which is a draft of its
//! uploader's until a ticket names it. Bytes are synced before the draft is written, and a draft moves into its ticket
//! in that ticket's commit: no ticket names bytes that are not on disk.
//!
//! Reading order: this file, `upload` (how one comes in), `records` (what is stored), `name`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, UNIX_EPOCH};

use loonflow_storage::blobs::SPACE_BYTES;
use loonflow_storage::{BlobId, BlobStore, EventLog};
use tokio::sync::Semaphore;

use crate::id::{FileId, TenantId, TicketId, UserId};
use crate::limits::{DRAFT_KEEP_MS, UPLOADS_MAX};
use crate::runtime::fault::Fault;
use crate::ticket::{Drafts, FileInfo};
use crate::time::Timestamp;
use crate::value::Value;

mod name;
pub(crate) mod records;
mod upload;

pub use self::upload::Upload;

/// A draft that is used is noted as used when it was not for so long.
const USE_NOTED_MS: i64 = 3_600_000;

/// The files of a running engine.
pub(crate) struct Kept {
    pub(super) store: Arc<dyn BlobStore>,
    pub(super) log: Arc<dyn EventLog>,
    /// Held for reading while bytes are kept and counted, for writing while bytes go that nothing counts.
    sweeping: RwLock<()>,
    usage: Mutex<Usage>,
    /// Drafts that a command or the sweep has in hand: nobody else takes them meanwhile.
    claimed: Mutex<BTreeSet<FileId>>,
    uploads: Arc<Semaphore>,
    bytes_of_tenant_max: u64,
}

/// How much is kept, and on its way in.
#[derive(Default)]
struct Usage {
    /// Bytes of each space, once it was asked for.
    spaces: HashMap<[u8; SPACE_BYTES], u64>,
    /// Files and bytes that users are about to have as drafts.
    coming: HashMap<(TenantId, UserId), (usize, u64)>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// Drafts that a command has in hand until it is through.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(super) kept: Arc<Kept>,
    pub(super) ids: Vec<FileId>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claimed = self.kept.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.ids {
            claimed.remove(id);
        }
    }
}

impl Kept {
    pub(crate) fn new(store: Arc<dyn BlobStore>, log: Arc<dyn EventLog>, bytes_of_tenant_max: u64) -> Self {
        Self {
            store,
            log,
            sweeping: RwLock::default(),
            usage: Mutex::default(),
            claimed: Mutex::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
            bytes_of_tenant_max,
        }
    }

    /// Takes files in hand; those that somebody else has are left out.
    pub(super) fn claim(self: &Arc<Self>, ids: impl IntoIterator<Item = FileId>) -> Claim {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = ids.into_iter().filter(|id| claimed.insert(*id)).collect();
        Claim {
            kept: self.clone(),
            ids,
        }
    }

    /// Those of the files named that are the user's drafts. Blocking.
    pub(super) fn drafts(
        &self,
        tenant: &TenantId,
        user: &UserId,
        ids: &[FileId],
        now: Timestamp,
    ) -> Result<Drafts, Fault> {
        let mut drafts = Drafts::default();
        for id in ids {
            let found = records::draft(&*self.log, tenant, user, *id)?;
            if let Some(draft) = found.filter(|draft| !is_over(draft, now)) {
                drafts.0.insert(*id, draft.info);
            }
        }
        Ok(drafts)
    }

    /// Notes that drafts were used: they are kept for a day from now. Blocking.
    pub(super) fn note_use(
        &self,
        ids: &[FileId],
        tenant: &TenantId,
        user: &UserId,
        now: Timestamp,
    ) -> Result<(), Fault> {
        for id in ids {
            let found = records::draft(&*self.log, tenant, user, *id)?;
            if let Some(mut draft) = found.filter(|draft| draft.used_at.plus_ms(USE_NOTED_MS) < now) {
                draft.used_at = now;
                records::put_draft(&*self.log, tenant, user, &draft)?;
            }
        }
        Ok(())
    }

    /// Gives a ticket that is about to be created in somebody's name files of another ticket: new ids to the same bytes,
    /// drafts of theirs, the same again for the same ticket. Blocking.
    pub(super) fn copy(
        &self,
        tenant: &TenantId,
        (from, to): (TicketId, TicketId),
        creator: &UserId,
        value: &Value,
        now: Timestamp,
    ) -> Result<Value, Fault> {
        match value {
            Value::List(items) => {
                let copies = items
                    .iter()
                    .map(|item| self.copy(tenant, (from, to), creator, item, now));
                let copies = copies.collect::<Result<Vec<_>, _>>()?;
                Ok(Value::List(
                    copies.into_iter().filter(|copy| *copy != Value::Null).collect(),
                ))
            }
            Value::Map(_) => {
                let Some(info) = FileInfo::of_value(value) else {
                    return Ok(value.clone());
                };
                let found = records::attached(&*self.log, tenant, info.id)?;
                let Some(found) = found.filter(|found| found.ticket == from && !found.is_erased) else {
                    return Ok(Value::Null);
                };
                let info = FileInfo {
                    id: copied_id(to, info.id),
                    ..found.info
                };
                let value = info.to_value();
                let _counting = self.sweeping.read().unwrap_or_else(PoisonError::into_inner);
                let draft = records::Draft { info, used_at: now };
                records::put_draft(&*self.log, tenant, creator, &draft)?;
                Ok(value)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Ok(value.clone()),
        }
    }

    /// Takes bytes away that nothing counts; whether it did. Blocking.
    pub(super) fn remove_uncounted(&self, blob: &BlobId) -> Result<bool, Fault> {
        let _sweeping = self.sweeping.write().unwrap_or_else(PoisonError::into_inner);
        if records::is_counted(&*self.log, blob)? {
            return Ok(false);
        }
        let n_bytes = self.store.n_bytes(blob)?.unwrap_or(0);
        let is_removed = self.store.remove(blob)?;
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = usage.spaces.get_mut(&blob.space).filter(|_| is_removed) {
            *used = used.saturating_sub(n_bytes);
        }
        Ok(is_removed)
    }

    /// Takes away drafts that nobody used for a day, counts that stand for no file, and bytes that nothing counts; how
    /// many drafts and bytes of how many files went. Blocking.
    pub(crate) fn sweep(self: &Arc<Self>, now: Timestamp) -> Result<(usize, usize), Fault> {
        /// Entries looked at in one go: bounds memory.
        const BATCH: usize = 1_000;
        let log = &*self.log;
        let mut n_drafts = 0;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let entries = log.kv_scan(records::DRAFTS, after.as_deref(), BATCH)?;
            let Some((last, _)) = entries.last() else { break };
            after = Some(last.clone());
            for (key, value) in &entries {
                let Some(draft) = records::read_draft(value).ok().filter(|draft| is_over(draft, now)) else {
                    continue;
                };
                let claim = self.claim([draft.info.id]);
                // It may have been used or taken since it was read.
                let found = log.kv_get(records::DRAFTS, key)?;
                let is_over = |bytes: &Vec<u8>| records::read_draft(bytes).is_ok_and(|draft| is_over(&draft, now));
                if !claim.ids.is_empty() && found.as_ref().is_some_and(is_over) {
                    log.kv_put(records::DRAFTS, key, None)?;
                    n_drafts += 1;
                }
            }
        }
        let mut after: Option<Vec<u8>> = None;
        loop {
            let entries = records::counts(log, after.as_deref(), BATCH)?;
            let Some((last, _)) = entries.last() else { break };
            after = Some(last.clone());
            for (key, counted) in &entries {
                let Some(counted) = counted else { continue };
                if counted.has_file(log)? {
                    continue;
                }
                let _sweeping = self.sweeping.write().unwrap_or_else(PoisonError::into_inner);
                if !counted.has_file(log)? {
                    log.kv_put(records::REFS, key, None)?;
                }
            }
        }
        let mut n_blobs = 0;
        let mut after: Option<BlobId> = None;
        loop {
            let blobs = self.store.scan(after.as_ref(), BATCH)?;
            let Some(last) = blobs.last() else { break };
            after = Some(last.id);
            for blob in &blobs {
                let since = blob.kept_at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                let since = Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
                let is_old = since.plus_ms(DRAFT_KEEP_MS) < now;
                if is_old && !records::is_counted(log, &blob.id)? && self.remove_uncounted(&blob.id)? {
                    n_blobs += 1;
                }
            }
        }
        Ok((n_drafts, n_blobs))
    }
}

pub(super) fn is_over(draft: &records::Draft, now: Timestamp) -> bool {
    draft.used_at.plus_ms(DRAFT_KEEP_MS) < now
}

/// The id of a copy: nobody can tell it who does not know both.
fn copied_id(to: TicketId, id: FileId) -> FileId {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest([to.0.as_bytes().as_slice(), id.0.as_bytes()].concat());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    FileId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Does what blocks off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::WorkerDied)?
}

/// A fresh id.
fn fresh_id(random: &dyn crate::port::RandomSource) -> FileId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&random.secret_bytes()[..16]);
    let id: uuid::Uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    FileId(id)
}
