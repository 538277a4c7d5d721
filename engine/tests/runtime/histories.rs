//! Histories, page by page: the same as all at once, whatever the page; bounded whoever reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{EngineOptions, HistoryQuery, commit};
use loonflow_engine::ticket::{Action, Argument, Refusal, visibility};
use loonflow_engine::view::flow_history::{self, HistoryEntry};
use loonflow_engine::{limits, view::ticket_detail};
use loonflow_storage::{EventLog, MemoryLog};

use crate::fixture::*;

const ALL: HistoryQuery = HistoryQuery {
    with_effects: false,
    from_version: 0,
    page: 1,
    per_page: 100,
    reverse: false,
};

async fn over_memory() -> (World, MemoryLog) {
    let log = MemoryLog::new();
    let world = World::filled(Arc::new(log.clone()), EngineOptions::default()).await;
    (world, log)
}

/// All pages, one after the other.
async fn paged(world: &World, id: TicketId, query: HistoryQuery) -> Vec<HistoryEntry> {
    let mut found = Vec::new();
    for page in 1.. {
        let query = HistoryQuery { page, ..query };
        let answer = world.engine.tickets().history(&world.caller("ada"), id, query).await;
        let answer = answer.unwrap().unwrap();
        assert_eq!(answer.page, page);
        found.extend(answer.rows);
        assert!(found.len() as u64 <= answer.total);
        if !answer.has_more {
            assert_eq!(found.len() as u64, answer.total);
            break;
        }
    }
    found
}

/// Told from the whole stream.
async fn whole(world: &World, log: &MemoryLog, id: TicketId) -> Vec<HistoryEntry> {
    let commits = log.read_stream(&commit::ticket_stream(&ACME.into(), id), 0).unwrap();
    let read: Vec<_> = commits.iter().map(|one| commit::read(one).unwrap()).collect();
    let (ticket, _) = commit::replay(log, &commit::ticket_stream(&ACME.into(), id)).unwrap();
    let ticket = ticket.unwrap();
    let directory = world.engine.directories().of(&ACME.into()).unwrap();
    let workflow = world
        .engine
        .workflows()
        .version(&ACME.into(), &ticket.workflow_id, &ticket.version_name)
        .unwrap();
    let detail = ticket_detail::detail(&ticket, &workflow, &directory, &world.user("ada"), world.ports.now());
    let permissions = visibility::field_permissions(&workflow, detail.offered.acting_node());
    flow_history::entries(&read, &workflow, &directory, &permissions)
}

#[tokio::test]
async fn pages_are_what_the_whole_stream_tells() {
    let (world, log) = over_memory().await;
    let id = world.leave("2").await;
    for round in 0..3 {
        world.act("dev", id, comment("x"), BTreeMap::new()).await.unwrap();
        world
            .act("erin", id, agree("approve_yes"), BTreeMap::new())
            .await
            .unwrap();
        let back = (Action::ForceAlterNode { to: "start".into() }, None);
        world.act("ada", id, back, BTreeMap::new()).await.unwrap();
        // Another title, by the template.
        let days = if round % 2 == 0 { "3" } else { "4" };
        let fields = leave(days).fields;
        world.act("dev", id, agree("submit"), fields).await.unwrap();
        // The outline goes on from where it was.
        let expected = whole(&world, &log, id).await;
        for per_page in [1, 3, 100] {
            assert_eq!(paged(&world, id, HistoryQuery { per_page, ..ALL }).await, expected);
            let reverse = paged(
                &world,
                id,
                HistoryQuery {
                    per_page,
                    reverse: true,
                    ..ALL
                },
            )
            .await;
            assert!(reverse.iter().eq(expected.iter().rev()));
            for from_version in 0..12 {
                let later = paged(
                    &world,
                    id,
                    HistoryQuery {
                        per_page,
                        from_version,
                        ..ALL
                    },
                )
                .await;
                let expected = expected.iter().filter(|entry| entry.version >= from_version);
                assert!(later.iter().eq(expected), "from {from_version}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_of_many_tickets_each_get_their_own() {
    let (world, log) = over_memory().await;
    let mut ids = Vec::new();
    for round in 0..24 {
        let id = world.leave("2").await;
        for _ in 0..round % 4 {
            world.act("dev", id, comment("x"), BTreeMap::new()).await.unwrap();
        }
        ids.push((id, whole(&world, &log, id).await));
    }
    let readers: Vec<_> = (0..48)
        .map(|idx: usize| {
            let (engine, caller, ids) = (world.engine.clone(), world.caller("ada"), ids.clone());
            tokio::spawn(async move {
                for step in 0..24 {
                    let (id, expected) = &ids[(idx + step) % ids.len()];
                    let page = engine.tickets().history(&caller, *id, ALL).await.unwrap().unwrap();
                    assert_eq!(page.rows, *expected);
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn a_page_has_a_bound_in_bytes_and_says_the_way_out() {
    let (world, _) = over_memory().await;
    let id = world.leave("2").await;
    let long = "x".repeat(limits::COMMENT_CHARS_MAX);
    for _ in 0..limits::HISTORY_PAGE_BYTES_MAX / long.len() + 1 {
        world.act("dev", id, comment(&long), BTreeMap::new()).await.unwrap();
    }
    let refused = world
        .engine
        .tickets()
        .history(&world.caller("dev"), id, ALL)
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(
            &refused,
            Refusal::InvalidArgument {
                argument: Argument::PerPage,
                ..
            }
        ),
        "{refused}"
    );
    assert!(refused.to_string().contains("ask for fewer"), "{refused}");
    let entries = paged(&world, id, HistoryQuery { per_page: 50, ..ALL }).await;
    assert!(
        entries
            .iter()
            .skip(1)
            .all(|entry| entry.comment.as_ref() == Some(&long))
    );
}
