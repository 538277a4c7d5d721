//! What the semantics say must come of a few steps on the small definitions, so that engine and model are not wrong
//! together. Every step goes through both.

use std::collections::BTreeMap;

use loonflow_engine::id::FieldKey;
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::ticket::{Act, Action, Command, Create, HookOutcome, Rest};
use loonflow_engine::value::Value;

use crate::pair::{Pair, edge};
use crate::small::SMALL;

const HOUR_MS: i64 = 3_600_000;

/// One ticket of one workflow.
struct Story {
    pair: Pair,
    workflow: &'static str,
}

type Sent<'a> = &'a [(&'a str, Value)];

fn fields(sent: Sent<'_>) -> BTreeMap<FieldKey, Value> {
    sent.iter().map(|(key, value)| ((*key).into(), value.clone())).collect()
}

fn number(text: &str) -> Value {
    Value::Number(text.to_owned())
}

impl Story {
    /// Takes the edge `go` out of start.
    fn submit(workflow: &'static str, creator: &str, sent: Sent<'_>) -> Self {
        let mut story = Self {
            pair: Pair::new(&SMALL, 7),
            workflow,
        };
        assert!(story.create(creator, Some("go"), sent), "a creation");
        story
    }

    fn create(&mut self, creator: &str, edge: Option<&str>, sent: Sent<'_>) -> bool {
        let workflow = self.pair.world.workflows[self.workflow].clone();
        let command = Command::Create(Create {
            via: None,
            ticket_id: self.pair.world.next_ticket_id(),
            by: creator.into(),
            app: "loonflow".into(),
            take: edge.map(Into::into),
            fields: fields(sent),
            comment: None,
            cc: Vec::new(),
            parent: None,
        });
        self.pair.step(None, &workflow, &command).expect("no difference")
    }

    /// A command on the ticket: whether it was carried out.
    fn does(&mut self, command: &Command) -> bool {
        let workflow = self.pair.world.workflows[self.workflow].clone();
        let done = self.pair.step(Some(0), &workflow, command).expect("no difference");
        self.pair.check_offers().expect("no difference");
        done
    }

    /// An edge, or another action by its word; a `>` in front of the last word names its target.
    fn tries(&mut self, who: &str, id: &str, target: Option<&str>) -> bool {
        let workflow = self.pair.world.workflows[self.workflow].clone();
        let of_edge = workflow.edge(&id.into()).and_then(ActionKind::of_edge);
        let kind = of_edge.or_else(|| ActionKind::parse(id)).expect("an edge or a word");
        let target_node = target.filter(|_| kind == ActionKind::ForceAlterNode);
        let to_user = target.filter(|_| target_node.is_none()).map(Into::into);
        let action = Action::of(kind, id, to_user, target_node.map(Into::into));
        self.does(&Command::Act(Act::new(who, action)))
    }

    /// Steps that are carried out: `who action` or `who action target`.
    fn acts(&mut self, steps: &str) -> String {
        for step in steps.split(',').map(str::trim) {
            let words: Vec<&str> = step.split_whitespace().collect();
            assert!(
                self.tries(words[0], words[1], words.get(2).copied()),
                "{step} at {}",
                self.at()
            );
        }
        self.at()
    }

    /// Steps that are refused, each.
    fn refused(&mut self, steps: &str) {
        let before = self.at();
        for step in steps.split(',').map(str::trim) {
            let words: Vec<&str> = step.split_whitespace().collect();
            assert!(
                !self.tries(words[0], words[1], words.get(2).copied()),
                "{step} at {before}"
            );
        }
        assert_eq!(self.at(), before);
    }

    fn fires(&mut self) -> bool {
        let tokens = &self.pair.world.tickets[0].ticket.tokens;
        let token = tokens.iter().find(|token| matches!(token.rest, Rest::Timer { .. }));
        let token = token.expect("a timer").id;
        self.does(&Command::FireTimer { token })
    }

    fn reports(&mut self, node: &str, attempt: u32, outcome: HookOutcome) -> bool {
        let tokens = &self.pair.world.tickets[0].ticket.tokens;
        let token = tokens
            .iter()
            .find(|token| token.node.as_str() == node)
            .expect("the node")
            .id;
        self.does(&Command::ReportHook {
            token,
            attempt,
            outcome,
        })
    }

    /// State and tokens: `on_going a(ann) m(merge)`; `!` where the ticket needs help.
    fn at(&self) -> String {
        let ticket = &self.pair.world.tickets[0].ticket;
        let mut text = ticket.act_state.word().to_owned();
        for token in &ticket.tokens {
            let names = |users: Vec<loonflow_engine::id::UserId>| {
                users.iter().map(|user| user.as_str()).collect::<Vec<_>>().join(",")
            };
            let rest = match &token.rest {
                Rest::Held { consult: None, holders } => names(holders.clone()),
                Rest::Held {
                    consult: Some(consult), ..
                } => format!("{}?", consult.to),
                Rest::Offered { candidates } => format!("{}..", names(candidates.clone())),
                Rest::Shared { .. } | Rest::Voting(_) => format!("all:{}", names(token.rest.waiting_for())),
                Rest::Joining => "merge".to_owned(),
                Rest::Unassigned => "nobody".to_owned(),
                Rest::Timer { .. } => "timer".to_owned(),
                Rest::Hook { attempt, failed } => {
                    format!("hook {attempt}{}", if failed.is_some() { " failed" } else { "" })
                }
                Rest::Ended => "over".to_owned(),
                Rest::Moving => "moving".to_owned(),
            };
            text += &format!(" {}({rest})", token.node);
        }
        if ticket.intervention.is_some() {
            text += " !";
        }
        text
    }
}

#[test]
fn an_inclusive_split_takes_what_holds_else_its_default() {
    let tags = |keys: &[&str]| Value::List(keys.iter().map(|key| Value::text(*key)).collect());
    let mut story = Story::submit("inclusive_with_default", "ann", &[("tags", tags(&["a", "c"]))]);
    assert_eq!(story.at(), "on_going a(ann) c(cat)");
    assert_eq!(story.acts("cat c_ok"), "on_going a(ann) m(merge)");
    assert_eq!(
        story.acts("ann a_ok"),
        "on_going z(dan)",
        "the merge waits for just those"
    );
    let story = Story::submit(
        "inclusive_with_default",
        "ann",
        &[("tags", tags(&["c"])), ("amount", number("9"))],
    );
    assert_eq!(story.at(), "on_going d(dan)");
    let story = Story::submit("inclusive_with_default", "ann", &[("amount", number("100.5"))]);
    assert_eq!(story.at(), "on_going b(all:bob,cat)");
    let mut story = Story::submit("inclusive_with_default", "ann", &[]);
    assert_eq!(story.acts("dan d_ok"), "on_going z(dan)", "one branch alone");
}

#[test]
fn two_forks_that_share_a_merge_join_inside_out() {
    for merge in ["shared_merge", "shared_normal_merge"] {
        let mut story = Story::submit(
            merge,
            "ann",
            &if merge == "shared_merge" {
                vec![]
            } else {
                vec![("amount", number("1"))]
            },
        );
        if merge == "shared_merge" {
            assert_eq!(story.acts("bob b_ok"), "on_going a(ann) m(merge) c(cat,dan)");
            assert_eq!(story.acts("cat c_ok"), "on_going a(ann) m(merge)");
            assert_eq!(story.acts("ann a_ok"), "on_going z(dan)");
            let again = story.acts("dan z_no");
            assert_eq!(again, "rejected a(ann) b(bob) c(cat,dan)");
            assert_eq!(
                story.acts("ann a_ok, cat c_no"),
                "rejected z(dan)",
                "outside of both forks"
            );
        } else {
            assert_eq!(story.at(), "on_going b(bob) c(cat)");
            let at = story.acts("bob b_ok, cat c_ok");
            assert!(
                ["ann", "bob", "dan"]
                    .map(|who| format!("on_going m({who})"))
                    .contains(&at),
                "{at}"
            );
            let who = at.trim_start_matches("on_going m(").trim_end_matches(')').to_owned();
            let at = story.acts(&format!("{who} m_again, bob b_ok"));
            assert!(
                at.starts_with("on_going m(") && !at.contains("merge"),
                "a token without the fork passes: {at}"
            );
        }
    }
}

#[test]
fn two_tokens_on_one_node_stay_two_and_the_older_acts_first() {
    let mut story = Story::submit("two_on_one_node", "dan", &[]);
    assert_eq!(
        story.acts("bob b_ok, ann a_ok"),
        "on_going x(ann,bob) x(ann,bob) c(cat)"
    );
    assert_eq!(
        story.acts("ann x_again"),
        "on_going a(ann,bob) x(ann,bob) c(cat)",
        "the older one went"
    );
    assert_eq!(
        story.acts("ann x_ok, bob a_ok, cat c_ok"),
        "on_going x(ann,bob) m(merge) m(merge)"
    );
    assert_eq!(story.acts("bob x_ok"), "finished end(over)");
}

#[test]
fn a_reject_where_everyone_acts_is_taken_at_once() {
    let note = [("note", Value::text("n"))];
    let mut story = Story::submit("whole_with_reject", "dan", &note);
    assert_eq!(story.at(), "on_going v(all:ann,bob,cat)");
    assert_eq!(story.acts("bob v_yes"), "on_going v(all:ann,cat)");
    story.refused("bob v_yes, bob v_no, bob forward dan, ann forward bob, ann consult cat");
    assert_eq!(story.acts("cat v_no"), "rejected start(dan)");
    let mut story = Story::submit("whole_with_reject", "dan", &note);
    assert_eq!(story.acts("ann consult dan"), "on_going v(all:dan,bob,cat)");
    story.refused("ann v_yes, dan v_yes, bob consult dan");
    assert_eq!(
        story.acts("bob v_also, cat v_also, dan consult_submit"),
        "on_going v(all:ann)"
    );
    assert_eq!(
        story.acts("ann v_yes"),
        "on_going w(all:ann,bob)",
        "the edge chosen last"
    );
    let mut both = Story::submit("whole_with_reject", "dan", &note);
    assert_eq!(
        both.acts("ann consult dan, bob forward dan"),
        "on_going v(all:dan,dan,cat)"
    );
    both.refused("dan v_yes, dan v_no, dan forward bob");
    assert_eq!(both.acts("dan consult_submit, dan v_yes"), "on_going v(all:ann,cat)");
    assert_eq!(
        story.acts("ann w_yes, dis force_forward cat"),
        "on_going w(cat)",
        "votes are discarded"
    );
    assert_eq!(story.acts("cat w_yes"), "finished end(over)");
}

#[test]
fn a_node_remembers_its_last_handler_while_active() {
    let mut story = Story::submit("remembered", "dan", &[]);
    assert_eq!(story.at(), "on_going a(ann,bob,cat..)", "whoever is inactive drops out");
    story.refused("ann a_ok, dan accept");
    let at = story.acts("cat accept, cat a_ok");
    assert!(!at.contains("dan"), "the creator is excluded from the draw: {at}");
    story.acts("adm force_forward ann, ann b_no");
    assert_eq!(story.at(), "rejected a(cat)");
    assert_eq!(story.acts("cat a_ok"), "on_going b(ann)");
    story.pair.deactivate(&SMALL, &["off", "cat"]);
    assert_eq!(story.acts("ann b_no"), "rejected a(ann,bob..)");
    story.pair.deactivate(&SMALL, &["off", "ann", "bob"]);
    assert!(story.does(&Command::ReviewHolders));
    assert_eq!(story.at(), "rejected a(ann,bob..) !");
}

#[test]
fn a_creator_may_be_excluded_from_a_node() {
    let mut story = Story::submit("excluded_creator", "ann", &[]);
    assert_eq!(story.at(), "on_going a(bob)");
    story.refused("bob forward ann, adm force_forward ann, adm force_forward off");
    assert_eq!(
        story.acts("bob consult ann, ann consult_submit"),
        "on_going a(bob)",
        "an answer is no approval"
    );
    assert_eq!(story.acts("bob a_ok"), "on_going b(bob,dan)");
    let mut story = Story::submit("excluded_creator", "cat", &[]);
    assert_eq!(story.at(), "on_going a(ann,bob)");
    story.refused("ann a_c");
    assert_eq!(
        story.acts("ann a_ok"),
        "on_going b(bob)",
        "her department has no leader, the one above approvers"
    );
}

#[test]
fn timers_wait_for_a_field_or_not_at_all() {
    let when = [
        ("when", Value::text("2026-01-03 10:00:00")),
        ("day", Value::text("2026-01-02")),
    ];
    let mut story = Story::submit("timers", "dan", &when);
    story.pair.world.pass(58 * HOUR_MS - 1);
    assert!(!story.fires(), "not yet");
    story.pair.world.pass(1);
    assert!(story.fires() && story.fires(), "then at once, for the day is past");
    assert_eq!(story.at(), "on_going a(ann)");
    assert_eq!(story.acts("ann a_ok"), "on_going t3(timer)");
    story.pair.world.pass(26 * HOUR_MS - 1);
    assert!(!story.fires());
    story.pair.world.pass(1);
    assert!(story.fires());
    assert_eq!(story.at(), "on_going b(nobody) !", "nobody caused it");
    assert_eq!(story.acts("dis force_forward cat, cat b_ok"), "finished end(over)");
    let mut story = Story::submit("timers", "dan", &[]);
    assert!(story.fires() && story.fires());
    assert_eq!(story.acts("ann a_gone"), "rejected t4(timer)");
    story.pair.world.pass(HOUR_MS);
    assert!(story.fires());
    assert_eq!(
        story.at(),
        "rejected end(over)",
        "the last edge that a person took was a reject"
    );
    let mut story = Story::submit("timers", "dan", &[]);
    assert!(
        story.fires() && story.fires(),
        "without a date there is nothing to wait for"
    );
    assert_eq!(story.acts("ann a_end"), "rejected end(over)");
    story.refused("ann a_ok, dan withdraw, adm force_close, adm force_alter_node a");
}

#[test]
fn a_hook_fails_once_and_is_posted_again() {
    let failed = || HookOutcome::Failed("why".into());
    let mut story = Story::submit("hooks", "dan", &[]);
    assert_eq!(story.at(), "on_going h(hook 1) a(ann)");
    assert!(!story.reports("h", 2, HookOutcome::Succeeded));
    assert!(story.reports("h", 1, failed()) && !story.reports("h", 1, failed()));
    assert_eq!(story.at(), "on_going h(hook 1 failed) a(ann) !");
    story.refused("ann retry_hook, dan withdraw");
    assert_eq!(story.acts("adm retry_hook, ann a_no"), "rejected h(hook 2) k(hook 3)");
    assert!(!story.reports("h", 1, failed()) && !story.reports("h", 3, HookOutcome::Succeeded));
    assert!(story.reports("k", 3, HookOutcome::Succeeded));
    // An answer belongs to the stay, not to the request.
    assert!(story.reports("h", 1, HookOutcome::Succeeded));
    assert_eq!(story.at(), "rejected m(merge) a(ann)");
    assert_eq!(story.acts("ann a_ok"), "on_going l(hook 4)");
    assert!(story.reports("l", 4, HookOutcome::Succeeded));
    assert_eq!(story.at(), "finished end(over)");
}

#[test]
fn leaving_forks_early_cancels_those_inside() {
    let mut story = Story::submit("nested_with_asides", "adm", &[]);
    assert_eq!(story.at(), "on_going legal(ann) tech(bob) ops(cat)");
    assert_eq!(story.acts("bob tech_fix"), "rejected legal(ann) fix(dan) ops(cat)");
    assert_eq!(
        story.acts("cat ops_no"),
        "rejected legal(ann) tech(bob) ops(cat)",
        "back at the split, a new fork"
    );
    assert_eq!(
        story.acts("bob tech_out"),
        "rejected legal(ann) sum(dan)",
        "the inner fork is left"
    );
    assert_eq!(story.acts("ann legal_ok, dan sum_ok"), "finished end(over)");
    let mut story = Story::submit("nested_with_asides", "adm", &[]);
    assert_eq!(story.acts("bob tech_fix, dan fix_end"), "rejected end(over)");
}

#[test]
fn no_branch_that_fits_refuses_the_step() {
    let mut story = Story::submit("no_branch", "ann", &[("amount", number("0.5"))]);
    story.refused("bob on");
    let mut sent = |amount: &str, id: &str, kind: &str| {
        let command = edge("bob", kind, id, fields(&[("amount", number(amount))]));
        story.does(&command)
    };
    assert!(!sent("20", "over", "other"));
    assert!(sent("200", "on", "agree"), "values sent win over stored ones");
    assert_eq!(story.at(), "on_going a(bob)");
    assert_eq!(story.acts("ann withdraw"), "withdrawn start(ann)");
    story.refused("ann withdraw, ann forward bob");
}

#[test]
fn users_named_in_fields_are_assigned() {
    let who = [("who", Value::text("cat, off,dan")), ("boss", Value::text("ann"))];
    let mut story = Story {
        pair: Pair::new(&SMALL, 0),
        workflow: "by_field",
    };
    assert!(!story.create("bob", Some("go"), &who), "an inactive user is no value");
    let who = [("who", Value::text("cat,dan")), ("boss", Value::text("ann"))];
    assert!(story.create("bob", Some("go"), &who));
    assert_eq!(story.acts("dan accept, dan a_ok"), "on_going b(all:ann,cat,dan)");
    story.pair.deactivate(&SMALL, &["cat"]);
    assert_eq!(story.acts("ann b_c, dan b_ok"), "on_going b(all:cat) !");
    story.pair.deactivate(&SMALL, &[]);
    assert!(story.does(&Command::ReviewHolders));
    story.refused("cat b_c");
    assert_eq!(story.acts("cat b_ok"), "finished end(over)", "the edge chosen last");
}
