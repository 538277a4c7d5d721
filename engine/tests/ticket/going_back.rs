//! Going back: returns that come straight back or do not, undoing, and what is taken back or given back
//! (semantics: going-back).

use loonflow_engine::ticket::{ActState, Command, EffectOutcome, Event, Ticket, Work};
use loonflow_engine::ticket::{Meta, Processor};
use loonflow_engine::value::Value;
use loonflow_engine::view::flow_history::entries;
use loonflow_engine::view::preview::preview;

use crate::play::{Play, With, flow};

mod undone;

/// Three steps; `words` are said of the third.
fn three(words: &str) -> Play {
    let text = format!(
        "node a normal users:ann,bob
         node b normal users:bob
         node c normal users:cat,dan {words}
         edge go agree start -> a
         edge ok agree a -> b
         edge further agree b -> c
         edge done agree c -> end
         edge no reject c -> a"
    );
    let mut play = Play::submit(&flow(&text));
    play.act("ann", "ok").act("bob", "further");
    play
}

#[test]
fn key_allow_return() {
    // Where the node says nothing, whoever acts there is not offered it.
    assert_eq!(three("").offers("cat"), "done no forward consult add_comment");
    assert_eq!(
        three("").back("cat", "a", false).err().unwrap().code(),
        "permission_denied"
    );

    let mut play = three("return");
    assert_eq!(play.offers("cat"), "done no forward consult return_to add_comment");
    let offered = play.offered("cat");
    let offered = offered.iter().find(|one| one.id == "return_to").unwrap();
    assert_eq!(
        offered.props,
        serde_json::json!({"target_node_ids": ["a", "b", "start"], "resume": true})
    );
    play.back("cat", "a", false).unwrap();
    // It goes to who acted there, and to nobody else whom the rule names.
    assert_eq!(play.at(), "rejected a(ann)");
    play.act("ann", "ok");
    assert_eq!(play.at(), "on_going b(bob)");

    let mut listed = three("return:b");
    let refused = listed.back("cat", "a", false).err().unwrap();
    assert_eq!(refused.code(), "invalid_argument");
    assert!(refused.to_string().contains("one of `b`"), "{refused}");
    // Not to where it is, not to what is no node of people, not to where it has not been.
    for to in ["c", "end", "nowhere"] {
        assert_eq!(
            three("return").back("cat", to, false).err().unwrap().code(),
            "invalid_argument"
        );
    }
    listed.back("cat", "b", false).unwrap();
    assert_eq!(listed.at(), "rejected b(bob)");
}

#[test]
fn a_return_needs_a_reason() {
    let with = With {
        to_node: Some("a"),
        ..With::default()
    };
    let refused = three("return")
        .act_with("cat", "return_to", "return_to", with)
        .err()
        .unwrap();
    assert_eq!(refused.code(), "invalid_argument");
    assert!(refused.to_string().contains("comment"), "{refused}");
}

#[test]
fn the_next_edge_leads_straight_back_to_who_returned_it() {
    let mut play = three("return");
    play.back("cat", "a", true).unwrap();
    assert_eq!(play.at(), "rejected a(ann)");
    play.act("ann", "ok");
    assert_eq!(play.at(), "on_going c(cat)");
    assert!(play.events.iter().any(|event| event.name() == "resumed"));
    // Once: the next time it goes the way it always goes.
    play.act("cat", "no").act("ann", "ok");
    assert_eq!(play.at(), "on_going b(bob)");
}

#[test]
fn a_reject_and_a_newer_return_clear_the_way_straight_back() {
    let text = "node a normal users:ann
         node b normal users:bob return
         node c normal users:cat return
         edge go agree start -> a
         edge ok agree a -> b
         edge back reject b -> a
         edge further agree b -> c
         edge done agree c -> end";
    let arrive = || {
        let mut play = Play::submit(&flow(text));
        play.act("ann", "ok").act("bob", "further");
        play.back("cat", "b", true).unwrap();
        play
    };
    let mut rejected = arrive();
    rejected.act("bob", "back").act("ann", "ok").act("bob", "further");
    assert_eq!(rejected.at(), "on_going c(cat)");
    assert!(rejected.events.iter().all(|event| event.name() != "resumed"));

    let mut newer = arrive();
    newer.back("bob", "a", true).unwrap();
    newer.act("ann", "ok");
    assert_eq!(newer.at(), "on_going b(bob)");
    newer.act("bob", "further");
    assert!(newer.events.iter().all(|event| event.name() != "resumed"));
}

#[test]
fn key_allow_resume() {
    let mut play = three("return no_resume");
    assert_eq!(play.back("cat", "a", true).err().unwrap().code(), "invalid_argument");
    assert_eq!(play.back("wad", "a", true).err().unwrap().code(), "invalid_argument");
    play.back("cat", "a", false).unwrap();
    assert_eq!(play.at(), "rejected a(ann)");
}

#[test]
fn those_who_may_intervene_return_from_wherever_it_waits() {
    let text = "node a normal users:ann
         node t timer PT2H
         node h hook
         edge go agree start -> a
         edge ok agree a -> t
         edge later agree t -> h
         edge done agree h -> end";
    let mut play = Play::submit(&flow(text));
    assert_eq!(
        play.offers("wad"),
        "add_comment force_forward return_to force_close force_alter_node"
    );
    play.act("ann", "ok");
    play.back("wad", "a", true).unwrap();
    assert_eq!(play.at(), "on_going a(ann)");
    assert!(play.ticket.effects.is_empty(), "the timer's stay is over");
    play.act("ann", "ok");
    assert_eq!(play.at(), "on_going t(2026-01-01T02:00:00.000Z)");
    play.now = play.now.plus_ms(7_200_000);
    play.fire().unwrap();
    play.back("dis", "start", false).unwrap();
    assert_eq!(play.at(), "on_going start(ann)");
    assert!(play.ticket.effects.is_empty(), "the hook's stay is over");
    assert_eq!(play.back("bob", "a", false).err().unwrap().code(), "ticket_not_found");
    assert_eq!(play.back("vie", "a", false).err().unwrap().code(), "permission_denied");
}

#[test]
fn a_return_stays_inside_its_fork_and_leaves_the_others_alone() {
    let text = "node a normal users:ann
         node p parallel
         node x normal users:bob
         node y normal users:cat return
         node z normal users:dan
         node m normal users:ann return
         edge go agree start -> a
         edge ok agree a -> p
         edge px agree p -> x
         edge pz agree p -> z
         edge xy agree x -> y
         edge ym agree y -> m
         edge zm agree z -> m
         edge done agree m -> end";
    let mut play = Play::submit(&flow(text));
    play.act("ann", "ok").act("bob", "xy");
    assert_eq!(play.at(), "on_going y(cat) z(dan)");
    // What lies before the fork is none of this branch's.
    assert_eq!(play.back("cat", "a", false).err().unwrap().code(), "invalid_argument");
    let other = play.ticket.tokens[1].clone();
    play.back("cat", "x", true).unwrap();
    assert_eq!(play.at(), "rejected x(bob) z(dan)");
    assert_eq!(play.ticket.tokens[1], other);
    play.act("bob", "xy");
    assert_eq!(play.at(), "on_going y(cat) z(dan)");
    play.act("cat", "ym").act("dan", "zm");
    assert_eq!(play.at(), "on_going m(ann)");
    // From behind the merge a branch can be gone back to, which passes the merge alone then.
    play.back("ann", "x", false).unwrap();
    assert_eq!(play.at(), "rejected x(bob)");
    play.act("bob", "xy").act("cat", "ym");
    assert_eq!(play.at(), "on_going m(ann)");
    play.act("ann", "done");
    assert_eq!(play.at(), "finished end");
}

#[test]
fn a_vote_that_is_returned_begins_anew_with_all_who_had_shares() {
    let text = "node a normal users:ann,bob,cat whole undo
         node b normal users:dan return
         edge go agree start -> a
         edge ok agree a -> b
         edge done agree b -> end";
    let mut play = Play::submit(&flow(text));
    play.act("ann", "ok").act("bob", "ok").act("cat", "ok");
    play.back("dan", "a", true).unwrap();
    assert_eq!(play.at(), "rejected a(ann&bob&cat)");
    play.act("ann", "ok").act("bob", "ok").act("cat", "ok");
    assert_eq!(play.at(), "on_going b(dan)");

    let text = "node a normal users:ann
         node b normal users:bob,cat,dan whole return
         edge go agree start -> a
         edge ok agree a -> b
         edge done agree b -> end";
    let mut play = Play::submit(&flow(text));
    play.act("ann", "ok").act("bob", "done");
    play.to("cat", "forward", "ann").unwrap();
    play.back("dan", "a", true).unwrap();
    play.act("ann", "ok");
    assert_eq!(play.at(), "on_going b(bob&ann&dan)", "fresh votes, the same people");
}

#[test]
fn force_alter_node_goes_to_who_acted_there_last() {
    let mut play = three("");
    let with = With {
        to_node: Some("a"),
        ..With::default()
    };
    play.act_with("wad", "force_alter_node", "force_alter_node", with)
        .unwrap();
    assert_eq!(play.at(), "on_going a(ann)");
    // Where it has not been, the rule says who.
    let with = With {
        to_node: Some("c"),
        ..With::default()
    };
    let mut fresh = Play::submit(&play.workflow);
    fresh
        .act_with("wad", "force_alter_node", "force_alter_node", with)
        .unwrap();
    assert_eq!(fresh.at(), "on_going c(cat|dan)");
}

#[test]
fn a_ticket_comes_straight_back_with_the_budget_that_was_left() {
    let text = "node a normal users:ann
         node b normal users:bob return deadline:PT8H at:-PT6H/remind at:PT0S/remind
         edge go agree start -> a
         edge ok agree a -> b
         edge done agree b -> end";
    let hours = |n: i64| n * 3_600_000;
    for (resume, alarms) in [
        // Two hours are spent, and the reminder at two hours is done.
        (true, "1@2026-01-01T11:00:00.000Z"),
        (false, "0@2026-01-01T07:00:00.000Z 1@2026-01-01T13:00:00.000Z"),
    ] {
        let mut play = Play::submit(&flow(text));
        play.act("ann", "ok");
        play.now = play.now.plus_ms(hours(2));
        play.reach(0).unwrap();
        play.back("bob", "a", resume).unwrap();
        assert_eq!(play.alarms(), "");
        play.now = play.now.plus_ms(hours(3));
        play.act("ann", "ok");
        assert_eq!(play.alarms(), alarms);
    }
}

#[test]
fn who_asked_takes_the_question_back() {
    let mut play = three("deadline:PT8H at:PT0S/remind");
    play.to("cat", "consult", "bob").unwrap();
    assert_eq!(play.offers("cat"), "take_back add_comment");
    assert_eq!(play.alarms(), "");
    assert_eq!(play.refused("dan", "take_back"), "permission_denied");
    assert_eq!(play.refused("bob", "take_back"), "permission_denied");
    play.now = play.now.plus_ms(3_600_000);
    play.act("cat", "take_back");
    assert_eq!(play.at(), "on_going c(cat|dan)");
    assert_eq!(play.alarms(), "0@2026-01-01T09:00:00.000Z", "the clock runs again");
    assert_eq!(play.refused("cat", "take_back"), "action_not_available");
    assert_eq!(play.refused("bob", "consult_submit"), "action_not_available");

    let votes = "node a normal users:ann,bob whole
         edge go agree start -> a
         edge ok agree a -> end";
    let mut play = Play::submit(&flow(votes));
    play.to("ann", "consult", "cat").unwrap();
    play.to("bob", "consult", "dan").unwrap();
    play.act("bob", "take_back");
    assert_eq!(play.at(), "on_going a(ann asks cat&bob)");
}

#[test]
fn who_accepted_gives_it_back() {
    let text = "node a normal users:ann,bob,cat voluntary
         edge go agree start -> a
         edge ok agree a -> end";
    let mut play = Play::submit(&flow(text));
    play.act("bob", "accept");
    assert_eq!(play.offers("bob"), "ok forward consult give_back add_comment");
    assert_eq!(play.refused("ann", "give_back"), "permission_denied");
    play.to("bob", "consult", "dan").unwrap();
    assert_eq!(play.refused("bob", "give_back"), "action_not_available");
    play.act("bob", "take_back").act("bob", "give_back");
    assert_eq!(play.at(), "on_going a(ann|bob|cat?)");
    play.act("cat", "accept");
    // Whoever got it from somebody else did not accept it.
    play.to("cat", "forward", "dan").unwrap();
    assert_eq!(play.refused("dan", "give_back"), "action_not_available");
    play.to("dan", "forward", "cat").unwrap();
    assert_eq!(play.refused("cat", "give_back"), "action_not_available");

    // Nobody else is left who could accept it.
    let mut alone = Play::submit(&flow(&text.replace("bob,cat", "off,bob")));
    alone.act("ann", "accept").act("ann", "give_back");
    assert_eq!(alone.at(), "on_going a(ann|bob?)");
    alone.act("ann", "accept");
    alone.directory = crate::play::directory(&["off", "bob"]);
    assert_eq!(alone.refused("ann", "give_back"), "action_not_available");
}

#[test]
fn a_vote_is_taken_back_while_nobody_has_followed_it() {
    let text = |words: &str| {
        format!(
            "node a normal users:ann,bob,cat {words}
             edge go agree start -> a
             edge ok agree a -> end
             edge no reject a -> start"
        )
    };
    let mut play = Play::submit(&flow(&text("whole undo")));
    play.act("ann", "no");
    assert_eq!(play.at(), "rejected start(ann)", "everybody has to agree");

    let mut play = Play::submit(&flow(&text("votes:majority undo")));
    play.act("ann", "no");
    assert_eq!(play.offers("ann"), "undo add_comment");
    assert_eq!(play.refused("bob", "undo"), "action_not_available");
    play.act("bob", "ok").act("ann", "undo");
    assert_eq!(play.at(), "on_going a(ann&bob:ok&cat)");
    assert_eq!(play.refused("ann", "undo"), "action_not_available");
    play.act("cat", "ok");
    assert_eq!(play.at(), "finished end");

    let mut play = Play::submit(&flow(&text("votes:majority+in_order undo")));
    play.act("ann", "no").act("bob", "ok");
    assert_eq!(
        play.refused("ann", "undo"),
        "action_not_available",
        "bob has voted after ann"
    );
    play.act("bob", "undo").act("ann", "undo");
    assert_eq!(play.at(), "on_going a(ann&bob&cat)");
    assert_eq!(play.refused("bob", "ok"), "permission_denied", "it is ann's turn");

    let mut play = Play::submit(&flow(&text("votes:majority")));
    play.act("ann", "no");
    assert_eq!(
        play.refused("ann", "undo"),
        "action_not_available",
        "the node does not let one"
    );
}

#[test]
fn the_round_knows_who_agreed_in_it() {
    let text = "node a normal users:ann,bob
         node b normal users:cat return
         node v normal users:dan,ann,bob votes:majority undo
         edge go agree start -> a
         edge ok agree a -> b
         edge on agree b -> v
         edge back reject b -> a
         edge yes agree v -> end
         edge no reject v -> b
         edge never reject v -> start";
    let mut play = Play::submit(&flow(text));
    let agreed = |play: &Play| {
        let all = ["ann", "bob", "cat", "dan"].into_iter();
        let agreed = all.filter(|user| play.ticket.round.agreed(&(*user).into(), &play.workflow).is_some());
        agreed.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(agreed(&play), "", "sending it is no agreement");
    play.act("bob", "ok");
    assert_eq!(agreed(&play), "bob");
    play.act("cat", "back");
    assert_eq!(agreed(&play), "");
    play.act("ann", "ok").act("cat", "on").act("dan", "yes");
    assert_eq!(agreed(&play), "ann cat dan");
    play.act("dan", "undo");
    assert_eq!(agreed(&play), "ann cat", "a vote that was taken back is none");
    play.act("dan", "yes").act("ann", "no").act("bob", "no");
    assert_eq!(play.at(), "rejected b(cat)");
    assert_eq!(agreed(&play), "");
    // Rejected already, and again: a vote of the round before counts no more.
    play.back("cat", "a", false).unwrap();
    play.act("ann", "ok").act("cat", "on").act("ann", "no").act("bob", "no");
    let mut again = play;
    again.act("cat", "on").act("dan", "yes");
    assert_eq!(agreed(&again), "cat dan");
    again.back("wad", "b", false).unwrap();
    assert_eq!(agreed(&again), "");
}

#[test]
fn sub_tickets_that_are_waited_for_hold_a_return_but_not_that_of_an_admin() {
    use loonflow_engine::ticket::{ChildEnd, OpenChild};
    let mut play = {
        let mut source = loonflow_engine::test_util::definition(
            "w",
            "1.0",
            "node a normal users:ann
             node b normal users:bob return
             edge go agree start -> a
             edge ok agree a -> b
             edge done agree b -> end",
        )
        .definition();
        let nodes = source["process_schema"]["node_info_list"].as_array_mut().unwrap();
        let node = nodes.iter_mut().find(|node| node["id"] == "b").unwrap();
        node["props"]["sub_workflows"] = serde_json::json!(["sub"]);
        node["props"]["wait_for_sub_tickets"] = true.into();
        let workflow = loonflow_engine::workflow::WorkflowVersion::load(&source).unwrap();
        Play::submit(&std::sync::Arc::new(workflow))
    };
    play.act("ann", "ok");
    let child = loonflow_engine::id::TicketId::parse("01939f5a-3c00-7000-8000-000000000002").unwrap();
    let open = Command::OpenChild(OpenChild {
        child,
        workflow_id: "sub".into(),
        node: "b".into(),
        by: "bob".into(),
        depth: 0,
    });
    play.command(&open).unwrap();
    assert_eq!(play.back("bob", "a", false).err().unwrap().code(), "sub_tickets_open");
    let mut closing = play.clone();
    play.back("wad", "a", false).unwrap();
    assert_eq!(play.at(), "on_going a(ann)");
    assert_eq!(play.ticket.n_open_children(), 1, "it goes on, and nobody waits");
    play.act("ann", "ok").act("bob", "done");

    let mut command = closing.handle(
        "wad",
        "return_to",
        "return_to",
        &With {
            to_node: Some("a"),
            comment: Some("not yet"),
            ..With::default()
        },
    );
    if let Command::Act(act) = &mut command {
        act.closes_children = true;
    }
    closing.command(&command).unwrap();
    let is_closing = |work: &Work| matches!(work, Work::CloseChild { child: of, .. } if *of == child);
    assert!(closing.ticket.effects.iter().any(|(_, open)| is_closing(&open.work)));
    closing
        .command(&Command::EndChild {
            child,
            state: ChildEnd::Closed,
        })
        .unwrap();
}

#[test]
fn a_rehearsed_return_tells_the_move() {
    let play = three("return");
    let command = play.handle(
        "cat",
        "return_to",
        "return_to",
        &With {
            to_node: Some("a"),
            resume: true,
            comment: Some("not yet"),
            ..With::default()
        },
    );
    let context = crate::play::context(
        &play.workflow,
        &play.directory,
        play.now,
        loonflow_engine::ticket::Draw::Preview,
    );
    let events = loonflow_engine::ticket::decide(Some(&play.ticket), &command, &context).unwrap();
    let told = preview(Some(&play.ticket), &events, &command.meta(&context), &context);
    assert_eq!(told.act_state, ActState::Rejected);
    let moves = told
        .moves
        .iter()
        .map(|one| format!("{} {} {}", one.via, one.from, one.to));
    assert_eq!(moves.collect::<Vec<_>>(), ["return_to c a"]);
    assert_eq!(
        told.events,
        ["action_taken", "token_returned", "node_entered", "state_changed"]
    );
}

#[test]
fn a_history_tells_where_to_and_what_was_undone() {
    let text = "node a normal users:ann undo
         node b normal users:bob return
         edge go agree start -> a
         edge ok agree a -> b
         edge done agree b -> end";
    let mut play = Play::submit(&flow(text));
    let meta = |user: &str| Meta {
        at: crate::play::NOW,
        by: Processor::User(user.into()),
        app: None,
        access_token: None,
    };
    let mut commits = vec![(meta("ann"), play.events.clone())];
    play.act("ann", "ok");
    commits.push((meta("ann"), play.events.clone()));
    play.back("bob", "a", true).unwrap();
    commits.push((meta("bob"), play.events.clone()));
    for what in ["ok", "undo", "ok"] {
        play.act("ann", what);
        commits.push((meta("ann"), play.events.clone()));
    }
    let told = entries(&commits, &play.workflow, &play.directory, &Default::default());
    let told: Vec<String> = told
        .iter()
        .map(|one| {
            let to = one.returned_to.as_ref().map_or("", |(node, _)| node.as_str());
            let marks = [
                (one.resume, "resume"),
                (one.resumed, "resumed"),
                (one.is_undone, "undone"),
            ];
            let marks: Vec<&str> = marks.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
            format!("{} {to} {}", one.action_id, marks.join(" "))
        })
        .collect();
    let expected = [
        "go  ",
        "ok  ",
        "return_to a resume",
        "ok  resumed undone",
        "undo  ",
        "ok  resumed",
    ];
    assert_eq!(told, expected);
}
