//! Absence: who stands in for whom, and handing over what one holds (semantics: absence).

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::{self, User};
use loonflow_engine::ticket::visibility::may_view;
use loonflow_engine::ticket::{Command, Draw, Event, Meta, Processor};
use loonflow_engine::view::flow_history::{HistoryEntry, entries};
use loonflow_engine::view::preview::preview;
use loonflow_engine::view::ticket_detail;

use crate::play::{NOW, Play, With, absent, context, directory, flow};

/// A ticket of ann's that dan takes to a node of these people while these are absent: `bob:cat` is bob, and cat stands in.
fn entered(rest: &str, absences: &str) -> Play {
    let mut play = before(rest);
    set(&mut play, absences);
    play.act("dan", "on");
    play
}

fn before(rest: &str) -> Play {
    Play::submit(&flow(&format!(
        "node first normal users:dan
         node a normal {rest}
         node b normal users:bob
         edge go agree start -> first
         edge on agree first -> a
         edge ok agree a -> end
         edge more other a -> b
         edge no reject a -> start
         edge done agree b -> end"
    )))
}

fn set(play: &mut Play, absences: &str) {
    for pair in absences.split_whitespace() {
        let (user, delegate) = pair.split_once(':').unwrap();
        play.directory = absent(&play.directory, user, delegate);
    }
}

fn pairs(events: &[Event]) -> String {
    let pairs = events.iter().filter_map(|event| {
        if let Event::Substituted { pairs, .. } = event {
            return Some(pairs);
        }
        None
    });
    let told = pairs.flatten().map(|(absent, by)| format!("{by} for {absent}"));
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn who_is_absent_is_stood_in_for_on_entering() {
    for (rest, absences, at, expected) in [
        ("users:bob", "", "a(bob)", ""),
        ("users:bob", "bob:cat", "a(cat)", "cat for bob"),
        ("users:bob,cat", "bob:cat", "a(cat)", "cat for bob"),
        ("users:cat,bob", "bob:cat", "a(cat)", "cat for bob"),
        ("users:bob,cat", "bob:dis", "a(dis|cat)", "dis for bob"),
        (
            "users:bob,cat,dan voluntary",
            "bob:dis",
            "a(dis|cat|dan?)",
            "dis for bob",
        ),
        ("users:bob,cat all", "bob:dis", "a(dis&cat)", "dis for bob"),
        // Two shares that meet in one person are one, and one person holds alone.
        ("users:bob,cat all", "bob:cat", "a(cat)", "cat for bob"),
        (
            "users:bob,cat,dan all",
            "bob:vie cat:vie",
            "a(vie&dan)",
            "vie for bob, vie for cat",
        ),
        ("users:bob", "bob:cat cat:dis", "a(dis)", "dis for bob"),
        ("users:bob", "bob:cat cat:bob", "a(cat)", "cat for bob"),
        (
            "users:bob,cat",
            "bob:cat cat:bob",
            "a(cat|bob)",
            "cat for bob, bob for cat",
        ),
        // The creator may not act here, so nobody passes it on to them.
        ("users:bob exclude_creator", "bob:ann", "a(bob)", ""),
        ("users:bob exclude_creator", "bob:cat cat:ann", "a(cat)", "cat for bob"),
        ("users:bob", "bob:ann", "a(ann)", "ann for bob"),
    ] {
        let play = entered(rest, absences);
        assert_eq!(play.at(), format!("on_going {at}"), "{rest}: {absences}");
        assert_eq!(pairs(&play.events), expected, "{rest}: {absences}");
    }
}

/// An absence for other workflows, over, or yet to come, is none; the start is the creator's wherever they are.
#[test]
fn an_absence_counts_for_its_workflows_and_its_time_and_not_at_the_start() {
    let mut play = before("users:bob");
    set(&mut play, "bob:cat ann:cat");
    play.now = NOW.plus_ms(40 * 86_400_000);
    play.act("dan", "on");
    assert_eq!(play.at(), "on_going a(bob)");
    play.now = NOW;
    let mut rejected = entered("users:bob", "ann:cat");
    assert_eq!(rejected.act("bob", "no").at(), "rejected start(ann)");
}

#[test]
fn whom_a_node_is_given_to_is_stood_in_for() {
    for (word, who, at) in [
        ("forward", "bob", "on_going a(dis)"),
        ("force_forward", "adm", "on_going a(dis)"),
        ("consult", "bob", "on_going a(bob asks dis)"),
        ("add_signer", "bob", "on_going a(bob&dis)"),
    ] {
        let mut play = entered("users:bob signers", "cat:dis");
        play.to(who, word, "cat").unwrap();
        assert_eq!(
            (play.at().as_str(), pairs(&play.events).as_str()),
            (at, "dis for cat"),
            "{word}"
        );
        let taken = play.events.iter().find_map(|event| {
            if let Event::ActionTaken(taken) = event {
                return taken.target.clone();
            }
            None
        });
        assert_eq!(taken, Some("cat".into()), "a history names whom they meant");
        assert!(
            may_view(&play.ticket, &"cat".into(), &play.directory, &play.workflow),
            "{word}"
        );
    }
    // To oneself, by way of somebody who is absent.
    for word in ["forward", "consult", "add_signer"] {
        let mut play = entered("users:bob signers", "cat:bob");
        assert_eq!(
            play.to("bob", word, "cat").unwrap_err().code(),
            "invalid_argument",
            "{word}"
        );
    }
    // And to a share that is there already.
    let mut play = entered("users:bob,dan all", "cat:dan");
    assert_eq!(play.to("bob", "forward", "cat").unwrap_err().code(), "invalid_argument");
    assert_eq!(play.to("bob", "consult", "cat").unwrap_err().code(), "invalid_argument");
    // The creator is not forwarded to, and whoever is, is not stood in for by them.
    let mut play = entered("users:bob exclude_creator", "cat:ann");
    assert_eq!(play.to("bob", "forward", "cat").unwrap().at(), "on_going a(cat)");
}

#[test]
fn an_escalation_and_who_is_remembered_are_stood_in_for() {
    let mut play = entered("users:bob deadline:PT8H at:PT0S/escalate/cat", "");
    set(&mut play, "cat:dis");
    play.now = play.now.plus_ms(8 * 3_600_000);
    play.reach(0).unwrap();
    assert_eq!(
        (play.at().as_str(), pairs(&play.events).as_str()),
        ("on_going a(dis)", "dis for cat")
    );

    let mut play = entered("users:bob,cat remember", "");
    play.act("cat", "no");
    set(&mut play, "cat:dis");
    play.act("ann", "go").act("dan", "on");
    assert_eq!(
        (play.at().as_str(), pairs(&play.events).as_str()),
        ("on_going a(dis)", "dis for cat")
    );
}

/// Nothing beyond the ticket: who stands in acts as an assignee does, and whose place it is goes on seeing it.
#[test]
fn who_stands_in_has_the_rights_of_an_assignee_and_the_other_sees_the_ticket() {
    let mut play = entered("users:bob", "bob:out");
    assert_eq!(play.offers("out"), "ok more no forward consult add_comment");
    assert_eq!(play.offers("bob"), "add_comment");
    assert_eq!(play.refused("bob", "ok"), "permission_denied");
    assert_eq!(play.act("out", "more").at(), "on_going b(out)");
    play.directory = directory(&["off"]);
    assert_eq!(play.at(), "on_going b(out)", "that somebody is back moves nothing");
    assert_eq!(play.act("out", "done").at(), "finished end");
}

fn history(play: &Play, commits: &[(Meta, Vec<Event>)]) -> Vec<HistoryEntry> {
    entries(commits, &play.workflow, &play.directory, &Default::default())
}

#[test]
fn a_history_a_detail_and_a_rehearsal_say_for_whom() {
    let mut play = before("users:bob,cat,dan all");
    let mut commits = vec![(meta("ann"), play.events.clone())];
    set(&mut play, "bob:vie cat:vie");
    play.act("dan", "on");
    commits.push((meta("dan"), play.events.clone()));
    let detail = ticket_detail::detail(&play.ticket, &play.workflow, &play.directory, &"vie".into(), NOW);
    let waiting = &detail.waiting_for[0];
    let told: Vec<_> = waiting
        .stand_ins
        .iter()
        .map(|(by, absent)| format!("{by} for {}", absent.id))
        .collect();
    assert_eq!(told, ["vie for bob", "vie for cat"]);
    play.act("vie", "ok");
    commits.push((meta("vie"), play.events.clone()));
    play.act("dan", "ok");
    commits.push((meta("dan"), play.events.clone()));
    let told: Vec<String> = history(&play, &commits)
        .iter()
        .map(|entry| {
            entry
                .on_behalf_of
                .iter()
                .map(|one| one.id.as_str())
                .collect::<Vec<_>>()
                .join("+")
        })
        .collect();
    assert_eq!(told, ["", "", "bob+cat", ""], "whoever acts for nobody is not said to");

    let mut play = before("users:bob");
    set(&mut play, "bob:cat");
    let command = play.handle("dan", "agree", "on", &With::default());
    let context = context(&play.workflow, &play.directory, NOW, Draw::Preview);
    let events = loonflow_engine::ticket::decide(Some(&play.ticket), &command, &context).unwrap();
    let shown = preview(Some(&play.ticket), &events, &command.meta(&context), &context);
    let told: Vec<_> = shown.stand_ins["a"]
        .iter()
        .map(|(by, absent)| (by.id.as_str(), absent.id.as_str()))
        .collect();
    assert_eq!(told, [("cat", "bob")]);
}

fn meta(user: &str) -> Meta {
    Meta {
        at: NOW,
        by: Processor::User(user.into()),
        app: None,
        access_token: None,
    }
}

fn hand_over(play: &mut Play, user: &str) -> Result<(), &'static str> {
    let command = Command::HandOver {
        user: user.into(),
        by: Some("adm".into()),
    };
    play.command(&command).map_err(|refusal| refusal.code())
}

#[test]
fn what_somebody_holds_is_handed_over() {
    for (rest, acts, absences, expected, told) in [
        ("users:bob", "", "bob:cat", Ok("a(cat)"), "cat for bob"),
        ("users:bob,cat", "", "bob:cat", Ok("a(cat)"), "cat for bob"),
        ("users:bob,dan", "", "bob:cat cat:dis", Ok("a(dis|dan)"), "dis for bob"),
        (
            "users:bob,cat,dan voluntary",
            "",
            "bob:dis",
            Ok("a(dis|cat|dan?)"),
            "dis for bob",
        ),
        ("users:bob,cat voluntary", "", "bob:cat", Ok("a(cat)"), "cat for bob"),
        (
            "users:bob,cat,dan all",
            "",
            "bob:dis",
            Ok("a(dis&cat&dan)"),
            "dis for bob",
        ),
        // A delegate who has a share: the two are one.
        ("users:bob,cat,dan all", "", "bob:cat", Ok("a(cat&dan)"), "cat for bob"),
        (
            "users:bob,cat,dan votes:count(2)",
            "",
            "bob:cat",
            Ok("a(cat&dan)"),
            "cat for bob",
        ),
        ("users:bob,cat votes:count(2)", "", "bob:cat", Err("no_assignee"), ""),
        // A vote that was cast stays, and who has voted has nothing to give.
        ("users:bob,cat,dan all", "bob:ok", "bob:dis", Err("not_waiting"), ""),
        // One share less may decide.
        (
            "users:bob,cat,dan votes:majority",
            "cat:ok",
            "bob:cat",
            Ok("a(cat:ok&dan)"),
            "cat for bob",
        ),
        (
            "users:bob,cat,dan votes:count(1)",
            "cat:no dan:no",
            "bob:cat",
            Ok("start(ann)"),
            "cat for bob",
        ),
        ("users:bob", "", "cat:bob", Err("not_waiting"), ""),
        ("users:bob", "", "", Err("not_waiting"), ""),
        ("users:bob exclude_creator", "", "bob:ann", Err("no_assignee"), ""),
    ] {
        let mut play = entered(rest, "");
        for act in acts.split_whitespace() {
            let (who, id) = act.split_once(':').unwrap();
            play.act(who, id);
        }
        set(&mut play, absences);
        let before = play.ticket.clone();
        match (hand_over(&mut play, "bob"), expected) {
            (Ok(()), Ok(at)) => {
                assert!(play.at().ends_with(at), "{rest}, {acts}: {}", play.at());
                assert_eq!(pairs(&play.events), told, "{rest}, {acts}");
                assert_eq!(
                    hand_over(&mut play, "bob"),
                    Err("not_waiting"),
                    "once more: {rest}, {acts}"
                );
                assert!(may_view(&play.ticket, &"bob".into(), &play.directory, &play.workflow));
            }
            (Err(code), Err(expected)) => {
                assert_eq!(code, expected, "{rest}, {acts}");
                assert_eq!(play.ticket, before, "{rest}, {acts}");
            }
            (found, expected) => panic!("{rest}, {acts}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_question_goes_along_unless_who_stands_in_asked_it() {
    let mut play = entered("users:bob", "");
    play.to("bob", "consult", "cat").unwrap();
    set(&mut play, "cat:dis");
    hand_over(&mut play, "cat").unwrap();
    assert_eq!(play.at(), "on_going a(bob asks dis)");
    assert_eq!(play.act("dis", "consult_submit").at(), "on_going a(bob)");
    assert!(
        play.ticket
            .stand_ins
            .for_whom(play.ticket.tokens[0].id, &"dis".into())
            .next()
            .is_none()
    );

    let mut play = entered("users:bob", "");
    play.to("bob", "consult", "cat").unwrap();
    set(&mut play, "cat:bob");
    assert_eq!(hand_over(&mut play, "cat"), Err("no_assignee"));

    // Whoever asked hands over what they get back.
    set(&mut play, "bob:dan");
    hand_over(&mut play, "bob").unwrap();
    assert_eq!(play.at(), "on_going a(dan asks cat)");

    let mut play = entered("users:bob,dan all", "");
    play.to("bob", "consult", "cat").unwrap();
    set(&mut play, "cat:dan");
    assert_eq!(
        hand_over(&mut play, "cat"),
        Err("no_assignee"),
        "one who has a share is not asked"
    );
}

/// Whoever stood in and goes too: the next one acts for both.
#[test]
fn whom_one_stood_in_for_is_stood_in_for_by_the_next() {
    let mut play = entered("users:bob", "bob:cat");
    set(&mut play, "cat:dis");
    hand_over(&mut play, "cat").unwrap();
    assert_eq!(
        (play.at().as_str(), pairs(&play.events).as_str()),
        ("on_going a(dis)", "dis for bob, dis for cat")
    );
    play.to("dis", "forward", "out").unwrap();
    play.to("out", "forward", "dis").unwrap();
    let token = play.ticket.tokens[0].id;
    assert_eq!(
        play.ticket.stand_ins.for_whom(token, &"dis".into()).count(),
        0,
        "what one gives away one has no more"
    );
}

/// A circle of two while a vote of both begins that takes both; then one of them hands over.
#[test]
fn a_circle_of_two_who_vote_swaps_them_and_hands_nothing_over() {
    let mut play = entered("users:bob,cat votes:count(2)", "bob:cat cat:bob");
    assert_eq!(
        (play.at().as_str(), pairs(&play.events).as_str()),
        ("on_going a(cat&bob)", "cat for bob, bob for cat")
    );
    for user in ["bob", "cat"] {
        assert_eq!(hand_over(&mut play, user), Err("no_assignee"), "four eyes stay four");
    }
    play.act("bob", "ok");
    assert_eq!(hand_over(&mut play, "cat"), Err("no_assignee"));
    assert_eq!(play.act("cat", "ok").at(), "finished end");
}

#[test]
fn a_draft_and_a_ticket_that_is_over_are_not_handed_over() {
    let mut draft = Play::create(&flow("edge go agree start -> end"), "ann", None, &[]).unwrap();
    set(&mut draft, "ann:bob");
    assert_eq!(hand_over(&mut draft, "ann"), Err("not_waiting"));
    let mut play = entered("users:bob", "");
    play.act("bob", "no");
    set(&mut play, "ann:bob");
    assert_eq!(
        hand_over(&mut play, "ann"),
        Err("not_waiting"),
        "the start is the creator's"
    );
}

/// A move that a merged share decides is refused with it: then nothing is handed over.
#[test]
fn what_cannot_go_on_stays() {
    let mut play = Play::submit(&flow(
        "node a normal users:bob,cat,dan votes:count(1)
         node b normal users:dan
         edge go agree start -> a
         edge ok agree a -> b
         edge no reject a -> b
         edge done agree b -> end",
    ));
    play.act("cat", "no").act("dan", "no");
    set(&mut play, "bob:cat");
    play.directory = inactive(&play.directory, "dan");
    hand_over(&mut play, "bob").unwrap();
    assert_eq!(play.at(), "rejected b(nobody)", "as where no person moves it");
}

fn inactive(directory: &Arc<Directory>, user: &str) -> Arc<Directory> {
    let mut gone = User::clone(directory.user(&user.into()).unwrap());
    gone.is_active = false;
    let event = account::event::Event::UserPut(Box::new(gone));
    Arc::new(account::apply::apply(Directory::clone(directory), &event))
}

/// Who is not active holds nothing new, and nobody stands in for them; nor do they for others.
#[test]
fn an_absence_of_somebody_who_has_left_means_nothing() {
    for (gone, at) in [("bob", "a(dis)"), ("cat", "a(bob|dis)")] {
        let mut play = before("users:bob,dis");
        set(&mut play, "bob:cat");
        play.directory = inactive(&play.directory, gone);
        play.act("dan", "on");
        assert_eq!(play.at(), format!("on_going {at}"), "{gone}");
    }
}
