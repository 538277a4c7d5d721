//! Notices that wait for each other: a person who wants one message a day, and a flood that becomes one message.
//!
//! Kept in memory alone. A start begins to count anew; what was held before it is known by its tries, which are stored, and
//! is still sent as one.
//!
//! Not here: what the message says (`notice::digest`), who sends it (`outbox::notice`).

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::runtime::outbox::{Key, Receiver};
use crate::time::Timestamp;

/// Messages to one receiver over one channel that may follow each other before more are held: as many as somebody reads,
/// and as chats take before they close their door.
const FLOOD: usize = 20;
/// In how long, and for how long they are held then.
const FLOOD_MS: i64 = 600_000;
/// Receivers that are remembered before those are forgotten to whom nothing went of late.
const REMEMBERED_MAX: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Holding(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    receivers: HashMap<Receiver, Sent>,
    /// Effects that a message under way is about.
    claimed: HashSet<Key>,
}

#[derive(Debug, Default)]
struct Sent {
    at: VecDeque<Timestamp>,
    held_until: Option<Timestamp>,
}

impl Sent {
    fn forget(&mut self, now: Timestamp) {
        // A clock that was set back would keep them for ever.
        let is_old = |at: &Timestamp| at.plus_ms(FLOOD_MS) <= now || *at > now;
        self.at.retain(|at| !is_old(at));
    }
}

/// Effects that belong to one message for as long as it is under way.
#[derive(Debug)]
pub(crate) struct Claim<'h> {
    holding: &'h Holding,
    keys: Vec<Key>,
}

impl Claim<'_> {
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut state = self.holding.state();
        for key in &self.keys {
            state.claimed.remove(key);
        }
    }
}

impl Holding {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an effect for a message, and of others those that no message has; `None` where another has the first.
    pub(crate) fn claim(&self, first: Key, others: impl IntoIterator<Item = Key>) -> Option<Claim<'_>> {
        let mut state = self.state();
        if !state.claimed.insert(first) {
            return None;
        }
        let mut keys = vec![first];
        keys.extend(others.into_iter().filter(|key| state.claimed.insert(*key)));
        Some(Claim { holding: self, keys })
    }

    /// Counts a message to a receiver.
    ///
    /// # Errors
    /// Until when it is held, where there were too many.
    pub(crate) fn admit(&self, receiver: &Receiver, now: Timestamp) -> Result<(), Timestamp> {
        let mut state = self.state();
        if state.receivers.len() > REMEMBERED_MAX {
            state.receivers.retain(|_, sent| {
                sent.forget(now);
                !sent.at.is_empty() || sent.held_until.is_some_and(|until| until > now)
            });
        }
        let sent = state.receivers.entry(receiver.clone()).or_default();
        sent.forget(now);
        match sent.held_until {
            Some(until) if now < until => return Err(until),
            Some(_) => sent.held_until = None,
            None if sent.at.len() >= FLOOD => {
                let until = now.plus_ms(FLOOD_MS);
                sent.held_until = Some(until);
                return Err(until);
            }
            None => {}
        }
        sent.at.push_back(now);
        Ok(())
    }

    /// A message that was counted did not go out.
    pub(crate) fn failed(&self, receiver: &Receiver) {
        if let Some(sent) = self.state().receivers.get_mut(receiver) {
            sent.at.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TicketId;
    use crate::ticket::EffectId;

    fn receiver(user: &str) -> Receiver {
        ("acme".into(), "mail".into(), Some(user.into()))
    }

    #[test]
    fn more_than_twenty_in_ten_minutes_are_held_for_ten() {
        let holding = Holding::default();
        let minute = |n: i64| Timestamp(n * 60_000);
        for n in 0..20 {
            assert_eq!(holding.admit(&receiver("wes"), Timestamp(n)), Ok(()));
        }
        assert_eq!(holding.admit(&receiver("wes"), minute(1)), Err(minute(11)));
        assert_eq!(holding.admit(&receiver("wes"), minute(5)), Err(minute(11)));
        assert_eq!(holding.admit(&receiver("ada"), minute(5)), Ok(()), "each has their own");
        assert_eq!(
            holding.admit(&receiver("wes"), minute(11)),
            Ok(()),
            "all that was held, as one"
        );
        for _ in 1..20 {
            assert_eq!(holding.admit(&receiver("wes"), minute(11)), Ok(()));
        }
        // One that did not go out leaves its place.
        holding.failed(&receiver("wes"));
        assert_eq!(holding.admit(&receiver("wes"), minute(12)), Ok(()));
        assert_eq!(holding.admit(&receiver("wes"), minute(12)), Err(minute(22)));
    }

    #[test]
    fn an_effect_belongs_to_one_message_at_a_time() {
        let holding = Holding::default();
        let key = |n: u128| (TicketId(uuid::Uuid::from_u128(n)), EffectId::of(1));
        let first = holding.claim(key(1), [key(2), key(3)]).unwrap();
        assert_eq!(first.keys(), [key(1), key(2), key(3)]);
        assert!(holding.claim(key(2), [key(4)]).is_none());
        let second = holding.claim(key(4), [key(3), key(5)]).unwrap();
        assert_eq!(second.keys(), [key(4), key(5)]);
        drop(first);
        assert!(holding.claim(key(2), []).is_some());
    }
}
