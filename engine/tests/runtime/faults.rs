//! Logs and actors that fail: what was answered holds, what was not may be asked again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loonflow_engine::runtime::{ActRequest, EngineOptions, Fault, HistoryQuery, Readiness};
use loonflow_storage::{Error, EventLog, FaultyLog, MemoryLog};

use crate::fixture::{PATIENCE, World, agree, comment, done, handle, key, until};

const HISTORY: HistoryQuery = HistoryQuery {
    with_effects: false,
    from_version: 0,
    page: 1,
    per_page: 100,
    reverse: false,
};

async fn over_faulty(options: EngineOptions) -> (World, Arc<FaultyLog>) {
    let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), []));
    let world = World::filled(Arc::clone(&log) as Arc<dyn EventLog>, options).await;
    (world, log)
}

#[tokio::test]
async fn an_actor_that_panics_is_replayed() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let before = world
        .engine
        .tickets()
        .detail(&world.caller("dev"), id)
        .await
        .unwrap()
        .unwrap()
        .row;
    world.ports.is_draw_broken.store(true, Ordering::SeqCst);
    let (engine, dev) = (world.engine.clone(), world.caller("dev"));
    let call = tokio::spawn(async move { engine.tickets().act(&dev, handle(id, comment("lost"))).await });
    let answer = tokio::time::timeout(PATIENCE, call)
        .await
        .expect("the caller is not left waiting");
    answer.expect("the panic stays with the actor").unwrap_err();

    let after = world
        .engine
        .tickets()
        .detail(&world.caller("dev"), id)
        .await
        .unwrap()
        .unwrap()
        .row;
    assert_eq!(after, before);
    let next = world.act("dev", id, comment("kept"), BTreeMap::new()).await.unwrap();
    assert_eq!(next.version, before.version + 1);
}

#[tokio::test]
async fn a_refused_append_changes_nothing() {
    let (world, log) = over_faulty(EngineOptions::default()).await;
    let id = world.leave("2").await;
    let before = world
        .engine
        .tickets()
        .detail(&world.caller("dev"), id)
        .await
        .unwrap()
        .unwrap()
        .row;
    log.schedule(0, loonflow_storage::Fault::Refuse(Error::Full));
    let fault = world
        .engine
        .tickets()
        .act(&world.caller("erin"), handle(id, agree("approve_yes")))
        .await
        .unwrap_err();
    assert!(!fault.is_retryable(), "{fault}");
    assert_eq!(
        world
            .engine
            .tickets()
            .detail(&world.caller("dev"), id)
            .await
            .unwrap()
            .unwrap()
            .row,
        before
    );
    // Once there is room again, the same call goes through.
    world
        .act("erin", id, agree("approve_yes"), BTreeMap::new())
        .await
        .unwrap();
}

/// The commit is on disk but its answer was lost: after a restart the key tells so, and nothing happens twice.
#[tokio::test]
async fn an_uncertain_write_is_settled_by_its_key() {
    for (fault, is_written) in [
        (loonflow_storage::Fault::UncertainWritten, true),
        (loonflow_storage::Fault::UncertainLost, false),
    ] {
        let (world, log) = over_faulty(EngineOptions::default()).await;
        let id = world.leave("2").await;
        let request = ActRequest {
            idempotency: key("k", 1),
            ..handle(id, comment("once"))
        };
        log.schedule(0, fault);
        world
            .engine
            .tickets()
            .act(&world.caller("dev"), request.clone())
            .await
            .unwrap_err();
        // Until the log comes back, writes are refused as one that is worth repeating.
        let other = ActRequest {
            idempotency: key("l", 2),
            ..handle(id, comment("other"))
        };
        let refused = world
            .engine
            .tickets()
            .act(&world.caller("dev"), other)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, Fault::Stopped { .. }) && refused.is_retryable(),
            "{refused}"
        );
        let readiness = world.engine.readiness();
        assert!(matches!(readiness, Readiness::Stopped { .. }), "{readiness:?}");
        log.reopen();
        assert_eq!(world.engine.readiness(), Readiness::Ready);
        let answer = world
            .engine
            .tickets()
            .act(&world.caller("dev"), request)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(done(answer).replayed, is_written);
        let history = world
            .engine
            .tickets()
            .history(&world.caller("dev"), id, HISTORY)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(history.total, 2);
    }
}

#[tokio::test]
async fn a_stale_actor_reads_the_ticket_again() {
    let (world, log) = over_faulty(EngineOptions::default()).await;
    let id = world.leave("2").await;
    // Nobody else writes here, so a conflict means that the actor is wrong about the stream.
    let conflict = Error::Conflict {
        expected: loonflow_storage::Expected::NoStream,
        found: None,
    };
    log.schedule(0, loonflow_storage::Fault::Refuse(conflict));
    let fault = world
        .engine
        .tickets()
        .act(&world.caller("dev"), handle(id, comment("x")))
        .await
        .unwrap_err();
    assert!(fault.is_retryable(), "{fault}");
    world.act("dev", id, comment("x"), BTreeMap::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_many_calls_are_turned_away_at_once() {
    let options = EngineOptions {
        calls_max: 4,
        ..EngineOptions::default()
    };
    let (world, log) = over_faulty(options).await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(world.leave("2").await);
    }
    // Four appends are held, so four calls are under way.
    (0..4).for_each(|n_between| log.schedule(n_between, loonflow_storage::Fault::Hold));
    let n_appends = log.n_appends();
    let call = |id| {
        let (engine, dev) = (world.engine.clone(), world.caller("dev"));
        tokio::spawn(async move { engine.tickets().act(&dev, handle(id, comment("x"))).await })
    };
    let held: Vec<_> = ids[..4].iter().map(|id| call(*id)).collect();
    until("four appends are held", async || log.n_appends() == n_appends + 4).await;
    let turned_away = tokio::time::timeout(Duration::from_secs(5), call(ids[4]))
        .await
        .expect("at once")
        .unwrap();
    assert!(
        matches!(turned_away, Err(Fault::Overloaded { retry_after_s: 1.. })),
        "{turned_away:?}"
    );
    // Reads go on meanwhile.
    world
        .engine
        .tickets()
        .detail(&world.caller("dev"), ids[5])
        .await
        .unwrap()
        .unwrap();
    log.release();
    for call in held {
        call.await.unwrap().unwrap().unwrap();
    }
    world.act("dev", ids[4], comment("x"), BTreeMap::new()).await.unwrap();
}

/// A reader never waits for a writer: it is shown what is on disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_during_a_write_shows_what_is_on_disk() {
    let (world, log) = over_faulty(EngineOptions::default()).await;
    let id = world.leave("2").await;
    let before = world
        .engine
        .tickets()
        .detail(&world.caller("dev"), id)
        .await
        .unwrap()
        .unwrap()
        .row
        .version;
    log.schedule(0, loonflow_storage::Fault::Hold);
    let n_appends = log.n_appends();
    let (engine, dev) = (world.engine.clone(), world.caller("dev"));
    let call = tokio::spawn(async move { engine.tickets().act(&dev, handle(id, comment("x"))).await });
    until("the append is held", async || log.n_appends() == n_appends + 1).await;
    let reader = world.caller("dev");
    let read = world.engine.tickets().detail(&reader, id);
    let seen = tokio::time::timeout(PATIENCE, read)
        .await
        .expect("no waiting")
        .unwrap()
        .unwrap();
    assert_eq!(seen.row.version, before);
    log.release();
    assert_eq!(done(call.await.unwrap().unwrap().unwrap()).version, before + 1);
}

/// Right after a write that failed, readers took "nothing is published" for "there is no such ticket".
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_acknowledged_ticket_is_found_whatever_fails() {
    let (world, log) = over_faulty(EngineOptions::default()).await;
    let id = world.leave("2").await;
    let broken = || Error::Io {
        doing: "sync the log".into(),
        kind: std::io::ErrorKind::Other,
        message: "scheduled".into(),
    };
    const N_WRITES: u64 = 300;
    (0..N_WRITES).for_each(|n_between| log.schedule(n_between, loonflow_storage::Fault::Refuse(broken())));
    let (engine, dev) = (world.engine.clone(), world.caller("dev"));
    let writer = tokio::spawn(async move {
        for _ in 0..N_WRITES {
            let answer = engine.tickets().act(&dev, handle(id, comment("x"))).await;
            assert!(matches!(answer, Err(Fault::Storage(_))), "{answer:?}");
        }
    });
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (engine, dev, writer) = (world.engine.clone(), world.caller("dev"), writer.abort_handle());
            tokio::spawn(async move {
                while !writer.is_finished() {
                    engine.tickets().detail(&dev, id).await.unwrap().expect("it is there");
                    let page = engine
                        .tickets()
                        .history(&dev, id, HISTORY)
                        .await
                        .unwrap()
                        .expect("it is there");
                    assert_eq!(page.total, 1);
                }
            })
        })
        .collect();
    writer.await.unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
}
