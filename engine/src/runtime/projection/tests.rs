//! One follower, several projections: each folds each commit once, wherever it begins.

use std::sync::atomic::AtomicU64;

use loonflow_storage::{Checkpoint, MemoryLog};

use super::*;
use crate::ticket::event::{Processor, TicketCreated};
use crate::time::Timestamp;

/// Keeps the positions of the commits that it has folded.
#[derive(Debug)]
struct Seen {
    name: &'static str,
    n_items: u64,
    positions: Mutex<Vec<Position>>,
    position: AtomicU64,
    n_stored: AtomicU64,
}

impl Seen {
    fn new(name: &'static str, n_items: u64) -> Arc<Self> {
        Arc::new(Self {
            name,
            n_items,
            positions: Mutex::default(),
            position: AtomicU64::new(0),
            n_stored: AtomicU64::new(0),
        })
    }

    fn positions(&self) -> Vec<Position> {
        self.positions.lock().unwrap().clone()
    }
}

impl Projection for Seen {
    fn name(&self) -> &'static str {
        self.name
    }

    fn position(&self) -> Position {
        self.position.load(Ordering::Acquire)
    }

    fn fold(&self, commits: &[TicketCommit<'_>], up_to: Position) {
        let new = commits.iter().map(|read| read.commit.position);
        self.positions.lock().unwrap().extend(new);
        self.position.store(up_to, Ordering::Release);
    }

    fn n_items(&self) -> u64 {
        self.n_items
    }

    fn restore(&self, log: &dyn EventLog) -> Result<(), Fault> {
        if let Some(found) = log.checkpoint(self.name)? {
            self.position.store(found.position, Ordering::Release);
        }
        Ok(())
    }

    fn store(&self, log: &dyn EventLog, is_over: &dyn Fn() -> bool) -> Result<(), Fault> {
        if !is_over() {
            let checkpoint = Checkpoint {
                position: self.position(),
                schema: 1,
                state: Vec::new(),
            };
            log.put_checkpoint(self.name, &checkpoint)?;
            self.n_stored.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }
}

/// Appends tickets, each a commit.
fn write(log: &MemoryLog, ids: std::ops::Range<u128>) {
    for id in ids {
        let (tenant, ticket) = (TenantId::from("acme"), TicketId(uuid::Uuid::from_u128(id)));
        let meta = Meta {
            at: Timestamp(0),
            by: Processor::System,
            app: None,
            access_token: None,
        };
        let created = Event::TicketCreated(Box::new(TicketCreated {
            ticket_id: ticket,
            tenant_id: tenant.clone(),
            workflow_id: "w".into(),
            version_name: "1".into(),
            start: "start".into(),
            creator: "ann".into(),
            app: "loonflow".into(),
            parent: None,
            cc: Vec::new(),
        }));
        let commit = streams::ticket_commit(streams::ticket(&tenant, ticket), 0, &meta, &[created]);
        log.append_now(commit).unwrap();
    }
}

struct Life {
    projections: Arc<Projections>,
    follower: tokio::task::JoinHandle<()>,
}

impl Life {
    fn over(log: &Arc<MemoryLog>, all: &[&Arc<Seen>], checkpoint_commits: u64) -> Self {
        let all = all.iter().map(|seen| -> Arc<dyn Projection> { (*seen).clone() });
        let projections = Projections::restore(&**log, all.collect(), Arc::default()).unwrap();
        let projections = Arc::new(projections);
        let follower = tokio::spawn(follow(projections.clone(), log.clone(), Vec::new(), checkpoint_commits));
        Self { projections, follower }
    }

    async fn catch_up(&self, log: &MemoryLog) {
        assert!(
            self.projections
                .caught_up(log.last_position(), Duration::from_secs(20))
                .await
        );
    }

    fn stop(self, log: &MemoryLog) {
        self.projections
            .store_last(log, Instant::now() + Duration::from_secs(5));
        self.follower.abort();
    }
}

const NEVER: u64 = u64::MAX;

#[tokio::test]
async fn a_new_projection_is_folded_from_the_start_and_the_others_go_on() {
    let log = Arc::new(MemoryLog::new());
    write(&log, 0..5);
    let old = Seen::new("old", 0);
    let life = Life::over(&log, &[&old], NEVER);
    life.catch_up(&log).await;
    assert_eq!(old.positions(), [1, 2, 3, 4, 5]);
    life.stop(&log);

    let (old, new) = (Seen::new("old", 0), Seen::new("new", 0));
    let life = Life::over(&log, &[&old, &new], NEVER);
    write(&log, 5..7);
    life.catch_up(&log).await;
    assert_eq!(
        (old.positions(), new.positions()),
        (vec![6, 7], vec![1, 2, 3, 4, 5, 6, 7])
    );
    life.stop(&log);

    let (old, new) = (Seen::new("old", 0), Seen::new("new", 0));
    let life = Life::over(&log, &[&old, &new], NEVER);
    life.catch_up(&log).await;
    assert_eq!((old.positions(), new.positions()), (vec![], vec![]));
    life.stop(&log);
}

#[tokio::test]
async fn a_checkpoint_comes_as_often_as_it_is_worth() {
    let log = Arc::new(MemoryLog::new());
    let (small, large) = (Seen::new("small", 8), Seen::new("large", 8_000));
    let life = Life::over(&log, &[&small, &large], 10);
    write(&log, 0..9);
    life.catch_up(&log).await;
    assert!(!life.projections.is_any_due(10), "9 commits of 10");
    write(&log, 9..900);
    life.catch_up(&log).await;
    life.projections.store_due(&*log, 10);
    assert!(small.n_stored.load(Ordering::Acquire) > 0);
    assert_eq!(large.n_stored.load(Ordering::Acquire), 0, "900 commits of 1,000");
    write(&log, 900..1_100);
    life.catch_up(&log).await;
    life.projections.store_due(&*log, 10);
    assert!(large.n_stored.load(Ordering::Acquire) <= 1, "1,100 commits");
    life.stop(&log);
    assert!(
        large.n_stored.load(Ordering::Acquire) >= 1,
        "at a stop, whatever it costs"
    );
}

#[tokio::test]
async fn a_commit_that_does_not_read_is_noted_and_passed_over() {
    let log = Arc::new(MemoryLog::new());
    write(&log, 0..1);
    let mut bad = streams::ticket_commit(
        streams::ticket(&"acme".into(), TicketId(uuid::Uuid::from_u128(7))),
        0,
        &Meta {
            at: Timestamp(0),
            by: Processor::System,
            app: None,
            access_token: None,
        },
        &[Event::InterventionEnded],
    );
    bad.events[0].payload = vec![0xFF; 9];
    log.append_now(bad).unwrap();
    write(&log, 1..2);
    let seen = Seen::new("seen", 0);
    let life = Life::over(&log, &[&seen], NEVER);
    life.catch_up(&log).await;
    assert_eq!(seen.positions(), [1, 3]);
    assert_eq!(life.projections.unreadable.all().len(), 1);
    life.stop(&log);
}
