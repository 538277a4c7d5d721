//! Who approves: what becomes of the creator and of nobody, of who agreed before, and signers
//! (semantics: assignees, approvals-before, signers).

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::define::{People, Person};
use loonflow_engine::test_util::directory_of;
use loonflow_engine::ticket::event::SignerPosition;
use loonflow_engine::ticket::{Act, Action, Command, DropReason, Event};
use loonflow_engine::value::Value;

use crate::play::{NOW, Play, flow};

/// A team of a division of a company, each with its leader and its approvers. The creator is `me`, of the team.
fn company(team: (&str, &str), division: (&str, &str), company: (&str, &str)) -> Arc<Directory> {
    let split = |approvers: &str| approvers.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let leader = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let mut made = People::of("t", "x.example")
        .dept("c", None, leader(company.0).as_deref(), split(company.1))
        .dept("d", Some("c"), leader(division.0).as_deref(), split(division.1))
        .dept("t", Some("d"), leader(team.0).as_deref(), split(team.1));
    for id in ["me", "ann", "bob", "cat", "dan", "wad", "dis", "vie"] {
        made = made.person(Person::new(id).dept("t"));
    }
    made = made
        .person(Person::new("adm").admin())
        .person(Person::new("off").inactive());
    directory_of(&made)
}

/// Where a ticket of `me` comes to at a node of this rule.
fn found(rest: &str, directory: &Arc<Directory>) -> String {
    let mut play = Play::create(
        &flow(&format!(
            "node a normal {rest}
             edge go agree start -> a
             edge ok agree a -> end
             edge no reject a -> start"
        )),
        "ann",
        None,
        &[],
    )
    .unwrap();
    play.ticket.creator = "me".into();
    play.directory = directory.clone();
    // Whoever holds the draft sends it.
    play.ticket.tokens[0].rest = loonflow_engine::ticket::Rest::held(vec!["me".into()]);
    match play.try_act("me", "go") {
        Ok(play) => play.at().replace("on_going ", ""),
        Err(refusal) => refusal.code().to_owned(),
    }
}

#[test]
fn key_on_creator_allow_exclude_next_above() {
    let leaders = |team, division, company_| company((team, ""), (division, ""), (company_, ""));
    for (word, directory, expected) in [
        ("allow", leaders("me", "bob", "cat"), "a(me)"),
        ("exclude", leaders("me", "bob", "cat"), "no_assignee"),
        ("next_above", leaders("me", "bob", "cat"), "a(bob)"),
        ("next_above", leaders("me", "me", "cat"), "a(cat)"),
        ("next_above", leaders("me", "", "cat"), "a(cat)"),
        ("next_above", leaders("me", "me", "me"), "no_assignee"),
        ("next_above", leaders("me", "off", "cat"), "no_assignee"),
        ("next_above", leaders("dan", "bob", "cat"), "a(dan)"),
        ("next_above", leaders("", "bob", "cat"), "no_assignee"),
    ] {
        let rule = format!("variables:creator_dept_leader on_creator:{word}");
        assert_eq!(found(&rule, &directory), expected, "{rule}");
    }
    let approvers = |team, division, company_| company(("", team), ("", division), ("", company_));
    for (word, directory, expected) in [
        ("allow", approvers("me ann", "bob", "cat"), "a(me|ann)"),
        ("exclude", approvers("me ann", "bob", "cat"), "a(ann)"),
        // The whole set gives way: a colleague of the creator does not decide among equals.
        ("next_above", approvers("me ann", "bob", "cat"), "a(bob)"),
        ("next_above", approvers("me ann", "me bob", "cat dan"), "a(cat|dan)"),
        ("next_above", approvers("", "me", "cat"), "a(cat)"),
        ("next_above", approvers("ann", "me", "cat"), "a(ann)"),
    ] {
        let rule = format!("variables:creator_dept_approver on_creator:{word}");
        assert_eq!(found(&rule, &directory), expected, "{rule}");
    }
    let rule = "users:me,bob on_creator:exclude";
    assert_eq!(found(rule, &leaders("", "", "")), "a(bob)");
    let rule = "users:me,bob exclude_creator on_creator:allow";
    assert_eq!(
        found(rule, &leaders("", "", "")),
        "a(bob)",
        "of two that contradict, the stricter"
    );
}

#[test]
fn key_on_nobody_refuse_next_above_admins() {
    let leaders = |team, division, company_| company((team, ""), (division, ""), (company_, ""));
    for (rule, directory, expected) in [
        (
            "variables:creator_dept_leader on_nobody:refuse",
            leaders("off", "bob", "cat"),
            "no_assignee",
        ),
        (
            "variables:creator_dept_leader on_nobody:next_above",
            leaders("off", "bob", "cat"),
            "a(bob)",
        ),
        (
            "variables:creator_dept_leader on_nobody:next_above",
            leaders("off", "off", "cat"),
            "a(cat)",
        ),
        (
            "variables:creator_dept_leader on_nobody:next_above",
            leaders("off", "off", "off"),
            "no_assignee",
        ),
        // One who may not act is none.
        (
            "variables:creator_dept_leader on_creator:exclude on_nobody:next_above",
            leaders("me", "me", "cat"),
            "a(cat)",
        ),
        (
            "variables:creator_dept_leader on_creator:next_above on_nobody:next_above",
            leaders("me", "off", "cat"),
            "a(cat)",
        ),
        ("users:off on_nobody:refuse", leaders("", "", ""), "no_assignee"),
        ("users:off on_nobody:admins", leaders("", "", ""), "a(wad)"),
        (
            "users:off,bob votes:count(2) on_nobody:admins",
            leaders("", "", ""),
            "no_assignee",
        ),
        ("users:bob on_nobody:admins", leaders("", "", ""), "a(bob)"),
    ] {
        assert_eq!(found(rule, &directory), expected, "{rule}");
    }
    // Those of the tenant where the workflow's are gone.
    let people = ["me", "bob", "dis", "vie"]
        .into_iter()
        .fold(People::of("t", "x.example"), |people, id| {
            people.person(Person::new(id))
        });
    let people = people
        .person(Person::new("adm").admin())
        .person(Person::new("wad").inactive());
    let directory = directory_of(&people.person(Person::new("off").inactive()));
    assert_eq!(found("users:off on_nobody:admins", &directory), "a(adm)");
}

/// Three steps of approval; `skip` is said of the last two.
fn steps(second: &str, third: &str) -> Play {
    Play::submit(&flow(&format!(
        "form note:text
         node a normal users:bob note=optional
         node b normal {second}
         node c normal {third}
         edge go agree start -> a
         edge a_ok agree a -> b
         edge a_no reject a -> start
         edge b_ok agree b -> c
         edge b_no reject b -> a
         edge c_ok agree c -> end
         edge c_no reject c -> start"
    )))
}

fn skipped(events: &[Event]) -> String {
    let users = events.iter().filter_map(|event| {
        if let Event::ApprovalSkipped { user, .. } = event {
            return Some(user.to_string());
        }
        None
    });
    users.collect::<Vec<_>>().join(" ")
}

#[test]
fn key_skip_same_approver() {
    for (second, third, at, who) in [
        ("users:bob", "users:cat", "on_going b(bob)", ""),
        ("users:bob skip_same", "users:cat", "on_going c(cat)", "bob"),
        ("users:cat,bob skip_same", "users:cat", "on_going c(cat)", "bob"),
        (
            "users:bob skip_same",
            "users:bob,dan skip_same",
            "finished end",
            "bob bob",
        ),
        (
            "users:bob,cat voluntary skip_same",
            "users:cat",
            "on_going b(bob|cat?)",
            "",
        ),
        ("users:bob voluntary skip_same", "users:cat", "on_going c(cat)", "bob"),
        (
            "users:bob,cat all skip_same",
            "users:cat",
            "on_going b(bob:b_ok&cat)",
            "bob",
        ),
        (
            "users:cat,bob votes:any skip_same",
            "users:cat",
            "on_going c(cat)",
            "bob",
        ),
        (
            "users:bob,cat votes:sequence skip_same",
            "users:cat",
            "on_going b(bob:b_ok&cat)",
            "bob",
        ),
        (
            "users:cat,bob votes:sequence skip_same",
            "users:cat",
            "on_going b(cat&bob)",
            "",
        ),
        // The creator's sending is no approval.
        ("users:ann skip_same", "users:cat", "on_going b(ann)", ""),
    ] {
        let mut play = steps(second, third);
        play.act("bob", "a_ok");
        assert_eq!(
            (play.at().as_str(), skipped(&play.events).as_str()),
            (at, who),
            "{second} / {third}"
        );
    }
    // When their turn comes.
    let mut play = steps("users:cat,bob votes:sequence skip_same", "users:dan");
    play.act("bob", "a_ok").act("cat", "b_ok");
    assert_eq!(
        (play.at().as_str(), skipped(&play.events).as_str()),
        ("on_going c(dan)", "bob")
    );
    assert_eq!(
        play.ticket.last_handlers["b"],
        "bob".into(),
        "they count as who handled it last"
    );
}

#[test]
fn who_agreed_acts_again_where_something_changed_since() {
    // Another filled something in.
    let mut play = Play::submit(&flow(
        "form note:text
         node a normal users:bob
         node b normal users:cat note=optional
         node c normal users:bob skip_same
         edge go agree start -> a
         edge a_ok agree a -> b
         edge b_ok agree b -> c
         edge c_ok agree c -> end",
    ));
    let again = play.clone();
    play.act("bob", "a_ok").act("cat", "b_ok");
    assert_eq!(play.at(), "finished end");
    let mut play = again;
    play.act("bob", "a_ok");
    let fields = [("note".into(), Value::text("more"))].into();
    let act = Act {
        fields,
        ..Act::new("cat", Action::take("b_ok"))
    };
    play.command(&Command::Act(act)).unwrap();
    assert_eq!(play.at(), "on_going c(bob)");

    // What they filled in themselves they agreed to.
    let mut play = steps("users:bob skip_same", "users:cat");
    let fields = [("note".into(), Value::text("mine"))].into();
    let act = Act {
        fields,
        ..Act::new("bob", Action::take("a_ok"))
    };
    play.command(&Command::Act(act)).unwrap();
    assert_eq!(play.at(), "on_going c(cat)");
}

#[test]
fn a_round_ends_where_the_ticket_goes_back() {
    type Back = (&'static str, fn(&mut Play));
    let back: [Back; 4] = [
        ("rejected", |play| {
            play.act("cat", "c_no").act("ann", "go");
        }),
        ("rejected to a step", |play| {
            play.act("cat", "c_back");
        }),
        ("withdrawn", |play| {
            play.act("ann", "withdraw").act("ann", "go");
        }),
        ("forced", |play| {
            let to_node = Some("a");
            let with = crate::play::With {
                to_node,
                ..Default::default()
            };
            play.act_with("adm", "force_alter_node", "force_alter_node", with)
                .unwrap();
            // It goes to who acted there last.
            play.to("adm", "force_forward", "dan").unwrap();
        }),
    ];
    for (how, go_back) in back {
        let mut play = Play::submit(&flow(
            "node a normal users:bob,dan
             node b normal users:bob skip_same
             node c normal users:cat withdraw
             edge go agree start -> a
             edge a_ok agree a -> b
             edge b_ok agree b -> c
             edge c_ok agree c -> end
             edge c_no reject c -> start
             edge c_back reject c -> a",
        ));
        play.act("bob", "a_ok");
        assert_eq!(play.at(), "on_going c(cat)");
        go_back(&mut play);
        play.act("dan", "a_ok");
        assert_eq!(play.at(), "on_going b(bob)", "{how}");
    }
}

/// Not where a person would have to choose, fill in or wait, and not where the ticket could not go on.
#[test]
fn who_agreed_acts_again_where_more_is_asked() {
    for second in [
        "node b normal users:bob skip_same
         edge b_ok agree b -> end
         edge b_too agree b -> start",
        "node b normal users:bob skip_same note=required
         edge b_ok agree b -> end",
        "node b normal users:bob skip_same
         node d normal users:off
         edge b_ok agree b -> d
         edge d_ok agree d -> end",
    ] {
        let text = format!(
            "form note:text\n node a normal users:bob\n edge go agree start -> a\n edge a_ok agree a -> b\n {second}"
        );
        let mut play = Play::submit(&flow(&text));
        play.act("bob", "a_ok");
        assert_eq!(play.at(), "on_going b(bob)", "{second}");
    }
    let waived = "form note:text
         node a normal users:bob
         node b normal users:bob skip_same note=required
         edge go agree start -> a
         edge a_ok agree a -> b
         edge b_ok agree b -> end skip";
    let mut play = Play::submit(&flow(waived));
    assert_eq!(play.act("bob", "a_ok").at(), "finished end");
}

fn add(play: &mut Play, by: &str, whom: &str, position: SignerPosition) -> Result<(), &'static str> {
    let action = Action::AddSigner {
        to: whom.into(),
        position,
    };
    play.command(&Command::Act(Act::new(by, action)))
        .map_err(|refusal| refusal.code())
}

fn signing(rest: &str) -> Play {
    Play::submit(&flow(&format!(
        "node a normal {rest}
         edge go agree start -> a
         edge ok agree a -> end
         edge no reject a -> start"
    )))
}

#[test]
fn key_allow_add_signer() {
    let mut play = signing("users:bob");
    assert!(!play.offers("bob").contains("add_signer"));
    assert_eq!(
        add(&mut play, "bob", "cat", SignerPosition::With),
        Err("action_not_available")
    );

    for (position, acts, after) in [
        (SignerPosition::With, "cat:ok bob:ok", "finished end"),
        (SignerPosition::With, "bob:ok cat:no", "rejected start(ann)"),
        (SignerPosition::Before, "cat:ok bob:ok", "finished end"),
        (SignerPosition::After, "bob:ok cat:ok", "finished end"),
    ] {
        let mut play = signing("users:bob signers");
        add(&mut play, "bob", "cat", position).unwrap();
        assert_eq!(play.at(), "on_going a(bob&cat)");
        let waits = |play: &Play| {
            play.ticket.tokens[0]
                .rest
                .waiting()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let expected = match position {
            SignerPosition::With => "bob cat",
            SignerPosition::Before => "cat",
            SignerPosition::After => "bob",
        };
        assert_eq!(waits(&play), expected, "{position:?}");
        for act in acts.split_whitespace() {
            let (who, id) = act.split_once(':').unwrap();
            play.act(who, id);
        }
        assert_eq!(play.at(), after, "{position:?}: {acts}");
    }
}

#[test]
fn a_signer_joins_a_vote_under_its_rule() {
    let mut play = signing("users:bob,cat,dan votes:majority signers");
    add(&mut play, "bob", "dis", SignerPosition::With).unwrap();
    assert_eq!(play.at(), "on_going a(bob&cat&dan&dis)");
    play.act("bob", "ok").act("cat", "ok");
    assert_eq!(
        play.at(),
        "on_going a(bob:ok&cat:ok&dan&dis)",
        "three of four are needed now"
    );
    assert_eq!(play.act("dis", "ok").at(), "finished end");
}

#[test]
fn whom_one_cannot_add() {
    let mut play = signing("users:bob,cat signers");
    assert!(
        !play.offers("bob").contains("add_signer"),
        "of two holders neither acts alone"
    );
    let mut play_all = signing("users:bob,cat all signers exclude_creator");
    for (by, whom, code) in [
        ("bob", "cat", "invalid_argument"),
        ("bob", "bob", "invalid_argument"),
        ("bob", "ann", "invalid_argument"),
        ("bob", "off", "invalid_argument"),
        ("bob", "", "invalid_argument"),
        ("ann", "dan", "permission_denied"),
    ] {
        assert_eq!(
            add(&mut play_all, by, whom, SignerPosition::With),
            Err(code),
            "{by} adds {whom}"
        );
    }
    assert_eq!(
        add(&mut play, "bob", "dan", SignerPosition::With),
        Err("action_not_available")
    );
    play_all.act("bob", "ok");
    assert!(
        !play_all.offers("bob").contains("add_signer"),
        "who has voted has no turn"
    );
}

#[test]
fn so_many_signers_in_one_stay() {
    let mut play = signing("users:bob signers");
    for n in 0..loonflow_engine::limits::SIGNERS_ADDED_MAX {
        // The same ones again and again: taken back, each still was one.
        add(&mut play, "bob", "cat", SignerPosition::With).unwrap_or_else(|code| panic!("{n}: {code}"));
        play.act("bob", "take_back");
    }
    assert_eq!(
        add(&mut play, "bob", "cat", SignerPosition::With),
        Err("invalid_argument")
    );
}

#[test]
fn whoever_added_a_signer_takes_them_back() {
    let mut play = signing("users:bob signers");
    add(&mut play, "bob", "cat", SignerPosition::Before).unwrap();
    assert_eq!(play.offers("cat"), "ok no forward consult add_signer add_comment");
    assert_eq!(play.offers("bob"), "take_back add_comment");
    assert_eq!(play.refused("cat", "take_back"), "action_not_available");
    play.act("bob", "take_back");
    assert!(matches!(
        play.events.as_slice(),
        [
            _,
            Event::ShareDropped {
                why: DropReason::TakenBack,
                ..
            }
        ]
    ));
    assert_eq!(play.at(), "on_going a(bob)");
    assert_eq!(play.act("bob", "ok").at(), "finished end");

    // Of several one says whom; one who has voted stays.
    let mut play = signing("users:bob signers");
    for whom in ["cat", "dan"] {
        add(&mut play, "bob", whom, SignerPosition::With).unwrap();
    }
    assert_eq!(play.refused("bob", "take_back"), "invalid_argument");
    assert_eq!(
        play.to("bob", "take_back", "ann").unwrap_err().code(),
        "invalid_argument"
    );
    play.act("cat", "ok");
    assert_eq!(play.act("bob", "take_back").at(), "on_going a(bob&cat:ok)");
    assert!(!play.offers("bob").contains("take_back"));

    // That may decide.
    let mut play = signing("users:bob signers");
    add(&mut play, "bob", "cat", SignerPosition::With).unwrap();
    play.act("bob", "ok");
    assert_eq!(play.act("bob", "take_back").at(), "finished end");
}

/// Force and another visit forget who was added.
#[test]
fn a_signer_is_one_of_the_stay() {
    let mut play = signing("users:bob signers");
    add(&mut play, "bob", "cat", SignerPosition::With).unwrap();
    play.to("adm", "force_forward", "bob").unwrap();
    assert_eq!(play.at(), "on_going a(bob)");
    assert_eq!(play.ticket.signers.n_added(play.ticket.tokens[0].id), 0);
    add(&mut play, "bob", "cat", SignerPosition::With).unwrap();
    play.act("cat", "no").act("ann", "go");
    assert_eq!((play.at().as_str(), play.now), ("on_going a(bob)", NOW));
    assert_eq!(play.ticket.signers.n_added(play.ticket.tokens[0].id), 0);
}
