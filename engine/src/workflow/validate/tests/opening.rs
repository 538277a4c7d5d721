//! Sub-tickets that open by themselves, and keys that were not read from the beginning.

use serde_json::json;

use super::*;

/// Default versions that open sub-tickets of each other in a circle go on until they are too deep.
#[test]
fn who_opens_sub_tickets_in_a_circle_is_told_of_it() {
    use crate::define::{Assign, Field, Node, Workflow};

    let of = |id: &str, opens: &[&str]| {
        let spawn: Vec<_> = opens.iter().map(|id| json!({ "workflow": id })).collect();
        Workflow::new(id, "1")
            .field(Field::title().required_at("start"))
            .node(Node::step("a", Assign::users(["bob"])).prop("spawn", spawn))
            .agree("go", "start", "a")
            .agree("ok", "a", "end")
            .definition()
    };
    let mut known = KnownWorkflows::default();
    for (id, opens) in [("b", &["c", "d"][..]), ("c", &["a"]), ("d", &["d"]), ("e", &[])] {
        known.add(&WorkflowVersion::load(&of(id, opens)).unwrap());
    }
    let told = |id: &str, opens: &[&str]| {
        let context = ValidationContext {
            directory: None,
            known_workflows: Some(&known),
        };
        let (version, problems) = check(&of(id, opens), None, &context);
        assert!(version.is_some(), "it may be meant: {problems:?}");
        problems
            .iter()
            .map(|one| format!("{}: {}", one.code, one.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(told("a", &["e"]), [""; 0]);
    assert_eq!(told("a", &["d"]), [""; 0], "a circle of others is their own");
    let [round] = told("a", &["e", "b"]).try_into().unwrap();
    assert!(
        round.starts_with("spawn_cycle") && round.contains("`b`, which open some of `c`, which open some of `a`"),
        "{round}"
    );
    let [own] = told("a", &["a"]).try_into().unwrap();
    assert!(own.starts_with("spawn_cycle"), "{own}");
    let [gone] = told("a", &["nowhere"]).try_into().unwrap();
    assert!(gone.starts_with("unknown_workflow"), "{gone}");
}

/// Nothing read these keys when the first definitions were published: what is wrong with one keeps a new definition
/// from being published, and a published one runs as if it were not there.
#[test]
fn what_nothing_read_before_keeps_nothing_from_loading() {
    use crate::define::{Assign, Field, Node, Workflow};
    use crate::workflow::EdgeKind;

    let hook = || Node::hook("a", "https://x.example/", "k");
    let step = || Node::step("a", Assign::users(["bob"]));
    for (node, way, code) in [
        (
            step().prop("spawn", json!([{ "workflow": "w", "moon": 1 }])),
            EdgeKind::Agree,
            "unknown_key",
        ),
        (
            step().prop("spawn", json!([{ "count": 1 }])),
            EdgeKind::Agree,
            "bad_spawn",
        ),
        (step().prop("spawn", json!({})), EdgeKind::Agree, "wrong_type"),
        (
            step().prop("deadline", json!({ "after": "soon" })),
            EdgeKind::Agree,
            "bad_duration",
        ),
        (hook().prop("timeout", "PT61S"), EdgeKind::Condition, "bad_duration"),
        (
            hook().prop("callback_within", "PT1H"),
            EdgeKind::Condition,
            "callback_without_async",
        ),
    ] {
        let workflow = Workflow::new("w", "1")
            .field(Field::title().required_at("start"))
            .node(node)
            .agree("go", "start", "a")
            .edge(way, "ok", "a", "end");
        let (version, problems) = workflow.check();
        assert!(version.is_none());
        assert!(
            problems.iter().any(|problem| problem.code == code),
            "{code}: {problems:?}"
        );
        let loaded = WorkflowVersion::load(&workflow.definition());
        let loaded = loaded.unwrap_or_else(|problems| panic!("{code}: {problems:?}"));
        let node = loaded.node(&"a".into()).unwrap();
        assert!(node.deadline.is_none() && node.kind.as_normal().is_none_or(|props| props.spawn.is_empty()));
    }
}
