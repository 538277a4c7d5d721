//! What an import asks of tickets is owed with it: a crash between the two loses nothing (semantics: intervention).

use std::sync::Arc;

use loonflow_engine::define::{Assign, Deadline, Field, Hours, Node, People, Person, Workflow};
use loonflow_engine::runtime::{Engine, EngineOptions, Ports, PublishRequest};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_storage::{EventLog, Fault, FaultyLog, MemoryLog};

use crate::fixture::until;

const HOUR_MS: i64 = 3_600_000;

/// Bob, who may have gone, and an office that opens at one hour or another.
fn people(bob_is_there: bool, hours: &str) -> People {
    let bob = Person::new("bob");
    People::of("shop", "shop.example")
        .calendar(Hours::of("office").on(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], &[hours]))
        .user("ann")
        .person(if bob_is_there { bob } else { bob.inactive() })
        .person(Person::new("adm").admin())
}

async fn over(log: &Arc<FaultyLog>) -> Engine {
    let ports = Ports {
        clock: Arc::new(ManualClock::at(NOW)),
        ..Ports::system()
    };
    let log = Arc::clone(log) as Arc<dyn EventLog>;
    Engine::start(log, ports, EngineOptions::default()).await.unwrap()
}

/// Whether a review that an import owes is broken off before its `n`-th commit; the next start ends it.
async fn breaks_off(n: u64) -> bool {
    let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), []));
    let engine = over(&log).await;
    let before = people(true, "00:00-24:00").directory();
    engine.directories().import(&before).await.unwrap().unwrap();
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .node(Node::step("check", Assign::users(["bob"])).deadline(Deadline::after("PT4H").calendar("office")))
        .agree("go", "start", "check")
        .agree("ok", "check", "end");
    engine
        .workflows()
        .publish(PublishRequest::new("shop", workflow))
        .await
        .unwrap()
        .unwrap();
    let ann = engine.as_user("shop", "ann");
    let ticket = ann.create("w").set("title", "T").take("go").await.unwrap().ticket_id;

    log.schedule(n, Fault::CrashBefore);
    let after = people(false, "02:00-24:00").directory();
    let is_broken_off = engine.directories().import(&after).await.is_err();
    log.clear();
    log.reopen();
    drop(engine);

    let engine = over(&log).await;
    let directory = || engine.directories().of(&"shop".into()).unwrap();
    until("all is looked at again", async || directory().unreviewed().is_none()).await;
    assert_eq!(
        directory().user(&"bob".into()).map(|bob| bob.is_active),
        Some(n == 0),
        "{n}"
    );
    let detail = engine.as_user("shop", "adm").on(ticket).detail().await.unwrap();
    let due = NOW.plus_ms(if n == 0 { 4 } else { 6 } * HOUR_MS);
    assert_eq!(
        (detail.row.needs_intervention, detail.row.due),
        (n > 0, Some(due)),
        "{n}"
    );
    engine.close().await.unwrap();
    is_broken_off
}

#[tokio::test]
async fn what_an_import_owes_tickets_is_done_after_a_crash() {
    let mut n = 0;
    while breaks_off(n).await {
        n += 1;
    }
    assert_eq!(n, 4, "the import, the holders, the deadlines, the note that it is done");
}
