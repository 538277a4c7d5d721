//! A shadow's report as text and as JSON.

use serde_json::{Value as Json, json};

use super::{Difference, Outcome, Report, TicketReport};

/// Tickets told one by one in the text; the JSON has them all.
const TOLD_MAX: usize = 50;

/// The report in lines for people: a table, then each ticket that fares differently, the gravest first.
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
    let mut different: Vec<&TicketReport> = report
        .tickets
        .iter()
        .filter(|ticket| ticket.outcome != Outcome::Same)
        .collect();
    // Stable: within an outcome the order of creation.
    different.sort_by_key(|ticket| std::cmp::Reverse(ticket.outcome));
    for ticket in different.iter().take(TOLD_MAX) {
        lines.extend(ticket_lines(ticket));
    }
    if different.len() > TOLD_MAX {
        lines.push(format!(
            "and {} more: `--json` has them all",
            different.len() - TOLD_MAX
        ));
    }
    lines
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

fn ticket_lines(ticket: &TicketReport) -> Vec<String> {
    let mut lines = vec![format!(
        "{} (version {}): {}, followed {} of {} steps",
        ticket.id,
        ticket.version,
        ticket.outcome.word(),
        ticket.n_followed,
        ticket.n_steps
    )];
    let gravest = ticket.differences.iter().find(|one| one.outcome == ticket.outcome);
    // Where it began, and what it came to.
    let first = ticket.differences.first();
    for difference in first
        .into_iter()
        .chain(gravest.filter(|gravest| Some(*gravest) != first))
    {
        lines.extend(difference_lines(difference));
    }
    lines.extend(ticket.assumed.iter().map(|sentence| format!("  assumed: {sentence}")));
    lines
}

fn difference_lines(difference: &Difference) -> Vec<String> {
    let code = difference.code.map_or(String::new(), |code| format!(" [{code}]"));
    vec![
        format!("  step {}, {}: {}", difference.step, difference.at, difference.done),
        format!("    recorded:  {}", difference.recorded),
        format!("    candidate: {}{code}", difference.candidate),
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
        "tickets": report.tickets.iter().map(ticket_json).collect::<Vec<_>>(),
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
    })
}
