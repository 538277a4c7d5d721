//! Votes: how they are counted, which edge they take, and who goes without one (semantics: votes).

use loonflow_engine::ticket::{ActState, Command, Draw, Event, Rest, apply};
use loonflow_engine::value::Value;
use loonflow_engine::view::preview::preview;

use crate::play::{NOW, Play, With, context, directory, flow};
use crate::power::migrate;

/// One step of five people, with a rule for their votes.
fn five(votes: &str) -> Play {
    of("users:ann,bob,cat,dan,dis", votes)
}

fn of(users: &str, votes: &str) -> Play {
    Play::submit(&flow(&text(users, votes)))
}

fn text(users: &str, votes: &str) -> String {
    format!(
        "node a normal {users} votes:{votes}
         node b normal users:ann
         edge go agree start -> a
         edge ok agree a -> end
         edge more other a -> b
         edge no reject a -> start
         edge never reject a -> end
         edge done agree b -> end"
    )
}

/// `bob:ok cat:no`: what each does, and where the ticket is then.
fn play(play: &mut Play, acts: &str) -> String {
    for act in acts.split_whitespace() {
        let (who, id) = act.split_once(':').unwrap();
        play.act(who, id);
    }
    play.at()
}

#[test]
fn each_rule_ends_as_soon_as_nothing_can_change_it() {
    for (votes, acts, at) in [
        (
            "majority",
            "ann:ok bob:no cat:ok dan:no",
            "on_going a(ann:ok&bob:no&cat:ok&dan:no&dis)",
        ),
        ("majority", "ann:ok bob:no cat:ok dan:no dis:ok", "finished end"),
        ("majority", "ann:ok bob:ok cat:ok", "finished end"),
        ("majority", "ann:no bob:no cat:no", "rejected start(ann)"),
        ("percent(67)", "ann:no bob:ok", "on_going a(ann:no&bob:ok&cat&dan&dis)"),
        ("percent(67)", "ann:no bob:no", "rejected start(ann)"),
        ("percent(67)", "ann:ok bob:ok cat:ok dan:ok", "finished end"),
        (
            "any",
            "ann:no bob:no cat:no dan:no",
            "on_going a(ann:no&bob:no&cat:no&dan:no&dis)",
        ),
        ("any", "ann:no bob:ok", "finished end"),
        ("any", "ann:no bob:no cat:no dan:no dis:no", "rejected start(ann)"),
        ("any+veto", "ann:no", "rejected start(ann)"),
        ("any+veto", "ann:ok", "finished end"),
        ("majority+veto", "ann:ok bob:ok cat:no", "rejected start(ann)"),
        ("count(2)", "ann:no bob:no cat:ok dan:ok", "finished end"),
        ("count(2)", "ann:no bob:no cat:no dan:no", "rejected start(ann)"),
        ("all", "ann:ok bob:no", "rejected start(ann)"),
    ] {
        assert_eq!(play(&mut five(votes), acts), at, "{votes}: {acts}");
    }
}

#[test]
fn the_latest_vote_of_the_side_that_wins_names_the_edge() {
    assert_eq!(
        play(&mut five("majority"), "ann:ok bob:more cat:no dan:more"),
        "on_going b(ann)"
    );
    assert_eq!(
        play(&mut five("majority"), "ann:ok bob:more cat:no dan:ok"),
        "finished end"
    );
    // The one that decides may be of the other edge of its side, but never of the other side.
    assert_eq!(
        play(&mut five("majority"), "ann:never bob:ok cat:no dan:never"),
        "rejected end"
    );
    assert_eq!(
        play(&mut five("majority"), "ann:never bob:never cat:no"),
        "rejected start(ann)"
    );
}

#[test]
fn people_vote_one_after_the_other() {
    let mut one = of("users:bob,cat,dan", "majority+in_order");
    assert_eq!(one.offers("bob"), "ok more no never forward consult add_comment");
    assert_eq!(one.offers("cat"), "add_comment", "bob is first");
    assert_eq!(one.refused("cat", "ok"), "permission_denied");
    one.act("bob", "no");
    assert_eq!(one.refused("dan", "ok"), "permission_denied");
    one.act("cat", "ok");
    assert_eq!(one.act("dan", "ok").at(), "finished end");

    let mut sequence = of("users:bob,cat,dan", "sequence");
    sequence.to("bob", "consult", "dis").unwrap();
    assert_eq!(
        sequence.offers("cat"),
        "add_comment",
        "nobody passes who is being consulted for"
    );
    sequence.act("dis", "consult_submit").act("bob", "ok");
    sequence.to("cat", "forward", "dis").unwrap();
    assert_eq!(sequence.offers("dan"), "add_comment", "a share keeps its place");
    assert_eq!(play(&mut sequence, "dis:ok dan:ok"), "finished end");
}

#[test]
fn an_abstention_counts_for_neither_side() {
    let mut one = five("majority+abstain");
    one.act("ann", "abstain").act("bob", "ok");
    assert_eq!(one.at(), "on_going a(bob:ok&cat&dan&dis)");
    assert!(!one.offers("ann").contains("ok"));
    one.act("cat", "no").act("dan", "abstain");
    assert_eq!(one.act("dis", "ok").at(), "finished end", "two of three");

    // An abstention may decide, for what was voted already.
    let mut one = of("users:bob,cat,dan", "all+abstain");
    one.act("bob", "more").act("cat", "abstain");
    assert_eq!(one.act("dan", "abstain").at(), "on_going b(ann)");
    assert_eq!(one.ticket.last_handlers["a"].as_str(), "dan");
    let mut one = of("users:bob,cat,dan", "majority+abstain");
    one.act("bob", "no").act("cat", "ok");
    assert_eq!(
        one.act("dan", "abstain").at(),
        "rejected start(ann)",
        "one of two is not more than half"
    );
}

#[test]
fn nobody_abstains_where_too_few_would_be_left() {
    let mut one = of("users:bob,cat,dan", "count(2)+abstain");
    assert!(one.offers("bob").contains("abstain"));
    one.act("bob", "abstain");
    assert!(!one.offers("cat").contains("abstain"), "four eyes stay four");
    assert_eq!(one.refused("cat", "abstain"), "action_not_available");
    let mut one = of("users:bob,cat", "any+abstain");
    one.act("bob", "abstain");
    assert!(!one.offers("cat").contains("abstain"), "somebody has to vote");
    let one = of("users:bob,cat", "any");
    assert!(
        !one.offers("bob").contains("abstain"),
        "not where the rule does not say so"
    );
    let mut asked = of("users:bob,cat", "any+abstain");
    asked.to("bob", "consult", "dan").unwrap();
    assert_eq!(asked.refused("bob", "abstain"), "permission_denied", "cat could");
    assert_eq!(asked.refused("dan", "abstain"), "action_not_available");
}

#[test]
fn too_few_for_a_count_are_nobody() {
    let workflow = flow(&text("users:bob,cat,off", "count(3)"));
    let refusal = Play::submit_with(&workflow, "ann", &[]).unwrap_err();
    assert_eq!(refusal.code(), "no_assignee");
    let workflow = flow(&text("users:bob,off", "count(2)"));
    assert_eq!(
        Play::submit_with(&workflow, "ann", &[]).unwrap_err().code(),
        "no_assignee"
    );
    assert_eq!(
        of("users:bob,off", "count(1)").at(),
        "on_going a(bob)",
        "one person holds alone"
    );
}

/// What a review of the people does, by the names of its events.
fn review(play: &mut Play, inactive: &[&str]) -> Vec<&'static str> {
    play.directory = directory(inactive);
    play.command(&Command::ReviewHolders).unwrap();
    play.events.iter().map(Event::name).collect()
}

#[test]
fn whoever_leaves_loses_a_share_that_is_open() {
    let mut one = five("majority");
    one.act("ann", "ok").act("bob", "no");
    assert_eq!(
        review(&mut one, &["bob", "cat"]),
        ["share_dropped"],
        "votes that were cast stay"
    );
    assert_eq!(one.at(), "on_going a(ann:ok&bob:no&dan&dis)");
    assert_eq!(review(&mut one, &["bob", "cat"]), [""; 0]);
    assert_eq!(review(&mut one, &["cat", "dan"]), ["share_dropped"]);
    assert_eq!(one.act("dis", "ok").at(), "finished end", "two of three");

    // The last one who was open was against nothing: their going decides, and nobody did it.
    let mut one = of("users:bob,cat", "all");
    one.act("bob", "ok");
    let events = review(&mut one, &["cat"]);
    assert_eq!(events[..2], ["share_dropped", "edge_taken"], "{events:?}");
    assert_eq!(one.at(), "finished end");
    assert!(one.ticket.last_handlers.get("a").is_none());
    let mut one = of("users:bob,cat,dan", "majority");
    one.act("bob", "no");
    review(&mut one, &["cat", "dan"]);
    assert_eq!(
        one.at(),
        "rejected start(ann)",
        "as soon as one of two cannot be enough"
    );
}

#[test]
fn a_share_that_cannot_be_dropped_needs_help() {
    let mut one = of("users:bob,cat", "count(2)");
    assert_eq!(review(&mut one, &["bob"]), ["intervention_needed"]);
    assert_eq!(one.at(), "on_going a(bob&cat)");
    assert_eq!(review(&mut one, &["off"]), ["intervention_ended"]);
    // Nobody is left: one stays, for somebody to help.
    let mut one = of("users:bob,cat", "all");
    assert_eq!(
        review(&mut one, &["bob", "cat"]),
        ["share_dropped", "intervention_needed"]
    );
    assert_eq!(one.at(), "on_going a(cat)");
    // What it would decide cannot be done.
    let workflow = flow(
        "form amount:number
         node a normal users:bob,cat votes:all
         node g exclusive
         edge go agree start -> a
         edge ok agree a -> g
         edge big condition g -> end if amount > 10",
    );
    let mut one = Play::submit(&workflow);
    one.act("bob", "ok");
    assert_eq!(review(&mut one, &["cat"]), ["intervention_needed"]);
    assert_eq!(one.at(), "on_going a(bob:ok&cat)");
}

#[test]
fn whoever_leaves_holds_nothing_while_others_do() {
    let mut held = of("users:bob,cat", "all");
    let workflow = flow(
        "node a normal users:bob,cat,dan
         node c normal users:bob,cat voluntary
         edge go agree start -> a
         edge ok agree a -> c
         edge done agree c -> end",
    );
    let mut one = Play::submit(&workflow);
    assert_eq!(review(&mut one, &["bob"]), ["holder_dropped"]);
    assert_eq!(one.at(), "on_going a(cat|dan)");
    one.to("cat", "consult", "bob").unwrap_err();
    one.directory = directory(&[]);
    one.to("cat", "consult", "bob").unwrap();
    assert_eq!(review(&mut one, &["bob"]), ["holder_dropped"]);
    assert_eq!(one.at(), "on_going a(cat|dan)", "what nobody can answer was not asked");
    assert_eq!(
        review(&mut one, &["cat", "dan"]),
        ["intervention_needed"],
        "nobody is left"
    );
    assert_eq!(one.at(), "on_going a(cat|dan)");
    review(&mut one, &[]);
    one.act("cat", "ok");
    assert_eq!(one.at(), "on_going c(bob|cat?)");
    assert_eq!(review(&mut one, &["cat"]), ["holder_dropped"]);
    assert_eq!(one.at(), "on_going c(bob)", "there is nothing left to accept");

    held.to("bob", "consult", "dan").unwrap();
    assert_eq!(review(&mut held, &["dan"]), ["holder_dropped"]);
    assert_eq!(held.at(), "on_going a(bob&cat)");
}

#[test]
fn a_draft_keeps_its_creator_and_an_end_its_votes() {
    let mut draft = Play::create(&flow(&text("users:bob,cat", "any")), "ann", None, &[]).unwrap();
    assert_eq!(review(&mut draft, &["ann"]), [""; 0]);
    let mut over = of("users:bob,cat", "any");
    over.act("bob", "ok");
    assert_eq!(review(&mut over, &["bob", "cat"]), [""; 0]);
}

#[test]
fn a_share_that_is_dropped_is_no_share() {
    let mut one = of("users:bob,cat", "any+abstain");
    one.act("bob", "abstain");
    one.to("cat", "forward", "bob").unwrap();
    assert_eq!(one.at(), "on_going a(bob)");
    assert!(!one.offers("bob").contains("abstain"), "it is the last");
    assert_eq!(one.act("bob", "no").at(), "rejected start(ann)");
}

#[test]
fn those_who_voted_get_it_back() {
    let workflow = flow(
        "node a normal roles:crew votes:all remember
         node b normal users:dan
         edge go agree start -> a
         edge ok agree a -> b
         edge back reject b -> a
         edge done agree b -> end",
    );
    let mut one = Play::submit(&workflow);
    assert_eq!(one.at(), "on_going a(ann&bob)");
    one.to("ann", "forward", "cat").unwrap();
    one.act("cat", "ok").act("bob", "ok");
    let mut gone = one.clone();
    assert_eq!(one.act("dan", "back").at(), "rejected a(cat&bob)");
    assert_eq!(play(&mut one, "bob:ok cat:ok"), "on_going b(dan)", "they vote again");
    gone.directory = directory(&["cat"]);
    assert_eq!(gone.act("dan", "back").at(), "rejected a(bob)");
    // Alone they would not be enough: then the rule is asked.
    let workflow = flow(
        "node a normal users:bob,cat,dis votes:count(2) remember
         node b normal users:dan
         edge go agree start -> a
         edge ok agree a -> b
         edge back reject b -> a
         edge done agree b -> end",
    );
    let mut one = Play::submit(&workflow);
    one.to("wad", "force_forward", "cat").unwrap();
    one.act("cat", "ok");
    assert_eq!(one.act("dan", "back").at(), "rejected a(bob&cat&dis)");
}

#[test]
fn a_migration_takes_back_what_says_nothing_any_more() {
    let mut one = of("users:bob,cat,dan", "majority+abstain");
    one.act("bob", "more").act("cat", "no");
    let new = "node a normal users:ann votes:any
         node b normal users:ann
         edge go agree start -> a
         edge ok agree a -> end
         edge no agree a -> end
         edge more other a -> b
         edge done agree b -> end";
    migrate(&mut one, new, &[], None).unwrap();
    assert_eq!(
        one.at(),
        "on_going a(bob:more&cat&dan)",
        "`no` is of the other side now"
    );
    assert!(matches!(&one.ticket.tokens[0].rest, Rest::Voting(ballot) if ballot.abstain));
    one.act("cat", "no");
    assert_eq!(
        one.at(),
        "finished end",
        "two of three, by the rule that it was begun with"
    );
}

#[test]
fn a_rehearsal_says_whether_it_decides() {
    let one = five("majority");
    let outlook = |play: &Play, who: &str, id: &str| {
        let context = context(&play.workflow, &play.directory, NOW, Draw::Preview);
        let kind = if id == "no" { "reject" } else { "agree" };
        let command = play.handle(who, kind, id, &With::default());
        let events = loonflow_engine::ticket::decide(Some(&play.ticket), &command, &context).unwrap();
        let told = preview(Some(&play.ticket), &events, &command.meta(&context), &context);
        let vote = told.vote.unwrap();
        (vote.n_needed, vote.n_for, vote.decides.map(|outcome| outcome.word()))
    };
    assert_eq!(outlook(&one, "ann", "ok"), (3, 1, None));
    let mut two = one.clone();
    two.act("ann", "ok").act("bob", "ok");
    assert_eq!(outlook(&two, "cat", "ok"), (3, 3, Some("for")));
    assert_eq!(outlook(&two, "cat", "no"), (3, 2, None));
}

#[test]
fn fields_are_stored_with_each_vote() {
    let workflow = flow(
        "form note:text
         node a normal users:bob,cat votes:all note=required
         edge go agree start -> a
         edge ok agree a -> end
         edge no reject a -> start",
    );
    let mut one = Play::submit(&workflow);
    assert_eq!(one.refused("bob", "ok"), "missing_required_fields");
    let note = [("note", Value::text("fine"))];
    one.act_with(
        "bob",
        "agree",
        "ok",
        With {
            fields: note.to_vec(),
            ..With::default()
        },
    )
    .unwrap();
    assert_eq!(one.ticket.fields["note"], Value::text("fine"));
    assert_eq!(one.act("cat", "ok").at(), "finished end");
}

/// Logs that were written before votes had rules hold shares of another shape: a vote that takes everybody's.
#[test]
fn older_logs_are_read() {
    let mut one = of("users:bob,cat", "all");
    let share = |holder: &str| loonflow_engine::ticket::Share {
        holder: holder.into(),
        vote: None,
        consulted: None,
    };
    let entered = Event::NodeEntered {
        token: one.ticket.tokens[0].id,
        node: "a".into(),
        rest: Rest::Shared {
            shares: vec![share("bob"), share("cat")],
        },
        pool: None,
        remembered: false,
    };
    let context = context(&one.workflow, &one.directory, NOW, Draw::Preview);
    let meta = Command::ReviewHolders.meta(&context);
    let read = apply(Some(one.ticket.clone()), &entered, &meta).unwrap();
    assert_eq!(read.tokens, one.ticket.tokens);
    one.ticket = read;
    one.act("bob", "ok");
    assert_eq!(one.act("cat", "ok").ticket.act_state, ActState::Finished);
}
