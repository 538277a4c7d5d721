//! Memory of a list, per ticket: of one that grew by events, beside one that was read from its checkpoint.
//!
//! `cargo bench -p loonflow-engine --bench list [-- --tickets 200000]`; with `--test` a tiny run. Each is a process of
//! its own, and what counts is by how much its resident memory grew. Events are decoded from bytes, as the log gives
//! them, in rounds over all tickets, so that cards come and go as they do in a running server.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use loonflow_engine::codec;
use loonflow_engine::id::{TicketId, TokenId, UserId};
use loonflow_engine::ticket::event::{ActionTaken, TicketCreated};
use loonflow_engine::ticket::{ActState, ActionKind, Event, Meta, Processor, Rest};
use loonflow_engine::time::Timestamp;
use loonflow_engine::view::ticket_list::TenantIndex;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let after = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1);
    let is_test = args.iter().any(|arg| arg == "--test");
    let n_tickets = after("--tickets").and_then(|text| text.parse().ok());
    let n_tickets: u64 = n_tickets.unwrap_or(if is_test { 500 } else { 200_000 });
    let mut out = std::io::stdout().lock();
    if let (Some(part), Some(file)) = (after("--part"), after("--file")) {
        let n_bytes = measured(part, Path::new(file), n_tickets);
        writeln!(out, "{n_bytes}").expect("stdout");
        return;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("list.checkpoint");
    let part = |part: &str| -> f64 {
        let mut child = Command::new(&args[0]);
        child.args(["--part", part, "--tickets", &n_tickets.to_string(), "--file"]);
        let done = child.arg(&file).output().expect("it runs");
        let text = String::from_utf8(done.stdout).expect("a number");
        text.trim().parse::<f64>().expect("a number") / n_tickets as f64
    };
    let (grown, read) = (part("grown"), part("read"));
    let ratio = grown / read;
    writeln!(
        out,
        "bytes a ticket: grown {grown:.0}, read from a checkpoint {read:.0}, ratio {ratio:.2}"
    )
    .expect("stdout");
}

/// By how many bytes the process grew.
fn measured(part: &str, file: &Path, n_tickets: u64) -> u64 {
    if part == "grown" {
        let before = resident();
        let index = grown(n_tickets);
        let after = resident();
        std::fs::write(file, index.encode()).expect("a file");
        return after.saturating_sub(before);
    }
    let bytes = std::fs::read(file).expect("the file of the other part");
    let before = resident();
    let index = TenantIndex::decode(&bytes).expect("a checkpoint");
    let after = resident();
    assert_eq!(index.len() as u64, n_tickets);
    after.saturating_sub(before)
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("its memory");
    line.split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse::<u64>().ok())
        .expect("a number")
        * 1_024
}

fn grown(n_tickets: u64) -> TenantIndex {
    let mut index = TenantIndex::new();
    for round in 0..4 {
        for ticket in 0..n_tickets {
            let at = Timestamp(i64::try_from(ticket).expect("few"));
            let (by, events) = events(ticket, round);
            let meta = Meta {
                at,
                by: Processor::User(by),
                app: Some("loonflow".into()),
                access_token: None,
            };
            // As a log gives them: every text a copy of its own.
            let events: Vec<Event> = events
                .iter()
                .map(|event| {
                    codec::decode_ticket("ticket.x", codec::TICKET_SCHEMA, &codec::encode(event)).expect("ours")
                })
                .collect();
            index.fold(id(ticket), &meta, &events);
        }
    }
    index
}

fn id(ticket: u64) -> TicketId {
    TicketId(uuid::Uuid::from_u128(u128::from(ticket)))
}

fn user(number: u64) -> UserId {
    format!("0198f0a1-0000-7000-8000-{:012}", number % 500).into()
}

fn events(ticket: u64, round: u64) -> (UserId, Vec<Event>) {
    let (creator, approver) = (user(ticket), user(ticket * 7 + 1));
    let taken = |kind: ActionKind, comment: Option<String>| {
        Event::ActionTaken(Box::new(ActionTaken {
            kind,
            action_id: "approve_yes".into(),
            node: Some("approve".into()),
            token: Some(TokenId(1)),
            target: None,
            comment,
        }))
    };
    let entered = |node: &str, rest| Event::NodeEntered {
        token: TokenId(1),
        node: node.into(),
        rest,
        pool: None,
        remembered: false,
    };
    match round {
        0 => (
            creator.clone(),
            vec![
                Event::TicketCreated(Box::new(TicketCreated {
                    ticket_id: id(ticket),
                    tenant_id: "00000000-0000-7000-8000-000000000001".into(),
                    workflow_id: "leave".into(),
                    version_name: "1.0".into(),
                    start: "start".into(),
                    creator,
                    app: "loonflow".into(),
                    parent: None,
                    cc: Vec::new(),
                })),
                taken(ActionKind::Agree, None),
                Event::TitleChanged {
                    title: format!("Leave of somebody, request {ticket}"),
                },
                entered("approve", Rest::held(vec![approver])),
                Event::StateChanged { to: ActState::OnGoing },
            ],
        ),
        1 => (creator, vec![taken(ActionKind::AddComment, Some("x".repeat(300)))]),
        2 => (
            approver,
            vec![
                taken(ActionKind::Agree, Some("fine".into())),
                entered(
                    "file",
                    Rest::Offered {
                        candidates: vec![user(3), user(4), user(5)],
                    },
                ),
            ],
        ),
        _ => (user(3), vec![taken(ActionKind::AddComment, Some("x".repeat(100)))]),
    }
}
