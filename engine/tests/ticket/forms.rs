//! Which fields a command may write, required ones, titles (semantics: fields, values, titles).

use std::sync::Arc;

use loonflow_engine::ticket::{FieldProblemKind, Refusal};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;

use crate::play::{Play, With, flow};

fn workflow() -> Arc<WorkflowVersion> {
    flow(
        "form amount:number note:text secret:text seen:text
         start amount=required secret=optional seen=optional
         node a normal users:bob note=required seen=readonly amount=optional
         edge go agree start -> a
         edge ok agree a -> end
         edge back reject a -> start skip",
    )
}

fn sent(fields: &[(&'static str, Value)]) -> With {
    With {
        fields: fields.to_vec(),
        ..With::default()
    }
}

fn number(text: &str) -> Value {
    Value::Number(text.into())
}

#[test]
fn a_comment_has_a_bound() {
    let mut play = Play::submit(&flow(
        "node a normal users:bob\n edge go agree start -> a\n edge ok agree a -> end",
    ));
    let longest: &str = "é".repeat(100_000).leak();
    let beyond: &str = "é".repeat(100_001).leak();
    let with = |comment| With {
        comment: Some(comment),
        ..With::default()
    };
    for (id, kind) in [("add_comment", "add_comment"), ("ok", "agree")] {
        assert!(play.clone().act_with("bob", kind, id, with(longest)).is_ok(), "{id}");
        let refused = play.act_with("bob", kind, id, with(beyond)).err();
        assert_eq!(refused.map(|refusal| refusal.code()), Some("invalid_argument"), "{id}");
    }
}

#[test]
fn every_problem_is_reported_at_once() {
    let mut play = Play::submit_with(
        &workflow(),
        "ann",
        &[("amount", number("1")), ("seen", Value::text("x"))],
    )
    .unwrap();
    let fields = [
        ("nothing", Value::text("?")),
        ("seen", Value::text("other")),
        ("secret", Value::text("guess")),
        ("amount", Value::text("much")),
    ];
    let Err(Refusal::Fields { problems }) = play.act_with("bob", "agree", "ok", sent(&fields)) else {
        panic!("fields are wrong")
    };
    let mut kinds: Vec<_> = problems.iter().map(|one| (one.key.as_str(), one.kind)).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            ("amount", FieldProblemKind::Invalid),
            ("note", FieldProblemKind::Missing),
            ("nothing", FieldProblemKind::Unknown),
            ("secret", FieldProblemKind::NotEditable),
            ("seen", FieldProblemKind::NotEditable),
        ]
    );
}

#[test]
fn each_kind_of_problem_has_its_code() {
    let mut play = Play::submit_with(&workflow(), "ann", &[("amount", number("1"))]).unwrap();
    for (key, value, code) in [
        ("nothing", Value::text("?"), "unknown_field"),
        ("seen", Value::text("new"), "field_not_editable"),
        ("secret", Value::text("new"), "field_not_editable"),
        ("amount", Value::text("much"), "invalid_field_value"),
        ("note", Value::text("  "), "missing_required_fields"),
    ] {
        let refused = play
            .act_with("bob", "agree", "ok", sent(&[(key, value)]))
            .err()
            .unwrap();
        assert_eq!(refused.code(), code, "{key}");
    }
    assert_eq!(play.refused("bob", "ok"), "missing_required_fields");
    assert_eq!(
        play.act("bob", "back").at(),
        "rejected start(ann)",
        "an edge may skip the check"
    );
}

#[test]
fn a_readonly_field_may_repeat_its_value_and_a_stored_one_counts() {
    let fields = [
        ("amount", number("1")),
        ("seen", Value::text("x")),
        ("note", Value::text("said before")),
    ];
    let mut play = Play::submit_with(&workflow(), "ann", &fields).unwrap();
    play.act_with("bob", "agree", "ok", sent(&[("seen", Value::text("x"))]))
        .unwrap();
    assert_eq!(play.at(), "finished end");
}

#[test]
fn only_edges_take_fields_and_a_comment_demands_none() {
    let mut play = Play::submit_with(&workflow(), "ann", &[("amount", number("1"))]).unwrap();
    let mut with = sent(&[("note", Value::text("n"))]);
    with.comment = Some("said");
    assert_eq!(
        play.act_with("bob", "add_comment", "add_comment", with)
            .err()
            .unwrap()
            .code(),
        "invalid_argument"
    );
    let with = With {
        comment: Some("said"),
        ..With::default()
    };
    play.act_with("bob", "add_comment", "add_comment", with).unwrap();
    assert_eq!(
        play.refused("bob", "add_comment"),
        "invalid_argument",
        "a comment must say something"
    );
}

#[test]
fn a_draft_demands_nothing_but_checks_what_is_there() {
    let workflow = workflow();
    let play = Play::create(&workflow, "ann", None, &[]).unwrap();
    assert_eq!(play.at(), "in_draft start(ann)");
    let wrong = Play::create(&workflow, "ann", None, &[("amount", Value::text("much"))])
        .err()
        .unwrap();
    assert_eq!(wrong.code(), "invalid_field_value");
    assert_eq!(
        Play::submit_with(&workflow, "ann", &[]).err().unwrap().code(),
        "missing_required_fields"
    );
}

#[test]
fn a_value_is_given_back_as_it_was_sent() {
    let fields = [("amount", number("1.50")), ("note", Value::text(" kept  as is "))];
    let play = Play::submit_with(&workflow(), "ann", &fields).unwrap();
    for (key, value) in fields {
        assert_eq!(play.ticket.fields.get(key), Some(&value));
    }
}

#[test]
fn an_automatic_title_follows_its_fields() {
    let workflow = flow(
        "form amount:number
         title Order of {creator}: {amount}
         node a normal users:bob amount=optional
         edge go agree start -> a
         edge more other a -> a
         edge ok agree a -> end",
    );
    let mut play = Play::submit_with(&workflow, "ann", &[("amount", number("5"))]).unwrap();
    assert_eq!(play.ticket.title, "Order of ANN.: 5");
    play.act_with("bob", "other", "more", sent(&[("amount", number("7"))]))
        .unwrap();
    assert_eq!(play.ticket.title, "Order of ANN.: 7");
    assert_eq!(
        play.act_with("bob", "other", "more", sent(&[("title", Value::text("mine"))]))
            .err()
            .unwrap()
            .code(),
        "field_not_editable"
    );
}

#[test]
fn an_automatic_title_is_not_replaced_by_one_that_is_sent() {
    let workflow = flow(
        "form amount:number
         title Order of {creator}: {amount}
         node a normal users:bob amount=optional title=optional
         edge go agree start -> a
         edge more other a -> a
         edge ok agree a -> end",
    );
    let mut play = Play::submit_with(&workflow, "ann", &[("amount", number("5"))]).unwrap();
    for fields in [vec![("title", Value::text("mine"))], vec![]] {
        play.act_with("bob", "other", "more", sent(&fields)).unwrap();
        assert_eq!(play.ticket.title, "Order of ANN.: 5");
    }
}

#[test]
fn values_sent_with_the_command_win_over_stored_ones() {
    let workflow = flow(
        "form amount:number
         node a normal users:bob amount=optional
         node g exclusive default:small
         edge go agree start -> a
         edge ok agree a -> g
         edge big condition g -> end if amount > 10
         edge small condition g -> a",
    );
    let mut play = Play::submit_with(&workflow, "ann", &[("amount", number("5"))]).unwrap();
    assert_eq!(play.act("bob", "ok").at(), "on_going a(bob)");
    play.act_with("bob", "agree", "ok", sent(&[("amount", number("11"))]))
        .unwrap();
    assert_eq!(play.at(), "finished end");
}

#[test]
fn a_right_guess_at_a_hidden_value_is_refused_like_a_wrong_one() {
    let fields = [
        ("amount", number("1")),
        ("secret", Value::text("XYZZY")),
        ("note", Value::text("n")),
    ];
    let mut play = Play::submit_with(&workflow(), "ann", &fields).unwrap();
    let mut refusal = |value: Value| {
        play.act_with("bob", "agree", "ok", sent(&[("secret", value)]))
            .err()
            .unwrap()
    };
    let wrong = refusal(Value::text("guess"));
    for value in [Value::text("XYZZY"), Value::text(""), Value::Null] {
        assert_eq!(refusal(value), wrong);
    }
}

#[test]
fn a_title_that_is_empty_is_none() {
    let workflow = flow(
        "form amount:number
         node a normal users:bob title=readonly
         edge go agree start -> a
         edge ok agree a -> end",
    );
    let play = Play::create(&workflow, "ann", Some("go"), &[("title", Value::text(""))]).unwrap();
    for empty in [Value::Null, Value::text(" "), Value::text("")] {
        let mut play = play.clone();
        play.act_with("bob", "agree", "ok", sent(&[("title", empty)])).unwrap();
    }
    let mut play = play.clone();
    let refused = play.act_with("bob", "agree", "ok", sent(&[("title", Value::text("T"))]));
    assert_eq!(refused.err().unwrap().code(), "field_not_editable");
}

#[test]
fn a_readonly_title_may_be_repeated() {
    let workflow = flow(
        "node a normal users:bob
         edge go agree start -> a
         edge ok agree a -> end",
    );
    for (title, code) in [
        ("T", None),
        ("U", Some("field_not_editable")),
        ("", Some("field_not_editable")),
    ] {
        let mut play = Play::submit(&workflow);
        let refused = play.act_with("bob", "agree", "ok", sent(&[("title", Value::text(title))]));
        assert_eq!(refused.err().map(|refusal| refusal.code()), code, "{title}");
    }
}

#[test]
fn what_is_there_already_is_no_change() {
    let workflow = flow(
        "form note:text other:text
         node a normal users:bob title=required note=required other=optional
         edge go agree start -> a
         edge again other a -> a
         edge ok agree a -> end",
    );
    let mut play = Play::submit_with(&workflow, "ann", &[("note", Value::text("n"))]).unwrap();
    let mut names = |fields: &[(&'static str, Value)]| -> Vec<&'static str> {
        play.act_with("bob", "other", "again", sent(fields)).unwrap();
        play.events.iter().map(loonflow_engine::ticket::Event::name).collect()
    };
    let nothing_changes = ["action_taken", "edge_taken", "node_entered"];
    assert_eq!(names(&[("note", Value::text("n"))]), nothing_changes);
    assert_eq!(names(&[("other", Value::text(""))]), nothing_changes, "none is empty");
    assert_eq!(names(&[("title", Value::text("T"))]), nothing_changes);
    assert_eq!(
        names(&[("other", Value::text("o"))]),
        ["action_taken", "fields_changed", "edge_taken", "node_entered"]
    );
}

#[test]
fn only_what_is_missing_is_asked_for() {
    let workflow = flow(
        "form note:text other:text
         node a normal users:bob title=required note=required other=required
         edge go agree start -> a
         edge ok agree a -> end",
    );
    let mut play = Play::submit_with(&workflow, "ann", &[("note", Value::text("n"))]).unwrap();
    let told = |refusal: Refusal| {
        let Refusal::Fields { problems } = refusal else {
            panic!("{refusal:?}")
        };
        let told = problems
            .iter()
            .map(|one| format!("{} {}; {}", one.key, one.problem, one.allowed));
        told.collect::<Vec<_>>()
    };
    let refused = play.try_act("bob", "ok").err().unwrap();
    assert_eq!(
        told(refused),
        ["other is required at node `a`; send a value for `other`"],
        "the title is there"
    );
    let refused = play.act_with(
        "bob",
        "agree",
        "ok",
        sent(&[("what", Value::text("?")), ("other", Value::text("o"))]),
    );
    assert_eq!(
        told(refused.err().unwrap()),
        ["what is no field of this form; one of `title`, `note`, `other`"]
    );
    let closed = flow(
        "node a normal users:bob
         edge go agree start -> a
         edge ok agree a -> end",
    );
    let mut play = Play::submit(&closed);
    let refused = play.act_with("bob", "agree", "ok", sent(&[("what", Value::text("?"))]));
    assert_eq!(
        told(refused.err().unwrap()),
        ["what is no field of this form; no field may be written here"]
    );
}
