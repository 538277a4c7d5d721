//! Every fixture, and one-line cases that change a valid one.

mod opening;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::json;

use super::*;
use crate::account::import;

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn json_of(path: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

fn fixture(name: &str) -> Json {
    json_of(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/workflows")).join(name))
}

static ACME: LazyLock<Directory> = LazyLock::new(|| import::fixture("acme"));

fn check_all(source: &Json) -> (Option<WorkflowVersion>, Vec<Problem>) {
    let known = fixtures("workflows").iter().map(|path| stem(path).into()).collect();
    let context = ValidationContext {
        directory: Some(&ACME),
        known_workflows: Some(&known),
    };
    check(source, Some("stem"), &context)
}

fn codes(problems: &[Problem], severity: Severity) -> Vec<&str> {
    problems
        .iter()
        .filter(|problem| problem.severity == severity)
        .map(|problem| problem.code)
        .collect()
}

/// Properties of a timer, with every problem of theirs but that the example has no date field.
#[test]
fn timers_say_when_in_one_way() {
    for (props, expected) in [
        (json!({"duration": "P1M"}), &[][..]),
        (json!({"duration": "P3DT4H", "calendar": "office"}), &[]),
        (json!({"duration": " pt4h ", "calendar": " office "}), &[]),
        (json!({"duration": "PT4H", "calendar": ""}), &[]),
        (json!({"duration": "PT4H", "calendar": 5}), &["wrong_type"]),
        (json!({"duration": "PT4H", "calendar": "gone"}), &["unknown_calendar"]),
        (json!({"duration": "P1M", "calendar": "office"}), &["bad_duration"]),
        (json!({"duration": "P1W", "calendar": "office"}), &["bad_duration"]),
        (json!({"duration": "-PT1H", "calendar": "office"}), &["bad_duration"]),
        (json!({"duration": "-PT1H"}), &["bad_duration"]),
        (json!({"duration": "P200Y"}), &["bad_duration"]),
        (json!({"calendar": "office"}), &["timer_without_duration"]),
        (
            json!({"until_field": "due", "calendar": "office"}),
            &["calendar_without_duration"],
        ),
        (json!({"until_field": "due", "duration": "PT1H"}), &["timer_with_both"]),
        (
            json!({"until_field": "due", "duration": "PT1H", "calendar": "office"}),
            &["timer_with_both"],
        ),
    ] {
        let mut source = fixture("incident.json");
        let nodes = source.pointer_mut("/process_schema/node_info_list").unwrap();
        let mut timers = nodes.as_array_mut().unwrap().iter_mut();
        timers.find(|node| node["type"] == "timer").unwrap()["props"] = props.clone();
        let (version, problems) = check_all(&source);
        let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
        let codes: Vec<&str> = codes.into_iter().filter(|code| *code != "unknown_field").collect();
        assert_eq!(codes, expected, "{props}");
        let is_right = problems.iter().all(|problem| !problem.is_error());
        assert_eq!(version.is_some(), is_right, "{props}");
    }
}

#[test]
fn valid_fixtures_have_no_problem() {
    for path in fixtures("workflows") {
        let source = json_of(&path);
        let (version, problems) = check_all(&source);
        assert_eq!(problems, [], "{path:?}");
        let version = version.unwrap();
        assert_eq!(version.workflow_id.as_str(), stem(&path));
        assert_eq!(*version.source, source);
        assert_eq!(WorkflowVersion::load(&source).unwrap().nodes.len(), version.nodes.len());
    }
}

#[test]
fn invalid_fixtures_have_the_one_error_they_are_named_for() {
    for path in fixtures("invalid") {
        let (version, problems) = check_all(&json_of(&path));
        assert_eq!(codes(&problems, Severity::Error), [stem(&path)], "{problems:#?}");
        assert_eq!(codes(&problems, Severity::Warning), [""; 0], "{path:?}");
        assert!(version.is_none());
        let problem = problems.first().unwrap();
        assert!(
            problem.message.contains(':'),
            "says how to mend it: {}",
            problem.message
        );
    }
}

/// Changes the valid leave request at a path and expects exactly these errors.
#[test]
fn one_change_one_error() {
    let (nodes, edges) = ("/process_schema/node_info_list", "/process_schema/edge_info_list");
    let fields = "/form_schema/component_info_list";
    let advanced = "/advanced_schema";
    let cases: Vec<(String, Json, &[&str])> = vec![
        ("/basic_info/id".into(), json!(null), &[]),
        ("/basic_info/id".into(), json!(7), &["wrong_type"]),
        ("/basic_info/version".into(), json!(" "), &["version_missing"]),
        ("/basic_info/version".into(), json!("1.0,1.1"), &["bad_id"]),
        ("/basic_info/id".into(), json!("leave\n"), &["bad_id"]),
        (format!("{edges}/0/id"), json!("go, then"), &["bad_id"]),
        ("/form_schema".into(), json!([]), &["wrong_type"]),
        (format!("{nodes}/0/type"), json!("begin"), &["unknown_node_type"]),
        (format!("{nodes}/1/type"), json!("end"), &["several_end_nodes"]),
        (format!("{nodes}/1/id"), json!(""), &["missing_id"]),
        (
            format!("{nodes}/1/props/assignee_type"),
            json!("people"),
            &["unknown_assignee_type"],
        ),
        (
            format!("{nodes}/1/props/assignee_type"),
            json!(null),
            &["assignee_missing"],
        ),
        (
            format!("{nodes}/1/props/assignee"),
            json!("the_boss"),
            &["unknown_variable"],
        ),
        (format!("{nodes}/1/props/assignee"), json!(["creator", "creator"]), &[]),
        (
            format!("{nodes}/1/props/on_creator"),
            json!("above"),
            &["unknown_on_creator"],
        ),
        (format!("{nodes}/1/props/on_nobody"), json!(7), &["unknown_on_nobody"]),
        (format!("{nodes}/1/props/on_nobody"), json!("next_above"), &[]),
        (
            format!("{nodes}/2/props/on_creator"),
            json!("next_above"),
            &["next_above_misplaced"],
        ),
        (
            format!("{nodes}/1/props/skip_same_approver"),
            json!("yes"),
            &["wrong_type"],
        ),
        (format!("{nodes}/1/props/allow_add_signer"), json!(1), &["wrong_type"]),
        (
            format!("{nodes}/1/props/assignee"),
            json!(5),
            &["wrong_type", "assignee_missing"],
        ),
        (
            format!("{nodes}/1/props/assignment_strategy"),
            json!(""),
            &["strategy_missing"],
        ),
        (format!("{nodes}/1/props/assignment_strategy"), json!("all"), &[]),
        (
            format!("{nodes}/1/props/assignment_strategy"),
            json!("vote"),
            &["unknown_strategy"],
        ),
        (
            format!("{nodes}/1/props/field_permissions/title"),
            json!("write"),
            &["unknown_permission"],
        ),
        (
            format!("{nodes}/1/props/auto_edge"),
            json!("submit"),
            &["unknown_auto_edge"],
        ),
        (format!("{nodes}/1/props/allow_return"), json!(true), &[]),
        (
            format!("{nodes}/1/props/allow_return"),
            json!(["nowhere"]),
            &["bad_return_target"],
        ),
        (
            format!("{nodes}/1/props/allow_return"),
            json!([]),
            &["bad_return_target"],
        ),
        (format!("{nodes}/1/props/allow_resume"), json!("no"), &["wrong_type"]),
        (format!("{nodes}/1/props/allow_undo"), json!("yes"), &["wrong_type"]),
        (
            format!("{nodes}/2/props/assignee"),
            json!("no-such-role"),
            &["unknown_role"],
        ),
        (
            format!("{nodes}/1/props"),
            json!({"assignee_type": "depts", "assignee": "x", "assignment_strategy": "direct"}),
            &["unknown_dept"],
        ),
        (
            format!("{nodes}/1/props"),
            json!({"assignee_type": "ticket_field", "assignee": "reason", "assignment_strategy": "direct"}),
            &["not_a_user_field"],
        ),
        (
            format!("{nodes}/1/props"),
            json!({"assignee_type": "ticket_field", "assignee": "none", "assignment_strategy": "direct"}),
            &["unknown_field"],
        ),
        (
            format!("{nodes}/1/props"),
            json!({"assignee_type": "external", "assignee": "ftp://x", "assignment_strategy": "direct"}),
            &["bad_assignee_url"],
        ),
        (
            format!("{edges}/0/type"),
            json!("condition"),
            &["condition_edge_misplaced"],
        ),
        (format!("{edges}/0/type"), json!("accept"), &[]),
        (format!("{edges}/0/type"), json!("yes"), &["unknown_edge_type"]),
        (
            format!("{edges}/0/source_node_id"),
            json!("nowhere"),
            &["dangling_edge"],
        ),
        (format!("{edges}/0/id"), json!("approve"), &["duplicate_id"]),
        (
            format!("{fields}/0/children/0/props/title_template"),
            json!("{gone}"),
            &["bad_template"],
        ),
        (
            format!("{fields}/0/children/0/props/title_template"),
            json!("{title}"),
            &["bad_template"],
        ),
        (
            format!("{fields}/0/children/0/props/title_template"),
            json!("{creator_info}"),
            &["bad_template"],
        ),
        (
            format!("{fields}/0/children/0/props/title_template"),
            json!("{days"),
            &["bad_template"],
        ),
        (
            format!("{fields}/0/children/0/props/title_template"),
            json!(""),
            &["bad_template"],
        ),
        (format!("{fields}/0/type"), json!("text"), &["not_a_row"]),
        (format!("{fields}/1/children/0/id"), json!("c_title"), &["duplicate_id"]),
        (
            format!("{fields}/1/children/0/type"),
            json!("choice"),
            &["unknown_component_type"],
        ),
        (
            format!("{fields}/1/children/0/props/options_with_keys"),
            json!([]),
            &["options_missing"],
        ),
        (
            format!("{fields}/4/children/0/props/min"),
            json!(90),
            &["bad_number_rule"],
        ),
        (
            format!("{fields}/4/children/0/props/precision"),
            json!(-1),
            &["bad_number_rule"],
        ),
        (
            format!("{fields}/6/children/0/props/multiple"),
            json!("no"),
            &["wrong_type"],
        ),
        (
            format!("{advanced}/notification_info/title_template"),
            json!("{x}"),
            &["bad_template"],
        ),
        (
            format!("{advanced}/permission_info/admin_id_list"),
            json!(["x"]),
            &["unknown_user"],
        ),
        (
            format!("{advanced}/permission_info/viewer_dept_id_list"),
            json!("x,y"),
            &["unknown_dept", "unknown_dept"],
        ),
        (
            format!("{advanced}/customization_info/authorized_app_id_list"),
            json!(["x"]),
            &["unknown_application"],
        ),
        (
            format!("{advanced}/customization_info/hook_info_list"),
            json!([{"url": "x", "event_list": ["create"]}]),
            &["hook_without_url"],
        ),
        (
            format!("{advanced}/customization_info/hook_info_list"),
            json!([{"url": "http://x", "event_list": "open"}]),
            &["unknown_event"],
        ),
    ];
    for (pointer, value, expected) in cases {
        let mut source = fixture("leave.json");
        let (folder, name) = pointer.rsplit_once('/').unwrap();
        source.pointer_mut(folder).unwrap()[name] = value.clone();
        let (_, problems) = check_all(&source);
        let errors = codes(&problems, Severity::Error);
        assert_eq!(errors, expected, "{pointer} = {value}: {problems:#?}");
    }
}

#[test]
fn conditions_are_checked_against_the_form() {
    let condition = |field: &str, operator: &str, value: Json| {
        let mut source = fixture("purchase.json");
        source["process_schema"]["edge_info_list"][1]["props"]["condition_groups"] =
            json!([{"conditions": [{"field_name": field, "operator": operator, "value": value}]}]);
        let (_, problems) = check_all(&source);
        problems
            .iter()
            .map(|problem| problem.code)
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (field, operator, value, expected) in [
        ("amount", ">", json!(5), ""),
        ("amount", ">", json!("much"), "bad_condition_value"),
        ("amount", ">", json!(""), "bad_condition_value"),
        ("amount", "is_empty", json!(""), ""),
        ("amount", "in", json!("1,2,3"), ""),
        ("amount", "in", json!([]), "bad_condition_value"),
        ("amount", "~", json!(1), "unknown_operator gateway_without_condition"),
        ("gone", "==", json!(1), "unknown_field"),
        ("", "==", json!(1), "condition_without_field"),
        ("quote", "==", json!("a"), "operator_not_for_type"),
        ("quote", "is_not_empty", json!(null), ""),
        ("urgent", "==", json!("maybe"), "unknown_option"),
        ("urgent", ">", json!("no"), ""),
        ("item", "==", json!(""), ""),
    ] {
        assert_eq!(
            condition(field, operator, value.clone()),
            expected,
            "{field} {operator} {value}"
        );
    }
}

#[test]
fn odd_shapes_are_problems_not_panics() {
    for source in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"process_schema": {"node_info_list": [1, null]}}),
    ] {
        let (version, problems) = check_all(&source);
        assert!(version.is_none());
        assert!(problems.iter().any(Problem::is_error));
        assert!(WorkflowVersion::load(&source).is_err());
    }
    let nodes: Vec<Json> = (0..=NODES_MAX).map(|n| json!({"id": n.to_string()})).collect();
    let (_, problems) = check_all(&json!({"process_schema": {"node_info_list": nodes}}));
    assert!(codes(&problems, Severity::Error).contains(&"too_large"));
}

#[test]
fn a_file_names_a_workflow_that_does_not_name_itself() {
    let mut source = fixture("leave.json");
    source["basic_info"]["id"] = json!("");
    let (version, _) = check_all(&source);
    assert_eq!(version.unwrap().workflow_id.as_str(), "stem");
    assert!(WorkflowVersion::load(&source).is_err());
    assert_eq!(
        WorkflowVersion::load_named(&source, Some("stem"))
            .unwrap()
            .workflow_id
            .as_str(),
        "stem"
    );
}

#[test]
fn nested_splits_have_their_own_merges() {
    let version = WorkflowVersion::load(&fixture("nested.json")).unwrap();
    let region = |split: &str| {
        let split = &version.graph.splits[split];
        (
            split.merge.to_string(),
            split
                .region
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    assert_eq!(
        region("split1"),
        (
            "join1".to_owned(),
            "join1 join2 legal ops split2 summary tech".to_owned()
        )
    );
    assert_eq!(region("split2"), ("join2".to_owned(), "join2 ops tech".to_owned()));
}

/// What is allowed and most likely not meant: told, with its place and the way out.
#[test]
fn one_change_one_warning() {
    let nodes = "/process_schema/node_info_list";
    for (pointer, key, value, code, words) in [
        (
            "",
            "advanced_schem",
            json!({}),
            "unknown_key",
            "did you mean `advanced_schema`?",
        ),
        (
            "/process_schema",
            "nodes",
            json!([]),
            "unknown_key",
            "did you mean `node_info_list`?",
        ),
        ("/basic_info", "_note", json!("mine"), "", ""),
        ("/basic_info", "$schema", json!("x"), "", ""),
        (&format!("{nodes}/1"), "label", json!({"x": 1}), "", ""),
        (
            &format!("{nodes}/1/props"),
            "assignee_typ",
            json!("users"),
            "unknown_key",
            "`assignee_type`?",
        ),
        (
            &format!("{nodes}/1/props"),
            "on_creator",
            json!(null),
            "self_approval_possible",
            "next_above",
        ),
        (
            &format!("{nodes}/0/props"),
            "duration",
            json!("PT2H"),
            "unknown_key",
            "which nothing reads",
        ),
        (
            "/process_schema/edge_info_list/0/props",
            "condition_group",
            json!([]),
            "unknown_key",
            "did you mean `condition_groups`?",
        ),
    ] {
        let mut source = fixture("leave.json");
        source.pointer_mut(pointer).unwrap()[key] = value;
        let (version, problems) = check_all(&source);
        assert!(version.is_some(), "{problems:?}");
        let expected: &[&str] = if code.is_empty() { &[] } else { &[code] };
        assert_eq!(codes(&problems, Severity::Warning), expected, "{pointer} {key}");
        assert!(
            problems.iter().all(|problem| problem.message.contains(words)),
            "{problems:?}"
        );
    }
    let mut source = fixture("leave.json");
    let nodes = source.pointer_mut(nodes).and_then(Json::as_array_mut).unwrap();
    for node in nodes.iter_mut().filter(|node| node["type"] == "normal") {
        node["props"]["assignment_strategy"] = json!("whole");
        node["props"]["remember_last_assignee"] = json!(true);
    }
    let (_, problems) = check_all(&source);
    let codes = codes(&problems, Severity::Warning);
    assert!(
        !codes.is_empty() && codes.iter().all(|code| *code == "remembers_votes"),
        "{problems:?}"
    );
}

#[test]
fn a_vote_says_how_it_counts_or_is_told_of() {
    use crate::define::{Approval, Assign, Field, Node, Workflow};
    use crate::workflow::Strategy;

    let of = |node: Node| {
        let workflow = Workflow::new("w", "1")
            .field(Field::title().required_at("start"))
            .node(node)
            .agree("go", "start", "a")
            .agree("ok", "a", "end");
        let (version, problems) = workflow.check();
        let mut told: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
        told.dedup();
        // What is published already is run all the same, as if it said nothing.
        let loaded = WorkflowVersion::load(&workflow.definition()).unwrap();
        let loaded = loaded.node(&"a".into()).unwrap().kind.as_normal().unwrap().approval;
        (version.is_some(), told.join(" "), loaded.rule.word())
    };
    let step = || Node::step("a", Assign::users(["bob", "cat"]));
    for (node, is_right, told, rule) in [
        (step().approval(Approval::count(2)), true, "", "count"),
        (step().approval(Approval::count(3)), true, "count_above_people", "count"),
        (step().approval(Approval::percent(0)), false, "bad_approval", "all"),
        (
            step().approval(Approval::any()).strategy(Strategy::Direct),
            false,
            "approval_without_whole",
            "all",
        ),
        (
            step()
                .strategy(Strategy::Whole)
                .prop("approval", json!({ "rule": "any", "vetoes": true })),
            false,
            "unknown_key",
            "all",
        ),
        (
            step()
                .approval(Approval::majority().with_veto())
                .remember_last_assignee(),
            true,
            "remembers_votes",
            "majority",
        ),
    ] {
        assert_eq!(of(node.clone()), (is_right, told.to_owned(), rule), "{node:?}");
    }
}
