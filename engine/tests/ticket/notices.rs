//! Who is told of what, and what they are told (semantics: notices).

/// What a notice says, to whom, over each kind of channel.
mod reading;

use std::sync::Arc;

use loonflow_engine::account::directory::Directory;
use loonflow_engine::define::{People, Person};
use loonflow_engine::notice::NoticeEvent;
use loonflow_engine::test_util::{Story, definition, directory_of};
use loonflow_engine::ticket::notices::recalled;
use loonflow_engine::ticket::{
    Command, EffectId, EffectOutcome, Event, HookOutcome, OwedEffect, OwedNotice, Ticket, Work, decide,
};
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::validate::{ValidationContext, check};
use serde_json::{Value, json};

use crate::play::{NOW, With, context, creation};
use loonflow_engine::ticket::Draw;

/// Mail, which writes to each, and a chat, which is a group.
pub(crate) fn people() -> People {
    let mail = json!({"id": "mail", "kind": "smtp", "host": "relay.x.example", "from": "tickets@x.example"});
    let chat = json!({"id": "chat", "kind": "feishu", "url": "https://chat.x.example/hook/1", "secret": "s"});
    let users = ["ann", "bob", "cat", "dan", "eve", "wad", "dis", "vie"];
    let people = People::of("t", "x.example").channel(mail).channel(chat);
    let people = users.into_iter().fold(people, People::user);
    people.person(Person::new("adm").admin())
}

fn with(directory: &Arc<Directory>, text: &str, info: &Value) -> Arc<WorkflowVersion> {
    let source = definition("w", "1.0", text)
        .advanced("notification_info", info.clone())
        .definition();
    let context = ValidationContext {
        directory: Some(directory),
        known_workflows: None,
    };
    let (version, problems) = check(&source, None, &context);
    let problems: Vec<_> = problems
        .iter()
        .filter(|one| one.code.contains("channel") || one.is_error())
        .collect();
    Arc::new(version.unwrap_or_else(|| panic!("{problems:#?}")))
}

/// Ann's ticket, sent over the first edge, where people are told over channels of all there is to tell.
fn sent(text: &str, channels: &[&str]) -> Story {
    let events = [
        "assigned",
        "returned",
        "reminder",
        "answered",
        "finished",
        "closed",
        "commented",
    ];
    sent_with(text, &json!({"selected_channel_list": channels, "events": events}))
}

fn sent_with(text: &str, info: &Value) -> Story {
    let directory = directory_of(&people());
    let workflow = with(&directory, text, info);
    created(workflow, directory)
}

fn created(workflow: Arc<WorkflowVersion>, directory: Arc<Directory>) -> Story {
    let mut create = creation(
        "ann",
        workflow
            .ways_out(&workflow.start().id)
            .next()
            .map(|edge| edge.id.as_str()),
    );
    create.cc = vec!["eve".into()];
    let command = Command::Create(create);
    let context = context(&workflow, &directory, NOW, Draw::Seed(0));
    let events = decide(None, &command, &context).expect("it is created");
    let meta = command.meta(&context);
    let ticket: Option<Ticket> = events.iter().fold(None, |ticket, event| {
        loonflow_engine::ticket::apply(ticket, event, &meta)
    });
    let mut story = Story::submit(&crate::play::flow(
        "node a normal users:ann\n edge submit agree start -> a",
    ));
    story.workflow = workflow;
    story.ticket = ticket.expect("a ticket");
    story.directory = directory;
    story.events = events;
    story
}

fn notices(events: &[Event]) -> Vec<(EffectId, OwedNotice)> {
    let owed = (1..).zip(events).filter_map(|(version, event)| {
        let Event::EffectsOwed { effects } = event else {
            return None;
        };
        let notices = (0..).zip(effects).filter_map(move |(index, effect)| {
            let OwedEffect::Notice(notice) = effect else {
                return None;
            };
            Some((EffectId { version, index }, OwedNotice::clone(notice)))
        });
        Some(notices.collect::<Vec<_>>())
    });
    owed.flatten().collect()
}

/// What the last command owes people: `assigned mail bob @a`.
fn told(story: &Story) -> Vec<String> {
    let notices = notices(&story.events).into_iter();
    notices.map(|(_, notice)| shown(&notice)).collect()
}

fn shown(notice: &OwedNotice) -> String {
    let to: Vec<&str> = notice.to.iter().map(|user| user.as_str()).collect();
    let node = notice.node.as_ref().map(|node| format!(" @{node}")).unwrap_or_default();
    format!("{} {} {}{node}", notice.event.word(), notice.channel, to.join(","))
}

/// Notices that are owed and not closed.
fn open(story: &Story) -> Vec<String> {
    let open = story.ticket.effects.iter().filter_map(|(_, open)| {
        let Work::Notice(notice) = &open.work else { return None };
        Some(shown(notice))
    });
    open.collect()
}

const TWO: &str = "node a normal users:ann,bob
    node b normal users:cat,dan
    edge submit agree start -> a
    edge yes agree a -> b
    edge done agree b -> end
    edge no reject b -> start";

#[test]
fn whoever_can_act_now_and_could_not_before_is_told_but_for_who_caused_it() {
    let mut story = sent(TWO, &["mail", "chat"]);
    assert_eq!(
        told(&story),
        ["assigned mail bob @a", "assigned chat bob @a"],
        "ann knows"
    );
    story.act("bob", "yes");
    assert_eq!(
        told(&story),
        [
            "assigned mail cat @b",
            "assigned mail dan @b",
            "assigned chat cat,dan @b"
        ]
    );
    story.to("cat", "forward", "eve").unwrap();
    assert_eq!(told(&story), ["assigned mail eve @b", "assigned chat eve @b"]);
    story.act("eve", "no");
    assert_eq!(told(&story), ["returned mail ann @start", "returned chat ann @start"]);
    story.act("ann", "submit").act("bob", "yes").act("dan", "done");
    assert_eq!(
        told(&story),
        ["finished mail ann", "finished mail eve", "finished chat ann,eve"],
        "the creator, and who is in copy"
    );
}

#[test]
fn a_consult_asks_one_and_tells_the_other() {
    let mut story = sent(TWO, &["mail"]);
    story.act("bob", "yes").to("cat", "consult", "eve").unwrap();
    assert_eq!(told(&story), ["assigned mail eve @b"]);
    story.act("eve", "consult_submit");
    assert_eq!(told(&story), ["answered mail cat @b"], "dan has known it all the time");
}

#[test]
fn in_a_vote_in_order_each_is_told_at_their_turn() {
    let mut story = sent(
        "node a normal users:bob,cat,dan whole votes:all+in_order
         edge submit agree start -> a
         edge yes agree a -> end
         edge no reject a -> end",
        &["mail"],
    );
    assert_eq!(told(&story), ["assigned mail bob @a"]);
    story.act("bob", "yes");
    assert_eq!(told(&story), ["assigned mail cat @a"]);
    story.act("cat", "yes");
    assert_eq!(told(&story), ["assigned mail dan @a"]);
    story.act("dan", "yes");
    assert_eq!(told(&story), ["finished mail ann", "finished mail eve"]);
}

#[test]
fn comments_reach_who_can_act_and_the_creator_and_never_their_author() {
    let mut story = sent(TWO, &["mail"]);
    story.act("bob", "yes");
    let comment = || With {
        comment: Some("when?"),
        ..With::default()
    };
    story.act_with("cat", "add_comment", "add_comment", comment()).unwrap();
    assert_eq!(told(&story), ["commented mail dan", "commented mail ann"]);
    story.act_with("eve", "add_comment", "add_comment", comment()).unwrap();
    assert_eq!(
        told(&story),
        ["commented mail cat", "commented mail dan", "commented mail ann"]
    );
    story.act("wad", "force_close");
    assert_eq!(told(&story), ["closed mail ann", "closed mail eve"]);
}

#[test]
fn a_deadline_reminds_those_who_can_act_and_escalates_to_others() {
    let mut story = sent(
        "node a normal users:bob,cat deadline:PT1H at:PT0S/remind at:PT1H/escalate/dan
         edge submit agree start -> a
         edge yes agree a -> end",
        &["mail"],
    );
    assert_eq!(told(&story), ["assigned mail bob @a", "assigned mail cat @a"]);
    story.now = story.now.plus_ms(3_600_000);
    story.reach(0).unwrap();
    assert_eq!(told(&story), ["reminder mail bob @a", "reminder mail cat @a"]);
    story.now = story.now.plus_ms(3_600_000);
    story.reach(1).unwrap();
    assert_eq!(told(&story), ["assigned mail dan @a"]);
    // What bob and cat were to be told of their turn is no longer so; that they were reminded is.
    assert_eq!(
        open(&story),
        ["reminder mail bob @a", "reminder mail cat @a", "assigned mail dan @a"]
    );
    story.act("dan", "yes");
    assert_eq!(open(&story), ["finished mail ann", "finished mail eve"]);
}

#[test]
fn a_reminder_goes_to_whom_its_step_names() {
    let text = "node a normal users:bob
         edge submit agree start -> a
         edge yes agree a -> end";
    let directory = directory_of(&people());
    let mut source = definition("w", "1.0", text)
        .notices(["mail"], [] as [&str; 0])
        .definition();
    let nodes = source["process_schema"]["node_info_list"].as_array_mut().unwrap();
    let node = nodes.iter_mut().find(|node| node["id"] == "a").unwrap();
    let to = json!({"assignee_type": "users", "assignee": "bob,dan"});
    node["props"]["deadline"] = json!({"after": "PT1H", "steps": [{"do": "remind", "to": to}]});
    let (version, problems) = check(&source, None, &ValidationContext::default());
    let version = Arc::new(version.unwrap_or_else(|| panic!("{problems:#?}")));
    let mut story = created(version, directory);
    story.now = story.now.plus_ms(3_600_000);
    story.reach(0).unwrap();
    assert_eq!(told(&story), ["reminder mail bob @a", "reminder mail dan @a"]);
}

#[test]
fn what_nobody_has_read_yet_ends_with_the_turn_it_was_about() {
    let mut story = sent(
        "node a normal users:bob,cat,dan voluntary
         edge submit agree start -> a
         edge yes agree a -> end",
        &["mail", "chat"],
    );
    assert_eq!(open(&story).len(), 4);
    story.act("cat", "accept");
    assert_eq!(open(&story), ["assigned mail cat @a", "assigned chat cat @a"]);
    story.to("cat", "forward", "dan").unwrap();
    assert_eq!(open(&story), ["assigned mail dan @a", "assigned chat dan @a"]);
    story.act("dan", "yes");
    assert_eq!(
        open(&story),
        ["finished mail ann", "finished mail eve", "finished chat ann,eve"]
    );
}

#[test]
fn admins_are_told_of_what_was_given_up_and_not_that_they_could_not_be_told() {
    let mut story = sent(
        "node a normal users:bob
         node h hook
         edge submit agree start -> a
         edge go agree a -> h
         edge done other h -> end",
        &["mail"],
    );
    let park = |story: &mut Story| {
        let (effect, _) = story.ticket.effects.iter().next().expect("it owes something");
        let outcome = EffectOutcome::Failed {
            reason: "relay down".into(),
            n_tries: 10,
            attempt: None,
        };
        story.command(&Command::CloseEffect { effect, outcome }).unwrap();
    };
    let settled = story.ticket.settled_version;
    park(&mut story);
    assert_eq!(told(&story), ["incident mail wad @a"]);
    assert_eq!(story.ticket.settled_version, settled, "it spoils nobody's form");
    assert_eq!(
        story.ticket.intervention.as_deref(),
        Some("people were not told over channel `mail`")
    );
    story.act("wad", "retry_hook");
    let (incident, _) = story
        .ticket
        .effects
        .iter()
        .find(|(_, open)| matches!(&open.work, Work::Notice(notice) if notice.event == NoticeEvent::Incident))
        .unwrap();
    let outcome = EffectOutcome::Failed {
        reason: "relay down".into(),
        n_tries: 10,
        attempt: None,
    };
    story
        .command(&Command::CloseEffect {
            effect: incident,
            outcome,
        })
        .unwrap();
    assert_eq!(told(&story), [] as [&str; 0]);
    story.act("bob", "go");
    story.report(HookOutcome::Failed("down".into())).unwrap();
    assert_eq!(told(&story), ["incident mail wad @h"]);
}

#[test]
fn when_nobody_can_act_the_admins_are_told() {
    let mut story = sent(TWO, &["mail"]);
    story.act("bob", "yes");
    let gone = |id: &str| Person::new(id).inactive();
    let users = ["ann", "bob", "eve", "wad", "dis", "vie"];
    let mail = json!({"id": "mail", "kind": "smtp", "host": "relay.x.example", "from": "tickets@x.example"});
    let left = People::of("t", "x.example")
        .channel(mail)
        .person(gone("cat"))
        .person(gone("dan"));
    story.directory = directory_of(&users.into_iter().fold(left, People::user));
    story.command(&Command::ReviewHolders).unwrap();
    assert_eq!(told(&story), ["incident mail wad"]);
}

#[test]
fn an_undone_commit_is_corrected_where_it_was_told() {
    let mut story = sent(TWO, &["mail", "chat"]);
    story.act("bob", "yes");
    let first = story.ticket.version - story.events.len() as u64;
    let owed: Vec<(EffectId, OwedEffect)> = notices(&story.events)
        .into_iter()
        .map(|(id, notice)| {
            let id = EffectId {
                version: first + id.version,
                ..id
            };
            (id, OwedEffect::Notice(Box::new(notice)))
        })
        .collect();
    assert_eq!(recalled(&story.ticket, &owed), [], "none of it was sent");
    let outcome = EffectOutcome::Succeeded { note: None };
    story
        .command(&Command::CloseEffect {
            effect: owed[1].0,
            outcome,
        })
        .unwrap();
    let [OwedEffect::Notice(correction)] = &recalled(&story.ticket, &owed)[..] else {
        panic!("one")
    };
    assert_eq!(shown(correction), "recalled mail dan @b");
    assert_eq!(correction.visit(), None);
}

/// People who were told of work that an undo takes away again are told that too; who was not told yet is not told at all.
#[test]
fn an_undo_tells_whoever_was_told() {
    let text = TWO.replace("users:ann,bob", "users:ann,bob undo");
    let mut story = sent(&text, &["mail"]);
    story.act("bob", "yes");
    assert_eq!(told(&story), ["assigned mail cat @b", "assigned mail dan @b"]);
    let open_for = |story: &Story, user: &str| {
        let is_for = |work: &Work| matches!(work, Work::Notice(it) if it.event == NoticeEvent::Assigned && it.to == [user.into()]);
        let mut open = story.ticket.effects.iter();
        open.find(|(_, effect)| is_for(&effect.work)).map(|(id, _)| id)
    };
    let effect = open_for(&story, "cat").expect("it is owed");
    let outcome = EffectOutcome::Succeeded { note: None };
    story.command(&Command::CloseEffect { effect, outcome }).unwrap();
    // What is said meanwhile is no hindrance.
    let said = With {
        comment: Some("wait"),
        ..With::default()
    };
    story.act_with("ann", "add_comment", "add_comment", said).unwrap();
    story.act("bob", "undo");
    assert_eq!(told(&story), ["recalled mail cat @b", "assigned mail ann @a"]);
    assert_eq!(open_for(&story, "dan"), None, "dan never hears of it");
    // Done again it is done as before.
    story.act("bob", "yes");
    assert_eq!(told(&story), ["assigned mail cat @b", "assigned mail dan @b"]);
}

#[test]
fn key_notification_selected_channel_list() {
    // Without a channel nobody is told, nor over one that is not there; of that the publisher is warned.
    assert_eq!(told(&sent(TWO, &[])), [] as [&str; 0]);
    assert_eq!(told(&sent(TWO, &["gone", "mail"])), ["assigned mail bob @a"]);
    let directory = directory_of(&people());
    let source = definition("w", "1.0", TWO)
        .notices(["gone", "mail"], [] as [&str; 0])
        .definition();
    let context = ValidationContext {
        directory: Some(&directory),
        known_workflows: None,
    };
    let codes = |source: &Value| -> Vec<&str> { check(source, None, &context).1.iter().map(|one| one.code).collect() };
    assert_eq!(codes(&source), ["unknown_channel"]);
    let mut wrong = source.clone();
    wrong["advanced_schema"]["notification_info"]["selected_channel_list"] = json!([{"id": "mail"}]);
    assert_eq!(codes(&wrong), ["wrong_type"]);
    // A version that was published when anything could stand there still runs.
    let old = WorkflowVersion::load(&wrong).expect("it runs");
    assert!(old.notification.channels.is_empty());
    wrong["advanced_schema"]["notification_info"]["selected_channel_list"] = json!(vec!["a"; 30]);
    assert_eq!(codes(&wrong), ["unknown_channel"], "said twice is said once");
    let many: Vec<String> = (0..11).map(|n| format!("c{n}")).collect();
    wrong["advanced_schema"]["notification_info"]["selected_channel_list"] = json!(many);
    assert!(codes(&wrong).contains(&"too_many_channels"));
}

#[test]
fn key_notification_events() {
    let usual = |story: &mut Story| {
        story.act("bob", "yes");
        let assigned = told(story);
        story.act("cat", "no");
        let returned = told(story);
        story.act("wad", "force_close");
        (assigned.len(), returned.len(), told(story).len())
    };
    let info = |events: Value| json!({"selected_channel_list": ["mail"], "events": events});
    assert_eq!(
        usual(&mut sent_with(TWO, &json!({"selected_channel_list": ["mail"]}))),
        (2, 1, 0)
    );
    assert_eq!(usual(&mut sent_with(TWO, &info(json!(["closed"])))), (0, 0, 2));
    assert_eq!(usual(&mut sent_with(TWO, &info(json!([])))), (0, 0, 0));
    let directory = directory_of(&people());
    for (events, code) in [
        (json!(["asigned"]), "unknown_event"),
        (json!(["incident"]), "unknown_event"),
        (json!("closed"), "wrong_type"),
    ] {
        let source = definition("w", "1.0", TWO)
            .advanced("notification_info", info(events))
            .definition();
        let context = ValidationContext {
            directory: Some(&directory),
            known_workflows: None,
        };
        let problems = check(&source, None, &context).1;
        assert_eq!(problems.iter().map(|one| one.code).collect::<Vec<_>>(), [code]);
    }
}
