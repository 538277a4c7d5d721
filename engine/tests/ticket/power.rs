//! Withdraw, discard, the force actions, migration, states that are final (semantics: actions, states, migration).

use std::collections::BTreeMap;

use loonflow_engine::ticket::{ActState, Command, Context, Draw, Refusal, decide};

use crate::play::{Play, With, flow, named_flow};

const TWO: &str = "
    node s parallel
    node a normal users:bob withdraw
    node b normal users:cat withdraw
    node m parallel
    node c normal users:dan
    edge go agree start -> s
    edge x condition s -> a
    edge y condition s -> b
    edge a_ok agree a -> m
    edge b_ok agree b -> m
    edge out other m -> c
    edge c_no reject c -> end
    edge done agree c -> end";

#[test]
fn the_creator_withdraws_while_every_node_allows_it() {
    let mut play = Play::submit(&flow(TWO));
    assert_eq!(play.refused("bob", "withdraw"), "permission_denied");
    play.act("bob", "a_ok");
    assert_eq!(
        play.clone().act("ann", "withdraw").at(),
        "withdrawn start(ann)",
        "a token at a merge is passed over"
    );
    play.act("cat", "b_ok");
    assert_eq!(
        play.refused("ann", "withdraw"),
        "action_not_available",
        "c does not allow it"
    );
    let mut play = Play::submit(&flow(TWO));
    play.act("ann", "withdraw");
    assert_eq!(play.refused("ann", "withdraw"), "action_not_available", "not at start");
    assert_eq!(play.act("ann", "go").at(), "on_going a(bob) b(cat)");
}

#[test]
fn a_token_that_takes_the_place_of_others_is_a_new_one() {
    let mut play = Play::submit(&flow(TWO));
    assert_eq!(play.token_ids(), [2, 3]);
    play.act("ann", "withdraw");
    assert_eq!(play.token_ids(), [4]);
    play.act("ann", "go");
    assert_eq!(play.token_ids(), [5, 6]);
    play.act("dis", "force_close");
    assert_eq!(play.token_ids(), [7]);
}

#[test]
fn a_timer_without_leave_forbids_to_withdraw() {
    let workflow = flow(
        "node wait timer duration:PT1H
         node a normal users:bob
         edge go agree start -> wait
         edge due other wait -> a
         edge ok agree a -> end",
    );
    assert_eq!(
        Play::submit(&workflow).refused("ann", "withdraw"),
        "action_not_available"
    );
}

#[test]
fn force_is_for_those_who_intervene() {
    let words = "force_forward force_forward force_close force_alter_node";
    let play = Play::submit(&flow(TWO));
    for who in ["adm", "wad", "dis"] {
        assert_eq!(play.offers(who), format!("add_comment {words}"), "{who}");
    }
    for who in ["ann", "bob", "vie"] {
        assert!(!play.offers(who).contains("force"), "{who}");
        assert_eq!(play.clone().refused(who, "force_close"), "permission_denied", "{who}");
    }
    assert_eq!(play.clone().refused("out", "force_close"), "ticket_not_found");
}

#[test]
fn a_forced_close_is_final() {
    let mut play = Play::submit(&flow(TWO));
    assert_eq!(play.act("dis", "force_close").at(), "closed end");
    for who in ["ann", "bob", "dis", "adm"] {
        assert_eq!(play.offers(who), "add_comment", "{who}");
    }
    assert_eq!(play.refused("dis", "force_close"), "action_not_available");
    play.act_with(
        "ann",
        "add_comment",
        "add_comment",
        With {
            comment: Some("why?"),
            ..With::default()
        },
    )
    .unwrap();
    assert_eq!(play.ticket.act_state, ActState::Closed);
}

#[test]
fn a_forced_move_goes_to_a_normal_node_or_start() {
    let to = |node| With {
        to_node: Some(node),
        ..With::default()
    };
    let mut play = Play::submit(&flow(TWO));
    for node in ["s", "m", "end", "nowhere"] {
        let refused = play
            .act_with("adm", "force_alter_node", "force_alter_node", to(node))
            .err()
            .unwrap();
        assert_eq!(refused.code(), "invalid_argument", "{node}");
    }
    assert_eq!(play.refused("adm", "force_alter_node"), "invalid_argument");
    play.act_with("adm", "force_alter_node", "force_alter_node", to("a"))
        .unwrap();
    assert_eq!(play.at(), "on_going a(bob)");
    assert_eq!(
        play.act("bob", "a_ok").at(),
        "on_going c(dan)",
        "a token without the fork passes the merge"
    );
    assert_eq!(play.act("dan", "c_no").at(), "rejected end");
    assert_eq!(play.offers("adm"), "add_comment");
}

#[test]
fn a_reject_then_any_other_edge() {
    let workflow = flow(
        "node a normal users:bob
         edge go agree start -> a
         edge no reject a -> start
         edge ok agree a -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(play.act("bob", "no").at(), "rejected start(ann)");
    assert_eq!(play.act("ann", "go").at(), "on_going a(bob)");
    assert_eq!(play.act("bob", "ok").at(), "finished end");
}

#[test]
fn a_draft_is_discarded_by_its_creator_and_gone() {
    let mut play = Play::create(&flow(TWO), "ann", None, &[]).unwrap();
    assert_eq!(play.offers("ann"), "go discard add_comment");
    for who in ["adm", "wad", "dis", "vie", "bob"] {
        assert_eq!(play.offers(who), "", "a draft is its creator's alone: {who}");
        assert_eq!(play.refused(who, "discard"), "ticket_not_found");
    }
    play.act("ann", "discard");
    assert_eq!(play.refused("ann", "go"), "ticket_not_found");
    assert_eq!(play.offers("ann"), "");
}

pub(crate) fn migrate(
    play: &mut Play,
    to: &str,
    nodes: &[(&str, &str)],
    operator: Option<&str>,
) -> Result<(), Refusal> {
    let target = named_flow("2.0", to);
    let nodes: BTreeMap<_, _> = nodes.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect();
    let command = Command::Migrate {
        operator: operator.map(Into::into),
        nodes,
    };
    let (workflow, directory) = (play.workflow.clone(), play.directory.clone());
    let context = Context {
        now: play.now,
        directory: &directory,
        workflow: &workflow,
        draw: Draw::Seed(0),
        parent: None,
        migrate_to: Some(&target),
        replies: None,
        files: loonflow_engine::ticket::Files::AsDescribed,
    };
    for event in decide(Some(&play.ticket), &command, &context)? {
        play.ticket.apply(&event, &command.meta(&context));
    }
    play.workflow = target;
    Ok(())
}

#[test]
fn a_migrated_ticket_goes_on_where_it_was() {
    let renamed = TWO.replace(" a ", " first ").replace("-> a\n", "-> first\n");
    let renamed = renamed.replace(" s ", " split ").replace("-> s\n", "-> split\n");
    let mut play = Play::submit(&flow(TWO));
    play.act("cat", "b_ok");
    let refused =
        |play: &Play, nodes: &[(&str, &str)], who| migrate(&mut play.clone(), &renamed, nodes, who).unwrap_err();
    assert_eq!(refused(&play, &[], None).code(), "migration_impossible");
    assert_eq!(
        refused(&play, &[("a", "c")], None).code(),
        "migration_impossible",
        "its split does not lead there"
    );
    assert_eq!(
        refused(&play, &[("a", "first"), ("c", "c")], None).code(),
        "invalid_argument"
    );
    let both = [("a", "first"), ("s", "split")];
    let same_version = Play {
        workflow: named_flow("2.0", &renamed),
        ticket: {
            let mut ticket = play.ticket.clone();
            ticket.version_name = "2.0".into();
            ticket
        },
        ..play.clone()
    };
    assert_eq!(refused(&same_version, &[], None).code(), "invalid_argument");
    let mut of_another = play.clone();
    of_another.ticket.workflow_id = "another".into();
    assert_eq!(refused(&of_another, &both, None).code(), "invalid_argument");
    for who in ["ann", "dis", "vie"] {
        assert_eq!(refused(&play, &both, Some(who)).code(), "permission_denied", "{who}");
    }
    migrate(&mut play, &renamed, &both, Some("adm")).unwrap();
    assert_eq!(play.at(), "on_going first(bob) m(merge)");
    let mut splits = play.ticket.tokens.iter().flat_map(|token| &token.forks);
    assert!(
        splits.all(|fork| fork.split.as_str() == "split"),
        "{:?}",
        play.ticket.tokens
    );
    assert_eq!(play.ticket.version_name.as_str(), "2.0");
    assert_eq!(play.act("bob", "a_ok").at(), "on_going c(dan)");
    assert_eq!(play.act("dan", "done").at(), "finished end");
    assert_eq!(
        migrate(&mut play, TWO, &[], None).unwrap_err().code(),
        "invalid_argument",
        "it is over"
    );
}
