//! A refusal says who may, where somebody else may, else what this user can do instead (semantics: offers).

use loonflow_engine::limits;
use loonflow_engine::ticket::Refusal;

use crate::play::{Play, With, directory, flow};

const FLOW: &str = "
    node s parallel
    node a normal users:bob,cat voluntary
    node b normal users:dan withdraw
    node m parallel
    node c normal users:bob
    edge go agree start -> s
    edge x condition s -> a
    edge y condition s -> b
    edge a_ok agree a -> m
    edge b_ok agree b -> m
    edge b_no reject b -> end
    edge on other m -> c
    edge done agree c -> end";

/// `code: sentence`, and what can be taken instead where that is what it says.
fn told(refusal: &Refusal) -> String {
    let told = format!("{}: {refusal}", refusal.code());
    let Refusal::ActionNotAvailable { available, .. } = refusal else {
        return told;
    };
    let words = available
        .iter()
        .map(|one| format!("`{}`/`{}`", one.kind.word(), one.id()))
        .collect::<Vec<_>>();
    format!("{told} | {}", words.join(", "))
}

fn refused(play: &Play, who: &str, kind: &str, id: &str, node: Option<&'static str>) -> String {
    let with = With {
        node,
        ..With::default()
    };
    let refusal = play.clone().act_with(who, kind, id, with).err();
    refusal.as_ref().map_or_else(|| "taken".to_owned(), told)
}

#[test]
fn where_somebody_else_may_it_is_said_who() {
    let mut play = Play::submit(&flow(FLOW));
    let waits = |what: &str, id: &str, node: &str, who: &str| {
        format!("permission_denied: action `{what}` with id `{id}` is not yours to take: node `{node}` waits for {who}")
    };
    let rows = [
        ("ann", "agree", "b_ok", waits("agree", "b_ok", "b", "DAN. (dan)")),
        ("ann", "reject", "b_no", waits("reject", "b_no", "b", "DAN. (dan)")),
        (
            "ann",
            "accept",
            "accept",
            waits("accept", "accept", "a", "BOB. (bob), CAT. (cat)"),
        ),
        (
            "ann",
            "forward",
            "forward",
            waits("forward", "forward", "b", "DAN. (dan)"),
        ),
        (
            "ann",
            "consult",
            "consult",
            waits("consult", "consult", "b", "DAN. (dan)"),
        ),
        (
            "dan",
            "withdraw",
            "withdraw",
            "permission_denied: action `withdraw` with id `withdraw` is not yours to take: only the creator may, ANN. (ann)"
                .to_owned(),
        ),
        (
            "dan",
            "force_close",
            "force_close",
            "permission_denied: action `force_close` with id `force_close` is not yours to take: the tenant's admins and the workflow's admins and dispatchers may".to_owned(),
        ),
    ];
    for (who, kind, id, expected) in rows {
        assert_eq!(refused(&play, who, kind, id, None), expected, "{who} {kind} {id}");
    }
    play.to("dan", "consult", "vie").unwrap();
    assert_eq!(
        refused(&play, "ann", "consult_submit", "consult_submit", None),
        waits("consult_submit", "consult_submit", "b", "VIE. (vie)")
    );
    assert_eq!(
        refused(&play, "dan", "agree", "b_ok", None),
        waits("agree", "b_ok", "b", "VIE. (vie)"),
        "while one is asked, that one"
    );
}

#[test]
fn where_nobody_may_it_is_said_what_is_open() {
    let mut play = Play::submit(&flow(FLOW));
    let open = |kind: &str, id: &str, words: &str| {
        format!("action_not_available: action `{kind}` with id `{id}` is not available now | {words}")
    };
    let anns = "`add_comment`/`add_comment`";
    let dans = "`agree`/`b_ok`, `reject`/`b_no`, `forward`/`forward`, `consult`/`consult`, `add_comment`/`add_comment`";
    let bobs = "`accept`/`accept`, `add_comment`/`add_comment`";
    let diss = "`add_comment`/`add_comment`, `force_forward`/`force_forward`, `force_forward`/`force_forward`, \
                `force_close`/`force_close`, `force_alter_node`/`force_alter_node`";
    let rows = [
        // Nobody can do these now: an edge not reached, an edge of another kind, a word with an odd id.
        ("ann", "agree", "done", None, open("agree", "done", anns)),
        ("ann", "reject", "b_ok", None, open("reject", "b_ok", anns)),
        ("ann", "agree", "a_ok", None, open("agree", "a_ok", anns)),
        ("ann", "forward", "odd", None, open("forward", "odd", anns)),
        ("ann", "consult", "odd", None, open("consult", "odd", anns)),
        (
            "ann",
            "consult_submit",
            "consult_submit",
            None,
            open("consult_submit", "consult_submit", anns),
        ),
        (
            "ann",
            "consult_submit",
            "odd",
            None,
            open("consult_submit", "odd", anns),
        ),
        ("dan", "withdraw", "odd", None, open("withdraw", "odd", dans)),
        ("ann", "withdraw", "withdraw", None, open("withdraw", "withdraw", anns)),
        ("dan", "force_close", "odd", None, open("force_close", "odd", dans)),
        (
            "dis",
            "retry_hook",
            "retry_hook",
            None,
            open("retry_hook", "retry_hook", diss),
        ),
        ("bob", "agree", "a_ok", None, open("agree", "a_ok", bobs)),
        // At a node that is named.
        ("dan", "agree", "b_ok", Some("a"), open("agree", "b_ok", dans)),
        ("ann", "agree", "b_ok", Some("a"), open("agree", "b_ok", anns)),
    ];
    for (who, kind, id, node, expected) in rows {
        assert_eq!(
            refused(&play, who, kind, id, node),
            expected,
            "{who} {kind} {id} {node:?}"
        );
    }
    assert_eq!(
        refused(&play, "dis", "force_close", "force_close", Some("c")),
        "invalid_argument: the node cannot be `c`: the ticket is not at this node"
    );
    play.act("dis", "force_close");
    assert_eq!(
        refused(&play, "dan", "agree", "b_ok", None),
        open("agree", "b_ok", anns),
        "it is over"
    );
}

#[test]
fn who_is_asked_only_answers_and_who_is_gone_does_nothing() {
    let mut play = Play::submit(&flow(FLOW));
    play.to("dan", "consult", "vie").unwrap();
    let open = "`consult_submit`/`consult_submit`, `add_comment`/`add_comment`";
    for (kind, id) in [("agree", "b_ok"), ("forward", "forward"), ("consult_submit", "odd")] {
        assert_eq!(
            refused(&play, "vie", kind, id, None),
            format!("action_not_available: action `{kind}` with id `{id}` is not available now | {open}")
        );
    }
    assert!(refused(&play, "ann", "consult_submit", "odd", None).starts_with("action_not_available"));
    play.directory = directory(&["vie"]);
    assert_eq!(
        refused(&play, "vie", "consult_submit", "consult_submit", None),
        "action_not_available: action `consult_submit` with id `consult_submit` is not available now | "
    );
}

#[test]
fn other_refusals_say_what_is_wrong_and_what_to_do() {
    let two = flow(
        "form n:number
         node s parallel
         node a normal users:bob
         node b normal users:bob n=required
         node m parallel
         node g exclusive
         edge go agree start -> s
         edge x condition s -> a
         edge y condition s -> b
         edge ok agree a -> m
         edge fine agree b -> m
         edge on other m -> g
         edge big condition g -> end if n > 10",
    );
    let mut play = Play::submit(&two);
    assert_eq!(
        refused(&play, "bob", "forward", "forward", None),
        "ambiguous_node: action `forward` fits several nodes: `a`, `b`"
    );
    let field = |key: &'static str| (key, loonflow_engine::value::Value::text("?"));
    let mut problems = |fields: &[&'static str]| {
        let with = With {
            fields: fields.iter().map(|key| field(key)).collect(),
            ..With::default()
        };
        told(&play.act_with("bob", "agree", "fine", with).err().unwrap())
    };
    assert_eq!(
        problems(&[]),
        "missing_required_fields: field `n` is required at node `b`"
    );
    assert_eq!(
        problems(&["x", "y"]),
        "unknown_field: field `x` is no field of this form; field `y` is no field of this form; field `n` is required \
         at node `b`"
    );
    assert_eq!(
        problems(&["x", "y", "z"]),
        "unknown_field: field `x` is no field of this form; field `y` is no field of this form; field `z` is no field \
         of this form; and 1 more"
    );
    play.act("bob", "ok");
    let with = With {
        fields: vec![("n", loonflow_engine::value::Value::Number("1".into()))],
        ..With::default()
    };
    let refusal = play.act_with("bob", "agree", "fine", with).err().unwrap();
    assert!(
        matches!(&refusal, Refusal::NoBranchMatches { node, .. } if node.as_str() == "g"),
        "{refusal}"
    );
}

/// Comments end first, then everything but the ticket's end; each refusal says how much there is and the way out.
#[test]
fn a_ticket_has_a_bound() {
    let mut play = Play::submit(&flow(
        "node a normal users:bob
         edge go agree start -> a
         edge keep other a -> a
         edge ok agree a -> end",
    ));
    let said = |play: &Play, who: &str, kind: &str, id: &str| {
        let with = With {
            comment: Some("x"),
            ..With::default()
        };
        play.clone().act_with(who, kind, id, with).err()
    };
    let n_bytes = play.ticket.n_bytes;
    let text = "x".repeat(1_000);
    let long = With {
        comment: Some(text.leak()),
        ..With::default()
    };
    play.act_with("bob", "add_comment", "add_comment", long).unwrap();
    assert!(
        (1_000..1_200).contains(&(play.ticket.n_bytes - n_bytes)),
        "counted by the fold"
    );

    let mut talked = play.clone();
    talked.ticket.version = limits::TICKET_EVENTS_MAX / 100 * limits::TICKET_COMMENTS_PERCENT_MAX;
    let refusal = said(&talked, "bob", "add_comment", "add_comment").unwrap();
    assert_eq!(refusal.code(), "ticket_full");
    let is_full = |refusal: &Refusal, is_for_comments: bool| matches!(refusal, Refusal::TicketFull { is_for_comments_only, .. } if *is_for_comments_only == is_for_comments);
    assert!(is_full(&refusal, true), "{refusal}");
    assert_eq!(said(&talked, "bob", "agree", "ok"), None);

    let full = [limits::TICKET_EVENTS_MAX, 100].map(|version| {
        let mut full = play.clone();
        full.ticket.version = version;
        if version == 100 {
            full.ticket.n_bytes = limits::TICKET_BYTES_MAX;
        }
        full
    });
    for full in &full {
        for (kind, id) in [
            ("other", "keep"),
            ("agree", "ok"),
            ("forward", "forward"),
            ("add_comment", "add_comment"),
        ] {
            let refusal = said(full, "bob", kind, id).unwrap();
            assert_eq!(refusal.code(), "ticket_full");
            assert!(is_full(&refusal, false), "{refusal}");
        }
        assert!(
            full.offered("bob").iter().next().is_none(),
            "what is refused is not offered"
        );
        assert_eq!(said(full, "dis", "force_close", "force_close"), None);
    }
}
