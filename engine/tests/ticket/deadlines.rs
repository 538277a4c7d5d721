//! Deadlines of stays (semantics: deadlines).

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::define::{Hours, People, Person};
use loonflow_engine::test_util::{directory_of, flow, named_flow};
use loonflow_engine::ticket::{Command, Context, Draw, EffectOutcome, Event, decide};
use loonflow_engine::time::Timestamp;
use loonflow_engine::value::Value;

use crate::play::{Play, With, context};

mod walked;

const WEEKDAYS: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

/// Ann, bob and eve, who work by an office's hours in UTC.
fn office() -> Arc<Directory> {
    let office = Hours::of("office").on(WEEKDAYS, &["09:00-17:00"]);
    directory_of(&people().user("eve").calendar(office))
}

fn people() -> People {
    let people = People::of("t", "x.example").user("ann").user("bob").user("wad");
    people.person(Person::new("off").inactive())
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text, &jiff::tz::TimeZone::UTC).expect("an instant")
}

/// A ticket of ann's that comes to the node `a` on a Friday at 15:00.
fn entered(node: &str) -> Play {
    let workflow = flow(&format!(
        "form when:datetime
         start title=required when=optional
         node z normal users:ann
         {node}
         edge submit agree start -> z
         edge go agree z -> a
         edge yes agree a -> end
         edge no reject a -> end
         edge back reject a -> z"
    ));
    let mut play = Play::submit(&workflow);
    play.directory = office();
    play.now = at("2026-01-02 15:00:00");
    play.act("ann", "go");
    play
}

fn due(play: &Play) -> String {
    let due = play.ticket.clocks.due();
    due.map_or_else(|| "-".to_owned(), |due| due.to_rfc3339().replace(":00.000Z", ""))
}

fn names(play: &Play) -> String {
    play.events.iter().map(Event::name).collect::<Vec<_>>().join(" ")
}

/// The example of the page: a consult in between takes no working time.
#[test]
fn a_consult_stops_the_clock() {
    let mut play = entered("node a normal users:ann,bob deadline:PT8H calendar:office at:PT0S/remind");
    assert_eq!(due(&play), "2026-01-05T15:00");
    play.now = at("2026-01-05 10:00:00");
    play.to("ann", "consult", "eve").unwrap();
    assert_eq!((due(&play), play.alarms()), ("-".to_owned(), String::new()));
    assert!(play.ticket.clocks.are_all_standing());
    play.now = at("2026-01-06 12:00:00");
    play.act("eve", "consult_submit");
    assert_eq!(due(&play), "2026-01-06T17:00");
    let Some(Event::DeadlineSet { spent_ms, .. }) = play.events.last() else {
        panic!("{:?}", play.events)
    };
    assert_eq!(*spent_ms, 3 * 3_600_000);
}

#[test]
fn steps_are_done_when_they_are_due_and_never_before() {
    let mut play = entered(
        "node a normal users:bob deadline:PT2H calendar:office at:-PT1H/remind at:PT0S/escalate/eve at:PT1H/take_edge/no",
    );
    assert_eq!(
        play.alarms(),
        "0@2026-01-02T16:00:00.000Z 1@2026-01-02T17:00:00.000Z 2@2026-01-05T10:00:00.000Z"
    );
    assert_eq!(play.reach(0).unwrap_err().code(), "not_waiting");
    play.now = at("2026-01-02 16:00:00");
    play.reach(0).unwrap();
    assert_eq!(names(&play), "deadline_reached");
    play.now = at("2026-01-02 17:00:00");
    play.reach(1).unwrap();
    assert_eq!(
        (names(&play), play.at()),
        ("deadline_reached escalated".into(), "on_going a(eve)".into())
    );
    play.now = at("2026-01-05 10:00:00");
    play.reach(2).unwrap();
    assert_eq!(play.at(), "rejected end", "silence is no");
    assert!(play.ticket.effects.is_empty());
}

/// Whoever fires may say a thing twice, and too late.
#[test]
fn an_alarm_fires_once() {
    let mut play = entered("node a normal users:bob deadline:PT1H at:PT0S/remind");
    let (effect, _) = play.ticket.effects.iter().next().expect("an alarm");
    let command = Command::CloseEffect {
        effect,
        outcome: EffectOutcome::CameDue,
    };
    play.now = at("2026-01-03 12:00:00");
    play.command(&command).unwrap();
    let version = play.ticket.version;
    // Set back, the clock does not make it due again.
    for now in ["2026-01-03 12:00:00", "2026-01-02 15:00:00"] {
        play.now = at(now);
        assert_eq!(play.command(&command).unwrap_err().code(), "not_waiting");
    }
    assert_eq!(play.ticket.version, version);
}

#[test]
fn a_late_reminder_stands_for_those_that_were_missed() {
    let mut play = entered("node a normal users:bob deadline:PT1H at:PT0S/remind/PT1H/5");
    play.now = at("2026-01-02 18:30:00");
    play.reach(0).unwrap();
    let Some(Event::DeadlineReached { nth, missed, next, .. }) = play.events.first() else {
        panic!("{:?}", play.events)
    };
    assert_eq!((*nth, *missed, *next), (0, 2, Some(at("2026-01-02 19:00:00"))));
    play.now = at("2026-01-03 12:00:00");
    play.reach(0).unwrap();
    assert_eq!((play.alarms(), due(&play)), (String::new(), "2026-01-02T16:00".into()));
}

/// A step that was done is not done again after a pause; the due instant that has passed stays.
#[test]
fn what_is_done_is_not_set_again() {
    let mut play = entered("node a normal users:ann deadline:PT1H at:PT0S/remind at:PT3H/remind");
    play.now = at("2026-01-02 16:30:00");
    play.reach(0).unwrap();
    play.to("ann", "consult", "eve").unwrap();
    play.now = at("2026-01-02 20:00:00");
    play.act("eve", "consult_submit");
    assert_eq!(play.alarms(), "1@2026-01-02T22:30:00.000Z");
    assert_eq!(due(&play), "2026-01-02T16:00");
}

#[test]
fn another_holder_has_the_same_deadline() {
    let mut play = entered("node a normal users:ann deadline:PT1H at:PT0S/remind");
    let (alarms, since) = (play.alarms(), play.ticket.tokens[0].since);
    play.now = at("2026-01-02 15:30:00");
    play.to("ann", "forward", "bob").unwrap();
    play.to("wad", "force_forward", "eve").unwrap();
    assert_eq!((play.alarms(), play.ticket.tokens[0].since), (alarms, since));
}

#[test]
fn a_stay_begins_anew_unless_it_carries() {
    for (carry, expected) in [("", "2026-01-02T19:00"), ("carry", "2026-01-02T18:30")] {
        let mut play = entered(&format!("node a normal users:ann deadline:PT1H {carry} at:PT0S/remind"));
        play.now = at("2026-01-02 15:30:00");
        play.act("ann", "back");
        assert!(play.ticket.effects.is_empty(), "left is left");
        play.now = at("2026-01-02 18:00:00");
        play.act("ann", "go");
        assert_eq!(due(&play), expected, "{carry}");
    }
}

#[test]
fn nobody_to_escalate_to_leaves_the_holders_and_is_an_incident() {
    let mut play = entered("node a normal users:bob deadline:PT1H at:PT0S/escalate/off");
    play.now = at("2026-01-02 16:00:00");
    play.reach(0).unwrap();
    assert_eq!(
        (names(&play), play.at()),
        ("effect_parked intervention_needed".into(), "on_going a(bob)".into())
    );
    assert!(play.offers("wad").contains("retry_hook"));
    play.act("wad", "skip");
    assert_eq!(play.ticket.intervention, None);
    // Skipped is done.
    play.to("bob", "consult", "eve").unwrap();
    play.act("eve", "consult_submit");
    assert_eq!(play.alarms(), "");
}

/// Escalation ends votes, and the edge that is taken asks for no votes either.
#[test]
fn votes_end_with_a_step() {
    let mut play =
        entered("node a normal users:ann,bob whole deadline:PT1H at:PT0S/escalate/eve at:PT1H/take_edge/yes");
    play.act("ann", "yes");
    play.now = at("2026-01-02 16:00:00");
    play.reach(0).unwrap();
    assert_eq!(play.at(), "on_going a(eve)");
    play.now = at("2026-01-02 17:00:00");
    play.reach(1).unwrap();
    assert_eq!(play.at(), "finished end");
}

#[test]
fn a_draft_has_no_clock_and_a_ticket_that_came_back_has() {
    let workflow = flow(
        "start deadline:PT1H at:PT0S/take_edge/submit
         node a normal users:bob withdraw
         edge submit agree start -> a
         edge yes agree a -> end
         edge back reject a -> start",
    );
    let mut play = Play::create(&workflow, "ann", None, &[]).unwrap();
    play.command(&Command::ReviewHolders).unwrap();
    assert!(play.ticket.effects.is_empty());
    play.act("ann", "submit");
    play.act("bob", "back");
    assert_eq!(play.alarms(), "0@2026-01-01T01:00:00.000Z");
    play.now = play.now.plus_ms(3_600_000);
    play.reach(0).unwrap();
    assert_eq!(play.at(), "on_going a(bob)");
    play.act("ann", "withdraw");
    assert_eq!(play.alarms(), "0@2026-01-01T02:00:00.000Z");
}

#[test]
fn a_deadline_on_a_field_goes_with_it() {
    let workflow = flow(
        "form when:datetime
         start title=required when=optional
         node split parallel
         node a normal users:ann deadline:until/when at:-PT1H/remind at:PT1H/take_edge/yes
         node b normal users:ann,bob whole when=optional
         node t timer until:when
         node m parallel
         edge submit agree start -> split
         edge e1 other split -> a
         edge e2 other split -> b
         edge e3 other split -> t
         edge yes agree a -> m
         edge done agree b -> m
         edge due other t -> m
         edge over other m -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(
        (due(&play), play.alarms()),
        ("-".into(), String::new()),
        "there is no due without a value"
    );
    let set = |play: &mut Play, who: &str, when: &str| {
        let fields = vec![("when", Value::text(when))];
        play.act_with(
            who,
            "agree",
            "done",
            With {
                fields,
                ..With::default()
            },
        )
        .map(|_| ())
    };
    set(&mut play, "bob", "2026-01-10 12:00:00").unwrap();
    assert_eq!(play.alarms(), "0@2026-01-10T11:00:00.000Z 1@2026-01-10T13:00:00.000Z");
    // The timer was due at once, for the field was empty; now it waits for the value.
    assert_eq!(play.at(), "on_going a(ann) b(ann&bob:done) t(2026-01-10T12:00:00.000Z)");
    // The alarm that was set for the old value is fired late, for a value that has moved, by a clock that was set back.
    let old: Vec<_> = play.ticket.effects.iter().map(|(id, _)| id).collect();
    play.now = at("2026-01-10 14:00:00");
    let before = play.clone();
    set(&mut play, "ann", "2026-01-02 12:00:00").unwrap();
    for now in ["2026-01-10 13:00:00", "2026-01-11 00:00:00"] {
        play.now = at(now);
        for effect in &old {
            let outcome = EffectOutcome::CameDue;
            let refused = play.command(&Command::CloseEffect {
                effect: *effect,
                outcome,
            });
            assert_eq!(refused.unwrap_err().code(), "not_waiting");
        }
    }
    play.now = at("2026-01-11 00:00:00");
    play.fire().unwrap();
    play.reach(0).unwrap();
    play.reach(1).unwrap();
    assert_eq!(play.at(), "finished end");
    // The other way round: the timer first, then the field.
    play = before;
    play.fire().unwrap();
    set(&mut play, "ann", "2026-01-02 12:00:00").unwrap();
    assert_eq!(play.at(), "on_going a(ann) m(merge) m(merge)");
}

/// The first of two that are due at one instant may cancel the second; whoever acts first in that instant decides.
#[test]
fn an_edge_a_vote_and_a_deadline_in_one_instant() {
    let node = "node a normal users:ann,bob whole deadline:PT1H at:PT0S/take_edge/no at:PT0S/remind";
    let mut by_vote = entered(node);
    by_vote.act("ann", "yes");
    by_vote.now = at("2026-01-02 16:00:00");
    let mut by_deadline = by_vote.clone();
    by_vote.act("bob", "yes");
    assert_eq!((by_vote.at(), by_vote.alarms()), ("finished end".into(), String::new()));
    by_deadline.reach(0).unwrap();
    assert_eq!(
        (by_deadline.at(), by_deadline.alarms()),
        ("rejected end".into(), String::new())
    );
    assert_eq!(by_deadline.refused("bob", "yes"), "action_not_available");
}

/// A consult that is opened in the instant in which the deadline is due keeps it from firing while it stands.
#[test]
fn a_consult_in_the_instant_of_the_deadline() {
    let mut play = entered("node a normal users:ann deadline:PT1H at:PT0S/take_edge/no");
    play.now = at("2026-01-02 16:00:00");
    let (effect, _) = play.ticket.effects.iter().next().expect("an alarm");
    let outcome = EffectOutcome::CameDue;
    play.to("ann", "consult", "eve").unwrap();
    let fire = Command::CloseEffect { effect, outcome };
    assert_eq!(play.command(&fire).unwrap_err().code(), "not_waiting");
    let mut without = play.clone();
    play.now = at("2026-01-03 16:00:00");
    play.act("eve", "consult_submit");
    assert_eq!(play.alarms(), "0@2026-01-03T16:00:00.000Z", "nothing was left");
    play.reach(0).unwrap();
    assert_eq!(play.at(), "rejected end");
    // The consult ends where the one consulted is gone, and the clock runs again.
    without.directory = directory_of(&people().person(Person::new("eve").inactive()));
    without.command(&Command::ReviewHolders).unwrap();
    assert_eq!(without.alarms(), "0@2026-01-02T16:00:00.000Z");
    without.reach(0).unwrap();
    assert_eq!(without.at(), "rejected end");
}

#[test]
fn another_version_has_its_own_deadline_and_keeps_what_is_spent() {
    let lines = |node: &str| {
        format!(
            "node a normal users:ann {node}
             edge submit agree start -> a
             edge yes agree a -> end"
        )
    };
    let old = flow(&lines("deadline:PT4H at:PT0S/remind"));
    let new = named_flow(
        "2.0",
        &lines("deadline:PT8H at:-PT7H/remind at:-PT6H/remind/PT1H/9 at:PT0S/take_edge/yes"),
    );
    let none = named_flow("3.0", &lines(""));
    let mut play = Play::submit(&old);
    play.now = play.now.plus_ms(3 * 3_600_000);
    for (to, expected) in [
        (&new, "1@2026-01-01T04:00:00.000Z 2@2026-01-01T08:00:00.000Z"),
        (&none, ""),
        (&new, "1@2026-01-01T04:00:00.000Z 2@2026-01-01T08:00:00.000Z"),
    ] {
        let directory = play.directory.clone();
        let migrate = Command::Migrate {
            operator: None,
            nodes: [].into(),
        };
        let context = Context {
            migrate_to: Some(to),
            ..context(&play.workflow, &directory, play.now, Draw::Seed(0))
        };
        let events = decide(Some(&play.ticket), &migrate, &context).unwrap();
        for event in &events {
            play.ticket.apply(event, &migrate.meta(&context));
        }
        play.workflow = Arc::clone(to);
        assert_eq!(play.alarms(), expected);
    }
    play.now = play.now.plus_ms(3_600_000);
    play.reach(1).unwrap();
    play.to("ann", "consult", "bob").unwrap();
    play.act("bob", "consult_submit");
    assert_eq!(
        play.alarms(),
        "1@2026-01-01T05:00:00.000Z 2@2026-01-01T08:00:00.000Z",
        "what was passed over stays so"
    );
}

#[test]
fn a_changed_calendar_counts_from_now_on() {
    let mut play = entered("node a normal users:ann deadline:PT8H calendar:office at:PT0S/remind");
    let before = play.directory.clone();
    let review = Command::ReviewDeadlines { before: before.clone() };
    play.now = at("2026-01-05 10:00:00");
    play.command(&review).unwrap();
    assert!(play.events.is_empty(), "nothing has changed");
    let short = Hours::of("office").on(WEEKDAYS, &["09:00-11:00"]);
    play.directory = directory_of(&people().calendar(short));
    let version = play.ticket.settled_version;
    play.command(&review).unwrap();
    // Three hours are spent by the old hours, one more today, two on each of the next two days.
    assert_eq!(
        (due(&play), play.alarms()),
        ("2026-01-07T11:00".into(), "0@2026-01-07T11:00:00.000Z".into())
    );
    assert_eq!(play.ticket.settled_version, version, "it is bookkeeping");
    play.directory = directory_of(&people());
    play.command(&Command::ReviewDeadlines { before }).unwrap();
    assert_eq!(due(&play), "2026-01-05T15:00", "a calendar that is gone is always open");
}

/// A stay that ends leaves nothing to the next one.
#[test]
fn stays_one_after_the_other_have_each_their_own() {
    let workflow = flow(
        "node a normal users:ann deadline:PT1H at:PT0S/remind
         node b normal users:bob deadline:PT2H at:PT0S/remind at:PT1H/remind
         edge submit agree start -> a
         edge go agree a -> b
         edge yes agree b -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(due(&play), "2026-01-01T01:00");
    play.act("ann", "go");
    assert_eq!(due(&play), "2026-01-01T02:00");
    assert_eq!(play.alarms(), "0@2026-01-01T02:00:00.000Z 1@2026-01-01T03:00:00.000Z");
    play.act("bob", "yes");
    assert_eq!((due(&play), play.alarms()), ("-".into(), String::new()));
}
