//! One tenant, or one user, with hundreds of writers, and somebody else who wants to write one ticket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loonflow_engine::runtime::{Caller, CreateRequest, EngineOptions, PublishRequest};
use loonflow_engine::workflow::VersionState;
use loonflow_storage::{EventLog, SledLog, SledOptions};
use serde_json::json;

use crate::fixture::{ACME, GLOBEX, World, caller_of, fields, leave, until};

const GINA: &str = "00000000-0000-7000-8000-000000000901";
/// Writers of the one.
const WRITERS: usize = 512;
/// Calls of the other that are measured.
const CALLS: usize = 31;

async fn publish(world: &World, tenant: &str, assignee: &str) {
    let component = json!({ "id": "c", "type": "title", "component_key": "title", "component_name": "Title" });
    let source = json!({
        "basic_info": { "id": "w", "name": "W", "version": "1" },
        "form_schema": { "component_info_list": [
            { "id": "r", "type": "row", "component_key": "r", "children": [component] },
        ]},
        "process_schema": {
            "node_info_list": [
                { "id": "start", "name": "Start", "type": "start", "props": { "field_permissions": { "title": "required" } } },
                { "id": "a", "name": "A", "type": "normal", "props": {
                    "field_permissions": { "title": "readonly" }, "assignee_type": "users", "assignee": assignee,
                    "assignment_strategy": "direct",
                }},
                { "id": "end", "name": "End", "type": "end" },
            ],
            "edge_info_list": [
                { "id": "go", "name": "Go", "type": "agree", "source_node_id": "start", "target_node_id": "a" },
                { "id": "ok", "name": "Ok", "type": "agree", "source_node_id": "a", "target_node_id": "end" },
            ],
        },
    });
    let state = VersionState::Default;
    let published = world
        .engine
        .workflows()
        .publish(PublishRequest {
            state,
            ..PublishRequest::new(tenant, source)
        })
        .await;
    published.unwrap().unwrap();
}

fn ticket() -> CreateRequest {
    CreateRequest {
        workflow_id: "w".into(),
        take: Some("go".into()),
        fields: fields([("title", "x")]),
        ..leave("1")
    }
}

/// Medians of one's calls, one after the other: time, and commits that came before the answer.
async fn medians(world: &World, log: &dyn EventLog, caller: &Caller) -> (Duration, u64) {
    let mut times = Vec::new();
    let mut commits = Vec::new();
    for _ in 0..CALLS {
        let (started, before) = (Instant::now(), log.last_position());
        world.engine.tickets().create(caller, ticket()).await.unwrap().unwrap();
        times.push(started.elapsed());
        commits.push(log.last_position() - before);
    }
    times.sort_unstable();
    commits.sort_unstable();
    (times[CALLS / 2], commits[CALLS / 2])
}

/// The commits that come before one's answer are what order can do about; how long they take is the machine's.
async fn check(crowd: Caller, other: Caller) {
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn EventLog> = Arc::new(SledLog::open(folder.path(), SledOptions::default()).unwrap());
    let world = World::filled(log.clone(), EngineOptions::default()).await;
    publish(&world, ACME, world.user("erin").as_str()).await;
    publish(&world, GLOBEX, GINA).await;
    let (quiet, _) = medians(&world, &*log, &other).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (engine, crowd, is_over) = (world.engine.clone(), crowd.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    engine.tickets().create(&crowd, ticket()).await.unwrap().unwrap();
                }
            })
        })
        .collect();
    let before = log.last_position();
    until("all of them write", async || {
        log.last_position() > before + WRITERS as u64
    })
    .await;
    let (beside, n_commits) = medians(&world, &*log, &other).await;
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    eprintln!("p50 quiet {quiet:?}, beside {WRITERS} writers {beside:?}, {n_commits} commits before the answer");
    assert!(n_commits < WRITERS as u64 / 2, "{n_commits} commits came first");
    world.engine.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_with_many_writers_leaves_others_their_turn() {
    let world = World::in_memory().await;
    check(world.caller("dev"), caller_of(GLOBEX, GINA)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_many_writers_leaves_colleagues_their_turn() {
    let world = World::in_memory().await;
    check(world.caller("dev"), world.caller("erin")).await;
}
