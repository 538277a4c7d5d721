//! Which calls may run now: bounds in all, for each host, fair among tenants; and which wait until when.
//!
//! ```text
//! owed ─▶ Looking (which host?) ─▶ Ready ─▶ Running ─▶ closed
//!            ▲                                 │ failed
//!            └───────────── Waiting ◀──────────┘
//! ```
//! Plain data without time or tasks of its own, so a test plays through it. Not here: lanes, which say what is owed at
//! all (`runner`).

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::id::TenantId;
use crate::runtime::outbox::{Key, Tries};
use crate::time::Timestamp;

/// Calls in flight at once: each holds a connection, and some MiB where bodies are large.
pub(super) const IN_FLIGHT_MAX: usize = 64;
/// Calls in flight to one host and port: a receiver that is slow, or down, holds up its own calls alone.
pub(super) const OF_HOST_MAX: usize = 4;
/// Hosts that are looked up at once: each look reads a ticket.
const LOOKS_MAX: usize = 64;

/// Name and port of a host.
pub(super) type Host = String;

/// See the module.
#[derive(Debug)]
pub(super) struct Dispatch {
    /// Most that run at once.
    in_flight_max: usize,
    /// Most that run at once for one host.
    of_host_max: usize,
    calls: HashMap<Key, Call>,
    looking: VecDeque<Key>,
    n_looking: usize,
    /// Those that may run, for each host and tenant the one that has waited longest first.
    ready: BTreeMap<Host, BTreeMap<TenantId, BTreeSet<(Timestamp, Key)>>>,
    waiting: BTreeSet<(Timestamp, Key)>,
    n_running: usize,
    of_host: HashMap<Host, usize>,
    of_tenant: HashMap<TenantId, usize>,
}

#[derive(Debug)]
struct Call {
    tenant: TenantId,
    since: Timestamp,
    n_tries: u32,
    state: State,
    /// It is owed no longer; what is under way ends by itself.
    is_cancelled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Looking,
    Ready(Host),
    Running(Host),
    Waiting(Timestamp),
}

/// A call that may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) key: Key,
    pub(super) tenant: TenantId,
    /// How often it was tried before.
    pub(super) n_tries: u32,
}

impl Dispatch {
    /// With so many at once, and so many for one host.
    pub(super) fn new(in_flight_max: usize, of_host_max: usize) -> Self {
        Self {
            in_flight_max,
            of_host_max,
            calls: HashMap::new(),
            looking: VecDeque::new(),
            n_looking: 0,
            ready: BTreeMap::new(),
            waiting: BTreeSet::new(),
            n_running: 0,
            of_host: HashMap::new(),
            of_tenant: HashMap::new(),
        }
    }

    /// Whether a call is known.
    pub(super) fn knows(&self, key: Key) -> bool {
        self.calls.contains_key(&key)
    }

    /// A call is owed; one that is known already goes on as it is.
    pub(super) fn owe(&mut self, key: Key, tenant: &TenantId, since: Timestamp, tries: Option<Tries>, now: Timestamp) {
        if let Some(known) = self.calls.get_mut(&key) {
            known.is_cancelled = false;
            return;
        }
        let call = Call {
            tenant: tenant.clone(),
            since,
            n_tries: tries.map_or(0, |tries| tries.n),
            state: State::Looking,
            is_cancelled: false,
        };
        self.calls.insert(key, call);
        match tries.filter(|tries| tries.next > now) {
            Some(tries) => self.wait(key, tries.next),
            None => self.looking.push_back(key),
        }
    }

    /// Calls of a ticket that are known and not among these are owed no longer.
    pub(super) fn keep_only(&mut self, known: &[Key], still: &[Key]) {
        for key in known.iter().filter(|key| !still.contains(key)) {
            self.cancel(*key);
        }
    }

    fn cancel(&mut self, key: Key) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        match call.state.clone() {
            State::Running(_) => call.is_cancelled = true,
            State::Waiting(until) => {
                self.waiting.remove(&(until, key));
                self.calls.remove(&key);
            }
            State::Ready(host) => {
                self.leave_queue(key, &host);
                self.calls.remove(&key);
            }
            // Whoever looks finds that it is gone.
            State::Looking => {
                self.calls.remove(&key);
            }
        }
    }

    fn leave_queue(&mut self, key: Key, host: &Host) {
        let Some(call) = self.calls.get(&key) else { return };
        if let Some(tenants) = self.ready.get_mut(host) {
            if let Some(queue) = tenants.get_mut(&call.tenant) {
                queue.remove(&(call.since, key));
                if queue.is_empty() {
                    tenants.remove(&call.tenant);
                }
            }
            if tenants.is_empty() {
                self.ready.remove(host);
            }
        }
    }

    /// Lets calls whose pause is over be tried again.
    pub(super) fn wake(&mut self, now: Timestamp) {
        while let Some((until, key)) = self.waiting.first().copied().filter(|(until, _)| *until <= now) {
            self.waiting.remove(&(until, key));
            if let Some(call) = self.calls.get_mut(&key) {
                call.state = State::Looking;
                self.looking.push_back(key);
            }
        }
    }

    /// When the first pause is over.
    pub(super) fn first_wait(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(until, _)| *until)
    }

    /// A call whose host is to be looked up now: the address is that of the ticket as it is by then.
    pub(super) fn next_look(&mut self) -> Option<(Key, TenantId)> {
        while self.n_looking < LOOKS_MAX {
            let key = self.looking.pop_front()?;
            let call = self.calls.get(&key).filter(|call| call.state == State::Looking);
            if let Some(call) = call {
                self.n_looking += 1;
                return Some((key, call.tenant.clone()));
            }
        }
        None
    }

    /// A look has ended; without a host there is nothing to be called any more.
    pub(super) fn found(&mut self, key: Key, host: Option<Host>) {
        self.n_looking = self.n_looking.saturating_sub(1);
        let Some(call) = self.calls.get_mut(&key).filter(|call| call.state == State::Looking) else {
            return;
        };
        let Some(host) = host else {
            self.calls.remove(&key);
            return;
        };
        call.state = State::Ready(host.clone());
        let tenants = self.ready.entry(host).or_default();
        tenants
            .entry(call.tenant.clone())
            .or_default()
            .insert((call.since, key));
    }

    /// A look could not be done: it is done again after a pause.
    pub(super) fn not_found(&mut self, key: Key, again: Timestamp) {
        self.n_looking = self.n_looking.saturating_sub(1);
        if self.calls.get(&key).is_some_and(|call| call.state == State::Looking) {
            self.wait(key, again);
        }
    }

    /// The next call that may run: of the tenant with the fewest in flight, and of its the one that has waited longest.
    /// It looks at each host with calls, of which there are as many as published definitions name.
    pub(super) fn next_call(&mut self) -> Option<Started> {
        if self.n_running >= self.in_flight_max {
            return None;
        }
        let in_flight = |tenant: &TenantId| self.of_tenant.get(tenant).copied().unwrap_or(0);
        let free = self
            .ready
            .iter()
            .filter(|(host, _)| self.of_host.get(*host).copied().unwrap_or(0) < self.of_host_max);
        let firsts = free.flat_map(|(host, tenants)| {
            tenants.iter().filter_map(move |(tenant, queue)| {
                let (since, key) = queue.first()?;
                Some((in_flight(tenant), *since, *key, host.clone()))
            })
        });
        let (_, _, key, host) = firsts.min()?;
        self.leave_queue(key, &host);
        let call = self.calls.get_mut(&key)?;
        call.state = State::Running(host.clone());
        self.n_running += 1;
        *self.of_host.entry(host).or_default() += 1;
        *self.of_tenant.entry(call.tenant.clone()).or_default() += 1;
        Some(Started {
            key,
            tenant: call.tenant.clone(),
            n_tries: call.n_tries,
        })
    }

    /// A call has ended: it is closed, or is tried again. Whether it is still owed.
    pub(super) fn ended(&mut self, key: Key, again: Option<Tries>) -> bool {
        let Some(call) = self.calls.get_mut(&key) else {
            return false;
        };
        let State::Running(host) = call.state.clone() else {
            return false;
        };
        self.n_running = self.n_running.saturating_sub(1);
        lessen(&mut self.of_host, &host);
        lessen(&mut self.of_tenant, &call.tenant);
        match again.filter(|_| !call.is_cancelled) {
            Some(tries) => {
                call.n_tries = tries.n;
                self.wait(key, tries.next);
                true
            }
            None => {
                self.calls.remove(&key);
                false
            }
        }
    }

    fn wait(&mut self, key: Key, until: Timestamp) {
        if let Some(call) = self.calls.get_mut(&key) {
            call.state = State::Waiting(until);
            self.waiting.insert((until, key));
        }
    }
}

/// One less of a thing; none of it is nothing to be kept.
fn lessen<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TicketId;
    use crate::ticket::EffectId;

    fn key(ticket: u128) -> Key {
        (TicketId(uuid::Uuid::from_u128(ticket)), EffectId::of(1))
    }

    /// Owes calls of a tenant to a host, and looks the host up.
    fn owe(dispatch: &mut Dispatch, tenant: &str, host: &str, tickets: std::ops::Range<u128>) {
        for ticket in tickets {
            let since = Timestamp(i64::try_from(ticket).unwrap());
            dispatch.owe(key(ticket), &tenant.into(), since, None, Timestamp(0));
            let (looked, _) = dispatch.next_look().unwrap();
            dispatch.found(looked, Some(host.to_owned()));
        }
    }

    fn start_all(dispatch: &mut Dispatch) -> Vec<Started> {
        std::iter::from_fn(|| dispatch.next_call()).collect()
    }

    #[test]
    fn a_host_gets_four_and_all_of_them_sixty_four() {
        let mut dispatch = Dispatch::new(IN_FLIGHT_MAX, OF_HOST_MAX);
        owe(&mut dispatch, "a", "slow:443", 0..10);
        assert_eq!(start_all(&mut dispatch).len(), OF_HOST_MAX);
        for host in 0..20 {
            owe(
                &mut dispatch,
                "a",
                &format!("h{host}:443"),
                100 + host * 10..110 + host * 10,
            );
        }
        assert_eq!(start_all(&mut dispatch).len(), IN_FLIGHT_MAX - OF_HOST_MAX);
        assert_eq!(dispatch.n_running, IN_FLIGHT_MAX);
        assert!(!dispatch.ended(key(0), None));
        let next = start_all(&mut dispatch);
        assert_eq!(
            next.iter().map(|one| one.key).collect::<Vec<_>>(),
            [key(4)],
            "of the host that has a place again"
        );
    }

    #[test]
    fn a_tenant_with_many_does_not_keep_others_waiting() {
        let mut dispatch = Dispatch::new(IN_FLIGHT_MAX, OF_HOST_MAX);
        for host in 0..30 {
            owe(
                &mut dispatch,
                "many",
                &format!("h{host}:443"),
                host * 100..host * 100 + 4,
            );
        }
        assert_eq!(start_all(&mut dispatch).len(), IN_FLIGHT_MAX);
        owe(&mut dispatch, "few", "x:443", 9_000..9_001);
        dispatch.ended(key(0), None);
        assert_eq!(dispatch.next_call().unwrap().tenant, "few".into());
    }

    #[test]
    fn what_failed_waits_and_what_is_owed_no_longer_goes() {
        let mut dispatch = Dispatch::new(IN_FLIGHT_MAX, OF_HOST_MAX);
        owe(&mut dispatch, "a", "h:443", 0..2);
        assert_eq!(start_all(&mut dispatch).len(), 2);
        let tries = Tries {
            n: 3,
            next: Timestamp(50),
            is_held: false,
        };
        assert!(dispatch.ended(key(0), Some(tries)));
        assert_eq!(dispatch.first_wait(), Some(Timestamp(50)));
        dispatch.wake(Timestamp(49));
        assert_eq!(dispatch.next_look(), None);
        dispatch.wake(Timestamp(50));
        let (looked, _) = dispatch.next_look().unwrap();
        dispatch.found(looked, Some("h:443".to_owned()));
        assert_eq!(dispatch.next_call().unwrap().n_tries, 3);
        // Owed no longer while it runs: its failure is not tried again.
        dispatch.keep_only(&[key(0), key(1)], &[]);
        assert!(!dispatch.ended(key(0), Some(tries)) && !dispatch.ended(key(1), Some(tries)));
        assert!(!dispatch.calls.contains_key(&key(0)) && dispatch.first_wait().is_none());
        assert!(dispatch.of_host.is_empty() && dispatch.of_tenant.is_empty() && dispatch.ready.is_empty());
    }
}
