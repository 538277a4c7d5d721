//! The key layout: every key of the one tree that holds the log.
//!
//! One tree, because a batch of the database is atomic per tree only, and one batch must cover a commit, its
//! position and its key-value writes. Numbers are big-endian, so keys sort as numbers; names hold no NUL byte,
//! so a NUL ends them and no name is a prefix of another's keys.
//!
//! | prefix | key after the prefix                         | value                                         |
//! |--------|----------------------------------------------|-----------------------------------------------|
//! | `!`    | `format`                                     | format version, u32                           |
//! | `!`    | `applied`                                    | last record of the journal in here, u64       |
//! | `c`    | stream NUL first_version u64, chunk u16      | a commit; a stream's commits lie together     |
//! | `p`    | first position u64                           | page of (stream, first_version), one position each |
//! | `k`    | tree NUL key                                 | key-value entry, or the size of a split one   |
//! | `v`    | tree NUL key length u8, key, chunk u16       | piece of a split key-value entry              |
//! | `s`    | stream                                       | snapshot: the state, or a pointer to chunks   |
//! | `q`    | projection                                   | checkpoint: the same                          |
//! | `t`    | `s` or `q`, name NUL generation u64, chunk u32 | piece of a split state                      |
//!
//! A stream's head has no key of its own: it is the stream's last commit, found by one seek, and so can never
//! disagree with it. Positions are kept in pages (one per batch and 4 KiB), not one key each: a batch of 512
//! commits then writes about 520 keys and not 1,024 or 1,536.

use crate::record::{Position, StreamId, StreamVersion};

/// The key of the format version.
pub(crate) const FORMAT: &[u8] = b"!format";
/// The key of the last record of the journal that is in here.
pub(crate) const APPLIED: &[u8] = b"!applied";

/// First byte of each kind of key.
pub(crate) mod prefix {
    pub(crate) const COMMIT: u8 = b'c';
    pub(crate) const POSITION: u8 = b'p';
    pub(crate) const KV: u8 = b'k';
    pub(crate) const KV_CHUNK: u8 = b'v';
    pub(crate) const SNAPSHOT: u8 = b's';
    pub(crate) const CHECKPOINT: u8 = b'q';
    pub(crate) const STATE_CHUNK: u8 = b't';
}

/// Start of the keys of a stream's commits.
pub(crate) fn stream(stream: &StreamId) -> Vec<u8> {
    named(prefix::COMMIT, stream.as_str())
}

/// Key of one piece of a commit.
pub(crate) fn commit(stream: &str, first_version: StreamVersion, chunk: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(stream.len() + 12);
    key.push(prefix::COMMIT);
    key.extend_from_slice(stream.as_bytes());
    key.push(0);
    key.extend_from_slice(&first_version.to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// Takes a commit's key apart into stream name, first version and chunk.
pub(crate) fn parse_commit(key: &[u8]) -> Option<(&str, StreamVersion, u16)> {
    let (&prefix::COMMIT, rest) = key.split_first()? else {
        return None;
    };
    let (name, rest) = rest.split_at_checked(rest.len().checked_sub(11)?)?;
    let (&0, numbers) = rest.split_first()? else {
        return None;
    };
    let (version, chunk) = numbers.split_first_chunk::<8>()?;
    let name = std::str::from_utf8(name).ok()?;
    if name.is_empty() || name.len() > StreamId::LEN_MAX || name.contains('\0') {
        return None;
    }
    Some((
        name,
        u64::from_be_bytes(*version),
        u16::from_be_bytes(chunk.try_into().ok()?),
    ))
}

/// Key of the page of positions that begins at one.
pub(crate) fn position(first: Position) -> [u8; 9] {
    let mut key = [prefix::POSITION; 9];
    key[1..].copy_from_slice(&first.to_be_bytes());
    key
}

/// First position of a page.
pub(crate) fn parse_position(key: &[u8]) -> Option<Position> {
    let (&prefix::POSITION, first) = key.split_first()? else {
        return None;
    };
    Some(u64::from_be_bytes(first.try_into().ok()?))
}

/// Start of the keys of a key-value tree.
pub(crate) fn kv_tree(tree: &str) -> Vec<u8> {
    named(prefix::KV, tree)
}

/// Key of a key-value entry.
pub(crate) fn kv(tree: &str, key: &[u8]) -> Vec<u8> {
    let mut full = kv_tree(tree);
    full.extend_from_slice(key);
    full
}

/// Takes the key of a key-value entry apart into tree and key.
pub(crate) fn parse_kv(key: &[u8]) -> Option<(&str, &[u8])> {
    let (&prefix::KV, rest) = key.split_first()? else {
        return None;
    };
    let end = rest.iter().position(|&byte| byte == 0)?;
    Some((std::str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..]))
}

/// Key of one piece of a split entry, from the entry's own key. The length of the key goes before it, so that
/// the pieces of one key are never taken for those of a longer one.
pub(crate) fn kv_chunk(entry: &[u8], chunk: u16) -> Vec<u8> {
    let (tree, key) = parse_kv(entry).unwrap_or(("", entry));
    let mut full = named(prefix::KV_CHUNK, tree);
    full.push(u8::try_from(key.len()).unwrap_or(u8::MAX));
    full.extend_from_slice(key);
    full.extend_from_slice(&chunk.to_be_bytes());
    full
}

/// Key of a stream's snapshot.
pub(crate) fn snapshot(stream: &StreamId) -> Vec<u8> {
    [&[prefix::SNAPSHOT], stream.as_str().as_bytes()].concat()
}

/// Key of a projection's checkpoint.
pub(crate) fn checkpoint(projection: &str) -> Vec<u8> {
    [&[prefix::CHECKPOINT], projection.as_bytes()].concat()
}

/// Start of the keys of the pieces of a state, from the key of the state itself.
pub(crate) fn state_chunks(state: &[u8]) -> Vec<u8> {
    [&[prefix::STATE_CHUNK], state, &[0]].concat()
}

/// Key of one piece of a state of one generation.
pub(crate) fn state_chunk(state: &[u8], generation: u64, chunk: u32) -> Vec<u8> {
    let mut key = state_chunks(state);
    key.extend_from_slice(&generation.to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// Takes generation and chunk from the key of a piece, given the start that [`state_chunks`] made.
pub(crate) fn parse_state_chunk(start: &[u8], key: &[u8]) -> Option<(u64, u32)> {
    let (generation, chunk) = key.strip_prefix(start)?.split_first_chunk::<8>()?;
    Some((
        u64::from_be_bytes(*generation),
        u32::from_be_bytes(chunk.try_into().ok()?),
    ))
}

fn named(prefix: u8, name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 2);
    key.push(prefix);
    key.extend_from_slice(name.as_bytes());
    key.push(0);
    key
}
