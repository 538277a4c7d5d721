//! The table of sessions (semantics: sessions): who signed in, by the digest of what their browser keeps.
//!
//! Kept in the log's key-value store, so a restart signs nobody out, and in memory, so a request asks no disk. A session is
//! written when it begins and ends, and for its last use once in a while; it is no event, as the last use of a token is none.
//!
//! Not here: passwords and the rule of who may sign in (`sign_in`), cookies (the facade).
//!
//! Invariant: what is in the key-value store and not ended is in the table. The bounds hold over both.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loonflow_storage::EventLog;
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::id::{TenantId, UserId};
use crate::limits::{SESSION_IDLE_MS, SESSION_MS, SESSIONS_MAX, SESSIONS_OF_USER_MAX};
use crate::runtime::fault::Fault;
use crate::time::Timestamp;

/// The tree of sessions, by digest.
pub(crate) const TREE: &str = "session";
const SCHEMA: u16 = 1;
/// A session's last use is written at most this often: a restart shortens its idle time by no more.
const USE_EVERY_MS: i64 = 900_000;
/// Entries that are read at a time.
const BATCH: usize = 1_000;

/// Digest of a session's secret.
pub(crate) type Key = [u8; 32];

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    /// Digest of the password's hash that it began with: another password ends it.
    pub(crate) password: [u8; 32],
    pub(crate) began_at: Timestamp,
    /// The last use that was written down.
    pub(crate) used_at: Timestamp,
}

impl Session {
    /// Whether its time is over, by its age or by how long nobody used it.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.began_at.plus_ms(SESSION_MS) || now >= self.used_at.plus_ms(SESSION_IDLE_MS)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    by_key: HashMap<Key, Session>,
    /// The oldest first.
    by_age: BTreeSet<(Timestamp, Key)>,
    of_user: HashMap<(TenantId, UserId), Vec<Key>>,
}

impl Table {
    fn insert(&mut self, key: Key, session: Session) {
        self.by_age.insert((session.began_at, key));
        let owner = (session.tenant.clone(), session.user.clone());
        self.of_user.entry(owner).or_default().push(key);
        self.by_key.insert(key, session);
    }

    fn remove(&mut self, key: &Key) -> bool {
        let Some(session) = self.by_key.remove(key) else {
            return false;
        };
        self.by_age.remove(&(session.began_at, *key));
        let owner = (session.tenant, session.user);
        if let Some(keys) = self.of_user.get_mut(&owner) {
            keys.retain(|other| other != key);
            if keys.is_empty() {
                self.of_user.remove(&owner);
            }
        }
        true
    }

    /// Those that make room for one more of a user: the user's longest unused one, the oldest of all, and of those whose
    /// time is over two, so that they do not gather.
    fn give_way(&mut self, owner: &(TenantId, UserId), now: Timestamp) -> Vec<Key> {
        let mut gone = Vec::new();
        let of_user = self.of_user.get(owner).map_or(&[][..], Vec::as_slice);
        if of_user.len() >= SESSIONS_OF_USER_MAX {
            gone.extend(of_user.iter().min_by_key(|key| self.by_key[*key].used_at));
        }
        let mut oldest = self
            .by_age
            .iter()
            .map(|(_, key)| key)
            .filter(|key| !gone.contains(*key));
        let over: Vec<Key> = oldest
            .by_ref()
            .take(2)
            .filter(|key| self.by_key[*key].is_over(now) || self.by_key.len() >= SESSIONS_MAX)
            .copied()
            .collect();
        gone.extend(over);
        for key in &gone {
            self.remove(key);
        }
        gone
    }
}

impl Sessions {
    /// Those that a log holds. What does not read is as good as ended.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub(crate) async fn load(log: &Arc<dyn EventLog>) -> Result<Self, Fault> {
        let log = log.clone();
        let read = tokio::task::spawn_blocking(move || -> Result<Table, Fault> {
            let mut table = Table::default();
            let mut after: Option<Vec<u8>> = None;
            loop {
                let entries = log.kv_scan(TREE, after.as_deref(), BATCH)?;
                let is_last = entries.len() < BATCH;
                for (key, value) in &entries {
                    if let (Ok(key), Ok(session)) = (Key::try_from(key.as_slice()), codec::decode(TREE, SCHEMA, value))
                    {
                        table.insert(key, session);
                    }
                }
                after = entries.into_iter().next_back().map(|(key, _)| key);
                if is_last {
                    return Ok(table);
                }
            }
        });
        Ok(Self(Mutex::new(read.await.map_err(|_| Fault::WorkerDied)??)))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a session down, and ends those that give way to it.
    ///
    /// # Errors
    /// When the log does not take it; then there is no session.
    pub(crate) async fn begin(&self, log: &Arc<dyn EventLog>, key: Key, session: Session) -> Result<(), Fault> {
        let owner = (session.tenant.clone(), session.user.clone());
        let gone = self.table().give_way(&owner, session.began_at);
        write(log, vec![(key, Some(session.clone()))]).await?;
        self.table().insert(key, session);
        // They are out of the table already; what stays of them in the log is read again at a start, and over by then
        // or one too many once more.
        let _ = write(log, gone.into_iter().map(|key| (key, None)).collect()).await;
        Ok(())
    }

    /// A session that is not over, and whether its use is to be written down, which the table then holds as done.
    pub(crate) fn used(&self, key: &Key, now: Timestamp) -> Option<(Session, bool)> {
        let mut table = self.table();
        let session = table.by_key.get_mut(key)?;
        if session.is_over(now) {
            return None;
        }
        let is_due = now.0 - session.used_at.0 >= USE_EVERY_MS;
        if is_due {
            session.used_at = now;
        }
        Some((session.clone(), is_due))
    }

    /// Whether a session has not ended.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.table().by_key.contains_key(key)
    }

    /// Ends a session: first here, then in the log.
    ///
    /// # Errors
    /// When the log does not take it; it has ended until the next start all the same.
    pub(crate) async fn end(&self, log: &Arc<dyn EventLog>, key: Key) -> Result<(), Fault> {
        if self.table().remove(&key) {
            write(log, vec![(key, None)]).await?;
        }
        Ok(())
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// As [`Sessions::end`].
    pub(crate) async fn end_all(&self, log: &Arc<dyn EventLog>, tenant: &TenantId, user: &UserId) -> Result<(), Fault> {
        let keys = {
            let mut table = self.table();
            let owner = (tenant.clone(), user.clone());
            let keys = table.of_user.get(&owner).cloned().unwrap_or_default();
            for key in &keys {
                table.remove(key);
            }
            keys
        };
        write(log, keys.into_iter().map(|key| (key, None)).collect()).await
    }
}

/// Writes sessions down, or `None` in their place.
pub(crate) async fn write(log: &Arc<dyn EventLog>, entries: Vec<(Key, Option<Session>)>) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let log = log.clone();
    let written = tokio::task::spawn_blocking(move || -> Result<(), Fault> {
        for (key, session) in entries {
            log.kv_put(TREE, &key, session.as_ref().map(codec::encode).as_deref())?;
        }
        Ok(())
    });
    written.await.map_err(|_| Fault::WorkerDied)?
}

#[cfg(test)]
mod tests {
    use loonflow_storage::MemoryLog;

    use super::*;

    fn session(user: &str, at: i64) -> Session {
        Session {
            tenant: "t".into(),
            user: user.into(),
            password: [1; 32],
            began_at: Timestamp(at),
            used_at: Timestamp(at),
        }
    }

    fn key(n: usize) -> Key {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        key
    }

    #[tokio::test]
    async fn a_user_has_so_many_and_the_log_holds_no_more() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let sessions = Sessions::load(&log).await.unwrap();
        for n in 0..SESSIONS_OF_USER_MAX + 3 {
            let at = i64::try_from(n).unwrap();
            sessions.begin(&log, key(n), session("u", at)).await.unwrap();
            sessions
                .begin(&log, key(1_000 + n), session(&format!("other {n}"), at))
                .await
                .unwrap();
        }
        let later = Timestamp(100);
        for n in 0..3 {
            assert!(sessions.used(&key(n), later).is_none(), "{n} gave way");
        }
        assert!(sessions.used(&key(3), later).is_some());
        let again = Sessions::load(&log).await.unwrap();
        assert_eq!(again.table().of_user.len(), SESSIONS_OF_USER_MAX + 4);
        assert_eq!(again.table().by_key.len(), 2 * SESSIONS_OF_USER_MAX + 3);
        again.end_all(&log, &"t".into(), &"u".into()).await.unwrap();
        assert!(again.used(&key(5), later).is_none());
        assert!(again.used(&key(1_000), later).is_some());
        let last = Sessions::load(&log).await.unwrap();
        assert_eq!(last.table().by_key.len(), SESSIONS_OF_USER_MAX + 3);
    }

    #[tokio::test]
    async fn a_session_ends_by_age_and_by_idleness_and_goes_for_good() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let sessions = Sessions::load(&log).await.unwrap();
        sessions.begin(&log, key(1), session("u", 0)).await.unwrap();
        // Used each hour it lasts; its use is written down no more often than it must be.
        let mut now = Timestamp(0);
        let mut n_written = 0;
        while now.0 + 60_000 < SESSION_MS {
            now = now.plus_ms(60_000);
            let (_, is_due) = sessions.used(&key(1), now).expect("is used");
            n_written += i64::from(is_due);
        }
        assert!(n_written <= SESSION_MS / USE_EVERY_MS, "{n_written}");
        assert!(sessions.used(&key(1), Timestamp(SESSION_MS)).is_none(), "too old");
        sessions.begin(&log, key(2), session("v", SESSION_MS)).await.unwrap();
        assert_eq!(sessions.table().by_key.len(), 1, "the old one went");
        let idle = Timestamp(SESSION_MS + SESSION_IDLE_MS);
        assert!(sessions.used(&key(2), idle.plus_ms(-1)).is_some());
        sessions.begin(&log, key(3), session("w", idle.0)).await.unwrap();
        let idle = idle.plus_ms(2 * SESSION_IDLE_MS);
        assert!(sessions.used(&key(3), idle).is_none(), "nobody used it");
    }

    #[tokio::test]
    async fn what_does_not_read_is_no_session() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        log.kv_put(TREE, &key(1), Some(b"x")).unwrap();
        log.kv_put(TREE, b"short", Some(&codec::encode(&session("u", 0))))
            .unwrap();
        log.kv_put(TREE, &key(2), Some(&codec::encode(&session("u", 0))))
            .unwrap();
        let sessions = Sessions::load(&log).await.unwrap();
        assert_eq!(sessions.table().by_key.len(), 1);
    }
}
