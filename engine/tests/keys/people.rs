//! Who acts at a node, and how several of them do.

use loonflow_engine::value::Value;
use serde_json::{Value as Json, json};

use crate::Honoured;
use crate::draft::Draft;

pub(crate) const HONOURED: &[Honoured] = &[
    ("normal_props.assignee_type", key_assignee_type),
    ("normal_props.assignee", key_assignee),
    ("normal_props.assignment_strategy", key_assignment_strategy),
    ("normal_props.exclude_creator", key_exclude_creator),
    ("normal_props.remember_last_assignee", key_remember_last_assignee),
    ("normal_props.approval.rule", key_approval_rule),
    ("normal_props.approval.n", key_approval_n),
    ("normal_props.approval.veto", key_approval_veto),
    ("normal_props.approval.in_order", key_approval_in_order),
    ("normal_props.approval.abstain", key_approval_abstain),
];

fn assigned(kind: &str, assignee: impl Into<Json>) -> Draft {
    Draft::new()
        .with("a", "assignee_type", kind)
        .with("a", "assignee", assignee)
}

fn voting(people: &[&str], approval: Json) -> Draft {
    Draft::new()
        .with("a", "assignee", people)
        .with("a", "assignment_strategy", "whole")
        .with("a", "approval", approval)
}

#[test]
fn key_assignee_type() {
    assert_eq!(assigned("users", "bob,cat").submit(&[]).at(), "on_going a(bob|cat)");
    assert_eq!(assigned("depts", ["sub"]).submit(&[]).at(), "on_going a(cat)");
    assert_eq!(assigned("roles", ["crew"]).submit(&[]).at(), "on_going a(ann|bob)");
    assert_eq!(assigned("variables", "creator").submit(&[]).at(), "on_going a(ann)");
    assert_eq!(
        assigned("variables", "creator_dept_leader").submit(&[]).at(),
        "on_going a(dan)"
    );
    assert_eq!(
        assigned("variables", "creator_dept_approver").submit(&[]).at(),
        "on_going a(bob)"
    );
    let chosen = ("who", Value::List(vec![Value::text("cat")]));
    assert_eq!(
        assigned("ticket_field", "who").submit(&[chosen]).at(),
        "on_going a(cat)"
    );
    assert!(assigned("moon", "bob").problems().contains(&"unknown_assignee_type"));
}

/// Of the parent's field; the address that is asked stands in `outside`.
#[test]
fn key_assignee() {
    for (kind, code) in [
        ("users", "unknown_user"),
        ("depts", "unknown_dept"),
        ("roles", "unknown_role"),
        ("variables", "unknown_variable"),
        ("ticket_field", "unknown_field"),
        ("external", "bad_assignee_url"),
    ] {
        assert_eq!(assigned(kind, "moon").problems(), [code], "{kind}");
    }
    assert_eq!(assigned("users", "").problems(), ["assignee_missing"]);
    // A field of the parent is known to the parent alone.
    let draft = assigned("parent_ticket_field", "who");
    let refusal = draft.try_submit(&[]).unwrap_err();
    assert_eq!(refusal.code(), "no_assignee", "it has no parent");
}

#[test]
fn key_assignment_strategy() {
    let of = |strategy: &str| {
        Draft::new()
            .with("a", "assignee", ["bob", "cat"])
            .with("a", "assignment_strategy", strategy)
    };
    assert_eq!(of("direct").submit(&[]).at(), "on_going a(bob|cat)");
    assert_eq!(of("voluntary").submit(&[]).at(), "on_going a(bob|cat?)");
    assert_eq!(of("whole").submit(&[]).at(), "on_going a(bob&cat)");
    assert_eq!(of("all").submit(&[]).at(), "on_going a(bob&cat)");
    let drawn = of("random").submit(&[]).at();
    assert!(
        ["on_going a(bob)", "on_going a(cat)"].contains(&drawn.as_str()),
        "{drawn}"
    );
    assert_eq!(of("moon").problems(), ["unknown_strategy"]);
}

#[test]
fn key_exclude_creator() {
    let draft = Draft::new().with("a", "assignee", ["ann", "bob"]);
    assert_eq!(draft.submit(&[]).at(), "on_going a(ann|bob)");
    let excludes = draft.with("a", "exclude_creator", true);
    assert_eq!(excludes.submit(&[]).at(), "on_going a(bob)");
    let nobody = excludes.with("a", "assignee", ["ann"]);
    assert_eq!(nobody.try_submit(&[]).unwrap_err().code(), "no_assignee");
}

#[test]
fn key_remember_last_assignee() {
    for (remembers, at) in [(false, "on_going a(bob|cat)"), (true, "on_going a(cat)")] {
        let draft = Draft::new()
            .with("a", "assignee", ["bob", "cat"])
            .with("a", "remember_last_assignee", remembers);
        let mut story = draft.submit(&[]);
        assert_eq!(story.act("cat", "no").act("ann", "go").at(), at);
    }
    let votes = voting(&["bob", "cat"], json!({"rule": "any"})).with("a", "remember_last_assignee", true);
    assert_eq!(votes.problems(), ["remembers_votes"]);
}

#[test]
fn key_approval_rule() {
    let people = ["bob", "cat", "dan"];
    for (approval, acts, at) in [
        (json!({}), "bob:ok cat:ok", "on_going a(bob:ok&cat:ok&dan)"),
        (json!({"rule": "all"}), "bob:ok cat:no", "rejected start(ann)"),
        (json!({"rule": "any"}), "cat:ok", "finished end"),
        (json!({"rule": "majority"}), "cat:ok dan:ok", "finished end"),
        (json!({"rule": "percent", "n": 34}), "cat:ok dan:ok", "finished end"),
        (json!({"rule": "count", "n": 2}), "cat:ok dan:ok", "finished end"),
        (json!({"rule": "sequence"}), "bob:ok cat:ok dan:ok", "finished end"),
    ] {
        let mut story = voting(&people, approval.clone()).submit(&[]);
        for act in acts.split(' ') {
            let (who, edge) = act.split_once(':').unwrap();
            story.act(who, edge);
        }
        assert_eq!(story.at(), at, "{approval}");
    }
    assert_eq!(voting(&people, json!({"rule": "moon"})).problems(), ["bad_approval"]);
    assert_eq!(voting(&people, json!({"moon": 1})).problems(), ["unknown_key"]);
    let direct = voting(&people, json!({"rule": "any"})).with("a", "assignment_strategy", "direct");
    assert_eq!(direct.problems(), ["approval_without_whole"]);
}

#[test]
fn key_approval_n() {
    let people = ["bob", "cat", "dan"];
    let mut story = voting(&people, json!({"rule": "percent", "n": 67})).submit(&[]);
    story.act("bob", "ok").act("cat", "ok");
    assert_eq!(
        story.at(),
        "on_going a(bob:ok&cat:ok&dan)",
        "67 of a hundred of three are three"
    );
    for approval in [
        json!({"rule": "percent", "n": 101}),
        json!({"rule": "count", "n": 0}),
        json!({"rule": "count"}),
    ] {
        assert_eq!(
            voting(&people, approval.clone()).problems(),
            ["bad_approval"],
            "{approval}"
        );
    }
    let above = voting(&people, json!({"rule": "count", "n": 4}));
    assert_eq!(above.problems(), ["count_above_people"]);
}

#[test]
fn key_approval_veto() {
    let people = ["bob", "cat", "dan"];
    for (veto, at) in [(false, "on_going a(bob:no&cat&dan)"), (true, "rejected start(ann)")] {
        let mut story = voting(&people, json!({"rule": "any", "veto": veto})).submit(&[]);
        assert_eq!(story.act("bob", "no").at(), at);
    }
}

#[test]
fn key_approval_in_order() {
    let mut story = voting(&["bob", "cat"], json!({"rule": "any", "in_order": true})).submit(&[]);
    assert_eq!(story.refused("cat", "ok"), "permission_denied");
    assert_eq!(story.act("bob", "no").act("cat", "ok").at(), "finished end");
}

#[test]
fn key_approval_abstain() {
    let people = ["bob", "cat", "dan"];
    let mut story = voting(&people, json!({"abstain": true})).submit(&[]);
    assert_eq!(
        story.act("bob", "abstain").act("cat", "ok").act("dan", "ok").at(),
        "finished end"
    );
    let mut none = voting(&people, json!({"abstain": false})).submit(&[]);
    assert_eq!(none.refused("bob", "abstain"), "action_not_available");
}
