//! What the log's key-value store knows of files.
//!
//! | tree | key | value |
//! |---|---|---|
//! | `file_drafts` | space, user, id | a file that is its uploader's alone |
//! | `files` | space, id | a file of a ticket |
//! | `file_refs` | space, digest, id | that these bytes are counted for this id, and whose draft it was |
//!
//! The space is the tenant's: an id of another tenant names nothing. A draft moves into `files` in the commit of the ticket
//! that names it, so both are on disk or neither.

use loonflow_storage::blobs::SPACE_BYTES;
use loonflow_storage::{BlobId, EventLog, KvWrite};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codec;
use crate::id::{FileId, TenantId, TicketId, UserId};
use crate::limits::DRAFTS_OF_USER_MAX;
use crate::runtime::fault::Fault;
use crate::ticket::{FileInfo, Ticket};
use crate::time::Timestamp;

pub(super) const DRAFTS: &str = "file_drafts";
pub(super) const FILES: &str = "files";
pub(super) const REFS: &str = "file_refs";
const SCHEMA: u16 = 1;

/// A file that is in no ticket yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) info: FileInfo,
    pub(crate) used_at: Timestamp,
}

/// A file of a ticket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attached {
    pub(crate) info: FileInfo,
    pub(crate) ticket: TicketId,
    pub(crate) is_erased: bool,
}

/// Half a digest of whatever names something: keys have a bound, and names may hold anything.
fn half(text: &str) -> [u8; SPACE_BYTES] {
    let mut half = [0; SPACE_BYTES];
    half.copy_from_slice(&Sha256::digest(text.as_bytes())[..SPACE_BYTES]);
    half
}

/// The space of a tenant.
pub(crate) fn space(tenant: &TenantId) -> [u8; SPACE_BYTES] {
    half(tenant.as_str())
}

/// The bytes of a file.
pub(crate) fn blob(tenant: &TenantId, info: &FileInfo) -> BlobId {
    BlobId {
        space: space(tenant),
        digest: info.sha256,
    }
}

fn drafts_of(tenant: &TenantId, user: &UserId) -> Vec<u8> {
    [space(tenant), half(user.as_str())].concat()
}

pub(super) fn draft_key(tenant: &TenantId, user: &UserId, id: FileId) -> Vec<u8> {
    [&drafts_of(tenant, user)[..], id.0.as_bytes()].concat()
}

fn file_key(tenant: &TenantId, id: FileId) -> Vec<u8> {
    [&space(tenant)[..], id.0.as_bytes()].concat()
}

pub(super) fn ref_key(blob: &BlobId, id: FileId) -> Vec<u8> {
    [&blob.space[..], &blob.digest, id.0.as_bytes()].concat()
}

pub(super) fn encoded<T: Serialize>(record: &T) -> Vec<u8> {
    codec::encode(record)
}

pub(super) fn read_draft(bytes: &[u8]) -> Result<Draft, Fault> {
    Ok(codec::decode(DRAFTS, SCHEMA, bytes)?)
}

/// A draft of a user; `None` where there is none, or none of theirs. Blocking.
pub(crate) fn draft(log: &dyn EventLog, tenant: &TenantId, user: &UserId, id: FileId) -> Result<Option<Draft>, Fault> {
    let found = log.kv_get(DRAFTS, &draft_key(tenant, user, id))?;
    found.map(|bytes| read_draft(&bytes)).transpose()
}

/// Notes a draft, its count first: what is counted and not there is swept, what is there and not counted would lose its
/// bytes. Blocking.
pub(super) fn put_draft(log: &dyn EventLog, tenant: &TenantId, user: &UserId, draft: &Draft) -> Result<(), Fault> {
    let id = draft.info.id;
    log.kv_put(
        REFS,
        &ref_key(&blob(tenant, &draft.info), id),
        Some(&half(user.as_str())),
    )?;
    log.kv_put(DRAFTS, &draft_key(tenant, user, id), Some(&encoded(draft)))?;
    Ok(())
}

/// Number and bytes of a user's drafts; they have a bound, so this has one. Blocking.
pub(super) fn size_of_drafts(log: &dyn EventLog, tenant: &TenantId, user: &UserId) -> Result<(usize, u64), Fault> {
    let prefix = drafts_of(tenant, user);
    let found = log.kv_scan(DRAFTS, Some(&prefix), DRAFTS_OF_USER_MAX + 1)?;
    let (mut n, mut n_bytes) = (0, 0);
    for (key, value) in found {
        if !key.starts_with(&prefix) {
            break;
        }
        n += 1;
        n_bytes += read_draft(&value)?.info.n_bytes;
    }
    Ok((n, n_bytes))
}

/// A file of a ticket of the tenant. Blocking.
pub(crate) fn attached(log: &dyn EventLog, tenant: &TenantId, id: FileId) -> Result<Option<Attached>, Fault> {
    let found = log.kv_get(FILES, &file_key(tenant, id))?;
    Ok(found.map(|bytes| codec::decode(FILES, SCHEMA, &bytes)).transpose()?)
}

/// Whether a file is noted as a ticket's. Blocking.
pub(crate) fn is_of(log: &dyn EventLog, tenant: &TenantId, ticket: TicketId, id: FileId) -> Result<bool, Fault> {
    Ok(attached(log, tenant, id)?.is_some_and(|attached| attached.ticket == ticket))
}

/// Whether a file is noted as erased. Blocking.
pub(crate) fn is_erased(log: &dyn EventLog, tenant: &TenantId, id: FileId) -> Result<bool, Fault> {
    Ok(attached(log, tenant, id)?.is_some_and(|attached| attached.is_erased))
}

/// Whether bytes are still counted for any id. Blocking.
pub(super) fn is_counted(log: &dyn EventLog, blob: &BlobId) -> Result<bool, Fault> {
    let prefix = [&blob.space[..], &blob.digest].concat();
    let next = log.kv_scan(REFS, Some(&prefix), 1)?;
    Ok(next.first().is_some_and(|(key, _)| key.starts_with(&prefix)))
}

/// What a commit of a ticket does to the records of its files: drafts move in, erased ones and those of a draft that is
/// thrown away are counted no longer.
pub(crate) fn moved(before: Option<&Ticket>, after: &Ticket, by: Option<&UserId>) -> Vec<KvWrite> {
    let mut writes = Vec::new();
    let tenant = &after.tenant_id;
    let was = |id: &FileId| before.and_then(|before| before.files.get(id));
    let mut put = |tree, key, value| writes.push(KvWrite { tree, key, value });
    let is_same = before.is_some_and(|before| std::sync::Arc::ptr_eq(&before.files, &after.files));
    if is_same && !after.is_discarded {
        return writes;
    }
    for (id, file) in &*after.files {
        let key = file_key(tenant, *id);
        let record = |info: &FileInfo, is_erased| {
            encoded(&Attached {
                info: info.clone(),
                ticket: after.id,
                is_erased,
            })
        };
        let known = was(id);
        let uncounted = known.filter(|known| !known.is_erased && (after.is_discarded || file.is_erased));
        if let Some(known) = uncounted {
            put(REFS, ref_key(&blob(tenant, &known.info), *id), None);
            let value = (!after.is_discarded).then(|| record(&file.info, true));
            put(FILES, key, value);
        } else if known.is_none() && !after.is_discarded {
            if let Some(by) = by {
                put(DRAFTS, draft_key(tenant, by, *id), None);
            }
            put(FILES, key, Some(record(&file.info, false)));
        }
    }
    writes
}

/// One count: which bytes, for which id, uploaded by whom.
pub(super) struct Counted {
    blob: BlobId,
    id: FileId,
    uploader: [u8; SPACE_BYTES],
}

/// A key, and the count that stands under it.
type Keyed = (Vec<u8>, Option<Counted>);

/// Counts, a batch at a time, each with its key; one that does not read is none and stays. Blocking.
pub(super) fn counts(log: &dyn EventLog, after: Option<&[u8]>, n_max: usize) -> Result<Vec<Keyed>, Fault> {
    let read = |key: &[u8], value: &[u8]| {
        let (space, rest) = key.split_first_chunk::<SPACE_BYTES>()?;
        let (digest, id) = rest.split_first_chunk::<32>()?;
        let blob = BlobId {
            space: *space,
            digest: *digest,
        };
        Some(Counted {
            blob,
            id: FileId(uuid::Uuid::from_slice(id).ok()?),
            uploader: value.try_into().ok()?,
        })
    };
    let entries = log.kv_scan(REFS, after, n_max)?;
    Ok(entries
        .into_iter()
        .map(|(key, value)| {
            let counted = read(&key, &value);
            (key, counted)
        })
        .collect())
}

impl Counted {
    /// Whether there is a file that it stands for. The draft first: it may move meanwhile. Blocking.
    pub(super) fn has_file(&self, log: &dyn EventLog) -> Result<bool, Fault> {
        let (space, id) = (&self.blob.space[..], self.id.0.as_bytes());
        let is_there = |tree, key: Vec<u8>| Ok::<_, Fault>(log.kv_get(tree, &key)?.is_some());
        Ok(is_there(DRAFTS, [space, &self.uploader, id].concat())? || is_there(FILES, [space, id].concat())?)
    }
}
