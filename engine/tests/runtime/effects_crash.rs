//! Effects through crashes: whatever dies between an event and its delivery, between an answer and the event that closes
//! it, nothing that is owed is lost, nothing is carried out behind its closing event, and all tries of an effect are one
//! and the same call.
//!
//! A crash is the log as it is at that moment, taken up by another engine; the old one cannot write any more, and may still
//! be posting, as a process does whose last bytes are on their way. `EFFECT_ROUNDS` sets how many crashes there are.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{
    Engine, EngineOptions, NoResponse, Outside, Ports, Post, PublishRequest, Response, commit,
};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_engine::ticket::{ActState, EffectTable, Event};
use loonflow_storage::{EventLog, MemoryLog};

/// A receiver that fails often, and notes what came: by id, each body.
#[derive(Clone, Default)]
struct Receiver {
    came: Arc<Mutex<HashMap<String, Vec<Vec<u8>>>>>,
    n: Arc<AtomicU64>,
}

impl Outside for Receiver {
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        let receiver = self.clone();
        Box::pin(async move {
            let n = receiver.n.fetch_add(1, Ordering::SeqCst);
            let before = receiver.came.lock().unwrap().entry(post.id).or_default().len();
            tokio::time::sleep(Duration::from_micros(mixed(n) % 3_000)).await;
            if mixed(n ^ 0x55).is_multiple_of(4) && before < 5 {
                return Err(NoResponse::Failed("connection reset".into()));
            }
            Ok(Response {
                status: 200,
                body: br#"{"code":0}"#.to_vec(),
                retry_after: None,
            })
        })
    }
}

/// The same, noting at the moment that the call arrives.
#[derive(Clone)]
struct Noting(Receiver);

impl Outside for Noting {
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        let mut came = self.0.came.lock().unwrap();
        came.entry(post.id.clone()).or_default().push(post.body.clone());
        drop(came);
        self.0.post(post)
    }
}

/// A number made of another, with nothing to see of it.
fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

async fn over(log: &Arc<MemoryLog>, clock: &ManualClock, receiver: &Receiver) -> Engine {
    let shared: Arc<dyn EventLog> = log.clone();
    let ports = Ports {
        clock: Arc::new(clock.clone()),
        outside: Some(Arc::new(Noting(receiver.clone()))),
        ..Ports::system()
    };
    Engine::start(shared, ports, EngineOptions::default()).await.unwrap()
}

/// A timer, a hook, a hook behind it, and an event hook on the way and at the end.
fn workflow() -> Workflow {
    Workflow::new("w", "1")
        .field(Field::title())
        .event_hook("audit", "https://audit.example/", "", ["create", "finish"])
        .node(Node::timer("wait", "PT1M"))
        .node(Node::hook("one", "https://one.example/", "k"))
        .node(Node::hook("two", "https://two.example/", "k"))
        .node(Node::step("never", Assign::users(["ann"])))
        .agree("go", "start", "wait")
        .way("a", "wait", "one")
        .way("b", "one", "two")
        .way("c", "two", "end")
        .agree("d", "never", "end")
        .agree("e", "start", "never")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_owed_is_lost_or_carried_out_behind_its_end() {
    let n_rounds: u64 = std::env::var("EFFECT_ROUNDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(25);
    let (mut log, clock, receiver) = (Arc::new(MemoryLog::new()), ManualClock::at(NOW), Receiver::default());
    let mut engine = over(&log, &clock, &receiver).await;
    let people = People::of("shop", "shop.example").user("ann");
    engine.directories().import(&people.directory()).await.unwrap().unwrap();
    let published = engine
        .workflows()
        .publish(PublishRequest::new("shop", workflow()))
        .await;
    published.unwrap().unwrap();
    let mut tickets = Vec::new();
    for round in 0..n_rounds {
        let ann = engine.as_user("shop", "ann");
        for _ in 0..=mixed(round) % 3 {
            let created = ann.create("w").set("title", "T").take("go").await.unwrap();
            tickets.push(created.ticket_id);
        }
        clock.pass_ms(i64::try_from(mixed(round ^ 7) % 90_000).unwrap());
        tokio::time::sleep(Duration::from_micros(mixed(round ^ 3) % 12_000)).await;
        // It dies here: what is on disk now is all that is left.
        log.close().unwrap();
        log = Arc::new(log.fork());
        log.reopen();
        let next = over(&log, &clock, &receiver).await;
        drop(std::mem::replace(&mut engine, next));
    }
    // Enough time without a fault.
    for _ in 0..400 {
        clock.pass_ms(120_000);
        tokio::time::sleep(Duration::from_millis(5)).await;
        if engine.effects().n_open() == 0 {
            break;
        }
    }
    assert_eq!(engine.effects().n_open(), 0, "nothing is owed");
    let came = receiver.came.lock().unwrap().clone();
    for (id, bodies) in &came {
        assert!(
            bodies.iter().all(|body| *body == bodies[0]),
            "{id} came with two bodies"
        );
    }
    for ticket in &tickets {
        closed_once(&log, *ticket, &came);
        let detail = engine.as_user("shop", "ann").on(*ticket).detail().await.unwrap();
        assert_eq!(detail.row.act_state, ActState::Finished);
        assert!(detail.intervention.is_none());
    }
    engine.close().await.unwrap();
}

/// Every call that a ticket owed came at least once, and was closed once.
fn closed_once(log: &MemoryLog, ticket: TicketId, came: &HashMap<String, Vec<Vec<u8>>>) {
    let stream = commit::ticket_stream(&"shop".into(), ticket);
    let (mut table, mut owed, mut version) = (EffectTable::default(), Vec::new(), 0);
    for one in log.read_stream(&stream, 0).unwrap() {
        let (meta, events) = commit::read(&one).unwrap();
        for event in events {
            version += 1;
            let before = table.len();
            table.apply(&event, version, meta.at);
            if matches!(event, Event::HookRequested { .. } | Event::EffectsOwed { .. }) {
                owed.extend(table.iter().filter(|(id, _)| id.version == version).map(|(id, _)| id));
            } else if matches!(event, Event::HookSucceeded { .. } | Event::EffectDone { .. }) {
                assert_eq!(table.len() + 1, before, "it closes what is open");
            }
        }
    }
    assert!(table.is_empty(), "{ticket}: {table:?}");
    assert_eq!(owed.len(), 4, "two hooks, and two calls of the event hook");
    for effect in owed {
        let id = format!("msg_{}_{}_{}", ticket.0.simple(), effect.version, effect.index);
        assert!(came.contains_key(&id), "{id} never came");
    }
}
