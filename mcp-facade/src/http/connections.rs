//! The table of open connections: how many, whose, what each of them does, and which one gives way when there is no room.
//!
//! Not here: sockets and the accept loop (`listen`), bodies (`bodies`).
//!
//! What keeps nobody busy gives way first: a connection on which no request has arrived, the longest waiting one; then a
//! body that comes without a good token; then an answer that its client does not take. A request that is carried out is
//! never cut off. Where nothing gives way, a newcomer gets a place in the reserve, where probes are answered and
//! everybody else is told `overloaded`.
//!
//! Invariant: a connection that was told to close takes no further request.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::{
    ANSWER_STALLED_MAX, ANSWERS_UNSENT_BYTES_MAX, CONNECTIONS_RESERVED, FIRST_HEAD_MAX, IDLE_MAX, RESERVE_HEAD_MAX,
};

/// Share of all connections that one address may have.
const ADDRESS_SHARE: usize = 2;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No request has arrived: nothing was sent, a head trickles in, or it idles between two requests.
    Head { is_first: bool },
    /// A body comes in; `is_known`: with a good token.
    Body { is_known: bool },
    /// The request is carried out.
    Call,
    /// The answer goes out.
    Answer,
}

/// See the module.
pub(super) struct Connections {
    table: Mutex<Table>,
    connections_max: usize,
}

#[derive(Default)]
struct Table {
    next: u64,
    entries: HashMap<u64, Entry>,
    /// Bytes of answers that wait for their clients.
    n_unsent: usize,
}

struct Entry {
    /// `None` for this machine: a proxy on it speaks for everybody.
    address: Option<IpAddr>,
    is_reserve: bool,
    phase: Phase,
    /// Since when it is in its phase, or has made progress in it.
    since: Instant,
    n_unsent: usize,
    /// Cancelled to close it.
    close: CancellationToken,
}

/// One connection's place; dropping the last clone gives it back.
#[derive(Clone)]
pub(super) struct Connection(Arc<Place>);

struct Place {
    connections: Arc<Connections>,
    id: u64,
    is_reserve: bool,
    close: CancellationToken,
    peer: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.connections.lock();
        if let Some(entry) = table.entries.remove(&self.id) {
            table.n_unsent -= entry.n_unsent;
        }
    }
}

impl Connection {
    /// Whether it is one over the cap.
    pub(super) fn is_reserve(&self) -> bool {
        self.0.is_reserve
    }

    /// Who is at the other end.
    pub(super) fn peer(&self) -> IpAddr {
        self.0.peer
    }

    /// Resolves when it has to close.
    pub(super) async fn closing(&self) {
        self.0.close.cancelled().await;
    }

    /// Goes over to another phase. `false` where it has been told to close.
    pub(super) fn enter(&self, phase: Phase) -> bool {
        let mut table = self.0.connections.lock();
        let Some(entry) = table.entries.get_mut(&self.0.id) else {
            return false;
        };
        let n_unsent = std::mem::take(&mut entry.n_unsent);
        (entry.phase, entry.since) = (phase, Instant::now());
        let goes_on = !entry.close.is_cancelled();
        table.n_unsent -= n_unsent;
        goes_on
    }

    /// Goes over to sending an answer of `n_bytes`. `false` where there is no room for it beside those that others do not
    /// take, and none of them gives way.
    pub(super) fn answer(&self, n_bytes: usize) -> bool {
        self.enter(Phase::Answer);
        let mut table = self.0.connections.lock();
        let now = Instant::now();
        while table.n_unsent > 0 && table.n_unsent + n_bytes > ANSWERS_UNSENT_BYTES_MAX {
            if !table.close_stalled(now) {
                return false;
            }
        }
        if let Some(entry) = table.entries.get_mut(&self.0.id) {
            entry.n_unsent = n_bytes;
            table.n_unsent += n_bytes;
        }
        true
    }

    /// The client has taken `n_bytes` more of its answer.
    pub(super) fn took(&self, n_bytes: usize) {
        let mut table = self.0.connections.lock();
        if let Some(entry) = table.entries.get_mut(&self.0.id) {
            let n_bytes = n_bytes.min(entry.n_unsent);
            entry.n_unsent -= n_bytes;
            entry.since = Instant::now();
            table.n_unsent -= n_bytes;
        }
    }
}

impl Connections {
    pub(super) fn new(connections_max: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::default(),
            connections_max: connections_max.max(1),
        })
    }

    /// A place for a connection, or one in the reserve; `None` where that is full too. Others may be told to close for it.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Connection> {
        let address = address_of(peer);
        let mut table = self.lock();
        let of_address = |entry: &Entry| address.is_some() && entry.address == address;
        let address_max = (self.connections_max / ADDRESS_SHARE).max(1);
        let is_over = if table.count(of_address) >= address_max {
            !table.make_room(of_address)
        } else {
            table.count(|_| true) >= self.connections_max && !table.make_room(|_| true)
        };
        if is_over && table.n_reserve() >= CONNECTIONS_RESERVED && !table.make_room_in_reserve() {
            return None;
        }
        let (id, close) = (table.next, CancellationToken::new());
        table.next += 1;
        let entry = Entry {
            address,
            is_reserve: is_over,
            phase: Phase::Head { is_first: true },
            since: Instant::now(),
            n_unsent: 0,
            close: close.clone(),
        };
        table.entries.insert(id, entry);
        Some(Connection(Arc::new(Place {
            connections: self.clone(),
            id,
            is_reserve: is_over,
            close,
            peer,
        })))
    }

    /// Closes those that have been in their phase for too long. How long a body or a call may take is seen to where it
    /// is carried out.
    pub(super) fn close_overdue(&self) {
        let now = Instant::now();
        for entry in self.lock().entries.values() {
            let at_most = match entry.phase {
                Phase::Head { .. } if entry.is_reserve => RESERVE_HEAD_MAX,
                Phase::Head { is_first: true } => FIRST_HEAD_MAX,
                Phase::Head { is_first: false } => IDLE_MAX,
                Phase::Answer => ANSWER_STALLED_MAX,
                Phase::Body { .. } | Phase::Call => continue,
            };
            if now.saturating_duration_since(entry.since) >= at_most {
                entry.close.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Connections that stay, the reserve apart.
    fn staying(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .values()
            .filter(|entry| !entry.is_reserve && !entry.close.is_cancelled())
    }

    fn count(&self, of: impl Fn(&Entry) -> bool) -> usize {
        self.staying().filter(|entry| of(entry)).count()
    }

    fn n_reserve(&self) -> usize {
        let reserve = self.entries.values().filter(|entry| entry.is_reserve);
        reserve.filter(|entry| !entry.close.is_cancelled()).count()
    }

    /// Closes the one that keeps nobody busy and has done so for longest; whether there was one.
    fn make_room(&self, of: impl Fn(&Entry) -> bool) -> bool {
        let now = Instant::now();
        let waiting = |entry: &Entry| matches!(entry.phase, Phase::Head { .. });
        let unknown = |entry: &Entry| entry.phase == (Phase::Body { is_known: false });
        let stalled = |entry: &Entry| is_stalled(entry, now);
        let oldest = |kind: &dyn Fn(&Entry) -> bool| {
            let fitting = self.staying().filter(|entry| of(entry) && kind(entry));
            fitting.min_by_key(|entry| entry.since)
        };
        let found = oldest(&waiting)
            .or_else(|| oldest(&unknown))
            .or_else(|| oldest(&stalled));
        found.inspect(|entry| entry.close.cancel()).is_some()
    }

    fn make_room_in_reserve(&self) -> bool {
        let waiting = self.entries.values().filter(|entry| {
            entry.is_reserve && !entry.close.is_cancelled() && matches!(entry.phase, Phase::Head { .. })
        });
        let oldest = waiting.min_by_key(|entry| entry.since);
        oldest.inspect(|entry| entry.close.cancel()).is_some()
    }

    /// Closes the connection whose client has not taken any of its answer for longest; whether there was one.
    fn close_stalled(&mut self, now: Instant) -> bool {
        let stalled = self
            .entries
            .values_mut()
            .filter(|entry| entry.n_unsent > 0 && is_stalled(entry, now));
        let Some(entry) = stalled.min_by_key(|entry| entry.since) else {
            return false;
        };
        entry.close.cancel();
        let n_unsent = std::mem::take(&mut entry.n_unsent);
        self.n_unsent -= n_unsent;
        true
    }
}

/// Whether a client has left its answer lying for a time that no client needs who reads.
fn is_stalled(entry: &Entry, now: Instant) -> bool {
    /// Long enough for a lost packet to come again.
    const TAKES_NOTHING_FOR: std::time::Duration = std::time::Duration::from_secs(2);
    entry.phase == Phase::Answer && now.saturating_duration_since(entry.since) >= TAKES_NOTHING_FOR
}

/// What counts as one address: for IPv6 the network of a household, for it has as many addresses as it likes. `None` for
/// this machine.
pub(super) fn address_of(peer: IpAddr) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    if peer.is_loopback() {
        return None;
    }
    match peer {
        IpAddr::V4(_) => Some(peer),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn there(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    fn is_closing(connection: &Connection) -> bool {
        connection.0.close.is_cancelled()
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_waiting_one_gives_way() {
        let connections = Connections::new(3);
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(connections.admit(HERE).expect("a place"));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(open[0].enter(Phase::Call));
        let newcomer = connections.admit(HERE).expect("a place");
        assert!(!newcomer.is_reserve());
        let closing: Vec<_> = open.iter().map(is_closing).collect();
        assert_eq!(closing, [false, true, false]);
        assert!(!open[1].enter(Phase::Call), "it takes no request any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_without_a_token_gives_way_and_one_with_it_does_not() {
        let connections = Connections::new(2);
        let known = connections.admit(HERE).expect("a place");
        known.enter(Phase::Body { is_known: true });
        let unknown = connections.admit(HERE).expect("a place");
        unknown.enter(Phase::Body { is_known: false });
        let newcomer = connections.admit(HERE).expect("a place");
        newcomer.enter(Phase::Call);
        assert_eq!((is_closing(&known), is_closing(&unknown)), (false, true));
        let reserve = connections.admit(HERE).expect("in the reserve");
        assert!(reserve.is_reserve() && !is_closing(&known) && !is_closing(&newcomer));
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_leaves_room_for_others() {
        let connections = Connections::new(4);
        let busy: Vec<_> = (0..2)
            .map(|_| {
                let connection = connections.admit(there(1)).expect("a place");
                connection.enter(Phase::Call);
                connection
            })
            .collect();
        assert!(connections.admit(there(1)).expect("in the reserve").is_reserve());
        assert!(!connections.admit(there(2)).expect("a place").is_reserve());
        drop(busy);
        assert!(!connections.admit(there(1)).expect("a place").is_reserve());
    }

    #[tokio::test(start_paused = true)]
    async fn the_reserve_is_bounded_and_silent_ones_give_way_in_it() {
        let connections = Connections::new(1);
        let busy = connections.admit(HERE).expect("a place");
        busy.enter(Phase::Call);
        let mut reserve = vec![connections.admit(HERE).expect("in the reserve")];
        tokio::time::advance(Duration::from_millis(1)).await;
        reserve.extend((1..CONNECTIONS_RESERVED).map(|_| connections.admit(HERE).expect("in the reserve")));
        let probe = connections.admit(HERE).expect("in the place of a silent one");
        assert!(probe.is_reserve() && is_closing(&reserve[0]));
        for connection in reserve[1..].iter().chain([&probe]) {
            connection.enter(Phase::Call);
        }
        assert!(connections.admit(HERE).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_time() {
        let connections = Connections::new(9);
        let at = |phase| {
            let connection = connections.admit(HERE).expect("a place");
            connection.enter(phase);
            connection
        };
        let first = at(Phase::Head { is_first: true });
        let idle = at(Phase::Head { is_first: false });
        let call = at(Phase::Call);
        let answer = at(Phase::Answer);
        let overdue = |connections: &Connections| {
            connections.close_overdue();
            [&first, &idle, &call, &answer].map(is_closing)
        };
        assert_eq!(overdue(&connections), [false; 4]);
        tokio::time::advance(FIRST_HEAD_MAX).await;
        assert_eq!(overdue(&connections), [true, false, false, false]);
        tokio::time::advance(ANSWER_STALLED_MAX - FIRST_HEAD_MAX).await;
        assert_eq!(overdue(&connections), [true, false, false, true]);
        tokio::time::advance(IDLE_MAX).await;
        assert_eq!(overdue(&connections), [true, true, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_takes_are_bounded_together() {
        let connections = Connections::new(100);
        let lazy: Vec<_> = (0..4).map(|_| connections.admit(HERE).expect("a place")).collect();
        for connection in &lazy {
            assert!(connection.answer(ANSWERS_UNSENT_BYTES_MAX / 4));
        }
        let another = connections.admit(HERE).expect("a place");
        assert!(!another.answer(1), "all of it is on its way");
        lazy[1].took(10);
        assert!(another.answer(1));
        tokio::time::advance(Duration::from_secs(3)).await;
        lazy[0].took(1);
        assert!(another.answer(ANSWERS_UNSENT_BYTES_MAX / 4));
        assert_eq!(lazy.iter().filter(|connection| is_closing(connection)).count(), 1);
        drop((lazy, another));
        assert_eq!(connections.lock().n_unsent, 0);
    }

    #[test]
    fn an_address_is_what_one_household_has() {
        let of = |text: &str| address_of(text.parse().expect("an address")).map(|address| address.to_string());
        assert_eq!(of("127.0.0.1"), None);
        assert_eq!(of("::1"), None);
        assert_eq!(of("::ffff:127.0.0.1"), None);
        assert_eq!(of("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::"));
    }
}
