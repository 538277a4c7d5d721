//! Every bound of the log, with unit and reason, and the check of a request against them.
//!
//! All implementations refuse the same requests, so that a test in memory meets the bounds of the disk.

use crate::error::Error;
use crate::record::NewCommit;

/// Longest name of an event's type in bytes: it is stored with every event.
pub const EVENT_KIND_BYTES_MAX: usize = 64;
/// Most events in one commit: one command of a person or a timer, with room for an import.
pub const COMMIT_EVENTS_MAX: usize = 10_000;
/// Largest commit in bytes, meta and events together: one batch of the writer must stay small in memory.
pub const COMMIT_BYTES_MAX: usize = 8 << 20;
/// Longest name of a key-value tree in bytes: it is part of every key.
pub const KV_TREE_BYTES_MAX: usize = 32;
/// Longest key of a key-value entry in bytes: keeps every key on disk under 256 bytes.
pub const KV_KEY_BYTES_MAX: usize = 200;
/// Largest value of a key-value entry in bytes: larger state belongs into a checkpoint.
pub const KV_VALUE_BYTES_MAX: usize = 1 << 20;
/// Longest name of a projection in bytes: it is part of a key.
pub const PROJECTION_BYTES_MAX: usize = 64;
/// Largest snapshot or checkpoint in bytes: both are read into memory whole.
pub const STATE_BYTES_MAX: usize = 1 << 30;

pub(crate) fn check_commit(commit: &NewCommit) -> Result<(), Error> {
    let n_events = commit.events.len();
    if n_events == 0 || n_events > COMMIT_EVENTS_MAX {
        return Err(Error::invalid(format!(
            "a commit has 1 to `{COMMIT_EVENTS_MAX}` events, not `{n_events}`"
        )));
    }
    let mut n_bytes = commit.meta.len();
    for event in &commit.events {
        if event.kind.is_empty() || event.kind.len() > EVENT_KIND_BYTES_MAX {
            return Err(Error::invalid(format!(
                "an event kind has 1 to `{EVENT_KIND_BYTES_MAX}` bytes, not `{}`",
                event.kind
            )));
        }
        n_bytes += event.kind.len() + event.payload.len();
    }
    if n_bytes > COMMIT_BYTES_MAX {
        return Err(Error::invalid(format!(
            "a commit has at most `{COMMIT_BYTES_MAX}` bytes, not `{n_bytes}`"
        )));
    }
    for write in &commit.kv {
        check_kv_key(write.tree, &write.key)?;
        check_kv_value(write.value.as_deref())?;
    }
    Ok(())
}

pub(crate) fn check_kv_tree(tree: &str) -> Result<(), Error> {
    if tree.is_empty() || tree.len() > KV_TREE_BYTES_MAX || tree.contains('\0') {
        return Err(Error::invalid(format!(
            "the name of a tree has 1 to `{KV_TREE_BYTES_MAX}` bytes without NUL, not `{tree}`"
        )));
    }
    Ok(())
}

pub(crate) fn check_kv_key(tree: &str, key: &[u8]) -> Result<(), Error> {
    check_kv_tree(tree)?;
    if key.len() > KV_KEY_BYTES_MAX {
        let n_bytes = key.len();
        return Err(Error::invalid(format!(
            "a key has at most `{KV_KEY_BYTES_MAX}` bytes, not `{n_bytes}`"
        )));
    }
    Ok(())
}

pub(crate) fn check_kv_value(value: Option<&[u8]>) -> Result<(), Error> {
    let n_bytes = value.map_or(0, <[u8]>::len);
    if n_bytes > KV_VALUE_BYTES_MAX {
        return Err(Error::invalid(format!(
            "a value has at most `{KV_VALUE_BYTES_MAX}` bytes, not `{n_bytes}`"
        )));
    }
    Ok(())
}

pub(crate) fn check_projection(projection: &str) -> Result<(), Error> {
    if projection.is_empty() || projection.len() > PROJECTION_BYTES_MAX || projection.contains('\0') {
        return Err(Error::invalid(format!(
            "the name of a projection has 1 to `{PROJECTION_BYTES_MAX}` bytes without NUL, not `{projection}`"
        )));
    }
    Ok(())
}

pub(crate) fn check_state(state: &[u8]) -> Result<(), Error> {
    if state.len() > STATE_BYTES_MAX {
        let n_bytes = state.len();
        return Err(Error::invalid(format!(
            "a state has at most `{STATE_BYTES_MAX}` bytes, not `{n_bytes}`"
        )));
    }
    Ok(())
}
