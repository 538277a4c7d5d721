//! Edges, gateways, forks and merges, timers, hooks (semantics: game, merges, timers, hooks).

use loonflow_engine::id::TicketId;
use loonflow_engine::ticket::{Command, Context, Create, Draw, HookOutcome, decide_with_outcome};
use loonflow_engine::value::Value;

use crate::play::{DIRECTORY, NOW, Play, With, context, creation, flow, ticket_id};

fn number(text: &str) -> Value {
    Value::Number(text.into())
}

#[test]
fn a_ticket_below_another_needs_the_other_open_and_at_the_node() {
    let workflow = flow("node a normal users:bob\n edge go agree start -> a\n edge ok agree a -> end");
    let mut parent = Play::submit(&workflow);
    let below = |parent: Option<&Play>, id: TicketId, node: &str| {
        let command = Command::Create(Create {
            via: None,
            parent: Some((id, node.into())),
            ..creation("ann", Some("go"))
        });
        let context = Context {
            parent: parent.map(|parent| &parent.ticket),
            ..context(&workflow, &DIRECTORY, NOW, Draw::Seed(0))
        };
        decide_with_outcome(None, &command, &context)
            .map(|(_, ticket)| ticket.parent.is_some())
            .map_err(|refusal| refusal.code())
    };
    let (id, other) = (
        ticket_id(),
        TicketId::parse("01939f5a-3c00-7000-8000-000000000002").unwrap(),
    );
    assert_eq!(below(Some(&parent), id, "a"), Ok(true));
    assert_eq!(below(Some(&parent), id, "start"), Err("invalid_argument"));
    assert_eq!(below(Some(&parent), other, "a"), Err("invalid_argument"));
    assert_eq!(below(None, id, "a"), Err("invalid_argument"));
    parent.act("bob", "ok");
    assert_eq!(below(Some(&parent), id, "end"), Err("invalid_argument"), "it is over");
}

#[test]
fn an_exclusive_gateway_takes_the_first_that_holds_else_the_default() {
    let workflow = flow(
        "form amount:number
         node g exclusive default:small
         node a normal users:bob
         node b normal users:cat
         node c normal users:dan
         edge go agree start -> g
         edge huge condition g -> a if amount > 100
         edge big condition g -> b if amount > 10 or amount == 7 and title contains lucky
         edge small condition g -> c
         edge a_ok agree a -> end
         edge b_ok agree b -> end
         edge c_ok agree c -> end",
    );
    for (amount, expected) in [
        ("101", "a(bob)"),
        ("100", "b(cat)"),
        ("10.5", "b(cat)"),
        ("7", "c(dan)"),
        ("1", "c(dan)"),
    ] {
        let play = Play::submit_with(&workflow, "ann", &[("amount", number(amount))]).unwrap();
        assert_eq!(play.at(), format!("on_going {expected}"), "{amount}");
    }
    let lucky = [("amount", number("7")), ("title", Value::text("my lucky one"))];
    assert_eq!(
        Play::submit_with(&workflow, "ann", &lucky).unwrap().at(),
        "on_going b(cat)"
    );
    assert_eq!(
        Play::submit(&workflow).at(),
        "on_going c(dan)",
        "without a value only the default is left"
    );
}

#[test]
fn no_branch_matches_refuses_the_whole_command() {
    let workflow = flow(
        "form amount:number
         node a normal users:bob
         node g exclusive
         edge go agree start -> a
         edge on agree a -> g
         edge back condition g -> a if amount > 100
         edge out condition g -> end if amount > 10",
    );
    let mut play = Play::submit(&workflow);
    let before = play.ticket.clone();
    assert_eq!(play.refused("bob", "on"), "no_branch_matches");
    assert_eq!(play.ticket, before);
}

const NESTED: &str = "
    node s1 parallel
    node s2 parallel
    node j1 parallel
    node j2 parallel
    node legal normal users:ann
    node tech normal users:bob
    node ops normal users:cat
    node sum normal users:dan
    edge go agree start -> s1
    edge x1 condition s1 -> legal
    edge x2 condition s1 -> s2
    edge y1 condition s2 -> tech
    edge y2 condition s2 -> ops
    edge legal_ok agree legal -> j1
    edge legal_no reject legal -> start
    edge tech_ok agree tech -> j2
    edge tech_no reject tech -> start
    edge tech_out reject tech -> sum
    edge ops_ok agree ops -> j2
    edge j2o other j2 -> sum
    edge sum_ok agree sum -> j1
    edge j1o other j1 -> end";

#[test]
fn nested_forks_join_inside_out() {
    let mut play = Play::submit(&flow(NESTED));
    assert_eq!(play.at(), "on_going legal(ann) tech(bob) ops(cat)");
    assert_eq!(
        play.act("bob", "tech_ok").at(),
        "on_going legal(ann) j2(merge) ops(cat)"
    );
    assert_eq!(
        play.offers("bob"),
        "add_comment",
        "nobody acts on a token that waits at a merge"
    );
    assert_eq!(play.act("cat", "ops_ok").at(), "on_going legal(ann) sum(dan)");
    assert_eq!(play.act("ann", "legal_ok").at(), "on_going j1(merge) sum(dan)");
    assert_eq!(play.act("dan", "sum_ok").at(), "finished end");
}

#[test]
fn leaving_a_fork_cancels_the_others_and_those_nested() {
    let mut play = Play::submit(&flow(NESTED));
    play.act("bob", "tech_ok");
    assert_eq!(play.clone().act("ann", "legal_no").at(), "rejected start(ann)");
    let mut play = Play::submit(&flow(NESTED));
    assert_eq!(play.act("bob", "tech_no").at(), "rejected start(ann)");
    assert_eq!(play.act("ann", "go").at(), "on_going legal(ann) tech(bob) ops(cat)");
}

#[test]
fn leaving_an_inner_fork_keeps_the_outer_one() {
    let mut play = Play::submit(&flow(NESTED));
    assert_eq!(
        play.act("bob", "tech_out").at(),
        "rejected legal(ann) sum(dan)",
        "ops goes with the inner fork"
    );
    assert_eq!(play.act("dan", "sum_ok").at(), "on_going legal(ann) j1(merge)");
    assert_eq!(play.act("ann", "legal_ok").at(), "finished end");
}

#[test]
fn a_normal_node_can_be_the_merge_and_is_assigned_once_joined() {
    let workflow = flow(
        "node s parallel
         node a normal users:ann
         node b normal users:bob
         node m normal users:cat,dan random
         edge go agree start -> s
         edge x condition s -> a
         edge y condition s -> b
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge done agree m -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(play.act("bob", "b_ok").at(), "on_going a(ann) m(merge)");
    assert!(!play.events.iter().any(|event| event.name() == "node_entered"));
    let at = play.act("ann", "a_ok").at();
    assert!(["on_going m(cat)", "on_going m(dan)"].contains(&at.as_str()), "{at}");
}

#[test]
fn two_forks_may_share_one_merge() {
    let workflow = flow(
        "node s1 parallel
         node s2 parallel
         node a normal users:ann
         node b normal users:bob
         node c normal users:cat
         node m normal users:dan
         edge go agree start -> s1
         edge x1 condition s1 -> a
         edge x2 condition s1 -> s2
         edge y1 condition s2 -> b
         edge y2 condition s2 -> c
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge c_ok agree c -> m
         edge done agree m -> end",
    );
    for order in [["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
        let mut play = Play::submit(&workflow);
        for node in order {
            let who = [("a", "ann"), ("b", "bob"), ("c", "cat")]
                .iter()
                .find(|one| one.0 == node)
                .unwrap()
                .1;
            play.act(who, &format!("{node}_ok"));
        }
        assert_eq!(play.at(), "on_going m(dan)", "{order:?}");
        assert_eq!(play.act("dan", "done").at(), "finished end");
    }
}

const INCLUSIVE: &str = "
    form which:text
    node g inclusive default:none
    node a normal users:ann
    node b normal users:bob
    node c normal users:cat
    node m inclusive
    edge go agree start -> g
    edge x condition g -> a if which contains a
    edge y condition g -> b if which contains b
    edge none condition g -> c
    edge a_ok agree a -> m
    edge b_ok agree b -> m
    edge c_ok agree c -> m
    edge a_no reject a -> end
    edge out other m -> end";

#[test]
fn an_inclusive_gateway_forks_where_it_has_several_ways_even_for_one() {
    let forked = |text: &str| {
        let play = Play::submit(&flow(text));
        let names: Vec<_> = play.events.iter().map(|event| event.name()).collect();
        (play.at(), names.contains(&"forked"))
    };
    let one_way = "node g inclusive
         node a normal users:bob
         edge go agree start -> g
         edge on condition g -> a
         edge ok agree a -> end";
    assert_eq!(forked(one_way), ("on_going a(bob)".to_owned(), false));
    let one_of_two = "form n:number
         node g inclusive default:on
         node a normal users:bob
         node b normal users:cat
         node m parallel
         edge go agree start -> g
         edge on condition g -> a
         edge big condition g -> b if n > 10
         edge a_ok agree a -> m
         edge b_ok agree b -> m
         edge out other m -> end";
    assert_eq!(forked(one_of_two), ("on_going a(bob)".to_owned(), true));
}

#[test]
fn an_inclusive_split_waits_for_just_those_chosen() {
    let workflow = flow(INCLUSIVE);
    let start = |which: &str| Play::submit_with(&workflow, "ann", &[("which", Value::text(which))]).unwrap();
    assert_eq!(start("").at(), "on_going c(cat)");
    assert_eq!(start("").act("cat", "c_ok").at(), "finished end");
    assert_eq!(start("a").act("ann", "a_ok").at(), "finished end");
    let mut both = start("ab");
    assert_eq!(both.at(), "on_going a(ann) b(bob)");
    assert_eq!(both.act("bob", "b_ok").at(), "on_going a(ann) m(merge)");
    assert_eq!(both.clone().act("ann", "a_ok").at(), "finished end");
    assert_eq!(
        both.act("ann", "a_no").at(),
        "rejected end",
        "a reject into end is final and takes the fork along"
    );
    assert_eq!(both.offers("ann"), "add_comment");
}

#[test]
fn a_loop_inside_a_branch_stays_inside() {
    let workflow = flow(
        "node s parallel
         node a normal users:ann
         node fix normal users:cat
         node b normal users:bob
         node m parallel
         edge go agree start -> s
         edge x condition s -> a
         edge y condition s -> b
         edge a_ok agree a -> m
         edge a_fix reject a -> fix
         edge fixed agree fix -> a
         edge b_ok agree b -> m
         edge out other m -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(
        play.act("ann", "a_fix").at(),
        "rejected fix(cat) b(bob)",
        "reached by reject from inside only"
    );
    assert_eq!(play.act("cat", "fixed").at(), "on_going a(ann) b(bob)");
    play.act("bob", "b_ok");
    assert_eq!(play.act("ann", "a_ok").at(), "finished end");
}

#[test]
fn gateways_that_loop_end_in_a_refusal() {
    let workflow = flow(
        "node a normal users:ann
         node g exclusive default:round
         node h hook
         edge go agree start -> a
         edge on agree a -> g
         edge round condition g -> h
         edge out condition g -> end if title == never
         edge done other h -> a",
    );
    // A waiting node in the loop is no endless loop.
    let mut play = Play::submit(&workflow);
    for _ in 0..5 {
        play.act("ann", "on");
        play.report(HookOutcome::Succeeded).unwrap();
    }
    assert_eq!(play.at(), "on_going a(ann)");
}

#[test]
fn a_timer_fires_when_due_and_takes_the_one_way_out() {
    let workflow = flow(
        "form day:date
         node wait timer duration:P1DT2H
         node until timer until:day
         edge go agree start -> wait
         edge a other wait -> until
         edge b other until -> end",
    );
    let day = [("day", Value::text("2026-01-05"))];
    let mut play = Play::submit_with(&workflow, "ann", &day).unwrap();
    assert_eq!(play.at(), "on_going wait(2026-01-02T02:00:00.000Z)");
    assert_eq!(play.fire().unwrap_err().code(), "not_waiting");
    play.now = play.now.plus_ms(26 * 3_600_000);
    play.fire().unwrap();
    assert_eq!(play.at(), "on_going until(2026-01-05T00:00:00.000Z)");
    play.now = play.now.plus_ms(7 * 86_400_000);
    play.fire().unwrap();
    assert_eq!(play.at(), "finished end");
}

#[test]
fn a_hook_succeeds_once_and_a_failed_one_is_retried() {
    let workflow = flow(
        "node deploy hook
         node check normal users:bob
         edge go agree start -> deploy
         edge done other deploy -> check
         edge ok agree check -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(play.at(), "on_going deploy(hook 1)");
    play.report(HookOutcome::Failed("timed out".into())).unwrap();
    assert_eq!(play.at(), "on_going deploy(hook 1 failed)");
    assert!(play.ticket.intervention.is_some());
    assert_eq!(
        play.report(HookOutcome::Failed("again".into())).unwrap_err().code(),
        "not_waiting"
    );
    assert_eq!(
        play.refused("bob", "retry_hook"),
        "ticket_not_found",
        "bob has nothing to do with it yet"
    );
    assert_eq!(play.refused("ann", "retry_hook"), "permission_denied");
    assert_eq!(play.act("dis", "retry_hook").at(), "on_going deploy(hook 2)");
    assert!(play.ticket.intervention.is_none());
    let late = play.ticket.tokens[0].id;
    let stale = loonflow_engine::ticket::Command::ReportHook {
        token: late,
        attempt: 1,
        outcome: HookOutcome::Failed("timed out at last".into()),
    };
    assert_eq!(
        play.command(&stale).unwrap_err().code(),
        "not_waiting",
        "a late answer to the first request"
    );
    play.report(HookOutcome::Succeeded).unwrap();
    assert_eq!(play.at(), "on_going check(bob)");
}

/// An answer that comes twice, or late, is for the request that it answers: not for the hook behind it, nor for the same
/// hook when a loop comes back to it.
#[test]
fn a_late_answer_is_never_taken_for_another_request() {
    let workflow = flow(
        "node first hook
         node second hook
         node check normal users:bob
         edge go agree start -> first
         edge on agree first -> second
         edge done agree second -> check
         edge again reject check -> first
         edge ok agree check -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(play.at(), "on_going first(hook 1)");
    let answer = |play: &Play, attempt| loonflow_engine::ticket::Command::ReportHook {
        token: play.ticket.tokens[0].id,
        attempt,
        outcome: HookOutcome::Succeeded,
    };
    let first = answer(&play, 1);
    play.command(&first).unwrap();
    assert_eq!(play.at(), "on_going second(hook 2)");
    assert_eq!(play.command(&first).unwrap_err().code(), "not_waiting", "it came twice");
    let second = answer(&play, 2);
    play.command(&second).unwrap();
    assert_eq!(play.act("bob", "again").at(), "rejected first(hook 3)");
    for late in [&first, &second] {
        assert_eq!(
            play.command(late).unwrap_err().code(),
            "not_waiting",
            "of another round"
        );
    }
}

#[test]
fn a_fork_is_named_for_the_event_that_opened_it() {
    let text = format!(
        "{}\n edge go agree start -> s\n edge on other m -> end",
        branches("s", "m", 2)
    );
    let play = Play::submit_with(&flow(&text), "ann", &[]).unwrap();
    let opened = play.events.iter().position(|event| event.name() == "forked").unwrap() as u64 + 1;
    for token in &play.ticket.tokens {
        let forks: Vec<_> = token
            .forks
            .iter()
            .map(|fork| (fork.version, fork.split.as_str()))
            .collect();
        assert_eq!(forks, [(opened, "s")]);
    }
}

/// One branch leaves its own split's merge for the outer one's: it waits there for the tokens of the outer split alone.
#[test]
fn a_merge_waits_for_its_own_fork_at_its_own_node() {
    let workflow = flow(
        "node s parallel
         node t parallel
         node a normal users:ann
         node b normal users:bob
         node c normal users:cat
         node u parallel
         node m parallel
         edge go agree start -> s
         edge left condition s -> t
         edge right condition s -> c
         edge up condition t -> a
         edge down condition t -> b
         edge a_ok agree a -> u
         edge b_ok agree b -> u
         edge c_ok agree c -> m
         edge inner other u -> m
         edge out other m -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(play.act("cat", "c_ok").at(), "on_going m(merge) a(ann) b(bob)");
    assert_eq!(play.act("ann", "a_ok").at(), "on_going m(merge) u(merge) b(bob)");
    assert_eq!(play.act("bob", "b_ok").at(), "finished end");
}

#[test]
fn an_end_takes_whatever_is_left_along_and_is_reached_once() {
    let text = format!(
        "{}
         edge go agree start -> s
         edge on other m -> end
         edge no reject s0 -> end",
        branches("s", "m", 2)
    );
    let mut play = Play::submit(&flow(&text));
    let mut loose = play.clone();
    assert_eq!(play.act("bob", "no").at(), "rejected end");
    assert_eq!(play.token_ids(), [2], "the one that came");
    assert!(!play.events.iter().any(|event| event.name() == "tokens_replaced"));
    // Tokens that belong together by no fork: no definition leads there, a ticket of an older program might.
    for token in &mut loose.ticket.tokens {
        token.forks.clear();
    }
    assert_eq!(loose.act("bob", "no").at(), "rejected end");
    assert_eq!(loose.token_ids(), [4], "a new one in the place of all");
}

#[test]
fn gateways_that_go_round_are_a_refusal() {
    let workflow = flow(
        "form amount:number
         node g exclusive default:on
         node h exclusive default:back
         node a normal users:bob
         edge go agree start -> g
         edge out condition g -> a if amount > 10
         edge on condition g -> h
         edge back condition h -> g
         edge ok agree a -> end",
    );
    let submitted = |amount| Play::submit_with(&workflow, "ann", &[("amount", number(amount))]);
    assert_eq!(submitted("11").unwrap().at(), "on_going a(bob)");
    assert_eq!(
        submitted("1").err().map(|refusal| refusal.code()),
        Some("too_many_moves")
    );
}

/// Lines of a split `s` with as many branches, each with one normal node, that come together in `m`.
fn branches(s: &str, m: &str, n: usize) -> String {
    let branch = |idx: usize| {
        format!(
            "node {s}{idx} normal users:bob
             edge in_{s}{idx} condition {s} -> {s}{idx}
             edge out_{s}{idx} agree {s}{idx} -> {m}"
        )
    };
    let branches: Vec<String> = (0..n).map(branch).collect();
    format!("node {s} parallel\n node {m} parallel\n {}", branches.join("\n"))
}

#[test]
fn a_command_moves_a_thousand_times_at_most() {
    let tokens = |n: usize| {
        let text = format!(
            "{}\n edge go agree start -> s\n edge on other m -> end",
            branches("s", "m", n)
        );
        let play = Play::submit_with(&flow(&text), "ann", &[]);
        play.map(|play| play.ticket.tokens.len())
            .map_err(|refusal| refusal.code())
    };
    // Into start, into the split, and into a node with each token.
    assert_eq!(tokens(998), Ok(998));
    assert_eq!(tokens(999), Err("too_many_moves"));
}

#[test]
fn a_ticket_has_a_thousand_tokens_at_most() {
    let tokens = |n: usize| {
        let text = format!(
            "{}
             {}
             edge go agree start -> s
             edge more other s0 -> t
             edge on other m -> end
             edge back other u -> m",
            branches("s", "m", 600),
            branches("t", "u", n)
        );
        let mut play = Play::submit(&flow(&text));
        play.act_with("bob", "other", "more", With::default())
            .map(|play| play.ticket.tokens.len())
            .map_err(|refusal| refusal.code())
    };
    assert_eq!(tokens(401), Ok(1_000));
    assert_eq!(tokens(402), Err("too_many_moves"));
}
