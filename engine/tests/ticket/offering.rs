//! What an offered action says of itself, which node comes first, and what is recorded of the one taken
//! (semantics: offers).

use loonflow_engine::ticket::{ActState, Event, HookOutcome};
use loonflow_engine::ticket::{ActionKind, OfferedActions};

use crate::play::{Play, With, flow};

const BOTH: &str = "
    node s parallel
    node a normal users:bob
    node b normal users:bob
    node m parallel
    edge go agree start -> s
    edge x condition s -> a
    edge y condition s -> b
    edge a_ok agree a -> m
    edge a_no reject a -> end
    edge a_back reject a -> start
    edge b_ok agree b -> m
    edge b_out other b -> m
    edge out other m -> end";

/// `id at node as "name"`, with `!` where there is no simple way back.
fn told(found: &OfferedActions) -> Vec<String> {
    let one = |one: &loonflow_engine::ticket::OfferedAction| {
        let mark = if one.is_destructive { "!" } else { "" };
        format!("{}{mark} at {} as {:?}", one.id, one.node, one.name)
    };
    found.iter().map(one).collect()
}

#[test]
fn an_offer_has_id_node_name_and_says_whether_there_is_a_way_back() {
    let mut play = Play::submit(&flow(BOTH));
    assert_eq!(
        told(&play.offered("bob")),
        [
            "a_ok at a as \"a_ok\"",
            "a_no! at a as \"a_no\"",
            "a_back at a as \"a_back\"",
            "forward at a as \"Forward\"",
            "consult at a as \"Consult\"",
            "b_ok at b as \"b_ok\"",
            "b_out at b as \"b_out\"",
            "forward at b as \"Forward\"",
            "consult at b as \"Consult\"",
            "add_comment at a as \"Comment\"",
        ]
    );
    assert_eq!(
        told(&play.offered("adm")),
        [
            "add_comment at a as \"Comment\"",
            "force_forward at a as \"Force forward\"",
            "force_forward at b as \"Force forward\"",
            "force_close! at a as \"Force close\"",
            "force_alter_node! at a as \"Force to another node\"",
        ]
    );
    play.act_with(
        "bob",
        "consult",
        "consult",
        With {
            node: Some("b"),
            target: Some("cat"),
            ..With::default()
        },
    )
    .unwrap();
    assert_eq!(
        told(&play.offered("cat")),
        [
            "consult_submit at b as \"Answer the consultation\"",
            "add_comment at b as \"Comment\"",
        ]
    );
    let draft = Play::create(&flow(BOTH), "ann", None, &[]).unwrap();
    assert_eq!(
        told(&draft.offered("ann")),
        [
            "go at start as \"go\"",
            "discard! at start as \"Discard the draft\"",
            "add_comment at start as \"Comment\"",
        ]
    );
}

#[test]
fn only_a_draft_is_discarded_and_start_is_nobody_elses() {
    let mut play = Play::submit(&flow(BOTH));
    assert_eq!(told(&play.offered("ann")), ["add_comment at a as \"Comment\""]);
    play.act("bob", "a_back");
    assert_eq!(play.at(), "rejected start(ann)");
    assert_eq!(
        told(&play.offered("ann")),
        ["go at start as \"go\"", "add_comment at start as \"Comment\""]
    );
}

#[test]
fn an_edge_without_a_name_is_called_by_its_id() {
    let flow = flow("node a normal users:bob\n edge go agree start -> a\n edge ok agree a -> end");
    let mut source = serde_json::Value::clone(&flow.source);
    for (idx, name) in ["Send it off", "  "].into_iter().enumerate() {
        source["process_schema"]["edge_info_list"][idx]["name"] = name.into();
    }
    let named = loonflow_engine::workflow::WorkflowVersion::load(&source)
        .unwrap()
        .into();
    let draft = Play::create(&named, "ann", None, &[]).unwrap();
    assert_eq!(told(&draft.offered("ann"))[0], "go at start as \"Send it off\"");
    assert_eq!(told(&Play::submit(&named).offered("bob"))[0], "ok at a as \"ok\"");
}

#[test]
fn the_first_node_is_that_of_the_first_action() {
    let mut play = Play::submit(&flow(BOTH));
    let nodes = |play: &Play, who: &str| {
        let found = play.offered(who);
        let word = |node: Option<&loonflow_engine::id::NodeId>| node.map_or("-", |node| node.as_str()).to_owned();
        [found.base_node(), found.admin_base_node(), found.acting_node()].map(word)
    };
    assert_eq!(nodes(&play, "bob"), ["a", "-", "a"]);
    assert_eq!(nodes(&play, "adm"), ["a", "a", "-"]);
    assert_eq!(nodes(&play, "out"), ["-", "-", "-"]);
    play.act("bob", "a_ok");
    assert_eq!(nodes(&play, "bob"), ["b", "-", "b"]);
    play.act("dis", "force_close");
    assert_eq!(nodes(&play, "dis"), ["end", "-", "-"]);
}

#[test]
fn what_was_taken_is_recorded_with_its_id_and_node() {
    let mut play = Play::submit(&flow(BOTH));
    let recorded = |play: &Play| {
        play.events.iter().find_map(|event| {
            let Event::ActionTaken(taken) = event else { return None };
            let node = taken.node.as_ref().map_or("-", |node| node.as_str());
            Some(format!("{} {} at {node}", taken.kind.word(), taken.action_id))
        })
    };
    play.act("bob", "b_ok");
    assert_eq!(recorded(&play).as_deref(), Some("agree b_ok at b"));
    let comment = With {
        comment: Some("well"),
        ..With::default()
    };
    play.act_with("bob", "add_comment", "add_comment", comment).unwrap();
    assert_eq!(recorded(&play).as_deref(), Some("add_comment add_comment at a"));
    play.act("dis", "force_close");
    assert_eq!(recorded(&play).as_deref(), Some("force_close force_close at a"));
}

#[test]
fn what_concerns_the_whole_ticket_may_name_any_node_with_a_token() {
    let mut play = Play::submit(&flow(BOTH));
    let at = |node| With {
        node: Some(node),
        comment: Some("well"),
        ..With::default()
    };
    for (node, token) in [("a", 2), ("b", 3)] {
        play.act_with("ann", "add_comment", "add_comment", at(node)).unwrap();
        match play.events.as_slice() {
            [Event::ActionTaken(taken)] => {
                assert_eq!(taken.node.as_ref().map(|node| node.as_str()), Some(node));
                assert_eq!(taken.token.map(|token| token.0), Some(token));
            }
            other => panic!("{other:?}"),
        }
    }
    let refused = play.act_with("ann", "add_comment", "add_comment", at("end")).err();
    assert_eq!(refused.map(|refusal| refusal.code()), Some("invalid_argument"));
}

#[test]
fn a_hook_is_retried_once_it_has_failed() {
    let workflow = flow(
        "node h hook
         node a normal users:bob
         edge go agree start -> h
         edge on other h -> a
         edge ok agree a -> end",
    );
    let mut play = Play::submit(&workflow);
    assert_eq!(
        play.offers("adm"),
        "add_comment return_to skip force_close force_alter_node"
    );
    play.report(HookOutcome::Failed("no answer".into())).unwrap();
    assert_eq!(
        play.offers("adm"),
        "add_comment return_to retry_hook skip force_close force_alter_node"
    );
}

/// One line per kind: what it needs, and whether it takes the right to intervene.
#[test]
fn kinds_say_what_they_need() {
    let told = |kind: ActionKind| {
        let mark = if kind.is_admin() { " (admin)" } else { "" };
        let needs: Vec<String> = kind.needs().iter().map(|one| format!("{one:?}")).collect();
        format!("{}{mark}: {}", kind.word(), needs.join(" "))
    };
    assert_eq!(
        ActionKind::ALL.map(told),
        [
            "agree: ",
            "reject: ",
            "other: ",
            "accept: ",
            "forward: TargetUser",
            "consult: TargetUser",
            "consult_submit: ",
            "add_comment: Comment",
            "withdraw: ",
            "force_forward (admin): TargetUser",
            "force_close (admin): ",
            "force_alter_node (admin): TargetNode",
            "retry_hook (admin): ",
            "discard: ",
            "skip (admin): ",
            "abstain: ",
            "add_signer: TargetUser",
            "take_back: ",
            "return_to: TargetNode Comment",
            "undo: ",
            "give_back: ",
        ]
    );
}

#[test]
fn states_are_read_by_their_words() {
    let words = ["in_draft", "on_going", "rejected", "withdrawn", "finished", "closed"];
    for word in words {
        assert_eq!(ActState::parse(word).map(ActState::word), Some(word));
    }
    assert_eq!(ActState::parse("done"), None);
}
