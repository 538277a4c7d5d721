//! Undoing an edge: what comes back, what forbids it, and that it is as if nothing had been.

use std::sync::Arc;

use loonflow_engine::ticket::Undoable;
use proptest::prelude::*;

use super::*;

/// The ticket but for what an undo leaves: how many events there were, when, what people have had to do with it, and
/// fields that hold nothing.
fn essence(ticket: &Ticket) -> Ticket {
    let mut essence = ticket.clone();
    (essence.version, essence.settled_version, essence.n_bytes) = (0, 0, 0);
    essence.updated_at = essence.created_at;
    essence.decided_at = essence.created_at;
    (essence.processed, essence.assigned) = Default::default();
    essence.undoable = None;
    let fields = essence.fields.iter().filter(|(_, value)| **value != Value::Null);
    essence.fields = Arc::new(fields.map(|(key, value)| (key.clone(), value.clone())).collect());
    essence
}

/// What two have in common that did the same, one of them after an undo: all but the versions that stays and forks are named
/// by.
fn told(play: &Play) -> String {
    let tokens = play.ticket.tokens.iter().map(|token| {
        let path: Vec<_> = token.path.since_fork(token.forks.len()).collect();
        format!(
            "{} {} {:?} {path:?} {:?}",
            token.id.0, token.node, token.back, token.candidates
        )
    });
    let tokens: Vec<String> = tokens.collect();
    let fields: Vec<_> = play
        .ticket
        .fields
        .iter()
        .filter(|(_, value)| **value != Value::Null)
        .collect();
    let effects: Vec<_> = play.ticket.effects.iter().map(|(_, open)| &open.work).collect();
    let ticket = &play.ticket;
    format!(
        "{} {tokens:?} {fields:?} {} {:?} {:?} {effects:?}",
        play.at(),
        ticket.title,
        ticket.last_handlers,
        ticket.last_voters
    )
}

/// One step that can be undone, and what comes behind.
fn simple(behind: &str) -> Play {
    let text = format!(
        "form amount:number
         node a normal users:ann,bob undo amount=optional title=optional deadline:PT8H at:PT0S/remind
         {behind}
         edge go agree start -> a"
    );
    Play::submit(&flow(&text))
}

const THEN_B: &str = "node b normal users:cat
    edge ok agree a -> b
    edge done agree b -> end";

fn hours(play: &mut Play, n: i64) {
    play.now = play.now.plus_ms(n * 3_600_000);
}

#[test]
fn key_allow_undo() {
    let mut play = simple(THEN_B);
    let before = essence(&play.ticket);
    hours(&mut play, 3);
    play.act_with(
        "bob",
        "agree",
        "ok",
        With {
            fields: vec![("amount", Value::Number("5".into())), ("title", Value::text("U"))],
            ..With::default()
        },
    )
    .unwrap();
    assert_eq!(play.at(), "on_going b(cat)");
    assert_eq!(play.offers("bob"), "undo add_comment");
    assert_eq!(play.refused("ann", "undo"), "permission_denied");
    // Comments do not hinder it.
    let with = With {
        comment: Some("hm"),
        ..With::default()
    };
    play.act_with("cat", "add_comment", "add_comment", with).unwrap();
    hours(&mut play, 2);
    play.act("bob", "undo");
    assert_eq!(play.at(), "on_going a(ann|bob)");
    assert_eq!(play.ticket.title, "T");
    assert_eq!(play.ticket.fields.get("amount"), Some(&Value::Null));
    // Three of eight hours were spent, and the two since are nobody's.
    assert_eq!(play.alarms(), "0@2026-01-01T10:00:00.000Z");
    let after = essence(&play.ticket);
    assert_eq!(after.tokens, before.tokens);
    assert_eq!(after.last_handlers, before.last_handlers);
    // Once: the commit before is not undone then.
    assert_eq!(play.refused("bob", "undo"), "action_not_available");

    let mut play = Play::submit(&flow(
        &THEN_B.replace("edge ok", "node a normal users:ann\nedge go agree start -> a\nedge ok"),
    ));
    play.act("ann", "ok");
    assert_eq!(
        play.refused("ann", "undo"),
        "action_not_available",
        "the node does not let one"
    );
}

#[test]
fn what_was_done_since_cannot_be_undone_over() {
    for (who, what) in [
        ("cat", "done"),
        ("cat", "forward"),
        ("cat", "consult"),
        ("wad", "force_forward"),
    ] {
        let mut play = simple(&format!(
            "{THEN_B}\n node c normal users:ann\n edge x agree b -> c\n edge y agree c -> end"
        ));
        play.act("ann", "ok");
        if what == "done" {
            play.act(who, "x");
        } else {
            play.to(who, what, "dan").unwrap();
        }
        assert_eq!(play.refused("ann", "undo"), "action_not_available", "{what}");
    }
    // Over is over.
    let mut play = simple("edge ok agree a -> end");
    play.act("ann", "ok");
    assert_eq!(play.refused("ann", "undo"), "action_not_available");
    // A call that is owed may have been made.
    let mut play = simple("node h hook\n edge ok agree a -> h\n edge done agree h -> end");
    play.act("ann", "ok");
    assert_eq!(play.refused("ann", "undo"), "action_not_available");
    // A creation is not undone, and neither is the sending of a draft.
    let text = "start undo\n node a normal users:ann\n edge go agree start -> a\n edge ok agree a -> end\n edge no reject a -> start";
    let mut play = Play::submit(&flow(text));
    assert_eq!(play.refused("ann", "undo"), "action_not_available");
    let mut draft = Play::create(&flow(text), "ann", None, &[]).unwrap();
    draft.act("ann", "go");
    assert_eq!(draft.refused("ann", "undo"), "action_not_available");
    // But leaving start again is.
    draft.act("ann", "no").act("ann", "go").act("ann", "undo");
    assert_eq!(draft.at(), "rejected start(ann)");
}

#[test]
fn a_timer_of_the_commit_is_gone_and_one_that_fired_stays() {
    let behind = "node t timer PT2H\n node b normal users:cat\n edge ok agree a -> t\n edge on agree t -> b\n edge done agree b -> end";
    let mut play = simple(behind);
    play.act("bob", "ok");
    let (timer, _) = play.ticket.effects.iter().next().unwrap();
    let mut fired = play.clone();
    play.act("bob", "undo");
    assert_eq!(play.at(), "on_going a(ann|bob)");
    hours(&mut play, 2);
    let due = Command::CloseEffect {
        effect: timer,
        outcome: EffectOutcome::CameDue,
    };
    assert_eq!(play.command(&due).unwrap_err().code(), "not_waiting");
    hours(&mut fired, 2);
    fired.fire().unwrap();
    assert_eq!(fired.refused("bob", "undo"), "action_not_available");
}

/// A branch that leaves its fork early takes along a timer, a hook that was called, and a step with a deadline.
fn forked() -> Play {
    let text = "node p parallel
        node a normal users:ann undo
        node t timer PT5H
        node h hook
        node v normal users:bob,cat,dan votes:majority deadline:PT8H at:-PT6H/remind at:PT0S/remind
        node m normal users:ann
        edge go agree start -> p
        edge pa agree p -> a
        edge pt agree p -> t
        edge ph agree p -> h
        edge pv agree p -> v
        edge am agree a -> m
        edge tm agree t -> m
        edge hm agree h -> m
        edge vm agree v -> m
        edge out reject a -> start
        edge done agree m -> end";
    Play::submit(&flow(text))
}

#[test]
fn stays_that_the_commit_had_ended_are_open_again_with_what_they_owed() {
    let mut play = forked();
    play.act("bob", "vm");
    hours(&mut play, 2);
    play.reach(0).unwrap();
    let hook = |play: &Play| {
        let mut open = play.ticket.effects.iter();
        open.find(|(_, open)| matches!(open.work, Work::Hook { .. }))
            .map(|(id, open)| (id, open.clone()))
    };
    let (before, owed) = (play.at(), hook(&play));
    assert!(owed.is_some());
    play.act("ann", "out");
    assert_eq!(play.at(), "rejected start(ann)");
    assert!(play.ticket.effects.is_empty());
    hours(&mut play, 1);
    play.act("ann", "undo");
    assert_eq!(play.at(), before);
    assert_eq!(hook(&play), owed, "under the id that it had");
    // Two of eight hours are spent, and the reminder at two hours is done.
    assert_eq!(play.alarms(), "1@2026-01-01T09:00:00.000Z");
    play.now = play.now.plus_ms(2 * 3_600_000);
    play.fire().unwrap();
    play.report(loonflow_engine::ticket::HookOutcome::Succeeded).unwrap();
    play.act("cat", "vm").act("ann", "am").act("ann", "done");
    assert_eq!(play.at(), "finished end");
}

#[test]
fn a_failed_hook_that_was_left_has_failed_again() {
    let mut play = forked();
    play.report(loonflow_engine::ticket::HookOutcome::Failed("down".into()))
        .unwrap();
    let before = play.at();
    play.act("ann", "out");
    assert_eq!(play.ticket.intervention, None);
    play.act("ann", "undo");
    assert_eq!(play.at(), before);
    assert!(play.ticket.intervention.is_some());
    play.act("wad", "retry_hook");
}

#[test]
fn the_vote_that_decided_is_open_again() {
    let text = "node a normal users:ann,bob,cat votes:majority undo
        node b normal users:dan
        edge go agree start -> a
        edge ok agree a -> b
        edge done agree b -> end";
    let mut play = Play::submit(&flow(text));
    play.act("ann", "ok").act("bob", "ok");
    assert_eq!(play.at(), "on_going b(dan)");
    assert_eq!(play.refused("ann", "undo"), "permission_denied");
    play.act("bob", "undo");
    assert_eq!(play.at(), "on_going a(ann:ok&bob&cat)");
    play.act("cat", "ok").act("cat", "undo").act("ann", "undo");
    assert_eq!(play.at(), "on_going a(ann&bob&cat)");
}

#[test]
fn a_join_is_undone() {
    let mut play = forked();
    play.fire().unwrap_err();
    hours(&mut play, 5);
    play.fire().unwrap();
    play.report(loonflow_engine::ticket::HookOutcome::Succeeded).unwrap();
    play.act("bob", "vm").act("cat", "vm");
    let before = (play.at(), essence(&play.ticket));
    play.act("ann", "am");
    assert_eq!(play.at(), "on_going m(ann)");
    play.act("ann", "undo");
    assert_eq!(play.at(), before.0);
    assert_eq!(essence(&play.ticket), before.1);
    play.act("ann", "am");
    assert_eq!(play.at(), "on_going m(ann)");
}

#[test]
fn a_way_straight_back_that_was_taken_is_open_again() {
    let text = "node a normal users:ann undo
        node b normal users:bob return
        edge go agree start -> a
        edge ok agree a -> b
        edge done agree b -> end";
    let mut play = Play::submit(&flow(text));
    play.act("ann", "ok");
    play.back("bob", "a", true).unwrap();
    play.act("ann", "ok").act("ann", "undo");
    assert_eq!(play.at(), "rejected a(ann)");
    play.act("ann", "ok");
    assert!(play.events.iter().any(|event| event.name() == "resumed"));
}

/// Definitions with everything that undoing meets, and people who do what they are offered.
const NETS: [&str; 3] = [
    "form amount:number when:datetime
     start undo amount=optional when=optional
     node a normal users:ann,bob undo return amount=optional deadline:PT8H carry at:PT0S/remind
     node t timer until:when
     node b normal users:bob,cat votes:majority+abstain undo return amount=optional
     node c normal users:ann,cat voluntary undo return when=optional
     edge go agree start -> a
     edge ok agree a -> t
     edge on agree t -> b
     edge yes agree b -> c
     edge no reject b -> start
     edge done agree c -> end
     edge back reject c -> a
     edge again other c -> b",
    "form amount:number
     start undo
     node p parallel
     node a normal users:ann,bob undo return
     node b normal users:bob,cat,dan votes:percent(60)+in_order undo return amount=optional
     node d normal users:cat undo return deadline:PT4H at:-PT1H/remind
     node h hook
     node m normal users:ann,dan undo return
     edge go agree start -> p
     edge pa agree p -> a
     edge pb agree p -> b
     edge ph agree p -> h
     edge hm agree h -> m
     edge ad agree a -> d
     edge dm agree d -> m
     edge bm agree b -> m
     edge out reject b -> start
     edge off reject d -> start
     edge back reject m -> start
     edge done agree m -> end",
    "start undo
     node o parallel
     node i parallel
     node a normal users:ann undo return deadline:PT4H carry at:PT0S/remind
     node b normal users:bob undo return
     node c normal users:cat,dan whole undo return
     node n normal users:dan undo return
     node m normal users:ann undo return
     edge go agree start -> o
     edge oi agree o -> i
     edge oc agree o -> c
     edge ia agree i -> a
     edge ib agree i -> b
     edge an agree a -> n
     edge bn agree b -> n
     edge nm agree n -> m
     edge cm agree c -> m
     edge bo reject b -> start
     edge nb other n -> b
     edge mc reject m -> c
     edge done agree m -> end",
];

/// Does one of the things that somebody is offered, but for undoing; what is refused changes nothing.
fn step(play: &mut Play, (who, which, hours_on): (usize, usize, i64)) {
    const PEOPLE: [&str; 5] = ["ann", "bob", "cat", "dan", "wad"];
    hours(play, hours_on);
    let who = PEOPLE[who % PEOPLE.len()];
    let offered: Vec<_> = play.offered(who).iter().cloned().collect();
    let offered: Vec<_> = offered
        .into_iter()
        .filter(|one| one.id != "undo" && one.id != "force_close")
        .collect();
    // Nothing has made everybody part of it from the start.
    if offered.is_empty() {
        return;
    }
    let one = &offered[which % offered.len()];
    let nodes = ["a", "b", "c", "m", "start"];
    let act = loonflow_engine::ticket::Act {
        at: Some(one.node.clone()),
        comment: Some("why".to_owned()),
        fields: if one.kind.is_edge() && which % 3 == 0 {
            [("amount".into(), Value::Number(which.to_string()))].into()
        } else {
            Default::default()
        },
        ..loonflow_engine::ticket::Act::new(
            who,
            loonflow_engine::ticket::Action::of(
                one.kind,
                &one.id,
                Some(PEOPLE[(which / 7) % 4].into()),
                Some(nodes[(which / 5) % nodes.len()].into()),
            )
            .resuming(which % 2 == 0),
        )
    };
    let _ = play.command(&Command::Act(act));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// L22: an undo gives the ticket before the commit, and doing the same again gives what it gave.
    #[test]
    fn do_undo_do_is_do(net in 0..NETS.len(), steps in prop::collection::vec((0..5_usize, 0..10_000_usize, 0..3_i64), 1..24)) {
        let mut play = Play::submit(&flow(NETS[net]));
        for one in steps {
            let before = play.clone();
            step(&mut play, one);
            let is_new = |undoable: &Arc<Undoable>| undoable.commit > before.ticket.version;
            let Some(undoable) = play.ticket.undoable.clone().filter(is_new) else { continue };
            let by = undoable.by.as_str().to_owned();
            let mut undone = play.clone();
            // Votes elsewhere can perhaps be undone as well: then the node has to be said, and another step shows it.
            if undone.try_act(&by, "undo").is_err() || !undone.events.iter().any(|event| matches!(event, Event::Undone(_))) {
                continue;
            }
            let (was, is) = (essence(&before.ticket), essence(&undone.ticket));
            prop_assert_eq!(&was.tokens, &is.tokens);
            prop_assert_eq!(&was.fields, &is.fields);
            prop_assert_eq!(&was.round, &is.round);
            prop_assert_eq!((&was.last_handlers, &was.last_voters), (&is.last_handlers, &is.last_voters));
            prop_assert_eq!((was.act_state, was.title, was.last_token), (is.act_state, is.title, is.last_token));
            prop_assert_eq!((&was.intervention, &was.children), (&is.intervention, &is.children));
            let due = |play: &Play| {
                let told = |work: &Work| {
                    if let Work::Deadline { token, step, due, .. } = work {
                        // What is overdue is due at once.
                        return format!("{} {step} {:?}", token.0, (*due).max(play.now));
                    }
                    format!("{work:?}")
                };
                let mut due: Vec<_> = play.ticket.effects.iter().map(|(_, open)| told(&open.work)).collect();
                due.sort();
                due
            };
            // Where no time has passed, each alarm is due when it was.
            if one.2 == 0 {
                prop_assert_eq!(due(&before), due(&undone));
            }
            let mut again = undone;
            again.seed = before.seed;
            step(&mut again, (one.0, one.1, 0));
            prop_assert_eq!(told(&play), told(&again));
            if one.1 % 2 == 0 {
                play = again;
            }
        }
    }
}
