//! Values and commits as bytes: a CRC before every value, a commit split into values of at most 4 KiB.
//!
//! Not here: which key they lie under (`key`). This form is frozen; another one is a new format version.
//!
//! ```text
//! value    crc32 u32 LE over key and payload │ payload, at most 4,092 bytes
//! commit   chunk 0: n_chunks u16 │ position u64 │ n_events u32 │ body length u32 │ body…   chunk 1…: …body
//! body     meta length u32 │ meta │ per event: kind length u8 │ kind │ schema u16 │ payload length u32 │ payload
//! page     per position: stream length u8 │ stream │ first_version u64
//! ```
//! All numbers are little-endian. The CRC covers the key, so a value under a wrong key is found too.

use crate::error::Error;
use crate::record::{Commit, Position, StoredEvent, StreamId, StreamVersion};

/// Largest value. A leaf of the database holds up to 26 of them before it splits; at 128 KiB a leaf becomes a
/// file of its own, which no sync of the main file reaches. 26 × (4 KiB + key) stays below.
pub(super) const VALUE_BYTES_MAX: usize = 4096;
/// What is left of a value for its payload.
pub(super) const PAYLOAD_BYTES_MAX: usize = VALUE_BYTES_MAX - CRC_BYTES;

const CRC_BYTES: usize = 4;
const HEADER_BYTES: usize = 18;
const BODY_BYTES_FIRST: usize = PAYLOAD_BYTES_MAX - HEADER_BYTES;

/// Puts the CRC before the payload's parts.
pub(super) fn seal(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let n_bytes: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(n_bytes <= PAYLOAD_BYTES_MAX, "payload of {n_bytes} bytes");
    let mut crc = crc32fast::Hasher::new();
    crc.update(key);
    let mut value = Vec::with_capacity(CRC_BYTES + n_bytes);
    value.extend_from_slice(&[0; CRC_BYTES]);
    for part in parts {
        crc.update(part);
        value.extend_from_slice(part);
    }
    value[..CRC_BYTES].copy_from_slice(&crc.finalize().to_le_bytes());
    value
}

/// Checks the CRC; `None` where it does not fit.
pub(super) fn unseal<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (crc, payload) = value.split_first_chunk::<CRC_BYTES>()?;
    let mut expected = crc32fast::Hasher::new();
    expected.update(key);
    expected.update(payload);
    (expected.finalize().to_le_bytes() == *crc).then_some(payload)
}

/// First bytes of a commit's chunk 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommitHeader {
    pub(super) n_chunks: u16,
    pub(super) position: Position,
    pub(super) n_events: u32,
    pub(super) n_body_bytes: u32,
}

impl CommitHeader {
    pub(super) fn of(body: &[u8], n_events: u32, position: Position) -> Self {
        let n_more = body.len().saturating_sub(BODY_BYTES_FIRST).div_ceil(PAYLOAD_BYTES_MAX);
        Self {
            n_chunks: bounded(1 + n_more),
            position,
            n_events,
            n_body_bytes: bounded(body.len()),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..2].copy_from_slice(&self.n_chunks.to_le_bytes());
        bytes[2..10].copy_from_slice(&self.position.to_le_bytes());
        bytes[10..14].copy_from_slice(&self.n_events.to_le_bytes());
        bytes[14..].copy_from_slice(&self.n_body_bytes.to_le_bytes());
        bytes
    }

    /// The header and what of the body follows it.
    pub(super) fn parse(payload: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = payload;
        let header = Self {
            n_chunks: u16::from_le_bytes(take(&mut rest)?),
            position: u64::from_le_bytes(take(&mut rest)?),
            n_events: u32::from_le_bytes(take(&mut rest)?),
            n_body_bytes: u32::from_le_bytes(take(&mut rest)?),
        };
        (header.n_chunks > 0 && header.n_events > 0).then_some((header, rest))
    }
}

/// The pieces of a body, in order; the first leaves room for the header. At least one, perhaps empty.
pub(super) fn pieces(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (first, rest) = body.split_at(body.len().min(BODY_BYTES_FIRST));
    std::iter::once(first).chain(rest.chunks(PAYLOAD_BYTES_MAX))
}

/// The body of a commit.
pub(super) fn encode_body(meta: &[u8], events: &[StoredEvent]) -> Vec<u8> {
    let n_bytes: usize = events
        .iter()
        .map(|event| 7 + event.kind.len() + event.payload.len())
        .sum();
    let mut body = Vec::with_capacity(4 + meta.len() + n_bytes);
    body.extend_from_slice(&bounded::<u32>(meta.len()).to_le_bytes());
    body.extend_from_slice(meta);
    for event in events {
        body.push(bounded(event.kind.len()));
        body.extend_from_slice(event.kind.as_bytes());
        body.extend_from_slice(&event.schema.to_le_bytes());
        body.extend_from_slice(&bounded::<u32>(event.payload.len()).to_le_bytes());
        body.extend_from_slice(&event.payload);
    }
    body
}

/// A commit from its header and body; `None` where they do not fit each other.
pub(super) fn decode(
    stream: &StreamId,
    first_version: StreamVersion,
    header: CommitHeader,
    body: &[u8],
) -> Option<Commit> {
    if body.len() != header.n_body_bytes as usize {
        return None;
    }
    let mut rest = body;
    let n_meta_bytes = u32::from_le_bytes(take(&mut rest)?);
    let meta = take_slice(&mut rest, n_meta_bytes as usize)?.to_vec();
    // Seven bytes are the least an event takes; a count that promises more is damage.
    let n_events = header.n_events as usize;
    if n_events > rest.len() / 7 {
        return None;
    }
    let mut events = Vec::with_capacity(n_events);
    for _ in 0..n_events {
        let [n_kind_bytes] = take(&mut rest)?;
        let kind = std::str::from_utf8(take_slice(&mut rest, n_kind_bytes.into())?)
            .ok()?
            .into();
        let schema = u16::from_le_bytes(take(&mut rest)?);
        let n_payload_bytes = u32::from_le_bytes(take(&mut rest)?);
        let payload = take_slice(&mut rest, n_payload_bytes as usize)?.to_vec();
        events.push(StoredEvent { kind, schema, payload });
    }
    rest.is_empty().then(|| Commit {
        stream: stream.clone(),
        first_version,
        position: header.position,
        meta,
        events,
    })
}

/// Appends one position's entry to a page; `false` where the page has no room left for it.
pub(super) fn push_page_entry(page: &mut Vec<u8>, stream: &str, first_version: StreamVersion) -> bool {
    let name = stream.as_bytes();
    if page.len() + 9 + name.len() > PAYLOAD_BYTES_MAX {
        return false;
    }
    page.push(bounded(name.len()));
    page.extend_from_slice(name);
    page.extend_from_slice(&first_version.to_le_bytes());
    true
}

/// The entries of a page; `None` where the page is not one.
pub(super) fn parse_page(payload: &[u8]) -> Option<Vec<(StreamId, StreamVersion)>> {
    let mut rest = payload;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let [n_name_bytes] = take(&mut rest)?;
        let name = std::str::from_utf8(take_slice(&mut rest, n_name_bytes.into())?).ok()?;
        entries.push((StreamId::try_new(name)?, u64::from_le_bytes(take(&mut rest)?)));
    }
    (!entries.is_empty()).then_some(entries)
}

/// A length in the width it is stored in.
///
/// # Panics
/// When it does not fit: the bounds of `limits` are far below.
pub(super) fn bounded<T: TryFrom<usize>>(length: usize) -> T {
    match T::try_from(length) {
        Ok(length) => length,
        Err(_) => panic!("length {length} is beyond the bounds checked before"),
    }
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

pub(super) fn take_slice<'a>(rest: &mut &'a [u8], n_bytes: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(n_bytes)?;
    *rest = tail;
    Some(head)
}

pub(super) fn bad(position: Option<Position>, stream: &str, version: StreamVersion, why: &str) -> Error {
    Error::corrupt(
        position,
        format!("commit of stream `{stream}` at version `{version}` {why}"),
    )
}
