//! Who is assigned, and what holders do with a node (semantics: assignees, strategies, actions).

use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::{self, User};
use loonflow_engine::id::UserId;
use loonflow_engine::ticket::{Command, Draw, Event, Refusal, decide, decide_with_outcome};
use loonflow_engine::value::Value;

use crate::play::{NOW, Play, With, context, creation, directory, flow};

/// One normal node with a rule, flags and its strategy.
fn one(rest: &str) -> Play {
    Play::submit(&one_flow(rest))
}

fn one_flow(rest: &str) -> std::sync::Arc<loonflow_engine::workflow::WorkflowVersion> {
    flow(&format!(
        "form who:user
         node a normal {rest}
         edge go agree start -> a
         edge ok agree a -> end
         edge more other a -> a
         edge no reject a -> start"
    ))
}

#[test]
fn every_rule_names_its_users_and_drops_the_inactive() {
    for (rule, expected) in [
        ("users:bob,ann,bob,off", "a(bob|ann)"),
        ("roles:crew", "a(ann|bob)"),
        ("depts:sub", "a(cat)"),
        ("variables:creator", "a(ann)"),
        ("variables:creator_dept_approver", "a(bob)"),
        ("variables:creator_dept_leader", "a(dan)"),
    ] {
        assert_eq!(one(rule).at(), format!("on_going {expected}"), "{rule}");
    }
    let everyone = one("depts:top").at();
    assert!(
        everyone.contains("cat") && everyone.contains("ann") && !everyone.contains("off"),
        "{everyone}"
    );
    let nearest = Play::submit_with(&one_flow("variables:creator_dept_approver"), "cat", &[]).unwrap();
    assert_eq!(
        nearest.at(),
        "on_going a(bob)",
        "the nearest ancestor that has approvers"
    );
    let who = [("who", Value::text("dan"))];
    let by_field = Play::submit_with(&one_flow("ticket_field:who"), "ann", &who).unwrap();
    assert_eq!(by_field.at(), "on_going a(dan)");
}

#[test]
fn nobody_to_assign_refuses_a_person_and_changes_nothing() {
    for rule in [
        "users:off",
        "roles:empty",
        "depts:far",
        "ticket_field:who",
        "users:ann exclude_creator",
    ] {
        let refused = Play::submit_with(&one_flow(rule), "ann", &[])
            .err()
            .map(|refusal| refusal.code());
        assert_eq!(refused, Some("no_assignee"), "{rule}");
    }
}

#[test]
fn a_refusal_says_why_nobody_is_left() {
    for (rule, reason) in [
        ("users:off", "everyone named is inactive"),
        ("roles:empty", "the roles have no active members"),
        ("depts:far", "the departments have no active members"),
        ("ticket_field:who", "no user is filled in at `who`"),
        (
            "users:ann exclude_creator",
            "everyone named is inactive or the creator, who is excluded here",
        ),
    ] {
        match Play::submit_with(&one_flow(rule), "ann", &[]).err() {
            Some(Refusal::NoAssignee { node, reason: said, .. }) => {
                assert_eq!((node.as_str(), said.as_str()), ("a", reason), "{rule}");
            }
            other => panic!("{rule}: {other:?}"),
        }
    }
}

#[test]
fn a_node_is_given_to_a_thousand_and_no_more() {
    let workflow = one_flow("roles:crew");
    let assigned = |n: usize| {
        let mut crew = Directory::clone(&directory(&["ann", "bob", "off"]));
        for idx in 0..n {
            let user = User {
                id: format!("crew-{idx}").into(),
                is_active: true,
                roles: vec!["crew".into()],
                ..User::clone(&crew.users["dan"])
            };
            crew = account::apply::apply(crew, &account::event::Event::UserPut(Box::new(user)));
        }
        let command = Command::Create(creation("dan", Some("go")));
        let context = context(&workflow, &crew, NOW, Draw::Preview);
        let (_, ticket) = decide_with_outcome(None, &command, &context)?;
        Ok(ticket.tokens[0].rest.waiting().count())
    };
    assert_eq!(assigned(1_000), Ok(1_000));
    match assigned(1_001) {
        Err(Refusal::NoAssignee { reason, .. }) => assert_eq!(reason, "1001 users are named, more than 1000"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rehearsed_draw_shows_the_whole_pool() {
    let workflow = one_flow("users:bob,cat,dan random");
    let entered = |draw: Draw| {
        let play = Play::create(&workflow, "ann", None, &[]).unwrap();
        let command = play.handle("ann", "agree", "go", &With::default());
        let events = decide(
            Some(&play.ticket),
            &command,
            &context(&workflow, &play.directory, NOW, draw),
        );
        let entered = events.unwrap().into_iter().find_map(|event| {
            if let Event::NodeEntered { node, rest, pool, .. } = event {
                (node.as_str() == "a").then_some((rest, pool))
            } else {
                None
            }
        });
        let (rest, pool) = entered.unwrap();
        (rest.waiting_for(), pool.unwrap())
    };
    let pool: Vec<UserId> = ["bob", "cat", "dan"].map(UserId::from).to_vec();
    assert_eq!(entered(Draw::Preview), (pool.clone(), pool.clone()));
    let (drawn, among) = entered(Draw::Seed(7));
    assert_eq!((drawn.len(), among), (1, pool));
}

#[test]
fn who_acted_is_kept_apart_from_who_said_something() {
    let workflow = flow(
        "node g exclusive default:on
         node a normal users:bob,cat
         node w timer duration:PT1H
         node b normal users:dan
         edge go agree start -> g
         edge on condition g -> a
         edge ok agree a -> w
         edge due other w -> b
         edge done agree b -> end",
    );
    let mut play = Play::submit(&workflow);
    let comment = With {
        comment: Some("well"),
        ..With::default()
    };
    play.act_with("cat", "add_comment", "add_comment", comment).unwrap();
    play.act("bob", "ok");
    play.now = play.now.plus_ms(3_600_000);
    play.fire().unwrap();
    let processed: Vec<&str> = play.ticket.processed.iter().map(|user| user.as_str()).collect();
    assert_eq!(processed, ["ann", "bob"], "a comment makes nobody a processor");
    let last = play.ticket.last_handlers.iter();
    let last: Vec<_> = last.map(|(node, user)| (node.as_str(), user.as_str())).collect();
    assert_eq!(
        last,
        [("a", "bob"), ("start", "ann")],
        "gateways and timers are handled by nobody"
    );
}

#[test]
fn nobody_to_assign_after_a_timer_is_left_to_those_who_intervene() {
    let workflow = flow(
        "node wait timer duration:PT1H
         node a normal roles:empty
         edge go agree start -> wait
         edge due other wait -> a
         edge ok agree a -> end",
    );
    let mut play = Play::submit(&workflow);
    play.now = play.now.plus_ms(3_600_000);
    play.fire().unwrap();
    assert_eq!(play.at(), "on_going a(nobody)");
    assert!(play.ticket.intervention.is_some());
    play.to("wad", "force_forward", "cat").unwrap();
    assert_eq!(play.at(), "on_going a(cat)");
    assert!(play.ticket.intervention.is_none());
    assert_eq!(play.act("cat", "ok").at(), "finished end");
}

#[test]
fn with_one_assignee_every_strategy_is_direct() {
    for strategy in ["random", "voluntary", "whole", ""] {
        assert_eq!(
            one(&format!("users:bob {strategy}")).at(),
            "on_going a(bob)",
            "{strategy}"
        );
    }
}

#[test]
fn everyone_assigned_is_told_once() {
    let assigned = |play: &Play| {
        let all = play.ticket.tokens[0].rest.assignees();
        all.map(|user| user.as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut play = one("users:bob,cat");
    assert_eq!(assigned(&play), "bob cat");
    play.to("bob", "consult", "dan").unwrap();
    assert_eq!(assigned(&play), "bob cat dan");
    let mut play = one("users:bob,cat");
    play.to("bob", "consult", "cat").unwrap();
    assert_eq!(assigned(&play), "bob cat", "one of the holders is asked");
    let mut play = one("users:bob,cat,dan whole");
    play.to("bob", "consult", "ann").unwrap();
    assert_eq!(assigned(&play), "bob cat dan ann");
    play.to("cat", "forward", "ann").unwrap();
    assert_eq!(assigned(&play), "bob ann dan", "who was asked has a share now");
    assert_eq!(assigned(&one("users:bob,cat voluntary")), "bob cat");
}

#[test]
fn only_a_node_that_excludes_the_creator_is_not_given_to_it() {
    for (rest, code) in [
        ("users:bob", None),
        ("users:bob exclude_creator", Some("invalid_argument")),
    ] {
        for word in ["forward", "force_forward"] {
            let mut play = one(rest);
            let who = if word == "forward" { "bob" } else { "dis" };
            let refused = play.to(who, word, "ann").err().map(|refusal| refusal.code());
            assert_eq!(refused, code, "{word} {rest}");
            assert!(one(rest).to(who, word, "cat").is_ok(), "{word} {rest}");
        }
    }
}

#[test]
fn any_one_of_several_acts() {
    let mut play = one("users:bob,cat");
    assert_eq!(play.at(), "on_going a(bob|cat)");
    assert_eq!(play.refused("ann", "ok"), "permission_denied");
    assert_eq!(play.act("cat", "ok").at(), "finished end");
}

#[test]
fn a_draw_is_among_the_pool_and_fixed_by_the_seed() {
    let workflow = one_flow("users:bob,cat,dan random");
    let mut seen = std::collections::BTreeSet::new();
    let mut play = Play::submit(&workflow);
    for seed in 0..40 {
        play.seed = seed;
        let holder = play.ticket.tokens[0].rest.waiting_for()[0].as_str().to_owned();
        play.act(&holder.clone(), "more");
        seen.insert(play.at());
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

#[test]
fn a_voluntary_node_is_accepted_once_and_then_held_alone() {
    let mut play = one("users:bob,cat voluntary");
    assert_eq!(play.at(), "on_going a(bob|cat?)");
    assert_eq!(play.offers("bob"), "accept add_comment");
    assert_eq!(
        play.refused("bob", "ok"),
        "action_not_available",
        "someone must accept first"
    );
    assert_eq!(play.act("bob", "accept").at(), "on_going a(bob)");
    assert_eq!(play.refused("cat", "accept"), "action_not_available");
    assert_eq!(play.refused("cat", "ok"), "permission_denied");
    assert_eq!(play.act("bob", "ok").at(), "finished end");
}

#[test]
fn everyone_acts_and_the_last_choice_decides() {
    let mut play = one("users:bob,cat,dan whole");
    assert_eq!(play.at(), "on_going a(bob&cat&dan)");
    assert_eq!(play.act("cat", "ok").at(), "on_going a(bob&cat:ok&dan)");
    assert_eq!(play.refused("cat", "ok"), "permission_denied", "each acts once");
    play.act("bob", "ok");
    assert_eq!(
        play.act("dan", "more").at(),
        "on_going a(bob&cat&dan)",
        "the edge that the last one chose"
    );
}

#[test]
fn a_reject_by_anyone_is_taken_at_once() {
    let mut play = one("users:bob,cat,dan all");
    play.act("cat", "ok");
    assert_eq!(play.act("bob", "no").at(), "rejected start(ann)");
}

#[test]
fn a_forward_moves_one_place() {
    let mut play = one("users:bob,cat");
    play.to("bob", "forward", "dan").unwrap();
    assert_eq!(play.at(), "on_going a(dan|cat)");
    assert_eq!(play.offers("bob"), "add_comment", "bob keeps sight of it");
    play.to("dan", "forward", "cat").unwrap();
    assert_eq!(play.at(), "on_going a(cat)");
    for target in ["cat", "off", "nobody", ""] {
        assert_eq!(
            play.to("cat", "forward", target).unwrap_err().code(),
            "invalid_argument",
            "{target}"
        );
    }
}

#[test]
fn a_share_goes_to_someone_without_one_while_it_is_open() {
    let mut play = one("users:bob,cat whole");
    assert_eq!(play.to("bob", "forward", "cat").unwrap_err().code(), "invalid_argument");
    play.to("bob", "forward", "dan").unwrap();
    assert_eq!(play.at(), "on_going a(dan&cat)");
    play.act("dan", "ok");
    assert_eq!(
        play.to("dan", "forward", "bob").unwrap_err().code(),
        "permission_denied"
    );
    play.to("dis", "force_forward", "bob").unwrap();
    assert_eq!(play.at(), "on_going a(bob)", "votes are discarded");
}

#[test]
fn whoever_is_consulted_holds_the_node_until_it_answers() {
    let mut play = one("users:bob,cat");
    play.to("bob", "consult", "dan").unwrap();
    assert_eq!(play.at(), "on_going a(bob asks dan)");
    assert_eq!(play.offers("dan"), "consult_submit add_comment");
    assert_eq!(play.offers("bob"), "take_back add_comment");
    assert_eq!(play.refused("cat", "ok"), "permission_denied");
    assert_eq!(play.act("dan", "consult_submit").at(), "on_going a(bob|cat)");
    assert_eq!(play.offers("dan"), "add_comment", "the consulted keeps sight of it");
    assert_eq!(play.to("bob", "consult", "bob").unwrap_err().code(), "invalid_argument");
}

#[test]
fn a_consult_suspends_one_share_alone() {
    let mut play = one("users:bob,cat whole");
    play.to("bob", "consult", "dan").unwrap();
    assert_eq!(play.at(), "on_going a(bob asks dan&cat)");
    assert_eq!(play.to("cat", "consult", "dan").unwrap_err().code(), "invalid_argument");
    assert_eq!(play.to("cat", "consult", "bob").unwrap_err().code(), "invalid_argument");
    assert_eq!(play.act("cat", "ok").at(), "on_going a(bob asks dan&cat:ok)");
    play.act("dan", "consult_submit");
    assert_eq!(play.act("bob", "ok").at(), "finished end");
}

#[test]
fn no_self_approval_where_the_creator_is_excluded() {
    let mut play = one("users:ann,bob,cat exclude_creator");
    assert_eq!(play.at(), "on_going a(bob|cat)");
    for (who, word) in [("bob", "forward"), ("dis", "force_forward")] {
        assert_eq!(
            play.to(who, word, "ann").unwrap_err().code(),
            "invalid_argument",
            "{word}"
        );
    }
    assert_eq!(
        one("users:ann,bob").at(),
        "on_going a(ann|bob)",
        "by default the creator may be one"
    );
}

#[test]
fn the_last_handler_gets_it_back_while_active() {
    let workflow = flow(
        "node a normal users:bob,cat voluntary remember
         node b normal users:dan
         edge go agree start -> a
         edge ok agree a -> b
         edge back reject b -> a
         edge done agree b -> end",
    );
    let mut play = Play::submit(&workflow);
    play.act("cat", "accept").act("cat", "ok");
    let mut gone = play.clone();
    assert_eq!(play.act("dan", "back").at(), "rejected a(cat)");
    gone.directory = directory(&["off", "cat"]);
    assert_eq!(gone.act("dan", "back").at(), "rejected a(bob)");
}

#[test]
fn a_user_who_goes_leaves_tickets_that_only_it_held() {
    for (rest, marked) in [
        ("users:bob", true),
        ("users:bob,cat", false),
        ("users:bob,cat whole", false),
        ("users:bob,cat votes:count(2)", true),
    ] {
        let mut play = one(rest);
        play.directory = directory(&["off", "bob"]);
        play.command(&Command::ReviewHolders).unwrap();
        assert_eq!(play.ticket.intervention.is_some(), marked, "{rest}");
        play.directory = directory(&["off"]);
        play.command(&Command::ReviewHolders).unwrap();
        assert!(play.ticket.intervention.is_none(), "{rest}");
    }
}

#[test]
fn the_reason_for_help_is_told_once_and_kept_up_to_date() {
    let mut play = one("users:bob,cat votes:count(2)");
    let review = |play: &mut Play, inactive: &[&str]| -> Vec<&'static str> {
        play.directory = directory(inactive);
        play.command(&Command::ReviewHolders).unwrap();
        play.events.iter().map(Event::name).collect()
    };
    assert_eq!(review(&mut play, &["bob"]), ["intervention_needed"]);
    assert_eq!(
        play.ticket.intervention.as_deref(),
        Some("someone who must act at node `a` is no longer active")
    );
    assert_eq!(review(&mut play, &["bob"]), [""; 0], "it is known");
    play.act_with(
        "dis",
        "force_forward",
        "force_forward",
        With {
            target: Some("cat"),
            ..With::default()
        },
    )
    .unwrap();
    assert_eq!(review(&mut play, &["cat"]), ["intervention_needed"]);
    assert_eq!(
        play.ticket.intervention.as_deref(),
        Some("whoever holds node `a` is no longer active")
    );
    let mut play = one("users:bob,cat votes:count(2)");
    review(&mut play, &["bob"]);
    play.act_with(
        "dis",
        "force_forward",
        "force_forward",
        With {
            target: Some("dan"),
            ..With::default()
        },
    )
    .unwrap();
    assert_eq!(play.ticket.intervention, None);
    // One command may change what the reason is.
    let workflow = flow(
        "node a normal users:bob,cat votes:count(2)
         node h hook
         node b normal users:dan
         edge go agree start -> a
         edge ok agree a -> h
         edge on other h -> b
         edge done agree b -> end",
    );
    let mut play = Play::submit(&workflow);
    review(&mut play, &["bob"]);
    play.act_with(
        "adm",
        "force_alter_node",
        "force_alter_node",
        With {
            to_node: Some("b"),
            ..With::default()
        },
    )
    .unwrap();
    review(&mut play, &["dan"]);
    play.directory = directory(&["dan", "ann"]);
    play.act_with(
        "adm",
        "force_alter_node",
        "force_alter_node",
        With {
            to_node: Some("start"),
            ..With::default()
        },
    )
    .unwrap();
    assert_eq!(
        play.ticket.intervention.as_deref(),
        Some("nobody could be assigned at node `start`")
    );
}

#[test]
fn a_draft_and_a_ticket_that_is_over_need_no_help() {
    for over in [false, true] {
        let mut play = if over {
            one("users:bob")
        } else {
            Play::create(&one_flow("users:bob"), "ann", None, &[]).unwrap()
        };
        if over {
            play.act("bob", "ok");
        }
        play.directory = directory(&["ann", "bob"]);
        play.command(&Command::ReviewHolders).unwrap();
        assert_eq!(play.ticket.intervention, None);
    }
}

/// Drawn with many seeds, everyone of the pool comes up as often as the others.
#[test]
fn draws_favour_nobody() {
    let workflow = one_flow("users:bob,cat,dan random");
    let play = Play::create(&workflow, "ann", None, &[]).unwrap();
    let command = play.handle("ann", "agree", "go", &With::default());
    let mut drawn = std::collections::BTreeMap::new();
    for seed in 0..3_000 {
        let context = context(&workflow, &play.directory, NOW, Draw::Seed(seed));
        let (_, ticket) = decide_with_outcome(Some(&play.ticket), &command, &context).unwrap();
        *drawn.entry(ticket.tokens[0].rest.waiting_for()).or_insert(0) += 1;
    }
    // Of 3,000 draws 1,000 each; five standard deviations are 129.
    assert!(
        drawn.len() == 3 && drawn.values().all(|n| (871..=1_129).contains(n)),
        "{drawn:?}"
    );
}

#[test]
fn several_tokens_ask_for_the_node_and_two_on_one_node_go_by_age() {
    let workflow = flow(
        "node s parallel
         node a normal users:bob
         node b normal users:bob
         node m parallel
         edge go agree start -> s
         edge x condition s -> a
         edge y condition s -> b
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge b_a other b -> a
         edge out other m -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(play.to("bob", "forward", "cat").unwrap_err().code(), "ambiguous_node");
    let at = |node| With {
        node: Some(node),
        target: Some("cat"),
        ..With::default()
    };
    play.act_with("bob", "forward", "forward", at("b")).unwrap();
    assert_eq!(play.at(), "on_going a(bob) b(cat)");
    assert_eq!(
        play.act_with("bob", "forward", "forward", at("b"))
            .err()
            .unwrap()
            .code(),
        "permission_denied"
    );
    play.act("cat", "b_a");
    assert_eq!(play.at(), "on_going a(bob) a(bob)", "two tokens on one node stay two");
    let older = play.ticket.tokens[0].id;
    play.act("bob", "a_ok");
    assert!(
        play.ticket.token(older).unwrap().node.as_str() == "m",
        "the older one acts first"
    );
    assert_eq!(play.act("bob", "a_ok").at(), "finished end");
}
