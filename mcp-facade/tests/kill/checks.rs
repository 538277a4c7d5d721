//! What must hold of a server that was killed and started again, seen through its tools.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use serde_json::{Value, json};

use crate::calls::{Answered, Call, Door, Person};

/// Questions under way at once.
const QUESTIONS_MAX: usize = 16;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) n_tickets: usize,
    /// Calls without an answer that are there all the same.
    pub(crate) n_unanswered_done: usize,
    /// Answered calls that are not there, or elsewhere.
    pub(crate) lost: Vec<String>,
    /// Calls that are there more than once.
    pub(crate) doubled: Vec<String>,
}

/// Compares what the server shows with what clients remember: every answered call is there once, with the version of
/// its answer; unanswered ones at most once; nothing else is there; lists agree with details.
pub(crate) async fn check(door: &Door, answered: &[Answered], unanswered: &[Call]) -> Found {
    let (rows, total) = door
        .all(
            Person::Admin,
            "ticket_list",
            "ticket_list",
            json!({ "category": "all" }),
        )
        .await;
    assert_eq!(total, rows.len() as u64, "the total of the list");
    let ids: BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), rows.len(), "a ticket is listed twice");

    let looked_at: Vec<Vec<(String, (String, u64))>> = futures::stream::iter(&rows)
        .map(|row| look_at(door, row))
        .buffer_unordered(QUESTIONS_MAX)
        .collect()
        .await;
    let mut there: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for (mark, place) in looked_at.into_iter().flatten() {
        there.entry(mark).or_default().push(place);
    }
    for person in [Person::Creator, Person::Approver, Person::Clerk] {
        duty_agrees(door, person, &rows).await;
    }

    let mut found = Found {
        n_tickets: rows.len(),
        ..Found::default()
    };
    for (mark, places) in &there {
        if places.len() > 1 {
            found.doubled.push(format!("{mark}: {places:?}"));
        }
    }
    for one in answered {
        let place = (one.ticket.clone(), one.version);
        if !there
            .remove(one.call.mark())
            .is_some_and(|places| places.contains(&place))
        {
            found.lost.push(format!("{}: {place:?}", one.call.mark()));
        }
    }
    found.n_unanswered_done = unanswered
        .iter()
        .filter(|call| there.remove(call.mark()).is_some())
        .count();
    assert!(there.is_empty(), "nobody asked for {there:?}");
    found
}

/// The detail of a ticket agrees with its row, its history ends at its version. Gives each comment with its place.
async fn look_at(door: &Door, row: &Value) -> Vec<(String, (String, u64))> {
    let id = row["id"].as_str().expect("an id");
    let detail = door
        .ask(Person::Admin, "ticket_detail", json!({ "ticket_id": id }))
        .await;
    assert_eq!(&detail["ticket"], row, "detail and list");
    assert_eq!(detail["version"], row["version"]);
    let (history, total) = door
        .all(Person::Admin, "ticket_history", "history", json!({ "ticket_id": id }))
        .await;
    assert_eq!(total, history.len() as u64, "the total of the history of {id}");
    assert_eq!(history.last().expect("an entry")["version"], row["version"], "{id}");
    let place = |entry: &Value| (id.to_owned(), entry["version"].as_u64().expect("a version"));
    history
        .iter()
        .map(|entry| (entry["comment"].as_str().expect("a comment").to_owned(), place(entry)))
        .collect()
}

/// A person's to-do list is exactly the tickets that wait for the person.
async fn duty_agrees(door: &Door, person: Person, rows: &[Value]) {
    let waits = |row: &&Value| {
        let nodes = row["current_nodes"].as_array().into_iter().flatten();
        let mut people = nodes.flat_map(|node| node["assignees"].as_array().into_iter().flatten());
        people.any(|one| one["name"] == person.name())
    };
    let id = |row: &Value| row["id"].as_str().expect("an id").to_owned();
    let expected: BTreeSet<String> = rows.iter().filter(waits).map(id).collect();
    let (duty, total) = door
        .all(person, "ticket_list", "ticket_list", json!({ "category": "duty" }))
        .await;
    assert_eq!(total, duty.len() as u64);
    assert_eq!(duty.iter().map(id).collect::<BTreeSet<_>>(), expected, "{person:?}");
}
