//! What an explored game shows: states from which no end can be reached, commands that are refused for what the
//! definition says, what is never taken or entered.

use loonflow_engine::workflow::AssigneeRule;
use loonflow_world::names;

use super::explore::{Graph, Refused};
use super::finding::{Finding, Severity, shown_value};
use super::fire::{Refusal, commands, fire};
use super::game::{Game, Kind, NodeInfo};
use super::state::{Rest, State};
use super::story::Teller;
use super::way::Played;

/// Different places where tickets get stuck that are told of one definition; more are the same mistake as a rule.
const STUCK_MAX: usize = 5;

/// States from which no end can be reached.
pub(crate) struct Bad {
    /// By state.
    pub(crate) is_bad: Vec<bool>,
    /// Those without a move.
    pub(crate) stuck: Vec<u32>,
    /// The first from which not even one of those can be reached.
    pub(crate) livelock: Option<u32>,
}

/// Finds them. Where not everything was explored, what is left open counts as good.
pub(crate) fn bad(graph: &Graph) -> Bad {
    let n_states = graph.n_states() as u32;
    let is_open = |idx: &u32| *idx as usize >= graph.n_explored() || graph.is_cut(*idx);
    let good = reach_back(graph, (0..n_states).filter(|idx| graph.is_over(*idx) || is_open(idx)));
    let stuck: Vec<u32> = (0..n_states)
        .filter(|idx| !good[*idx as usize] && graph.moves_of(*idx).is_empty())
        .collect();
    let leads_to_stuck = reach_back(graph, stuck.iter().copied());
    let livelock = (0..n_states).find(|idx| !good[*idx as usize] && !leads_to_stuck[*idx as usize]);
    Bad {
        is_bad: good.iter().map(|good| !good).collect(),
        stuck,
        livelock,
    }
}

fn reach_back(graph: &Graph, from: impl Iterator<Item = u32>) -> Vec<bool> {
    let n_states = graph.n_states();
    // Moves by target, as one row: where each target's begin, and their sources.
    let mut first = vec![0_u32; n_states + 1];
    for idx in 0..graph.n_explored() as u32 {
        for (_, to) in graph.moves_of(idx) {
            first[*to as usize + 1] += 1;
        }
    }
    for idx in 0..n_states {
        first[idx + 1] += first[idx];
    }
    let mut place = first.clone();
    let mut sources = vec![0_u32; graph.n_moves()];
    for idx in 0..graph.n_explored() as u32 {
        for (_, to) in graph.moves_of(idx) {
            sources[place[*to as usize] as usize] = idx;
            place[*to as usize] += 1;
        }
    }
    let mut is_reached = vec![false; n_states];
    let mut work: Vec<u32> = from.collect();
    while let Some(idx) = work.pop() {
        if !std::mem::replace(&mut is_reached[idx as usize], true) {
            work.extend(&sources[first[idx as usize] as usize..first[idx as usize + 1] as usize]);
        }
    }
    is_reached
}

/// Tells where tickets get stuck or go round for ever.
pub(crate) fn completion(game: &Game<'_>, graph: &Graph, bad: &Bad, teller: &Teller<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut told: Vec<Vec<(u16, Rest)>> = Vec::new();
    for idx in &bad.stuck {
        let state = graph.state(*idx);
        let mut place: Vec<(u16, Rest)> = state.tokens.iter().map(|token| (token.node, token.rest)).collect();
        place.dedup();
        if told.contains(&place) || told.len() >= STUCK_MAX {
            continue;
        }
        told.push(place);
        let why = why_stuck(game, graph, &state);
        let message = format!(
            "a ticket at {} cannot go on: {}",
            where_at(game, &state),
            why.join("; ")
        );
        let story = teller.tell(game, graph, *idx, None, "stuck", &message);
        let node = state
            .tokens
            .first()
            .map(|token| &game.nodes[usize::from(token.node)].id);
        let finding = Finding::new("stuck", Severity::Error, message).told(story);
        found.push(match node {
            Some(node) => finding.at_node(node),
            None => finding,
        });
    }
    if let Some(idx) = bad.livelock {
        let state = graph.state(idx);
        let message = |round: &[Played]| match round {
            [] => format!(
                "a ticket at {} can go on but never comes to the end: give some node on its way round an edge that \
                 leads out",
                where_at(game, &state)
            ),
            [only] => format!(
                "a ticket that comes to {} goes round for ever and never comes to the end: give the node an edge that \
                 leads out",
                way_shown(game, only)
            ),
            several => format!(
                "a ticket that comes to {} goes round there for ever and never comes to the end: give one of these nodes \
                 an edge that leads out",
                several
                    .iter()
                    .map(|one| way_shown(game, one))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        let (message, round, story) = teller.tell_round(game, graph, idx, "livelock", &message);
        let finding = Finding::new("livelock", Severity::Error, message).told(story);
        let node = round.first().map(|one| one.node);
        let node = node.or_else(|| state.tokens.first().map(|token| token.node));
        let node = node.map(|node| &game.nodes[usize::from(node)].id);
        found.push(match node {
            Some(node) => finding.at_node(node),
            None => finding,
        });
    }
    found
}

/// Where the tokens of a state are.
fn where_at(game: &Game<'_>, state: &State) -> String {
    let nodes = state
        .tokens
        .iter()
        .map(|token| format!("`{}`", game.nodes[usize::from(token.node)].id));
    names::counted(nodes.collect()).join(", ")
}

/// A node, and the edge that is taken there.
fn way_shown(game: &Game<'_>, step: &Played) -> String {
    let (node, edge) = (&game.nodes[usize::from(step.node)], &game.edges[usize::from(step.edge)]);
    format!("`{}` (`{}`)", node.id, edge.id)
}

fn why_stuck(game: &Game<'_>, graph: &Graph, state: &State) -> Vec<String> {
    let mut reasons = Vec::new();
    for token in &state.tokens {
        let mut add = |reason: String| {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        };
        let node = &game.nodes[usize::from(token.node)];
        match token.rest {
            Rest::Joining => add(format!("at `{}` one branch waits for the others", node.id)),
            Rest::Unassigned => add(format!("at `{}` nobody could be assigned", node.id)),
            Rest::Waiting if node.out.is_empty() => add(format!("`{}` has no way out", node.id)),
            Rest::Waiting | Rest::Moving | Rest::Ended | Rest::Deciding => {}
        }
    }
    let mut memory = graph.memory.clone();
    for command in commands(game, state) {
        let mut outcomes = Vec::new();
        // A state that has to be told apart is not stuck.
        let _ = fire(game, &mut memory, state, command, &mut outcomes);
        let refusal = outcomes.iter().find_map(|outcome| outcome.refusal);
        if let (Some(refusal), Some(edge)) = (refusal, command.edge()) {
            let edge = &game.edges[usize::from(edge)].id;
            let reason = format!("`{edge}` is refused, {}", told(game, refusal));
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    if reasons.is_empty() {
        reasons.push("no edge leaves where it is".to_owned());
    }
    reasons
}

fn told(game: &Game<'_>, refusal: Refusal) -> String {
    match refusal {
        Refusal::NoBranch(node) => format!("no branch of `{}` holds", game.nodes[usize::from(node)].id),
        Refusal::NoAssignee(node) => format!("nobody can be assigned at `{}`", game.nodes[usize::from(node)].id),
        Refusal::Unfillable(node) => {
            let node = &game.nodes[usize::from(node)];
            format!(
                "`{}` requires {}, which takes no value",
                node.id,
                node.unfillable.join(", ")
            )
        }
        Refusal::TooManyMoves(node) => {
            format!("automatic moves do not end at `{}`", game.nodes[usize::from(node)].id)
        }
    }
}

/// Tells what commands are refused for.
pub(crate) fn refusals(game: &Game<'_>, graph: &Graph, teller: &Teller<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (refusal, refused) in &graph.refused {
        let (code, severity, message) = match refusal {
            Refusal::NoBranch(node) => {
                let info = &game.nodes[usize::from(*node)];
                let message = format!(
                    "at the gateway `{}` no branch holds with {}, and it has no default: add a branch or a \
                     `default_branch`",
                    info.id,
                    values(game, game.reads_of_gateway(info), refused)
                );
                ("condition_gap", Severity::Error, message)
            }
            Refusal::NoAssignee(node) => {
                let info = &game.nodes[usize::from(*node)];
                let reads = game.reads_on_entering(info);
                let why = if reads == 0 {
                    String::new()
                } else {
                    format!(" with {}", values(game, reads, refused))
                };
                let message = format!(
                    "nobody can be assigned at `{}`{why}{}: {}",
                    info.id,
                    for_whom(game, teller),
                    more_people(game, info)
                );
                let severity = if refused.can_be_mended {
                    Severity::Warning
                } else {
                    Severity::Error
                };
                ("no_assignee", severity, message)
            }
            Refusal::Unfillable(_) => continue,
            Refusal::TooManyMoves(node) => {
                let message = format!(
                    "automatic moves go round through `{}` without end: put a node that waits between them",
                    game.nodes[usize::from(*node)].id
                );
                ("endless_moves", Severity::Error, message)
            }
        };
        let (Refusal::NoBranch(node)
        | Refusal::NoAssignee(node)
        | Refusal::Unfillable(node)
        | Refusal::TooManyMoves(node)) = refusal;
        let story = teller.tell(game, graph, refused.state, Some(refused), code, &message);
        found.push(
            Finding::new(code, severity, message)
                .at_node(&game.nodes[usize::from(*node)].id)
                .told(story),
        );
    }
    for (node, state) in &graph.unassigned {
        let info = &game.nodes[usize::from(*node)];
        let message = format!(
            "a timer or hook leads to `{}` where nobody can be assigned{}: the ticket waits for an admin; name more \
             people",
            info.id,
            for_whom(game, teller)
        );
        let story = teller.tell(game, graph, *state, None, "no_assignee", &message);
        found.push(
            Finding::new("no_assignee", Severity::Error, message)
                .at_node(&info.id)
                .told(story),
        );
    }
    for node in &game.nodes {
        for field in &node.unfillable {
            let message = format!(
                "`{field}` is required at `{}` and takes no value at all: widen what it takes, or make it optional",
                node.id
            );
            let finding = Finding::new("unfillable_field", Severity::Error, message);
            found.push(finding.at_node(&node.id).at_field(field));
        }
    }
    found
}

/// How a node comes to have people.
fn more_people(game: &Game<'_>, info: &NodeInfo) -> &'static str {
    let node = game.workflow.node(&info.id).and_then(|node| node.kind.as_normal());
    match node.map(|props| &props.assignee) {
        Some(AssigneeRule::TicketField(_) | AssigneeRule::ParentTicketField(_)) => {
            "make the field required, or name the people otherwise"
        }
        Some(AssigneeRule::Variables(_)) => {
            "name another approver or leader for their department, or make the department above it their primary one"
        }
        Some(AssigneeRule::Users(_) | AssigneeRule::Depts(_) | AssigneeRule::Roles(_) | AssigneeRule::External(_))
        | None => "name more people",
    }
}

fn for_whom(game: &Game<'_>, teller: &Teller<'_>) -> String {
    let creator = teller.shared.person(&game.creator, game.directory);
    format!(" where `{creator}` is the creator")
}

/// The values a command was refused with, of these fields.
fn values(game: &Game<'_>, fields: u64, refused: &Refused) -> String {
    let shown = game
        .fields
        .iter()
        .enumerate()
        .filter(|(idx, _)| fields >> idx & 1 == 1)
        .map(|(idx, field)| {
            let class = refused.outcome.state.data[idx].trailing_zeros() as usize;
            field
                .values
                .get(class)
                .map_or_else(|| field.key.to_string(), |value| shown_value(field.key.as_str(), value))
        });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() {
        "whatever is filled in".to_owned()
    } else {
        shown.join(", ")
    }
}

/// What never happens, over the games of every kind of creator.
pub(crate) fn dead(game: &Game<'_>, taken: &[bool], entered: &[bool], never: &[u16]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (idx, edge) in game.edges.iter().enumerate() {
        let source = &game.nodes[usize::from(edge.source)];
        if taken[idx] || !entered[usize::from(edge.source)] {
            continue;
        }
        let is_chosen = matches!(source.kind, Kind::Exclusive | Kind::Inclusive);
        let (code, severity, message) = if is_chosen && source.default == Some(super::game::number(idx)) {
            let message = format!(
                "the default `{}` of `{}` is never taken: some other branch always holds",
                edge.id, source.id
            );
            ("default_never_taken", Severity::Note, message)
        } else if never.contains(&super::game::number(idx)) {
            let message = format!(
                "the conditions of `{}` hold for no values that their fields take: correct them, or remove the edge",
                edge.id
            );
            let reads = edge.reads.iter().all(|field| game.fields[usize::from(*field)].is_sure);
            (
                "never_holds",
                if reads { Severity::Error } else { Severity::Warning },
                message,
            )
        } else {
            let message = format!(
                "the edge `{}` out of `{}` is never taken: whatever is filled in, it is refused or another comes first",
                edge.id, source.id
            );
            ("dead_edge", Severity::Error, message)
        };
        found.push(
            Finding::new(code, severity, message)
                .at_edge(&edge.id)
                .at_node(&source.id),
        );
    }
    for (node, _) in game.nodes.iter().zip(entered).filter(|(_, entered)| !**entered) {
        let message = format!(
            "no ticket ever comes to `{}`: lead a way there that can be taken, or remove it",
            node.id
        );
        found.push(Finding::new("dead_node", Severity::Error, message).at_node(&node.id));
    }
    found
}

/// Edges that cancel what others do.
pub(crate) fn cancelling(game: &Game<'_>, graph: &Graph) -> Vec<Finding> {
    let edges = game
        .edges
        .iter()
        .zip(&graph.cancelling)
        .filter(|(_, cancels)| **cancels);
    edges
        .map(|(edge, _)| {
            let message = format!(
                "`{}` out of `{}` leaves a fork early: what the other branches are doing is dropped",
                edge.id,
                game.nodes[usize::from(edge.source)].id
            );
            Finding::new("cancels_others", Severity::Note, message).at_edge(&edge.id)
        })
        .collect()
}

/// Whether both marks are set in some state.
pub(crate) fn both_marked(graph: &Graph) -> Option<u32> {
    let both = 3 << super::explore::FIRST_MARK;
    (0..graph.n_states() as u32).find(|idx| graph.state(*idx).marks & both == both)
}
