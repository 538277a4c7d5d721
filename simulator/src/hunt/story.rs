//! Tells a case to people: who did what, at which node, what was expected and what happened, in at most 20 lines, with
//! names instead of ids; and draws its workflow with the way the tickets took.
//!
//! Not here: how a case is found (`fuzz`) or made small (`shrink`).

use std::collections::BTreeSet;
use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::person::Person;
use loonflow_engine::id::{EdgeId, NodeId, UserId};
use loonflow_engine::ticket::current_nodes;
use loonflow_engine::ticket::{Event, Ticket};
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::formats::export::mermaid::{Marked, mermaid};
use crate::hunt::invariants::sentence_of;
use crate::hunt::start::Start;
use crate::hunt::watch::{Checks, Failure, Outcome, OwnInvariant, Watch};
use crate::world::case::{Case, CaseStep, Fields};
use crate::world::names::{self, Shared};
use crate::world::{World, directory_from};

/// Lines of a story at most.
const LINES_MAX: usize = 20;
/// Lines besides those of the steps: the head, two of the end.
const OTHER_LINES: usize = 4;
/// Characters of a line at most: what was found may be a whole ticket.
const LINE_CHARS_MAX: usize = 220;

/// A case as it was run again, told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The story.
    pub lines: Vec<String>,
    /// The workflow with the way marked, as Mermaid; empty where no ticket came to be.
    pub diagram: String,
    /// What failed this time.
    pub failure: Option<Failure>,
}

impl Told {
    /// As text, the drawing below.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n\n{}", self.lines.join("\n"), self.diagram)
    }

    /// As Markdown, for viewers that draw Mermaid.
    #[must_use]
    pub fn markdown(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("{line}  \n"));
        format!("{}\n```mermaid\n{}```\n", lines.collect::<String>(), self.diagram)
    }
}

/// Runs a case again with every check after every step, and tells it.
#[must_use]
pub fn told(case: &Case) -> Told {
    told_with(case, &[])
}

/// As [`told`], for a case that may be about an invariant of one's own.
#[must_use]
pub fn told_with(case: &Case, own: &[(String, OwnInvariant)]) -> Told {
    let read = |definition: &Json| WorkflowVersion::load(definition).map(Arc::new);
    let versions: Result<Vec<_>, _> = case.definitions.iter().map(read).collect();
    let start = match versions.map(|versions| Start::read(&case.directory, versions)) {
        Ok(Ok(start)) => start,
        Ok(Err(error)) => return unreadable(format!("the case cannot be read: {error}")),
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return unreadable(format!("a definition of the case cannot run: {}", problems.join("; ")));
        }
    };
    let names: Vec<&str> = start
        .given
        .versions
        .iter()
        .map(|version| version.name.as_str())
        .collect();
    let of_check = crate::prove::check::is_of_check(case);
    let head = vec![
        if of_check {
            shortened(&format!("`check` found `{}`: {}", case.shows, case.found))
        } else {
            format!("`{}` does not hold.", case.shows)
        },
        format!("Workflows: {}. Seed {}.", names.join(", "), case.seed),
    ];
    // What the case is about comes first: a sampled check of something else may fail at an earlier step.
    let run = |only: Option<&str>| {
        let checks = Checks {
            sample_every: 1,
            thorough: true,
            counts: false,
            only: only.map(str::to_owned),
            own: own.to_vec(),
            ..Checks::default()
        };
        tell(case, start.watch(case.seed, &checks, &[]).telling())
    };
    let mut run_again = run(Some(&case.shows));
    if run_again.failure.is_none() {
        run_again = run(None);
    }
    let mut lines = head;
    lines.extend(elided(run_again.steps));
    match &run_again.failure {
        Some(failure) => {
            lines.push(shortened(&format!("Expected: {}", sentence_of(&failure.invariant))));
            lines.push(shortened(&format!("Found: {}", failure.found)));
        }
        // The engine may do right all along on a definition that is wrong.
        None if of_check => lines.push("No invariant of the engine fails on the way.".into()),
        None => lines.push("Nothing fails any more.".into()),
    }
    Told {
        diagram: run_again.diagram,
        lines,
        failure: run_again.failure,
    }
}

/// One run of a case, told step by step.
struct Again {
    steps: Vec<String>,
    diagram: String,
    failure: Option<Failure>,
}

fn tell(case: &Case, mut watch: Watch) -> Again {
    let mut way = Way::default();
    let mut steps = Vec::new();
    let mut failure = None;
    for (n, step) in case.steps.iter().enumerate() {
        let said = said(&watch.world, step);
        match watch.step(step) {
            Ok(outcome) => {
                let became = way.note(&watch.world, &outcome);
                steps.push(shortened(&format!("{}. {said}{became}", n + 1)));
            }
            Err(found) => {
                steps.push(shortened(&format!("{}. {said} -- here it fails.", n + 1)));
                let about = ticket_of(step).or_else(|| watch.world.tickets.len().checked_sub(1));
                if let Some(ticket) = about.filter(|idx| *idx < watch.world.tickets.len()) {
                    way.note(&watch.world, &Outcome::Done { ticket });
                }
                failure = Some(found);
                break;
            }
        }
    }
    if failure.is_none() {
        failure = watch.finish().err();
    }
    Again {
        steps,
        diagram: way.drawn(&watch.world),
        failure,
    }
}

/// The ticket that a step is about.
fn ticket_of(step: &CaseStep) -> Option<usize> {
    match step {
        CaseStep::Handle { ticket, .. }
        | CaseStep::FireTimer { ticket, .. }
        | CaseStep::ReachDeadline { ticket, .. }
        | CaseStep::ReportHook { ticket, .. }
        | CaseStep::ReviewHolders { ticket }
        | CaseStep::HandOver { ticket, .. }
        | CaseStep::Migrate { ticket, .. } => Some(*ticket),
        CaseStep::Pass { .. } | CaseStep::Publish { .. } | CaseStep::Directory { .. } | CaseStep::Create { .. } => None,
    }
}

fn unreadable(why: String) -> Told {
    Told {
        lines: vec![why.clone()],
        diagram: String::new(),
        failure: Some(Failure {
            invariant: "the_case_can_be_read".into(),
            found: why,
        }),
    }
}

/// Beginning and end, where there are too many lines.
fn elided(steps: Vec<String>) -> Vec<String> {
    let room = LINES_MAX - OTHER_LINES;
    if steps.len() <= room {
        return steps;
    }
    let n_first = 4;
    let n_last = room - n_first - 1;
    let n_left_out = steps.len() - n_first - n_last;
    let mut lines = steps[..n_first].to_vec();
    lines.push(format!("   ... {n_left_out} steps more ..."));
    lines.extend_from_slice(&steps[steps.len() - n_last..]);
    lines
}

fn shortened(line: &str) -> String {
    let line = line.replace('\n', " ");
    if line.chars().count() <= LINE_CHARS_MAX {
        return line;
    }
    let short: String = line.chars().take(LINE_CHARS_MAX - 1).collect();
    format!("{short}…")
}

/// The way that tickets took, over the version that the last one is on.
#[derive(Default)]
struct Way {
    edges: BTreeSet<EdgeId>,
    nodes: BTreeSet<NodeId>,
    last: Option<usize>,
}

impl Way {
    /// Notes a step, and says where its ticket is now.
    fn note(&mut self, world: &World, outcome: &Outcome) -> String {
        let idx = match outcome {
            Outcome::Done { ticket } => *ticket,
            Outcome::Refused { code, sentence } => {
                return format!(" -- refused, `{code}`: {}", sentence.as_deref().unwrap_or_default());
            }
            Outcome::Nothing => return String::new(),
        };
        if self.last != Some(idx) {
            self.edges.clear();
            self.nodes.clear();
            self.last = Some(idx);
            for (_, events) in &world.tickets[idx].commits {
                self.take(events);
            }
        } else if let Some((_, events)) = world.tickets[idx].commits.last() {
            self.take(events);
        }
        let ticket = &world.tickets[idx].ticket;
        match world.workflow_of(ticket) {
            Some(workflow) => format!(" -> {}", place(ticket, workflow, &world.directory)),
            None => String::new(),
        }
    }

    fn take(&mut self, events: &[Event]) {
        for event in events {
            if let Event::EdgeTaken { edge, from, to, .. } = event {
                self.edges.insert(edge.clone());
                self.nodes.extend([from.clone(), to.clone()]);
            } else if let Event::Forked { fork, branches, .. } = event {
                self.nodes.insert(fork.split.clone());
                for branch in branches {
                    self.edges.insert(branch.edge.clone());
                    self.nodes.insert(branch.to.clone());
                }
            } else if let Event::TokensReplaced { node, .. } = event {
                self.nodes.insert(node.clone());
            } else if let Event::TicketCreated(created) = event {
                self.nodes.insert(created.start.clone());
            }
        }
    }

    fn drawn(&self, world: &World) -> String {
        let ticket = self.last.and_then(|idx| world.tickets.get(idx)).map(|one| &one.ticket);
        match ticket.and_then(|ticket| Some((ticket, world.workflow_of(ticket)?))) {
            Some((ticket, workflow)) => {
                let marked = Marked {
                    nodes: self.nodes.clone(),
                    edges: self.edges.clone(),
                    now: ticket.tokens.iter().map(|token| token.node.clone()).collect(),
                };
                mermaid(workflow, &marked)
            }
            None => String::new(),
        }
    }
}

/// Where a ticket is, and who can act.
fn place(ticket: &Ticket, workflow: &WorkflowVersion, directory: &Directory) -> String {
    let nodes = current_nodes(ticket, workflow, directory);
    let nodes = nodes.iter().map(|node| {
        let people: Vec<&str> = node.assignees.iter().map(Person::shown).collect();
        match people.is_empty() {
            true => node.name.clone(),
            false => format!("{} ({})", node.name, people.join(", ")),
        }
    });
    format!(
        "{} at {}",
        ticket.act_state.word(),
        nodes.collect::<Vec<_>>().join(" and ")
    )
}

/// What is done in a step, in words.
fn said(world: &World, step: &CaseStep) -> String {
    let directory = &world.directory;
    let shared = Shared::of(directory);
    let person = |id: &UserId| shared.person(id, directory);
    let version_of = |ticket: usize| world.tickets.get(ticket).and_then(|one| world.workflow_of(&one.ticket));
    let node_name = |ticket: usize, id: &NodeId| names::node(id, version_of(ticket).map(|version| &**version));
    // The step may name a token that is gone, or never was.
    let waits_at = |ticket: usize, token: u64| {
        let tokens = world.tickets.get(ticket).map(|one| &one.ticket.tokens);
        let token_there = tokens.into_iter().flatten().find(|one| one.id.0 == token);
        token_there.map_or_else(|| format!("of token {token}"), |one| node_name(ticket, &one.node))
    };
    let sends = |fields: &Fields| {
        let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if fields.is_empty() {
            String::new()
        } else {
            format!(", sends {}", fields.join(" "))
        }
    };
    match step {
        CaseStep::Pass { ms } => format!("{} pass", time(*ms)),
        CaseStep::Publish { definition } => {
            let basic = &definition["basic_info"];
            format!("Version {} of {} is published", basic["version"], basic["name"])
        }
        CaseStep::Directory { directory: other } => changed_people(directory, other),
        CaseStep::Create {
            workflow,
            creator,
            action_id,
            fields,
            cc,
            ..
        } => {
            let copied: Vec<String> = cc.iter().map(&person).collect();
            let copied = if copied.is_empty() {
                String::new()
            } else {
                format!(", cc {}", copied.join(", "))
            };
            let version = world.workflows.get(workflow).map(|version| &**version);
            let over = action_id.as_ref().map_or_else(
                || " as a draft".to_owned(),
                |edge| format!(" over {}", names::edge(edge, version)),
            );
            let n = world.tickets.len();
            let of = version.map_or_else(|| format!("`{workflow}`"), |version| format!("`{}`", version.name));
            format!(
                "{} creates ticket {n} of {of}{over}{}{copied}",
                person(creator),
                sends(fields)
            )
        }
        CaseStep::Handle {
            ticket,
            operator,
            action_type,
            action_id,
            node_id,
            target_assignee_id,
            target_node_id,
            fields,
            ..
        } => {
            let mut said = format!("{} on ticket {ticket}: {action_type}", person(operator));
            if action_type != action_id {
                let edge = EdgeId::from(action_id.as_str());
                said += &format!(" {}", names::edge(&edge, version_of(*ticket).map(|version| &**version)));
            }
            if let Some(node) = node_id {
                said += &format!(" at {}", node_name(*ticket, node));
            }
            if let Some(target) = target_assignee_id {
                said += &format!(" to {}", person(target));
            }
            if let Some(target) = target_node_id {
                said += &format!(" to {}", node_name(*ticket, target));
            }
            said + &sends(fields)
        }
        CaseStep::ReachDeadline { ticket, token, step } => {
            let place = waits_at(*ticket, *token);
            format!("Step {step} of the deadline {place} of ticket {ticket} is due")
        }
        CaseStep::FireTimer { ticket, token } => {
            format!("The timer {} of ticket {ticket} fires", waits_at(*ticket, *token))
        }
        CaseStep::ReportHook {
            ticket,
            token,
            attempt,
            failed,
        } => {
            let how = failed
                .as_ref()
                .map_or_else(|| "well".to_owned(), |why| format!("badly ({why})"));
            format!(
                "The hook {} of ticket {ticket}, attempt {attempt}, ends {how}",
                waits_at(*ticket, *token)
            )
        }
        CaseStep::ReviewHolders { ticket } => format!("The engine looks who can act on ticket {ticket}"),
        CaseStep::HandOver { ticket, user } => {
            format!("What {} holds on ticket {ticket} is handed over", person(user))
        }
        CaseStep::Migrate {
            ticket,
            operator,
            nodes,
        } => {
            let who = operator.as_ref().map_or_else(|| "The operator".to_owned(), person);
            let new = world
                .tickets
                .get(*ticket)
                .and_then(|one| world.workflows.get(&one.ticket.workflow_id));
            let new = new.map(|version| &**version);
            let nodes: Vec<String> = nodes
                .iter()
                .map(|(from, to)| format!("{} to {}", node_name(*ticket, from), names::node(to, new)))
                .collect();
            let nodes = if nodes.is_empty() {
                String::new()
            } else {
                format!(", {}", nodes.join(", "))
            };
            format!("{who} migrates ticket {ticket} to the default version{nodes}")
        }
    }
}

fn time(ms: i64) -> String {
    let hours = ms / 3_600_000;
    match (hours, ms % 3_600_000) {
        (hours, 0) if hours % 24 == 0 => format!("{} days", hours / 24),
        (hours, 0) => format!("{hours} hours"),
        (_, _) => format!("{ms} ms"),
    }
}

/// Who left, came, or came back.
fn changed_people(before: &Directory, after: &Json) -> String {
    let Ok(after) = directory_from(after) else {
        return "A directory is read in that cannot be read".into();
    };
    let mut changes = Vec::new();
    for (id, user) in &after.users {
        let shown = user.shown_name();
        match before.users.get(id) {
            None => changes.push(format!("{shown} joins")),
            Some(was) if was.is_active && !user.is_active => changes.push(format!("{shown} leaves")),
            Some(was) if !was.is_active && user.is_active => changes.push(format!("{shown} comes back")),
            Some(was) if was != user => changes.push(format!("{shown} changes")),
            Some(_) => {}
        }
    }
    if !before.absences().eq(after.absences()) {
        let now = after.absences().map(|one| format!("{} for {}", one.delegate, one.user));
        changes.push(format!("absent from now on: {}", now.collect::<Vec<_>>().join(", ")));
    }
    changes.extend(
        before
            .users
            .keys()
            .filter(|id| !after.users.contains_key(*id))
            .map(|id| format!("{id} is gone")),
    );
    if changes.is_empty() {
        "The directory changes, its people do not".into()
    } else {
        changes.join(", ")
    }
}
