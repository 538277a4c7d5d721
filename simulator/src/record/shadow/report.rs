//! A shadow's report as text and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Difference, Group, Outcome, Report, TicketReport};

/// Changes told in the text; the JSON has them all.
const TOLD_MAX: usize = 50;

/// Tickets named of each.
const IDS_MAX: usize = 5;

/// The report in lines for people: a table, then each change with the tickets that meet it, the gravest first.
#[must_use]
pub fn lines(report: &Report) -> Vec<String> {
    let n = report.tickets.len();
    let mut lines = vec![format!(
        "{n} recorded tickets of `{}` on version `{}`:",
        report.workflow, report.candidate
    )];
    for outcome in Outcome::ALL {
        let count = report.count(outcome);
        lines.push(format!("  {:<16}{count:>7}  {}", outcome.word(), meaning(outcome)));
    }
    let groups = report.groups();
    for group in groups.iter().take(TOLD_MAX) {
        lines.extend(group_lines(group));
    }
    if groups.len() > TOLD_MAX {
        lines.push(format!(
            "and {} more changes: `--json` has them all",
            groups.len() - TOLD_MAX
        ));
    }
    let mut assumed: BTreeMap<&str, usize> = BTreeMap::new();
    for sentence in report.tickets.iter().flat_map(|ticket| &ticket.assumed) {
        *assumed.entry(sentence).or_insert(0) += 1;
    }
    let assumed = assumed.iter().take(TOLD_MAX);
    lines.extend(assumed.map(|(sentence, n)| format!("assumed of {}: {sentence}", tickets(*n))));
    let lost: Vec<String> = report
        .tickets
        .iter()
        .filter_map(|ticket| Some(format!("{} after step {}", ticket.id, ticket.lost_at?)))
        .collect();
    if !lost.is_empty() {
        let others = others(lost.len());
        let shown = lost.into_iter().take(IDS_MAX).collect::<Vec<_>>().join(", ");
        lines.push(format!(
            "not followed to the end, for they do not fit the candidate: {shown}{others}"
        ));
    }
    lines
}

fn tickets(n: usize) -> String {
    format!("{n} ticket{}", if n == 1 { "" } else { "s" })
}

fn others(n: usize) -> String {
    n.checked_sub(IDS_MAX)
        .filter(|n| *n > 0)
        .map_or_else(String::new, |n| format!(" and {n} more"))
}

fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Same => "the same nodes and people at every step",
        Outcome::OtherAssignee => "the same nodes, other people",
        Outcome::OtherPath => "other nodes",
        Outcome::NotAllowed => "something that was done is refused",
        Outcome::Stuck => "no branch holds, or nobody is assigned",
    }
}

fn group_lines(group: &Group<'_>) -> Vec<String> {
    let first = group.first;
    let code = first.code.map_or(String::new(), |code| format!(" [{code}]"));
    let ids = group.tickets.iter().take(IDS_MAX).map(|ticket| ticket.id.to_string());
    vec![
        format!(
            "{} {}, {}: {}{code}",
            first.outcome.word(),
            tickets(group.tickets.len()),
            first.what,
            first.change
        ),
        format!(
            "  tickets: {}{}",
            ids.collect::<Vec<_>>().join(", "),
            others(group.tickets.len())
        ),
        format!("  the first at step {}, {}: {}", first.step, first.at, first.done),
        format!("    recorded:  {}", first.recorded),
        format!("    candidate: {}", first.candidate),
    ]
}

/// The whole report for programs.
#[must_use]
pub fn to_json(report: &Report) -> Json {
    let counts: serde_json::Map<String, Json> = Outcome::ALL
        .into_iter()
        .map(|outcome| (outcome.word().to_owned(), report.count(outcome).into()))
        .collect();
    json!({
        "workflow": report.workflow.as_str(),
        "candidate": report.candidate.as_str(),
        "counts": counts,
        "groups": report.groups().iter().map(group_json).collect::<Vec<_>>(),
        "tickets": report.tickets.iter().map(ticket_json).collect::<Vec<_>>(),
    })
}

fn group_json(group: &Group<'_>) -> Json {
    let first = group.first;
    json!({
        "outcome": first.outcome.word(), "code": first.code, "what": first.what, "change": first.change,
        "n_tickets": group.tickets.len(),
        "ticket_ids": group.tickets.iter().map(|ticket| ticket.id.to_string()).collect::<Vec<_>>(),
    })
}

fn ticket_json(ticket: &TicketReport) -> Json {
    let difference = |one: &Difference| {
        json!({
            "outcome": one.outcome.word(), "step": one.step, "at": one.at.to_rfc3339(), "done": one.done,
            "code": one.code, "recorded": one.recorded, "candidate": one.candidate,
        })
    };
    json!({
        "ticket_id": ticket.id.to_string(),
        "tenant_id": ticket.tenant.as_str(),
        "version": ticket.version.as_str(),
        "outcome": ticket.outcome.word(),
        "n_steps": ticket.n_steps,
        "n_followed": ticket.n_followed,
        "differences": ticket.differences.iter().map(difference).collect::<Vec<_>>(),
        "assumed": ticket.assumed,
        "lost_at": ticket.lost_at,
    })
}
