//! Shadow replay: nothing differs on the version that was recorded, and each kind of change is told for what it is.

use std::sync::Arc;

use loonflow_engine::ticket::{ActionKind, Command, Context, Draw, HookOutcome, Rest, apply, decide};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::formats::export::history::History;
use loonflow_simulator::formats::export::junit::{junit, of_shadow};
use loonflow_simulator::record::recorded::{Source, open};
use loonflow_simulator::record::shadow::report::{lines, to_json};
use loonflow_simulator::record::shadow::{Outcome, Report, shadow, shadow_assuming};
use loonflow_simulator::world::step::next_step;
use loonflow_simulator::world::tape::Tape;
use loonflow_simulator::world::{World, directory_from};
use loonflow_storage::MemoryLog;
use serde_json::{Value as Json, json};

use crate::fixtures::{directory_source, source, sources, version};
use crate::logs::played;
use crate::recording::Recording;

/// A recording of played tickets of one fixture.
fn recording(name: &str, n_cases: usize) -> (Recording, Json) {
    let source = source(name);
    (recording_of(&source, n_cases), source)
}

fn recording_of(source: &Json, n_cases: usize) -> Recording {
    let versions = [version(source)];
    let mut recording = Recording::new(&directory_source(), &versions);
    recording.tickets(&played(&versions, n_cases, 21, false).histories);
    recording
}

fn on(recording: &Recording, candidate: &Json) -> Report {
    let candidate = version(candidate);
    shadow(&recording.log, &candidate.workflow_id.clone(), &candidate, None).expect("a recording")
}

fn node<'a>(source: &'a mut Json, id: &str) -> &'a mut Json {
    let nodes = source["process_schema"]["node_info_list"]
        .as_array_mut()
        .expect("nodes");
    nodes.iter_mut().find(|one| one["id"] == id).expect("a node")
}

fn edge<'a>(source: &'a mut Json, id: &str) -> &'a mut Json {
    let edges = source["process_schema"]["edge_info_list"]
        .as_array_mut()
        .expect("edges");
    edges.iter_mut().find(|one| one["id"] == id).expect("an edge")
}

fn add(source: &mut Json, list: &str, item: Json) {
    source["process_schema"][list]
        .as_array_mut()
        .expect("a list")
        .push(item);
}

#[test]
fn the_recorded_version_itself_differs_in_nothing() {
    for (name, _) in sources() {
        let (recording, source) = recording(&name, 40);
        let report = on(&recording, &source);
        assert!(report.tickets.len() > 30, "{name}");
        assert_eq!(report.worst(), Some(Outcome::Same), "{}", lines(&report).join("\n"));
        assert!(
            report
                .tickets
                .iter()
                .all(|one| one.n_followed == one.n_steps && one.assumed.is_empty())
        );
    }
}

/// Random walks take every action there is: forward, consult, withdraw, force, failing hooks, drafts.
#[test]
fn whatever_people_did_differs_in_nothing() {
    let directory = directory_from(&directory_source()).expect("a directory");
    let versions: Vec<Arc<WorkflowVersion>> = sources().iter().map(|(_, source)| version(source)).collect();
    let mut kinds = std::collections::BTreeSet::new();
    let mut seed = 1u64;
    for walk in 0..60 {
        // Hooks and timers are rare among all, so they have walks of their own.
        let only = [None, Some("release"), Some("incident")][walk % 3];
        let is_meant = |one: &&Arc<WorkflowVersion>| only.is_none_or(|only| one.workflow_id.as_str() == only);
        let versions: Vec<_> = versions.iter().filter(is_meant).cloned().collect();
        let mut world = World::new(Arc::clone(&directory), versions.clone(), seed);
        let tape = std::iter::repeat_with(|| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 48) as u16
        });
        let mut tape = Tape::new(tape.take(600).collect());
        while !tape.is_used_up() {
            world.pass(60_000);
            if let Some(step) = next_step(&mut world, &mut tape) {
                // Refused ones are part of the walk and of no recording.
                let is_end = matches!(&step.command, Command::Act(act) if act.action.said_kind().is_some_and(|kind| ENDS.contains(&kind)));
                if !is_end || tape.next(4) == 0 {
                    let _ = world.carry_out(step.ticket, &step.workflow, &step.command);
                }
            }
            if tape.next(3) == 0 {
                answer(&mut world, &mut tape);
            }
        }
        let histories: Vec<History> = world.tickets.iter().map(history).collect();
        let mut recording = Recording::new(&directory_source(), &versions);
        recording.tickets(&histories);
        for version in &versions {
            let report = shadow(&recording.log, &version.workflow_id, version, None).expect("a recording");
            let worst = report.worst().unwrap_or(Outcome::Same);
            assert_eq!(worst, Outcome::Same, "{}", lines(&report).join("\n"));
        }
        for (_, events) in histories.iter().flat_map(|history| &history.commits) {
            kinds.extend(events.iter().map(loonflow_engine::ticket::Event::name));
        }
    }
    // A migration is no random step, and everything else should have been there.
    for kind in [
        "forwarded",
        "consulted",
        "consult_submitted",
        "vote_cast",
        "tokens_replaced",
        "force_forwarded",
        "hook_failed",
        "timer_fired",
        "discarded",
    ] {
        assert!(kinds.contains(kind), "no walk had `{kind}`: {kinds:?}");
    }
}

/// What ends a ticket or sends it far away; taken less often, or walks would end soon.
const ENDS: [ActionKind; 5] = [
    ActionKind::Skip,
    ActionKind::ForceClose,
    ActionKind::ForceAlterNode,
    ActionKind::Withdraw,
    ActionKind::Discard,
];

/// Lets a timer fire late, or a hook answer or fail.
fn answer(world: &mut World, tape: &mut Tape) {
    let tickets = world.tickets.iter().enumerate();
    let waiting = tickets.flat_map(|(idx, one)| one.ticket.tokens.iter().map(move |token| (idx, token)));
    let command = waiting.into_iter().find_map(|(idx, token)| match &token.rest {
        Rest::Timer { due } => Some((idx, *due, Command::FireTimer { token: token.id })),
        Rest::Hook { attempt, failed: None } => {
            let outcome = if tape.next(2) == 0 {
                HookOutcome::Succeeded
            } else {
                HookOutcome::Failed("no answer".into())
            };
            let command = Command::ReportHook {
                token: token.id,
                attempt: *attempt,
                outcome,
            };
            Some((idx, world.now, command))
        }
        Rest::Hook { failed: Some(_), .. }
        | Rest::Moving
        | Rest::Joining
        | Rest::Unassigned
        | Rest::Held { .. }
        | Rest::Offered { .. }
        | Rest::Shared { .. }
        | Rest::Voting(_)
        | Rest::Ended => None,
    });
    if let Some((idx, due, command)) = command
        && let Some(workflow) = world.workflow_of(&world.tickets[idx].ticket).cloned()
    {
        let late = i64::try_from(tape.next(5)).unwrap_or(0) * 1_000;
        world.now = world.now.max(due).plus_ms(late);
        let _ = world.carry_out(Some(idx), &workflow, &command);
    }
}

fn history(recorded: &loonflow_simulator::world::Recorded) -> History {
    let ticket = &recorded.ticket;
    History {
        ticket: ticket.id,
        tenant: ticket.tenant_id.clone(),
        workflow: ticket.workflow_id.clone(),
        version_name: ticket.version_name.clone(),
        version: None,
        creator: ticket.creator.clone(),
        parent: None,
        commits: recorded.commits.clone(),
    }
}

#[test]
fn other_people_are_told() {
    let (recording, mut candidate) = recording("leave", 30);
    // Whoever may file now is one of two: the filing people still may, and others may too.
    let filing = node(&mut candidate, "file");
    filing["props"]["assignee_type"] = json!("depts");
    filing["props"]["assignee"] = json!("00000000-0000-7000-8000-000000000201");
    let report = on(&recording, &candidate);
    let told = lines(&report).join("\n");
    assert!(report.count(Outcome::Stuck) == 0, "{told}");
    assert!(
        report.count(Outcome::OtherAssignee) + report.count(Outcome::NotAllowed) > 20,
        "{told}"
    );
}

#[test]
fn other_ways_are_told_and_what_follows_from_them_is_no_refusal() {
    let (recording, mut candidate) = recording("leave", 30);
    // A second approval stands between the first and the filing.
    let mut second = node(&mut candidate, "approve").clone();
    second["id"] = json!("second");
    second["name"] = json!("Second approval");
    add(&mut candidate, "node_info_list", second);
    edge(&mut candidate, "approve_yes")["target_node_id"] = json!("second");
    let way = json!({ "id": "second_yes", "name": "Agree", "type": "agree", "source_node_id": "second",
        "target_node_id": "file", "label": {}, "layout": {}, "props": {} });
    add(&mut candidate, "edge_info_list", way);
    let report = on(&recording, &candidate);
    let told = lines(&report).join("\n");
    assert_eq!(report.worst(), Some(Outcome::OtherPath), "{told}");
    let ticket = report
        .tickets
        .iter()
        .find(|one| one.outcome == Outcome::OtherPath)
        .expect("a ticket");
    let first = &ticket.differences[0];
    assert!(
        first.done.contains("agree `Approve` at `Department approval`")
            && first.candidate.starts_with("`Second approval` ("),
        "{told}"
    );
    let last = ticket.differences.last().expect("a difference");
    assert!(last.code.is_some() && ticket.n_followed < ticket.n_steps, "{told}");
}

#[test]
fn what_is_no_longer_allowed_is_told_with_code_and_step() {
    let (recording, original) = recording("purchase", 40);
    // A field that nobody filled in is required at the start.
    let mut candidate = original.clone();
    node(&mut candidate, "start")["props"]["field_permissions"]["po_number"] = json!("required");
    let report = on(&recording, &candidate);
    assert_eq!(
        report.count(Outcome::NotAllowed),
        report.tickets.len(),
        "{}",
        lines(&report).join("\n")
    );
    let difference = &report.tickets[0].differences[0];
    assert_eq!((difference.step, difference.code), (1, Some("missing_required_fields")));

    // An edge that some took is gone.
    let mut candidate = original.clone();
    let edges = candidate["process_schema"]["edge_info_list"]
        .as_array_mut()
        .expect("edges");
    edges.retain(|one| one["id"] != "booking_no");
    let report = on(&recording, &candidate);
    assert_eq!(
        report.worst(),
        Some(Outcome::NotAllowed),
        "{}",
        lines(&report).join("\n")
    );
    let refused = report.tickets.iter().filter(|one| one.outcome == Outcome::NotAllowed);
    for ticket in refused {
        let difference = ticket.differences.last().expect("a difference");
        assert!(difference.done.contains("`Wrong data`") && difference.code == Some("action_not_available"));
    }
    assert!(report.count(Outcome::Same) > 0);

    // Another person is director: what the former one did is refused.
    let mut candidate = original;
    node(&mut candidate, "director")["props"]["assignee"] = json!("00000000-0000-7000-8000-000000000112");
    let report = on(&recording, &candidate);
    let refused: Vec<_> = report
        .tickets
        .iter()
        .filter(|one| one.outcome == Outcome::NotAllowed)
        .collect();
    assert!(!refused.is_empty(), "{}", lines(&report).join("\n"));
    for ticket in refused {
        assert_eq!(ticket.differences[0].outcome, Outcome::OtherAssignee);
        let last = ticket.differences.last().expect("a difference");
        assert!(
            matches!(last.code, Some("permission_denied" | "ticket_not_found")),
            "{last:?}"
        );
    }
}

#[test]
fn what_gets_stuck_is_told() {
    let (recording, original) = recording("purchase", 40);
    // No default, and no condition holds for small amounts.
    let mut candidate = original.clone();
    let gateway = node(&mut candidate, "by_amount");
    gateway["props"]
        .as_object_mut()
        .expect("props")
        .remove("default_branch");
    let groups = json!([{ "conditions": [{ "field_name": "amount", "operator": "<", "value": "0" }] }]);
    edge(&mut candidate, "to_manager")["props"]["condition_groups"] = groups;
    let report = on(&recording, &candidate);
    let stuck: Vec<_> = report
        .tickets
        .iter()
        .filter(|one| one.outcome == Outcome::Stuck)
        .collect();
    assert!(
        !stuck.is_empty() && stuck.len() < report.tickets.len(),
        "{}",
        lines(&report).join("\n")
    );
    assert!(stuck.iter().all(|one| {
        one.differences
            .last()
            .is_some_and(|last| last.code == Some("no_branch_matches"))
    }));

    // A role that nobody is in.
    let mut candidate = original;
    node(&mut candidate, "booking")["props"]["assignee"] = json!("nobody-has-this-role");
    let report = on(&recording, &candidate);
    assert!(report.count(Outcome::Stuck) > 0, "{}", lines(&report).join("\n"));
}

#[test]
fn hooks_and_timers_of_the_candidate_have_their_own_time() {
    // A hook that the recording does not know is assumed to answer well.
    let (recorded_leave, mut candidate) = recording("leave", 10);
    let hook = json!({ "id": "tell", "name": "Tell", "type": "hook", "label": {}, "layout": {},
        "props": { "hook_url": "https://a.example/", "field_permissions": {} } });
    add(&mut candidate, "node_info_list", hook);
    edge(&mut candidate, "approve_yes")["target_node_id"] = json!("tell");
    let way = json!({ "id": "told", "name": "", "type": "other", "source_node_id": "tell", "target_node_id": "file",
        "label": {}, "layout": {}, "props": {} });
    add(&mut candidate, "edge_info_list", way);
    let report = on(&recorded_leave, &candidate);
    assert_eq!(report.worst(), Some(Outcome::Same), "{}", lines(&report).join("\n"));
    assert!(report.tickets.iter().any(|one| one.assumed.len() == 1));

    // A shorter timer fires earlier in the shadow, and nobody notices; a longer one keeps people waiting.
    let (recorded_incident, original) = recording("incident", 30);
    let mut candidate = original.clone();
    node(&mut candidate, "cool_down")["props"]["duration"] = json!("PT1S");
    assert_eq!(on(&recorded_incident, &candidate).worst(), Some(Outcome::Same));
    let mut candidate = original;
    node(&mut candidate, "cool_down")["props"]["duration"] = json!("P1Y");
    let report = on(&recorded_incident, &candidate);
    assert_eq!(
        report.worst(),
        Some(Outcome::OtherPath),
        "{}",
        lines(&report).join("\n")
    );
}

/// Two timers that are due at once fire in two steps, and in the shadow no sooner.
#[test]
fn timers_that_are_due_at_once_fire_when_they_did() {
    let mut original = source("incident");
    let timer = node(&mut original, "cool_down");
    timer["props"]["duration"] = json!("PT0S");
    let mut second = timer.clone();
    second["id"] = json!("again");
    add(&mut original, "node_info_list", second);
    edge(&mut original, "quiet")["target_node_id"] = json!("again");
    let way = json!({ "id": "still_quiet", "name": "", "type": "other", "source_node_id": "again",
        "target_node_id": "confirm", "label": {}, "layout": {}, "props": {} });
    add(&mut original, "edge_info_list", way);
    let report = on(&recording_of(&original, 20), &original);
    assert_eq!(report.worst(), Some(Outcome::Same), "{}", lines(&report).join("\n"));
}

/// Two branches lead to one node where somebody is drawn: each draw is its own.
#[test]
fn two_draws_in_one_step_are_told_apart() {
    let mut original = source("onboarding");
    let way = json!({ "id": "b_badge_2", "name": "", "type": "condition", "source_node_id": "split",
        "target_node_id": "badge", "label": {}, "layout": {}, "props": {} });
    add(&mut original, "edge_info_list", way);
    let report = on(&recording_of(&original, 40), &original);
    assert_eq!(report.worst(), Some(Outcome::Same), "{}", lines(&report).join("\n"));
}

/// A ticket that went over to the candidate in the recording is on it all along in the shadow.
#[test]
fn migrations_are_left_out() {
    let (old, mut source) = (version(&source("leave")), source("leave"));
    source["basic_info"]["version"] = json!("2.0");
    let new = version(&source);
    let directory = directory_from(&directory_source()).expect("a directory");
    let mut histories = played(std::slice::from_ref(&old), 5, 21, false).histories;
    for history in &mut histories {
        // After its first commit, before people go on.
        let (meta, events) = &history.commits[0];
        let ticket = events.iter().fold(None, |ticket, event| apply(ticket, event, meta));
        let command = Command::Migrate {
            operator: None,
            nodes: Default::default(),
        };
        let context = Context {
            now: meta.at,
            directory: &directory,
            workflow: &old,
            draw: Draw::Preview,
            parent: None,
            migrate_to: Some(&new),
            replies: None,
            files: loonflow_engine::ticket::Files::AsDescribed,
        };
        let events = decide(ticket.as_ref(), &command, &context).expect("a migration");
        assert!(events.iter().any(|event| event.name() == "migrated"));
        history.commits.insert(1, (command.meta(&context), events));
    }
    let mut recording = Recording::new(&directory_source(), &[old, Arc::clone(&new)]);
    recording.tickets(&histories);
    let report = shadow(&recording.log, &"leave".into(), &new, None).expect("a recording");
    assert_eq!(report.worst(), Some(Outcome::Same), "{}", lines(&report).join("\n"));
    assert!(report.tickets.iter().all(|one| one.n_followed == one.n_steps));
}

/// One change does not hide the others: what is refused is told once, and the ticket goes on.
#[test]
fn what_comes_after_a_refusal_is_told_too() {
    let (recording, mut candidate) = recording("purchase", 40);
    node(&mut candidate, "start")["props"]["field_permissions"]["po_number"] = json!("required");
    node(&mut candidate, "director")["props"]["assignee"] = json!("00000000-0000-7000-8000-000000000112");
    let told = |report: &Report| {
        let groups = report.groups().into_iter();
        let told = groups.map(|group| (group.first.outcome, group.first.what.clone(), group.tickets.len()));
        told.collect::<Vec<_>>()
    };
    let report = on(&recording, &candidate);
    let n_tickets = report.tickets.len();
    let groups = told(&report);
    let submitted = "creates it by `Submit`".to_owned();
    assert_eq!(groups[0], (Outcome::NotAllowed, submitted, n_tickets), "{groups:?}");
    assert!(report.tickets.iter().all(|one| one.lost_at.is_none()));
    assert!(
        report
            .tickets
            .iter()
            .all(|one| one.n_followed + one.differences.len() >= one.n_steps)
    );
    let text = lines(&report).join("\n");
    // Once for those who submit, once for those whose ticket came back to them: not once for each ticket.
    let n_lines_of_it = text.matches("missing_required_fields").count();
    assert!((1..=2).contains(&n_lines_of_it), "{text}");
    // Who, where and what is told by name; ids are for programs.
    let names =
        "action `agree` with id `Approve` is not yours to take: node `Engineering director` waits for Carla Chief";
    assert!(text.contains(names), "{text}");

    // With a value for the field nothing but the other director is left, and what is assumed is told.
    let assume = [("po_number".into(), Value::Text("PO-1".into()))].into();
    let version = version(&candidate);
    let report = shadow_assuming(&recording.log, &"purchase".into(), &version, None, &assume).expect("a recording");
    let groups = told(&report);
    assert!(groups.iter().all(|(_, what, _)| !what.contains("draft")), "{groups:?}");
    assert!(
        report
            .tickets
            .iter()
            .flat_map(|one| &one.differences)
            .all(|one| one.code != Some("missing_required_fields")),
        "{groups:?}"
    );
    assert!(
        report.count(Outcome::NotAllowed) + report.count(Outcome::OtherAssignee) > 0,
        "{groups:?}"
    );
    assert!(report.count(Outcome::Same) > 0, "{groups:?}");
    let text = lines(&report).join("\n");
    assert!(text.contains("`po_number` was filled in with \"PO-1\""), "{text}");

    let nowhere = [("no_such_field".into(), Value::Text("x".into()))].into();
    let error = shadow_assuming(&recording.log, &"purchase".into(), &version, None, &nowhere);
    let error = error.expect_err("there is no such field").to_string();
    assert!(error.contains("`no_such_field`"), "{error}");
}

#[test]
fn a_report_is_a_contract() {
    let (recording, mut candidate) = recording("purchase", 6);
    node(&mut candidate, "director")["props"]["assignee"] = json!("00000000-0000-7000-8000-000000000112");
    let report = on(&recording, &candidate);
    insta::assert_snapshot!("shadow_text", lines(&report).join("\n"));
    insta::assert_snapshot!("shadow_json", format!("{:#}", to_json(&report)));
    insta::assert_snapshot!("shadow_junit", junit(&[of_shadow(&report)]));
}

#[test]
fn recordings_come_from_files_and_data_directories() {
    let (recording, candidate) = recording("leave", 5);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("export.jsonl");
    std::fs::write(&file, recording.lines()).expect("a file");
    let candidate = version(&candidate);
    let of = |source: &Source| {
        let log = open(source).expect("a recording");
        shadow(log.as_ref(), &"leave".into(), &candidate, None).expect("a recording")
    };
    let expected = to_json(&of(&Source::Lines(file.clone())));
    assert_eq!(expected["counts"]["same"], 5);

    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let source = Source::Data(data.clone());
    let error = open(&source).err().expect("no log yet");
    assert!(error.to_string().contains("there is no log"), "{error:#}");
    let log = loonflow_storage::SledLog::open(data.join("log"), Default::default()).expect("a log");
    loonflow_storage::backup::import(&log, &mut recording.lines().as_slice()).expect("an import");
    let error = open(&source).err().expect("in use");
    assert!(error.to_string().contains("in use"), "{error:#}");
    drop(log);
    assert_eq!(to_json(&of(&source)), expected);
    // Another tenant has no such tickets.
    let log = open(&Source::Lines(file)).expect("a recording");
    let report = shadow(log.as_ref(), &"leave".into(), &candidate, Some(&"globex".into())).expect("a recording");
    assert_eq!(report.worst(), None);
}

/// The same export as an earlier program wrote it.
fn without_digests(lines: &str) -> String {
    let old = lines.lines().map(|line| {
        let mut line: Json = serde_json::from_str(line).expect("a line");
        line.as_object_mut().expect("an object").remove("sha256");
        if let Some(header) = line.get_mut("header") {
            *header = json!({ "format": header["format"], "version": 1 });
        }
        if let Some(end) = line.get_mut("end") {
            *end = json!({ "n_entries": end["n_entries"], "n_commits": end["n_commits"] });
        }
        format!("{line}\n")
    });
    old.collect()
}

#[test]
fn damaged_recordings_end_in_a_sentence() {
    let (recording, candidate) = recording("leave", 3);
    let lines = String::from_utf8(recording.lines()).expect("text");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("export.jsonl");
    let candidate = version(&candidate);
    std::fs::write(&file, lines.replace("\"schema\":1", "\"schema\":9")).expect("a file");
    let told = open(&Source::Lines(file.clone())).err().expect("a changed line");
    assert!(format!("{told:#}").contains("does not match its digest"), "{told:#}");
    // What stands in an export whose digests were made for it, or that has none.
    let lines = without_digests(&lines);
    for (text, expected) in [
        ("", "no whole export"),
        ("{\"basic_info\": {}}\n", "no whole export"),
        (&lines[..lines.len() / 2], "no whole export"),
        (&lines.replace("\"schema\":1", "\"schema\":9"), "unknown type"),
        (&lines.replace("ticket.ticket_created", "ticket.no_such_thing"), ""),
        (&lines.replace("\"t/acme/", "\"x/acme/"), "none of a directory"),
        (&lines.replace("\"t/acme/", "\"t/acme/9"), "no ticket's id"),
    ] {
        std::fs::write(&file, text).expect("a file");
        let told =
            open(&Source::Lines(file.clone())).and_then(|log| shadow(log.as_ref(), &"leave".into(), &candidate, None));
        match told {
            Err(error) => assert!(format!("{error:#}").contains(expected), "{expected}: {error:#}"),
            Ok(_) => assert!(expected.is_empty(), "{expected}"),
        }
    }
    let empty = shadow(&MemoryLog::new(), &"leave".into(), &candidate, None).expect("nothing");
    assert!(empty.tickets.is_empty());
}
