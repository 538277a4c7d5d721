//! SIGKILL while timers come due and hooks are called: what was owed is carried out by a later start, at least once, under
//! the same id and with the same bytes; and each ticket has moved once for it.
//!
//! The long run: `KILL_EFFECT_ROUNDS=100 KILL_EFFECT_TICKETS=40 cargo test --release -p loonflow-mcp-facade --test kill
//! effects -- --nocapture` (`KILL_SEED` too). Time is skipped by the server's own clock for trying out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::join_all;
use loonflow_mcp_facade::admin;
use serde_json::{Value, json};

use crate::calls::{Call, Door, Person, Random};
use crate::number;
use crate::receiver::Receiver;
use crate::server::{self, Server};

/// Time in which the receiver gets what a kill waits for, and in which all is settled, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Time skipped at a step: the longest pause between two tries is longer, so a step is never past two of them.
const STEP_MS: i64 = 600_000;
/// Pause between two steps.
const STEP_EVERY: Duration = Duration::from_millis(5);
/// The longest wait between what a kill waits for and the kill.
const JITTER_US: usize = 20_000;
/// Posts of one ticket when all goes well: it is sent, its hook is called, it is finished.
const POSTS_OF_TICKET: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owed_is_carried_out_after_sigkill() {
    let n_rounds: usize = number("KILL_EFFECT_ROUNDS", 5);
    let n_tickets: usize = number("KILL_EFFECT_TICKETS", 12);
    let seed = number("KILL_SEED", 1);
    let mut random = Random(seed);
    let receiver = Receiver::start(seed).await;
    let folder = tempfile::tempdir().expect("a directory");
    let data = folder.path().join("data");
    let mut door = prepare(folder.path(), &data, &receiver);
    let mut n_sent = 0;
    for round in 1..=n_rounds {
        let mut server = start(&data, round).await;
        door.url.clone_from(&server.url);
        let before = receiver.n_got();
        let n_posts = random.below(n_tickets * POSTS_OF_TICKET);
        let jitter = Duration::from_micros(random.below(JITTER_US) as u64);
        let sending = tokio::spawn(send(door.clone(), round, n_tickets));
        let skipping = tokio::spawn(skip(data.clone()));
        let reached = tokio::time::timeout(PATIENCE, receiver.got(before + n_posts)).await;
        assert!(reached.is_ok(), "round {round}: {n_posts} posts did not come");
        tokio::time::sleep(jitter).await;
        let warnings = server.kill();
        assert!(!warnings.contains("panicked"), "{warnings}");
        n_sent += sending.await.expect("no panic");
        skipping.await.expect("no panic");
        eprintln!(
            "round {round} of {n_rounds}, seed {seed}: killed after {} posts, {n_sent} tickets answered so far",
            receiver.n_got() - before
        );
    }
    let mut server = start(&data, n_rounds + 1).await;
    door.url.clone_from(&server.url);
    let tickets = settled(&door, &data).await;
    assert!(
        tickets.len() >= n_sent,
        "answered, but lost: {} of {n_sent}",
        n_sent - tickets.len()
    );
    check(&door, &receiver, &tickets).await;
    let warnings = server.kill();
    assert!(!warnings.contains("panicked"), "{warnings}");
}

/// A directory with people and the errand, which calls the receiver.
fn prepare(folder: &Path, data: &Path, receiver: &Receiver) -> Door {
    let acme = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/fixtures/directory/acme.json");
    let errand = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/errand.json");
    let errand = std::fs::read_to_string(errand).expect("is there");
    let file = folder.join("errand.json");
    std::fs::write(&file, errand.replace("127.0.0.1:18080", &receiver.address)).expect("written");
    server::run(data, &["import", acme, file.to_str().expect("a text")]);
    let token = |person: &Person| {
        let email = format!("{}@acme.example", person.name());
        server::run(data, &["token", "create", "--email", &email])
            .trim()
            .to_owned()
    };
    Door {
        http: reqwest::Client::new(),
        url: String::new(),
        tokens: Person::ALL.iter().map(token).collect(),
    }
}

/// Each start is later than all that the ones before have skipped.
async fn start(data: &Path, round: usize) -> Server {
    let ahead = format!("+{}d", round * 100);
    Server::start_with(data, &["--allow-outbound", "127.0.0.0/8", "--clock", &ahead]).await
}

/// Sends tickets at once; gives the number of those that were answered.
async fn send(door: Door, round: usize, n_tickets: usize) -> usize {
    let calls = (0..n_tickets).map(|idx| {
        let mark = format!("{round}-{idx}");
        Call {
            who: Person::Creator,
            tool: "ticket_create",
            arguments: json!({
                "workflow_id": "errand",
                "action_id": "send",
                "fields": { "title": mark },
                "idempotency_key": mark,
            }),
        }
    });
    let answered = calls.map(|call| {
        let door = door.clone();
        async move { door.call(call.who, call.tool, &call.arguments).await.is_ok() }
    });
    join_all(answered)
        .await
        .into_iter()
        .filter(|is_answered| *is_answered)
        .count()
}

/// Moves the clock on, again and again, until the server is gone.
async fn skip(data: std::path::PathBuf) {
    while skip_once(&data).await {
        tokio::time::sleep(STEP_EVERY).await;
    }
}

async fn skip_once(data: &Path) -> bool {
    let request = json!({ "clock": { "by_ms": STEP_MS } });
    admin::ask(data, &request, |_item| Ok(())).await.is_ok()
}

/// Lets time pass until no ticket waits and nothing is owed; gives the tickets.
async fn settled(door: &Door, data: &Path) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Many rounds skip more than the three years that a list shows unasked.
        let list = json!({ "category": "all", "create_start": "2020-01-01" });
        let (rows, _) = door.all(Person::Admin, "ticket_list", "ticket_list", list).await;
        let waiting: Vec<&Value> = rows.iter().filter(|row| row["act_state"] != "finished").collect();
        let n_open = n_open(data).await;
        if waiting.is_empty() && n_open == 0 {
            let id = |row: &Value| row["id"].as_str().expect("an id").to_owned();
            return rows.iter().map(id).collect();
        }
        assert!(
            Instant::now() < deadline,
            "{n_open} effects are open, and these wait: {waiting:?}"
        );
        assert!(skip_once(data).await, "the clock is moved on");
        tokio::time::sleep(STEP_EVERY).await;
    }
}

async fn n_open(data: &Path) -> u64 {
    let mut n_open = None;
    let asked = admin::ask(data, &"status", |item| {
        n_open = n_open.or(item["n_open_effects"].as_u64());
        Ok(())
    });
    asked.await.expect("answers");
    n_open.expect("a number")
}

/// Of each ticket the three calls came, each under one id and with one body; and each moved it once.
async fn check(door: &Door, receiver: &Receiver, tickets: &[String]) {
    let calls = receiver.calls();
    let mut of_ticket: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, call) in &calls {
        assert!(!call.differs, "{id} came with several bodies");
        of_ticket
            .entry(call.text("ticket_id"))
            .or_default()
            .push(call.text("type"));
    }
    let n_again = calls.values().filter(|call| call.n_got > 1).count();
    eprintln!(
        "{} tickets, {} calls, {n_again} of them more than once",
        tickets.len(),
        calls.len()
    );
    for ticket in tickets {
        let mut types = of_ticket.remove(ticket).unwrap_or_default();
        types.sort();
        assert_eq!(types, ["create", "finish", "hook"], "{ticket}");
        let asked = json!({ "ticket_id": ticket, "with_effects": true });
        let (history, _) = door.all(Person::Admin, "ticket_history", "history", asked).await;
        let mut actions: Vec<&str> = history
            .iter()
            .map(|entry| entry["action_type"].as_str().expect("a text"))
            .collect();
        actions.sort_unstable();
        assert_eq!(
            actions,
            ["create", "delivered", "delivered", "hook", "timer"],
            "{ticket}: {history:?}"
        );
    }
    assert!(of_ticket.is_empty(), "nobody knows these: {of_ticket:?}");
}
