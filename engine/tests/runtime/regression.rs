//! What was once wrong, each as the smallest case.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
use loonflow_engine::runtime::{
    ActRequest, CreateRequest, Engine, EngineOptions, NoResponse, Outside, Ports, Post, PublishRequest, Response,
};
use loonflow_engine::ticket::Action;
use loonflow_storage::{Fault, FaultyLog, MemoryLog, SledLog, SledOptions};

use crate::fixture::*;

/// Background tasks still held the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_engine_lets_go_of_its_log() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let log = SledLog::open(directory.path(), SledOptions::default()).expect("nobody holds it");
        let world = World::filled(Arc::new(log), EngineOptions::default()).await;
        // The ids of a test start anew with each world.
        if round == 0 {
            world.leave("2").await;
        }
        world.engine.close().await.unwrap();
    }
}

/// The ticket was looked for before the key, and a discarded draft is not found.
#[tokio::test]
async fn a_repeated_discard_answers_what_the_first_did() {
    let world = World::in_memory().await;
    let draft = CreateRequest {
        take: None,
        ..leave("1")
    };
    let id = done(
        world
            .engine
            .tickets()
            .create(&world.caller("dev"), draft)
            .await
            .unwrap()
            .unwrap(),
    )
    .ticket_id;
    let request = ActRequest {
        idempotency: key("k", 1),
        ..handle(id, (Action::Discard, None))
    };
    let first = done(
        world
            .engine
            .tickets()
            .act(&world.caller("dev"), request.clone())
            .await
            .unwrap()
            .unwrap(),
    );
    let repeat = done(
        world
            .engine
            .tickets()
            .act(&world.caller("dev"), request)
            .await
            .unwrap()
            .unwrap(),
    );
    assert!(repeat.replayed);
    assert_eq!((repeat.ticket_id, repeat.version), (first.ticket_id, first.version));
}

/// Only the end of the actor's task told that it was gone, which came after its callers had been told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_call_after_a_panic_finds_another_actor() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    for _ in 0..50 {
        world.ports.is_draw_broken.store(true, Ordering::SeqCst);
        world
            .engine
            .tickets()
            .act(&world.caller("dev"), handle(id, comment("lost")))
            .await
            .unwrap_err();
        world.ports.is_draw_broken.store(false, Ordering::SeqCst);
        world
            .engine
            .tickets()
            .act(&world.caller("dev"), handle(id, comment("kept")))
            .await
            .unwrap()
            .unwrap();
    }
}

/// Only users who went were looked at.
#[tokio::test]
async fn a_user_who_comes_back_ends_the_need_for_intervention() {
    let world = World::in_memory().await;
    let id = world.leave("2").await;
    let needs = async || {
        world
            .engine
            .tickets()
            .detail(&world.caller("ada"), id)
            .await
            .unwrap()
            .unwrap()
            .row
            .needs_intervention
    };
    world
        .engine
        .directories()
        .import(&directory_without("acme", &["erin"]))
        .await
        .unwrap()
        .unwrap();
    assert!(needs().await);
    world
        .engine
        .directories()
        .import(&directory("acme"))
        .await
        .unwrap()
        .unwrap();
    assert!(!needs().await);
}

/// Counts posts, and answers them well.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Outside for Counting {
    fn post(&self, _post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            Ok(Response {
                status: 200,
                body: Vec::new(),
                retry_after: None,
            })
        })
    }
}

/// Whoever follows the log saw the commit that owes a call before the ticket's actor had published it; the call was taken
/// for one that is owed no longer.
#[tokio::test]
async fn a_call_is_made_also_where_its_commit_is_answered_late() {
    let log = Arc::new(FaultyLog::new(Arc::new(MemoryLog::new()), []));
    let posts = Counting::default();
    let ports = Ports {
        outside: Some(Arc::new(posts.clone())),
        ..Ports::system()
    };
    let engine = Engine::start(log.clone(), ports, EngineOptions::default())
        .await
        .unwrap();
    let people = People::of("shop", "shop.example").user("ann").user("bob");
    engine.directories().import(&people.directory()).await.unwrap().unwrap();
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .node(Node::step("look", Assign::users(["bob"])))
        .node(Node::hook("deploy", "https://ci.example/deploy", ""))
        .agree("go", "start", "look")
        .agree("ok", "look", "deploy")
        .way("done", "deploy", "end");
    let published = engine.workflows().publish(PublishRequest::new("shop", workflow)).await;
    published.unwrap().unwrap();
    let ann = engine.as_user("shop", "ann");
    let ticket = ann.create("w").set("title", "T").take("go").await.unwrap().ticket_id;
    log.schedule(0, Fault::Delay(Duration::from_millis(200)));
    engine.as_user("shop", "bob").on(ticket).take("ok").await.unwrap();
    until("it is called", async || posts.0.load(Ordering::SeqCst) == 1).await;
}
