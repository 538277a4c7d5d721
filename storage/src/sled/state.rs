//! Snapshots and checkpoints: a state of any size under one key, replaced as a whole.
//!
//! ```text
//! number u64 │ schema u16 │ tag 0 │ state                                          where it fits one value
//! number u64 │ schema u16 │ tag 1 │ generation u64 │ n_chunks u32 │ crc32 u32       else; pieces lie under `t`
//! ```
//! A large state is written in small batches under a new generation number, then the pointer is switched, then
//! the old pieces go. A killed process leaves either state whole, at worst with pieces that the next write removes; a
//! loss of power may leave neither. The caller's thread does all this: the writer's queue never waits for a state of
//! many MiB, only for the batch of 256 KiB that is being applied.

use std::sync::Mutex;

use super::index::database;
use super::reader::read_error;
use super::value::{self, PAYLOAD_BYTES_MAX, bounded, take};
use crate::error::Error;
use crate::key;
use crate::lock::lock;

/// Pieces in one batch: 256 KiB, about a millisecond in which the database applies nothing else.
const BATCH_CHUNKS_MAX: usize = 64;
const HEADER_BYTES: usize = 11;
/// A read that raced with a replacement starts again.
const N_READS_MAX: usize = 100;

/// A state as stored: the number is a version or a position.
pub(super) struct State {
    pub(super) number: u64,
    pub(super) schema: u16,
    pub(super) bytes: Vec<u8>,
}

/// Replaces the state under a key. `gate` makes the replacements of one log follow each other.
pub(super) fn put(
    tree: &sled::Tree,
    gate: &Mutex<()>,
    state_key: &[u8],
    (number, schema, bytes): (u64, u16, &[u8]),
) -> Result<(), Error> {
    let _gate = lock(gate);
    let mut old_chunks = Vec::new();
    let mut generation = 0;
    let start = key::state_chunks(state_key);
    for entry in tree.scan_prefix(&start) {
        let (chunk_key, _) = entry.map_err(read_error)?;
        if let Some((found, _)) = key::parse_state_chunk(&start, &chunk_key) {
            generation = generation.max(found + 1);
        }
        old_chunks.push(chunk_key);
    }
    let mut header = [&number.to_le_bytes()[..], &schema.to_le_bytes()].concat();
    if bytes.len() <= PAYLOAD_BYTES_MAX - HEADER_BYTES {
        header.push(0);
        write(tree, &[(state_key.to_vec(), value::seal(state_key, &[&header, bytes]))])?;
    } else {
        let pieces: Vec<&[u8]> = bytes.chunks(PAYLOAD_BYTES_MAX).collect();
        for (group_idx, group) in pieces.chunks(BATCH_CHUNKS_MAX).enumerate() {
            let first = group_idx * BATCH_CHUNKS_MAX;
            let sealed: Vec<_> = (first..)
                .zip(group)
                .map(|(chunk, piece)| {
                    let chunk_key = key::state_chunk(state_key, generation, bounded(chunk));
                    let sealed = value::seal(&chunk_key, &[piece]);
                    (chunk_key, sealed)
                })
                .collect();
            write(tree, &sealed)?;
        }
        header.push(1);
        header.extend_from_slice(&generation.to_le_bytes());
        header.extend_from_slice(&bounded::<u32>(pieces.len()).to_le_bytes());
        header.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        write(tree, &[(state_key.to_vec(), value::seal(state_key, &[&header]))])?;
    }
    for group in old_chunks.chunks(BATCH_CHUNKS_MAX) {
        let mut batch = sled::Batch::default();
        group.iter().for_each(|chunk_key| batch.remove(chunk_key));
        tree.apply_batch(batch).map_err(write_error)?;
    }
    Ok(())
}

/// The state under a key. A damaged one is none: states are disposable, and its reader folds it anew.
pub(super) fn get(tree: &sled::Tree, state_key: &[u8]) -> Result<Option<State>, Error> {
    let mut last_pointer = None;
    for _ in 0..N_READS_MAX {
        let Some(sealed) = tree.get(state_key).map_err(read_error)? else {
            return Ok(None);
        };
        // The same pointer twice without its pieces is damage, not a race.
        if last_pointer.as_ref() == Some(&sealed) {
            break;
        }
        if let Some(state) = read(tree, state_key, &sealed)? {
            return Ok(Some(state));
        }
        last_pointer = Some(sealed);
    }
    tracing::warn!(key = %state_key.escape_ascii(), "a stored state is damaged and will be ignored");
    Ok(None)
}

fn read(tree: &sled::Tree, state_key: &[u8], sealed: &[u8]) -> Result<Option<State>, Error> {
    let Some((pointer, bytes)) = value::unseal(state_key, sealed).and_then(parse) else {
        return Ok(None);
    };
    let (number, schema) = (pointer.number, pointer.schema);
    let Some(split) = pointer.split else {
        return Ok(Some(State {
            number,
            schema,
            bytes: bytes.to_vec(),
        }));
    };
    let mut whole = Vec::new();
    for chunk in 0..split.n_chunks {
        let chunk_key = key::state_chunk(state_key, split.generation, chunk);
        let Some(sealed) = tree.get(&chunk_key).map_err(read_error)? else {
            return Ok(None);
        };
        let Some(piece) = value::unseal(&chunk_key, &sealed) else {
            return Ok(None);
        };
        whole.extend_from_slice(piece);
    }
    let is_whole = crc32fast::hash(&whole) == split.crc;
    Ok(is_whole.then_some(State {
        number,
        schema,
        bytes: whole,
    }))
}

struct Pointer {
    number: u64,
    schema: u16,
    split: Option<Split>,
}

struct Split {
    generation: u64,
    n_chunks: u32,
    crc: u32,
}

fn parse(payload: &[u8]) -> Option<(Pointer, &[u8])> {
    let mut rest = payload;
    let number = u64::from_le_bytes(take(&mut rest)?);
    let schema = u16::from_le_bytes(take(&mut rest)?);
    let [tag] = take(&mut rest)?;
    if tag == 0 {
        return Some((
            Pointer {
                number,
                schema,
                split: None,
            },
            rest,
        ));
    }
    let split = Split {
        generation: u64::from_le_bytes(take(&mut rest)?),
        n_chunks: u32::from_le_bytes(take(&mut rest)?),
        crc: u32::from_le_bytes(take(&mut rest)?),
    };
    Some((
        Pointer {
            number,
            schema,
            split: Some(split),
        },
        rest,
    ))
}

fn write(tree: &sled::Tree, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<(), Error> {
    let mut batch = sled::Batch::default();
    for (key, value) in entries {
        batch.insert(&key[..], &value[..]);
    }
    tree.apply_batch(batch).map_err(write_error)
}

fn write_error(error: sled::Error) -> Error {
    database("write a state", error)
}
