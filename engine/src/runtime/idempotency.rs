//! Idempotency keys (semantics: idempotency): the answer of a write that succeeded, stored in its own commit.
//!
//! A key is a user's own. Two calls with one key at once are put one after the other by a guard that the write
//! carries with it, so that it is released when the write is through, whoever has gone away meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use loonflow_storage::{EventLog, KvWrite};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use crate::account::person::Person;
use crate::codec;
use crate::id::{NodeId, TicketId, UserId};
use crate::limits;
use crate::runtime::fault::Fault;
use crate::runtime::request::{Caller, Done, Idempotency};
use crate::ticket::place::CurrentNode;
use crate::ticket::{ActState, Argument, Refusal};
use crate::time::Timestamp;

/// The tree of answered keys.
const TREE: &str = "idempotency";
const SCHEMA: u16 = 1;

/// An answered key as stored.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    fingerprint: [u8; 32],
    answered_at: Timestamp,
    ticket_id: TicketId,
    version: u64,
    act_state: ActState,
    nodes: Vec<StoredNode>,
}

/// A node and its assignees: id, name and alias each.
type StoredNode = (NodeId, String, Vec<(UserId, String, String)>);

/// Keys under way, each with a lock of its own.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    keys: Mutex<HashMap<[u8; 32], Arc<tokio::sync::Mutex<()>>>>,
}

/// Held from before the look-up until the write is through.
#[derive(Debug)]
pub(crate) struct Guard {
    in_flight: Arc<InFlight>,
    hash: [u8; 32],
    lock: Option<OwnedMutexGuard<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.lock.take();
        let mut keys = self.in_flight.keys.lock().unwrap_or_else(PoisonError::into_inner);
        // The map and nobody else: no call waits for this key.
        if keys.get(&self.hash).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            keys.remove(&self.hash);
        }
    }
}

/// Where the answer to a key is kept: the user and the key, hashed so that any length fits.
pub(crate) fn hash_of(caller: &Caller, key: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [caller.tenant_id.as_str(), caller.user_id.as_str(), key] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// Waits for calls with the same key, then looks for an answer.
pub(crate) async fn enter(
    in_flight: &Arc<InFlight>,
    log: &Arc<dyn EventLog>,
    caller: &Caller,
    asked: &Idempotency,
) -> Result<Result<(Guard, Option<Done>), Refusal>, Fault> {
    if let Err(refusal) = check_key(asked) {
        return Ok(Err(refusal));
    }
    let hash = hash_of(caller, &asked.key);
    let lock = {
        let mut keys = in_flight.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.entry(hash).or_default().clone()
    };
    let guard = Guard {
        in_flight: in_flight.clone(),
        hash,
        lock: Some(lock.lock_owned().await),
    };
    let (log, asked) = (log.clone(), asked.clone());
    let found = tokio::task::spawn_blocking(move || look_up(&*log, &hash, &asked))
        .await
        .map_err(|_| Fault::Closed)??;
    Ok(found.map(|done| (guard, done)))
}

/// Whether a key is one that can be kept.
pub(crate) fn check_key(asked: &Idempotency) -> Result<(), Refusal> {
    if asked.key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX {
        let problem = format!("it may have {} bytes at most", limits::IDEMPOTENCY_KEY_BYTES_MAX);
        return Err(Refusal::argument(Argument::IdempotencyKey, &asked.key, problem));
    }
    Ok(())
}

/// The answer that was given under a key, where it was to the same arguments. Blocking.
pub(crate) fn look_up(
    log: &dyn EventLog,
    hash: &[u8; 32],
    asked: &Idempotency,
) -> Result<Result<Option<Done>, Refusal>, Fault> {
    let Some(bytes) = log.kv_get(TREE, hash)? else {
        return Ok(Ok(None));
    };
    let stored: Stored = codec::decode(TREE, SCHEMA, &bytes)?;
    let is_same = stored.fingerprint == asked.fingerprint || Some(stored.fingerprint) == asked.older;
    if !is_same {
        return Ok(Err(Refusal::IdempotencyMismatch { key: asked.key.clone() }));
    }
    let person = |(id, name, alias)| Person { id, name, alias };
    let node = |(node_id, name, people): StoredNode| CurrentNode {
        node_id,
        name,
        n_assignees: people.len(),
        assignees: people.into_iter().map(person).collect(),
    };
    Ok(Ok(Some(Done {
        ticket_id: stored.ticket_id,
        version: stored.version,
        act_state: stored.act_state,
        current_nodes: stored.nodes.into_iter().map(node).collect(),
        replayed: true,
    })))
}

/// What goes into the commit of a write that succeeds.
pub(crate) fn entry(caller: &Caller, asked: &Idempotency, done: &Done, now: Timestamp) -> KvWrite {
    let stored = Stored {
        fingerprint: asked.fingerprint,
        answered_at: now,
        ticket_id: done.ticket_id,
        version: done.version,
        act_state: done.act_state,
        nodes: done
            .current_nodes
            .iter()
            .map(|node| {
                let people = node.assignees.iter();
                let people = people
                    .map(|one| (one.id.clone(), one.name.clone(), one.alias.clone()))
                    .collect();
                (node.node_id.clone(), node.name.clone(), people)
            })
            .collect(),
    };
    KvWrite {
        tree: TREE,
        key: hash_of(caller, &asked.key).to_vec(),
        value: Some(codec::encode(&stored)),
    }
}

/// The guard of a key that no call holds or waits for; `None` for one in use.
fn try_enter(in_flight: &Arc<InFlight>, hash: [u8; 32]) -> Option<Guard> {
    let mut keys = in_flight.keys.lock().unwrap_or_else(PoisonError::into_inner);
    if keys.get(&hash).is_some_and(|lock| Arc::strong_count(lock) > 1) {
        return None;
    }
    let held = keys.entry(hash).or_default().clone().try_lock_owned().ok()?;
    Some(Guard {
        in_flight: in_flight.clone(),
        hash,
        lock: Some(held),
    })
}

/// Whether an answer has been kept long enough. One that does not read has no age: it stays, for once it were gone, a
/// repeat of its call would be carried out a second time.
fn is_old(value: &[u8], now: Timestamp) -> bool {
    codec::decode::<Stored>(TREE, SCHEMA, value)
        .is_ok_and(|stored| stored.answered_at.plus_ms(limits::IDEMPOTENCY_KEEP_MS) < now)
}

/// Removes answers older than `limits::IDEMPOTENCY_KEEP_MS`, a batch at a time; how many went. Blocking.
///
/// Between the look that found an answer old and its removal the key may be used anew. So each is looked at again
/// under its guard, which a call holds until its answer is written; a key in use is left for the next sweep.
pub(crate) fn sweep(log: &dyn EventLog, in_flight: &Arc<InFlight>, now: Timestamp) -> Result<usize, Fault> {
    /// Entries looked at in one go: bounds memory.
    const BATCH: usize = 1_000;
    let mut n_removed = 0;
    let mut after: Option<Vec<u8>> = None;
    loop {
        let entries = log.kv_scan(TREE, after.as_deref(), BATCH)?;
        for (key, value) in &entries {
            let Ok(hash) = <[u8; 32]>::try_from(key.as_slice()) else {
                continue;
            };
            if !is_old(value, now) {
                continue;
            }
            let Some(_guard) = try_enter(in_flight, hash) else {
                continue;
            };
            if log.kv_get(TREE, key)?.is_some_and(|value| is_old(&value, now)) {
                log.kv_put(TREE, key, None)?;
                n_removed += 1;
            }
        }
        match entries.last() {
            Some((key, _)) if entries.len() == BATCH => after = Some(key.clone()),
            Some(_) | None => return Ok(n_removed),
        }
    }
}

#[cfg(test)]
mod tests {
    use loonflow_storage::{FaultyLog, MemoryLog};

    use super::*;

    const LONG_AGO: Timestamp = Timestamp(0);
    const NOW: Timestamp = Timestamp(limits::IDEMPOTENCY_KEEP_MS + 1);

    fn answered_at(answered_at: Timestamp) -> Vec<u8> {
        codec::encode(&Stored {
            fingerprint: [1; 32],
            answered_at,
            ticket_id: TicketId(uuid::Uuid::nil()),
            version: 1,
            act_state: ActState::OnGoing,
            nodes: Vec::new(),
        })
    }

    /// One log with answers under keys 0, 1, …, and no call under way.
    fn kept(answers: &[Vec<u8>]) -> (FaultyLog, Arc<InFlight>) {
        let log = FaultyLog::new(Arc::new(MemoryLog::new()), []);
        for (key, answer) in (0..).zip(answers) {
            log.kv_put(TREE, &[key; 32], Some(answer)).unwrap();
        }
        (log, Arc::default())
    }

    #[test]
    fn old_answers_go_and_young_or_unreadable_ones_stay() {
        let (log, in_flight) = kept(&[answered_at(LONG_AGO), answered_at(Timestamp(1)), vec![9]]);
        assert_eq!(sweep(&log, &in_flight, NOW).unwrap(), 1);
        assert_eq!(log.kv_get(TREE, &[0; 32]).unwrap(), None);
        assert!(log.kv_get(TREE, &[1; 32]).unwrap().is_some());
        assert!(log.kv_get(TREE, &[2; 32]).unwrap().is_some());
        assert!(in_flight.keys.lock().unwrap().is_empty());
    }

    /// The sweep deleted what it had found old, whatever stood there by then.
    #[test]
    fn a_key_used_anew_after_the_look_keeps_its_answer() {
        let (log, in_flight) = kept(&[answered_at(LONG_AGO)]);
        log.after_scan(|log| log.kv_put(TREE, &[0; 32], Some(&answered_at(NOW))).unwrap());
        assert_eq!(sweep(&log, &in_flight, NOW).unwrap(), 0);
        assert_eq!(log.kv_get(TREE, &[0; 32]).unwrap(), Some(answered_at(NOW)));
    }

    #[test]
    fn a_key_in_use_is_left_alone() {
        let (log, in_flight) = kept(&[answered_at(LONG_AGO)]);
        let guard = try_enter(&in_flight, [0; 32]).unwrap();
        assert!(try_enter(&in_flight, [0; 32]).is_none());
        assert_eq!(sweep(&log, &in_flight, NOW).unwrap(), 0);
        drop(guard);
        assert_eq!(sweep(&log, &in_flight, NOW).unwrap(), 1);
    }
}
