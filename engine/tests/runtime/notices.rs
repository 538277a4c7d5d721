//! People are told: at once or held, over mail and chats, and what becomes of a message that does not go out.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loonflow_engine::define::{Assign, Field, Node, People, Person, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{
    Engine, EngineOptions, Message, NoResponse, NotSent, Outside, Ports, Post, PublishRequest, Response, Sending, Sent,
};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_engine::ticket::{Action, Event};
use loonflow_engine::time::Timestamp;
use loonflow_storage::{EventLog, MemoryLog};
use serde_json::{Value, json};

use crate::fixture::until;

/// What came, and what is answered to the next ones; with nothing left it is taken.
#[derive(Clone, Default)]
struct Receiver {
    script: Arc<Mutex<VecDeque<Result<Sent, NotSent>>>>,
    messages: Arc<Mutex<Vec<Message>>>,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Receiver {
    fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    /// `bob@shop.example: To do: T`, in the order in which they came.
    fn told(&self) -> Vec<String> {
        let told = self.messages().into_iter().map(|message| match message.sending {
            Sending::Mail { to, mail, .. } => format!("{}: {}", to.join(","), mail.subject),
            Sending::Chat { body, .. } => format!("chat: {}", body["text"].as_str().unwrap_or_default()),
        });
        told.collect()
    }

    fn then(&self, answers: impl IntoIterator<Item = Result<Sent, NotSent>>) {
        self.script.lock().unwrap().extend(answers);
    }
}

impl Outside for Receiver {
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        self.posts.lock().unwrap().push(post);
        let response = Response {
            status: 200,
            body: br#"{"code":0}"#.to_vec(),
            retry_after: None,
        };
        Box::pin(std::future::ready(Ok(response)))
    }

    fn send(&self, message: Message) -> Pin<Box<dyn Future<Output = Result<Sent, NotSent>> + Send>> {
        self.messages.lock().unwrap().push(message);
        let next = self.script.lock().unwrap().pop_front();
        let taken = Ok(Sent {
            status: Some(250),
            note: "status 250".into(),
        });
        Box::pin(std::future::ready(next.unwrap_or(taken)))
    }
}

struct World {
    engine: Engine,
    clock: ManualClock,
    receiver: Receiver,
    log: Arc<MemoryLog>,
}

fn workflow(channels: &[&str]) -> Workflow {
    Workflow::new("w", "1")
        .field(Field::title())
        .node(Node::step("check", Assign::users(["bob"])))
        .agree("go", "start", "check")
        .agree("ok", "check", "end")
        .reject("no", "check", "start")
        .admins(["adm"])
        .notices(channels.iter().copied(), ["assigned", "returned", "finished"])
}

fn people(bob: Person) -> People {
    let mail = json!({"id": "mail", "kind": "smtp", "host": "relay.shop.example", "from": "tickets@shop.example"});
    let chat = json!({"id": "chat", "kind": "slack", "url": "https://chat.shop.example/services/hush"});
    let bot =
        json!({"id": "bot", "kind": "webhook", "url": "https://bot.shop.example/notices?key=hush", "secret": "s"});
    People::of("shop", "shop.example")
        .channel(mail)
        .channel(chat)
        .channel(bot)
        .user("ann")
        .person(bob)
        .person(Person::new("adm").admin())
}

impl World {
    async fn new(bob: Person, channels: &[&str]) -> Self {
        let world = Self::over(Arc::new(MemoryLog::new()), ManualClock::at(NOW), Receiver::default()).await;
        world.import(people(bob)).await;
        let publish = PublishRequest::new("shop", workflow(channels));
        let published = world.engine.workflows().publish(publish).await.unwrap().unwrap();
        assert_eq!(published.warnings, []);
        world
    }

    async fn over(log: Arc<MemoryLog>, clock: ManualClock, receiver: Receiver) -> Self {
        let shared: Arc<dyn EventLog> = log.clone();
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            outside: Some(Arc::new(receiver.clone())),
            ..Ports::system()
        };
        let options = EngineOptions {
            link_url: Some("https://tickets.example/".into()),
            ..EngineOptions::default()
        };
        let engine = Engine::start(shared, ports, options).await.unwrap();
        Self {
            engine,
            clock,
            receiver,
            log,
        }
    }

    async fn import(&self, people: People) {
        let imported = self.engine.directories().import(&people.directory()).await;
        imported.unwrap().unwrap();
    }

    /// As after a stop: another engine over the same log.
    async fn restarted(self) -> Self {
        self.engine.close().await.unwrap();
        Self::over(Arc::new(self.log.fork()), self.clock, self.receiver).await
    }

    async fn submit(&self, title: &str) -> TicketId {
        let ann = self.engine.as_user("shop", "ann");
        ann.create("w").set("title", title).take("go").await.unwrap().ticket_id
    }

    async fn owes(&self, n: usize) {
        until("what was to be done is done", async || {
            self.engine.effects().n_open() == n
        })
        .await;
    }

    async fn told(&self, n: usize) -> Vec<String> {
        until("people are told", async || self.receiver.told().len() >= n).await;
        self.receiver.told()
    }

    /// What a ticket noted of its effects.
    fn notes(&self, ticket: TicketId) -> Vec<String> {
        let stream = loonflow_engine::runtime::commit::ticket_stream(&"shop".into(), ticket);
        let commits = self.log.read_stream(&stream, 0).unwrap();
        let events = commits
            .iter()
            .flat_map(|commit| loonflow_engine::runtime::commit::read(commit).unwrap().1);
        let notes = events.filter_map(|event| {
            if let Event::EffectParked { reason, .. } = event {
                return Some(format!("parked: {reason}"));
            }
            let Event::EffectDone { note, .. } = event else {
                return None;
            };
            note
        });
        notes.collect()
    }
}

fn bob() -> Person {
    Person::new("bob")
}

#[tokio::test]
async fn people_are_told_over_each_channel_and_it_is_noted() {
    let world = World::new(bob(), &["mail", "chat", "bot"]).await;
    let ticket = world.submit("Leave").await;
    world.owes(0).await;
    let link = format!("https://tickets.example/t/{ticket}");
    let mut told = world.receiver.told();
    told.sort();
    assert_eq!(told[0], "bob@shop.example: To do: Leave");
    assert!(
        told[1].starts_with("chat: *To do: Leave*") && told[1].contains(&link),
        "{}",
        told[1]
    );
    let posts = world.receiver.posts.lock().unwrap().clone();
    let body: Value = serde_json::from_slice(&posts[0].body).unwrap();
    assert_eq!(body["notice"]["to"][0]["email"], "bob@shop.example");
    assert_eq!(
        (body["id"].as_str(), posts[0].token.expose()),
        (Some(posts[0].id.as_str()), "s")
    );
    let notes = world.notes(ticket);
    assert_eq!(notes.len(), 3);
    assert!(
        notes.iter().any(|note| note.starts_with("status 250; msg_")),
        "{notes:?}"
    );
    let tries = world.engine.effects().deliveries(&"shop".into(), Some(ticket), 10);
    let mut targets: Vec<&str> = tries.iter().map(|one| one.target.as_str()).collect();
    targets.sort_unstable();
    assert_eq!(
        targets,
        [
            "bot.shop.example:443 (channel bot)",
            "chat.shop.example:443 (channel chat)",
            "relay.shop.example:587 (channel mail)"
        ],
        "and nothing that is a key"
    );
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn who_left_or_does_not_want_to_know_is_not_told() {
    let world = World::new(bob(), &["mail"]).await;
    world
        .import(people(bob().with("notice_off", json!(["finished", "returned"]))))
        .await;
    world
        .import(People::of("shop", "shop.example").person(Person::new("ann").with("notice_off", json!(["finished"]))))
        .await;
    let ticket = world.submit("T").await;
    assert_eq!(
        world.told(1).await,
        ["bob@shop.example: To do: T"],
        "work is always told of"
    );
    world.owes(0).await;
    world.engine.as_user("shop", "bob").on(ticket).take("ok").await.unwrap();
    world.owes(0).await;
    assert_eq!(world.notes(ticket).last().unwrap(), "not_sent:opted_out");
    assert_eq!(world.receiver.told().len(), 1);
    // Who is not active any more by then is not told.
    world.receiver.then([Err(NotSent::failed("relay down"))]);
    let ticket = world.submit("Second").await;
    world.told(2).await;
    world
        .import(People::of("shop", "shop.example").person(bob().inactive()))
        .await;
    world.clock.pass_ms(10_000);
    until("it is not sent", async || {
        world.notes(ticket).contains(&"not_sent:inactive".to_owned())
    })
    .await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn what_fails_is_tried_again_and_what_is_refused_is_an_incident() {
    let world = World::new(bob(), &["mail"]).await;
    let full = |status: u16, is_final: bool| {
        Err(NotSent {
            status: Some(status),
            is_final,
            ..NotSent::failed(format!("status {status}"))
        })
    };
    world
        .receiver
        .then([full(452, false), Err(NotSent::failed("connection reset"))]);
    let ticket = world.submit("T").await;
    for n in 2..4 {
        world.told(n - 1).await;
        until("it waits", async || {
            world.clock.pass_ms(20_000);
            world.receiver.told().len() >= n
        })
        .await;
    }
    world.owes(0).await;
    let messages = world.receiver.messages();
    assert_eq!(
        messages
            .iter()
            .map(|one| &one.id)
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1,
        "one id"
    );
    assert_eq!(world.notes(ticket).len(), 1);
    world.receiver.then([full(552, true)]);
    let ticket = world.submit("Again").await;
    // The one that was refused, and that to the admin.
    world.told(5).await;
    until("it is parked", async || {
        world.notes(ticket).contains(&"parked: status 552".to_owned())
    })
    .await;
    world.owes(1).await;
    assert_eq!(world.receiver.told()[4], "adm@shop.example: Needs help: Again");
    let detail = world.engine.as_user("shop", "adm").on(ticket).detail().await.unwrap();
    assert_eq!(detail.incidents.len(), 1);
    let retry = Action::RetryHook { effect: None };
    world.engine.as_user("shop", "adm").on(ticket).act(retry).await.unwrap();
    world.owes(0).await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_digest_holds_all_but_incidents_and_goes_out_as_one() {
    let world = World::new(bob().with("digest", "daily"), &["mail"]).await;
    // It is midnight of the first of January in UTC.
    let (first, second) = (world.submit("One").await, world.submit("Two").await);
    let gone = world.submit("Three").await;
    let close = world.engine.as_user("shop", "adm").on(gone).act(Action::ForceClose);
    close.await.unwrap();
    until("ann is told that it is closed, or nobody", async || {
        world.engine.effects().n_open() == 2
    })
    .await;
    world.clock.pass_ms(7 * 3_600_000);
    let world = world.restarted().await;
    assert_eq!(world.receiver.told(), [] as [&str; 0]);
    world.clock.pass_ms(3_600_000);
    world.owes(0).await;
    let messages = world.receiver.messages();
    assert_eq!(world.receiver.told(), ["bob@shop.example: 2 notices"]);
    let Sending::Mail { mail, .. } = &messages[0].sending else {
        panic!("mail")
    };
    let link = |ticket: TicketId| format!("  https://tickets.example/t/{ticket}");
    let mut lines: Vec<&str> = mail.text.lines().collect();
    lines.sort_unstable();
    let mut expected = [link(first), link(second), "• To do: One".into(), "• To do: Two".into()];
    expected.sort_unstable();
    assert_eq!(lines, expected);
    let (of_first, of_second) = (world.notes(first), world.notes(second));
    assert_eq!(of_first, of_second, "both name the same message");
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_flood_is_held_and_sent_as_one_ten_minutes_after() {
    let world = World::new(bob(), &["mail"]).await;
    for n in 0..25 {
        world.submit(&format!("T{n}")).await;
    }
    world.owes(5).await;
    assert_eq!(world.receiver.told().len(), 20);
    world.clock.pass_ms(9 * 60_000);
    world.submit("late").await;
    world.owes(6).await;
    world.clock.pass_ms(60_000);
    world.owes(0).await;
    let told = world.receiver.told();
    assert_eq!((told.len(), told[20].as_str()), (21, "bob@shop.example: 6 notices"));
    world.engine.close().await.unwrap();
}

/// A message is made from the ticket as the commit left it that owes it.
#[tokio::test]
async fn a_late_message_says_what_was_so_when_it_was_owed() {
    let world = World::new(bob(), &["mail"]).await;
    world.receiver.then([Err(NotSent::failed("relay down"))]);
    let ticket = world.submit("T").await;
    world.told(1).await;
    let text = |message: &Message| {
        let Sending::Mail { mail, .. } = &message.sending else {
            panic!("mail")
        };
        mail.clone()
    };
    let comment = world.engine.as_user("shop", "ann").on(ticket).comment("and then?");
    comment.await.unwrap();
    until("it is tried again", async || {
        world.clock.pass_ms(10_000);
        world.receiver.told().len() >= 2
    })
    .await;
    let messages = world.receiver.messages();
    assert_eq!(text(&messages[0]), text(&messages[1]));
    assert!(messages[1].at > Timestamp(NOW.0) && messages[1].timeout == Duration::from_secs(30));
    world.engine.close().await.unwrap();
}
