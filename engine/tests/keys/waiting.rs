//! Timers and deadlines.

use loonflow_engine::define::{Hours, People, Person};
use loonflow_engine::test_util::{NOW, Story, directory_of};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;
use serde_json::{Value as Json, json};

use crate::Honoured;
use crate::draft::{Draft, node};

pub(crate) const HONOURED: &[Honoured] = &[
    ("timer_props.duration", key_timer_duration),
    ("timer_props.until_field", key_timer_until_field),
    ("timer_props.calendar", key_timer_calendar),
    ("start_props.deadline", key_deadline_at_start),
    ("normal_props.deadline", key_deadline_after),
    ("deadline.after", key_deadline_after),
    ("deadline.until_field", key_deadline_until_field),
    ("deadline.calendar", key_deadline_calendar),
    ("deadline.carry", key_deadline_carry),
    ("deadline_step.at", key_deadline_steps_at),
    ("deadline_step.do", key_deadline_steps_do),
    ("deadline_step.edge", key_deadline_steps_edge),
    ("deadline_step.every", key_deadline_steps_every),
    ("deadline_step.times", key_deadline_steps_times),
    ("deadline_step.to", key_deadline_steps_to),
    ("deadline_to.assignee_type", key_deadline_steps_to),
    ("deadline_to.assignee", key_deadline_steps_to),
];

const HOUR_MS: i64 = 3_600_000;

fn timer(props: Json) -> Draft {
    let mut draft = Draft::new()
        .node(node("t", "timer", props))
        .edge("on", "condition", "t", "a");
    draft.at("go")["target_node_id"] = "t".into();
    draft
}

fn deadline(deadline: Json) -> Draft {
    Draft::new().with("a", "deadline", deadline)
}

fn day(text: &str) -> [(&'static str, Value); 1] {
    [("due", Value::text(text))]
}

/// After so many hours since the story began.
fn later(story: &mut Story, hours: i64) -> &mut Story {
    story.now = Timestamp(NOW.0 + hours * HOUR_MS);
    story
}

#[test]
fn key_timer_duration() {
    let mut story = timer(json!({"duration": "PT2H"})).submit(&[]);
    assert_eq!(story.at(), "on_going t(2026-01-01T02:00:00.000Z)");
    assert_eq!(later(&mut story, 1).fire().unwrap_err().code(), "not_waiting");
    later(&mut story, 2).fire().unwrap();
    assert_eq!(story.at(), "on_going a(bob)");
    assert_eq!(timer(json!({"duration": "2 hours"})).problems(), ["bad_duration"]);
    assert_eq!(timer(json!({})).problems(), ["timer_without_duration"]);
}

#[test]
fn key_timer_until_field() {
    let draft = timer(json!({"until_field": "due"}));
    let story = draft.submit(&day("2026-01-03 12:00:00"));
    assert_eq!(story.at(), "on_going t(2026-01-03T12:00:00.000Z)");
    assert_eq!(
        draft.submit(&[]).at(),
        "on_going t(2026-01-01T00:00:00.000Z)",
        "empty: at once"
    );
    let both = timer(json!({"until_field": "due", "duration": "PT1H"}));
    assert_eq!(both.problems(), ["timer_with_both"]);
    assert_eq!(
        both.submit(&day("2026-01-03 12:00:00")).at(),
        "on_going t(2026-01-01T01:00:00.000Z)"
    );
    assert_eq!(timer(json!({"until_field": "note"})).problems(), ["not_a_date_field"]);
}

/// New Year's Day 2026 is a Thursday; the office is open on Mondays.
fn with_office(draft: &Draft) -> Story {
    let mut story = draft.submit(&[]);
    let mut people = People::of("t", "x.example").calendar(Hours::of("office").on(["mon"], &["09:00-17:00"]));
    for id in ["ann", "bob", "wad"] {
        people = people.person(Person::new(id));
    }
    story.directory = directory_of(&people);
    story.act("bob", "no").act("ann", "go");
    story
}

#[test]
fn key_timer_calendar() {
    let draft = timer(json!({"duration": "PT2H", "calendar": "office"}));
    assert_eq!(draft.problems(), ["unknown_calendar"]);
    let mut draft = draft;
    draft.at("go")["target_node_id"] = "a".into();
    draft.at("no")["target_node_id"] = "t".into();
    let mut story = draft.submit(&[]);
    let people = People::of("t", "x.example")
        .calendar(Hours::of("office").on(["mon"], &["09:00-17:00"]))
        .user("ann")
        .user("bob");
    story.directory = directory_of(&people);
    assert_eq!(story.act("bob", "no").at(), "rejected t(2026-01-05T11:00:00.000Z)");
    let until = timer(json!({"until_field": "due", "calendar": "office"}));
    assert!(
        until.problems().contains(&"calendar_without_duration"),
        "{:?}",
        until.problems()
    );
}

#[test]
fn key_deadline_at_start() {
    let draft = Draft::new().with(
        "start",
        "deadline",
        json!({"after": "PT4H", "steps": [{"do": "remind"}]}),
    );
    let mut story = draft.submit(&[]);
    assert_eq!(story.alarms(), "", "no clock runs at `a`");
    story.act("bob", "no");
    assert_eq!(story.alarms(), "0@2026-01-01T04:00:00.000Z");
    let mut misplaced = timer(json!({"duration": "PT1H"}));
    misplaced.at("t")["props"]["deadline"] = json!({"after": "PT1H"});
    assert_eq!(misplaced.problems(), ["deadline_misplaced"]);
}

#[test]
fn key_deadline_after() {
    let story = deadline(json!({"after": "P1DT2H", "steps": [{"do": "remind"}]})).submit(&[]);
    assert_eq!(story.alarms(), "0@2026-01-02T02:00:00.000Z");
    assert_eq!(deadline(json!({"after": "P1M"})).problems(), ["bad_duration"]);
    let both = json!({"after": "PT1H", "until_field": "due"});
    assert_eq!(deadline(both).problems(), ["bad_deadline"]);
    assert_eq!(
        deadline(json!({"after": "PT1H", "moon": 1})).problems(),
        ["unknown_key"]
    );
}

#[test]
fn key_deadline_until_field() {
    let draft = deadline(json!({"until_field": "due", "steps": [{"do": "remind"}]}));
    assert_eq!(
        draft.submit(&day("2026-01-03 12:00:00")).alarms(),
        "0@2026-01-03T12:00:00.000Z"
    );
    assert_eq!(draft.submit(&[]).alarms(), "", "empty: no due");
    assert_eq!(
        deadline(json!({"until_field": "note"})).problems(),
        ["not_a_date_field"]
    );
}

#[test]
fn key_deadline_calendar() {
    let draft = deadline(json!({"after": "PT2H", "calendar": "office", "steps": [{"do": "remind"}]}));
    assert_eq!(draft.problems(), ["unknown_calendar"]);
    assert_eq!(with_office(&draft).alarms(), "0@2026-01-05T11:00:00.000Z");
}

#[test]
fn key_deadline_carry() {
    for (carry, alarms) in [
        (false, "0@2026-01-01T13:00:00.000Z"),
        (true, "0@2026-01-01T10:00:00.000Z"),
    ] {
        let draft = deadline(json!({"after": "PT8H", "carry": carry, "steps": [{"do": "remind"}]}));
        let mut story = draft.submit(&[]);
        later(&mut story, 3).act("bob", "no");
        later(&mut story, 5).act("ann", "go");
        assert_eq!(story.alarms(), alarms, "three hours were spent");
    }
}

#[test]
fn key_deadline_steps_at() {
    let steps = json!([{"at": "-PT1H", "do": "remind"}, {"at": "PT1H", "do": "remind"}, {"do": "remind"}]);
    let story = deadline(json!({"after": "PT4H", "steps": steps})).submit(&[]);
    assert_eq!(
        story.alarms(),
        "0@2026-01-01T03:00:00.000Z 2@2026-01-01T04:00:00.000Z 1@2026-01-01T05:00:00.000Z"
    );
    let unreadable = json!({"after": "PT4H", "steps": [{"at": "soon", "do": "remind"}]});
    assert_eq!(deadline(unreadable).problems(), ["bad_duration"]);
}

fn at_due(step: Json) -> Story {
    let mut story = deadline(json!({"after": "PT4H", "steps": [step]})).submit(&[]);
    later(&mut story, 4).reach(0).unwrap();
    story
}

#[test]
fn key_deadline_steps_do() {
    assert_eq!(at_due(json!({"do": "remind"})).at(), "on_going a(bob)");
    let cat = json!({"assignee_type": "users", "assignee": "cat"});
    assert_eq!(at_due(json!({"do": "escalate", "to": cat})).at(), "on_going a(cat)");
    assert_eq!(
        at_due(json!({"do": "take_edge", "edge": "no"})).at(),
        "rejected start(ann)"
    );
    let unknown = json!({"after": "PT4H", "steps": [{"do": "moon"}]});
    assert_eq!(deadline(unknown).problems(), ["bad_deadline"]);
}

#[test]
fn key_deadline_steps_edge() {
    assert_eq!(at_due(json!({"do": "take_edge", "edge": "ok"})).at(), "finished end");
    let unknown = json!({"after": "PT4H", "steps": [{"do": "take_edge", "edge": "go"}]});
    assert_eq!(deadline(unknown).problems(), ["unknown_deadline_edge"]);
}

#[test]
fn key_deadline_steps_every() {
    let story = at_due(json!({"do": "remind", "every": "PT2H"}));
    assert_eq!(story.alarms(), "0@2026-01-01T06:00:00.000Z");
    assert_eq!(at_due(json!({"do": "remind"})).alarms(), "", "else once");
    let misplaced = json!({"after": "PT4H", "steps": [{"do": "take_edge", "edge": "ok", "every": "PT1H"}]});
    assert_eq!(deadline(misplaced).problems(), ["bad_deadline"]);
}

#[test]
fn key_deadline_steps_times() {
    let mut story = at_due(json!({"do": "remind", "every": "PT2H", "times": 2}));
    later(&mut story, 6).reach(0).unwrap();
    assert_eq!(story.alarms(), "", "that was the second");
    let many = json!({"after": "PT4H", "steps": [{"do": "remind", "every": "PT1H", "times": 101}]});
    assert_eq!(deadline(many).problems(), ["bad_deadline"]);
}

#[test]
fn key_deadline_steps_to() {
    let roles = json!({"assignee_type": "roles", "assignee": ["crew"]});
    assert_eq!(
        at_due(json!({"do": "escalate", "to": roles})).at(),
        "on_going a(ann|bob)"
    );
    for (to, code) in [
        (json!({"assignee_type": "users", "assignee": "moon"}), "unknown_user"),
        (
            json!({"assignee_type": "moon", "assignee": "bob"}),
            "unknown_assignee_type",
        ),
        (json!(null), "bad_deadline"),
    ] {
        let step = json!({"do": "escalate", "to": to});
        let problems = deadline(json!({"after": "PT4H", "steps": [step]})).problems();
        assert_eq!(problems, [code]);
    }
}
