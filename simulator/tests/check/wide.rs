//! Many branches that have nothing to do with one another, and stories that tell no more than matters.

use loonflow_simulator::prove::check::{Finding, Options, Outcome, Report};
use serde_json::{Value as Json, json};

use super::check_text;

/// A process in the making.
struct Sketch {
    fields: Vec<Json>,
    nodes: Vec<Json>,
    edges: Vec<Json>,
}

impl Sketch {
    /// A start at which the title and `n` questions, `f0` and on, are answered with yes or no; `merge` and the end.
    fn asking(n: usize) -> Self {
        let title = json!({ "id": "title", "type": "title", "component_key": "title", "component_name": "Title" });
        let mut permissions = json!({ "title": "required" });
        let mut fields = vec![title];
        let options = json!([{ "key": "yes", "label": "yes" }, { "key": "no", "label": "no" }]);
        for idx in 0..n {
            let key = format!("f{idx}");
            fields.push(
                json!({ "id": key, "type": "radio", "component_key": key, "component_name": key,
                "props": { "options_with_keys": options } }),
            );
            permissions[&key] = json!("required");
        }
        let mut sketch = Self {
            fields,
            nodes: Vec::new(),
            edges: Vec::new(),
        };
        sketch.node("start", "start", json!({ "field_permissions": permissions }));
        sketch.node("merge", "parallel", json!({}));
        sketch.node("end", "end", json!({}));
        sketch.edge("done", "other", "merge", "end", json!({}));
        sketch
    }

    fn node(&mut self, id: &str, kind: &str, props: Json) {
        let name = format!("{}{}", id[..1].to_uppercase(), &id[1..]);
        self.nodes
            .push(json!({ "id": id, "name": name, "type": kind, "props": props }));
    }

    fn task(&mut self, id: &str) {
        let props = json!({ "assignee_type": "users", "assignee": "ann", "assignment_strategy": "direct" });
        self.node(id, "normal", props);
    }

    fn edge(&mut self, id: &str, kind: &str, from: &str, to: &str, props: Json) {
        self.edges.push(
            json!({ "id": id, "name": id.replace('_', " "), "type": kind, "source_node_id": from,
            "target_node_id": to, "props": props }),
        );
    }

    /// An edge that is taken where the answer to a question is yes.
    fn edge_if(&mut self, id: &str, from: &str, to: &str, field: usize) {
        let condition = json!({ "field_name": format!("f{field}"), "operator": "==", "value": "yes" });
        let props = json!({ "condition_groups": [{ "conditions": [condition] }] });
        self.edge(id, "condition", from, to, props);
    }

    fn props(&mut self, node: &str) -> &mut Json {
        let node = self.nodes.iter_mut().find(|one| one["id"] == json!(node));
        &mut node.expect("a node of this name")["props"]
    }

    fn source(self) -> Json {
        json!({
            "basic_info": { "id": "wide", "name": "Wide", "version": "1" },
            "form_schema": { "component_info_list": [
                { "id": "row", "type": "row", "component_key": "row", "children": self.fields },
            ] },
            "process_schema": { "node_info_list": self.nodes, "edge_info_list": self.edges },
            "advanced_schema": {},
        })
    }
}

fn check(source: &Json) -> Report {
    check_text(source, &Options::default())
}

fn found<'a>(report: &'a Report, code: &str) -> &'a Finding {
    let found = report.findings.iter().find(|one| one.code == code);
    found.unwrap_or_else(|| panic!("no `{code}` among {:?}", report.findings))
}

fn lines(finding: &Finding) -> &[String] {
    let story = finding.story.as_ref().expect("a story");
    assert!(story.is_played, "{:#?}", story.lines);
    &story.lines
}

/// The shape of `branches` that each have a task of their own behind what opens them.
fn inclusive(n: usize, before: &[&str], default: Option<&str>) -> Json {
    let mut sketch = Sketch::asking(n);
    sketch.node("split", "inclusive", json!({}));
    let mut at = ("start".to_owned(), "submit".to_owned());
    for task in before {
        sketch.task(task);
        sketch.edge(&at.1, "agree", &at.0, task, json!({}));
        at = ((*task).to_owned(), format!("{task}_done"));
    }
    sketch.edge(&at.1, "agree", &at.0, "split", json!({}));
    for idx in 0..n {
        let task = format!("task_{idx}");
        sketch.task(&task);
        sketch.edge_if(&format!("begin_{idx}"), "split", &task, idx);
        sketch.edge(&format!("finish_{idx}"), "agree", &task, "merge", json!({}));
    }
    if let Some(to) = default {
        if to != "merge" {
            sketch.task(to);
            sketch.edge("others_done", "agree", to, "merge", json!({}));
        }
        sketch.edge("otherwise", "condition", "split", to, json!({}));
        *sketch.props("split") = json!({ "default_branch": "otherwise" });
    }
    sketch.source()
}

/// A fork into gateways that ask a question each; where `has_tasks`, somebody has to act before each of them.
fn gateways(n: usize, has_tasks: bool) -> Sketch {
    let mut sketch = Sketch::asking(n);
    sketch.node("fork", "parallel", json!({}));
    sketch.edge("submit", "agree", "start", "fork", json!({}));
    for idx in 0..n {
        let (gate, task, first) = (format!("gate_{idx}"), format!("task_{idx}"), format!("look_{idx}"));
        sketch.node(
            &gate,
            "exclusive",
            json!({ "default_branch": format!("otherwise_{idx}") }),
        );
        sketch.task(&task);
        if has_tasks {
            sketch.task(&first);
            sketch.edge(&format!("begin_{idx}"), "condition", "fork", &first, json!({}));
            sketch.edge(&format!("looked_{idx}"), "agree", &first, &gate, json!({}));
        } else {
            sketch.edge(&format!("begin_{idx}"), "condition", "fork", &gate, json!({}));
        }
        sketch.edge_if(&format!("take_{idx}"), &gate, &task, idx);
        sketch.edge(&format!("otherwise_{idx}"), "condition", &gate, "merge", json!({}));
        sketch.edge(&format!("finish_{idx}"), "agree", &task, "merge", json!({}));
    }
    sketch
}

/// Questions of its own for each branch multiply nothing: each is told apart where its branch is looked at.
#[test]
fn an_inclusive_split_over_many_fields_of_their_own_is_decided() {
    for (before, default) in [
        (&[][..], "merge"),
        (&[], "others"),
        (&["read"], "merge"),
        (&["read"], "others"),
    ] {
        for n in [4, 16, 40] {
            let report = check(&inclusive(n, before, Some(default)));
            let what = format!("{n} branches, {before:?}, {default}: {:?}", report.bounds);
            assert_eq!(report.outcome, Outcome::Sound, "{what}");
            assert!(report.n_states < 30 * n * n, "{what}: {} states", report.n_states);
            assert!(
                !report.findings.iter().any(|one| one.code == "overlaps_not_known"),
                "{what}: branches of an inclusive split may overlap"
            );
        }
    }
}

/// Without a default there is one combination of answers that opens nothing.
#[test]
fn an_inclusive_split_over_many_fields_without_a_default_has_a_gap() {
    let report = check(&inclusive(16, &[], None));
    assert_eq!(report.outcome, Outcome::Unsound, "{:?}", report.bounds);
    assert_eq!(lines(found(&report, "condition_gap")).len(), 1);

    let report = check(&inclusive(16, &["read"], None));
    assert_eq!(report.outcome, Outcome::Unsound, "{:?}", report.bounds);
    assert_eq!(lines(found(&report, "condition_gap")).len(), 2);
    assert_eq!(lines(found(&report, "stuck")).len(), 1);
}

#[test]
fn a_fork_of_many_gateways_on_fields_of_their_own_is_decided() {
    for has_tasks in [false, true] {
        for n in [4, 15, 40] {
            let report = check(&gateways(n, has_tasks).source());
            let what = format!("{n} branches, tasks before: {has_tasks}, {:?}", report.bounds);
            assert_eq!(report.outcome, Outcome::Sound, "{what}");
            assert!(report.n_states < 30 * n * n, "{what}: {} states", report.n_states);
        }
    }
}

/// Yes and no with a condition each, and no default: nothing is left over, so nothing can be refused.
#[test]
fn gateways_whose_conditions_leave_nothing_over_are_decided() {
    let mut sketch = gateways(15, false);
    for idx in 0..15 {
        *sketch.props(&format!("gate_{idx}")) = json!({});
        let id = json!(format!("otherwise_{idx}"));
        let edge = sketch.edges.iter_mut().find(|one| one["id"] == id).expect("the edge");
        let condition = json!({ "field_name": format!("f{idx}"), "operator": "!=", "value": "yes" });
        edge["props"] = json!({ "condition_groups": [{ "conditions": [condition] }] });
    }
    let report = check(&sketch.source());
    assert_eq!(report.outcome, Outcome::Sound, "{:?}", report.bounds);
}

/// Whichever branches open, one person holds each of them up: it is found without going on with the others.
#[test]
fn the_only_person_of_many_branches_is_named() {
    let report = check(&inclusive(30, &[], Some("others")));
    assert_eq!(report.outcome, Outcome::Sound, "{:?}", report.bounds);
    let note = found(&report, "blocked_without");
    assert!(note.message.contains("`ann`"), "{}", note.message);
}

/// What one branch asks for may decide again behind the merge.
#[test]
fn a_gateway_behind_the_merge_multiplies_nothing() {
    let mut sketch = gateways(15, false);
    let done = sketch.edges.iter_mut().find(|one| one["id"] == json!("done"));
    done.expect("the edge")["target_node_id"] = json!("last");
    sketch.node("last", "exclusive", json!({ "default_branch": "close" }));
    sketch.task("archive");
    sketch.edge_if("keep", "last", "archive", 0);
    sketch.edge("close", "condition", "last", "end", json!({}));
    sketch.edge("archived", "agree", "archive", "end", json!({}));
    let report = check(&sketch.source());
    assert_eq!(report.outcome, Outcome::Sound, "{:?}", report.bounds);
}

/// What is asked behind the merge may turn down whoever comes last, so every answer has to be known at once.
#[test]
fn answers_that_multiply_are_unknown() {
    let mut sketch = gateways(15, false);
    let done = sketch.edges.iter_mut().find(|one| one["id"] == json!("done"));
    done.expect("the edge")["target_node_id"] = json!("last");
    sketch.node("last", "exclusive", json!({}));
    sketch.edge_if("close", "last", "end", 0);
    sketch.edge_if("keep", "last", "end", 1);
    let report = check(&sketch.source());
    assert_eq!(report.outcome, Outcome::Unknown, "{:?}", report.findings);
    let [bound] = report.bounds.as_slice() else {
        panic!("{:?}", report.bounds);
    };
    assert!(
        bound.contains("too many ways") && bound.contains("`--states`"),
        "{bound}"
    );
}

/// Nobody writes what is asked behind the merge, so whoever comes last is turned down for the same.
#[test]
fn a_gap_behind_the_merge_of_many_branches_is_found() {
    let mut sketch = gateways(20, true);
    let done = sketch.edges.iter_mut().find(|one| one["id"] == json!("done"));
    done.expect("the edge")["target_node_id"] = json!("last");
    sketch.node("last", "exclusive", json!({}));
    sketch.task("keep");
    sketch.edge_if("close", "last", "end", 0);
    sketch.edge_if("keep_it", "last", "keep", 1);
    sketch.edge("kept", "agree", "keep", "end", json!({}));
    let report = check(&sketch.source());
    assert_eq!(report.outcome, Outcome::Unsound, "{:?}", report.bounds);
    lines(found(&report, "condition_gap"));
    lines(found(&report, "stuck"));
}

/// A branch that sends the ticket back takes the others along, whatever they have done.
#[test]
fn branches_that_send_the_ticket_back_are_decided() {
    let mut sketch = gateways(24, true);
    for idx in 0..24 {
        for node in ["look", "task"] {
            let id = format!("{node}_back_{idx}");
            sketch.edge(&id, "reject", &format!("{node}_{idx}"), "start", json!({}));
        }
    }
    let report = check(&sketch.source());
    assert_eq!(report.outcome, Outcome::Sound, "{:?}", report.bounds);
}

/// The last of many branches cannot go on with one answer.
fn gap_in_the_last(n: usize, has_tasks: bool) -> Json {
    let mut sketch = gateways(n, has_tasks);
    let last = n - 1;
    *sketch.props(&format!("gate_{last}")) = json!({});
    sketch
        .edges
        .retain(|one| one["id"] != json!(format!("otherwise_{last}")));
    sketch.task("aside");
    let no = json!({ "field_name": format!("f{last}"), "operator": "==", "value": "perhaps" });
    let props = json!({ "condition_groups": [{ "conditions": [no] }] });
    sketch.edge("aside_begin", "condition", &format!("gate_{last}"), "aside", props);
    sketch.edge("aside_done", "agree", "aside", "merge", json!({}));
    sketch.source()
}

/// What other branches do on the way to a defect of one is left out, and nothing is explored any more once it is told.
#[test]
fn a_defect_in_one_of_many_branches_is_told_without_the_others() {
    for n in [6, 20, 40] {
        let report = check(&gap_in_the_last(n, true));
        assert_eq!(report.outcome, Outcome::Unsound, "{:?}", report.bounds);
        assert!(report.n_states < 20_000, "{} states", report.n_states);
        let last = n - 1;
        let gap = lines(found(&report, "condition_gap"));
        assert_eq!(gap.len(), 2, "{gap:#?}");
        assert!(gap[1].contains(&format!("`looked {last}`")), "{gap:#?}");
        let stuck = found(&report, "stuck");
        assert_eq!(lines(stuck).len(), 1, "{:#?}", stuck.story);
        assert!(stuck.message.contains(&format!("`look_{last}`")), "{}", stuck.message);
        assert!(stuck.message.len() < 300, "{}", stuck.message);
    }
}

#[test]
fn a_gap_behind_a_fork_of_gateways_is_found() {
    let report = check(&gap_in_the_last(15, false));
    assert_eq!(report.outcome, Outcome::Unsound, "{:?}", report.bounds);
    assert_eq!(lines(found(&report, "condition_gap")).len(), 1);
}

/// Two nodes that send a ticket to one another for ever.
fn going_round(sketch: &mut Sketch, from: &str, id: &str, kind: &str) {
    sketch.task("ping");
    sketch.task("pong");
    sketch.node("way", "exclusive", json!({ "default_branch": "again" }));
    sketch.edge(id, kind, from, "ping", json!({}));
    sketch.edge("hit", "agree", "ping", "pong", json!({}));
    sketch.edge("back", "agree", "pong", "way", json!({}));
    let never = json!({ "field_name": "f0", "operator": "==", "value": "perhaps" });
    let props = json!({ "condition_groups": [{ "conditions": [never] }] });
    sketch.edge("out", "condition", "way", "merge", props);
    sketch.edge("again", "condition", "way", "ping", json!({}));
}

/// Who sends the ticket where, over and over.
#[test]
fn the_story_of_a_livelock_shows_the_loop() {
    let mut sketch = Sketch::asking(1);
    going_round(&mut sketch, "start", "submit", "agree");
    let report = check(&sketch.source());
    let finding = found(&report, "livelock");
    let told = format!("{}\n{}", finding.message, lines(finding).join("\n"));
    insta::assert_snapshot!(told, @r#"
    a ticket that comes to `ping` (`hit`), `pong` (`back`) goes round there for ever and never comes to the end: give one of these nodes an edge that leads out
    ann creates a ticket with f0 = "yes", title = "A short title", and takes `submit`: now at `Ping`
    then again and again: ann takes `hit` at `Ping`: now at `Pong`
    ann takes `back` at `Pong`: now at `Ping`, as after step 1
    "#);
    // The way round is in the case too.
    let story = finding.story.as_ref().expect("a story");
    assert_eq!(story.case.steps.len(), 3);
}

/// The same in one of many branches.
#[test]
fn a_loop_in_one_of_many_branches_is_told_without_the_others() {
    let mut sketch = gateways(20, true);
    going_round(&mut sketch, "fork", "begin_round", "condition");
    let report = check(&sketch.source());
    assert!(report.n_states < 20_000, "{} states", report.n_states);
    let finding = found(&report, "livelock");
    let told = lines(finding);
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[1].contains("again and again"), "{told:#?}");
    assert!(finding.message.contains("`ping` (`hit`)"), "{}", finding.message);
}
