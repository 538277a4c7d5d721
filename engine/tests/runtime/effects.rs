//! Effects carried out: timers fire, hooks are posted to and answer, what fails is tried again and then parked, and
//! nothing is lost or carried out behind its closing event.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loonflow_engine::define::{Assign, Field, Node, People, Person, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{
    CallBack, Engine, EngineOptions, NoResponse, Outside, Ports, Post, PublishRequest, Response,
};
use loonflow_engine::test_util::{ManualClock, NOW};
use loonflow_engine::ticket::{Action, Work};
use loonflow_storage::{EventLog, MemoryLog};
use serde_json::{Value, json};

use crate::fixture::{standing, until};

/// What a receiver does with the next calls; with none left it answers well.
#[derive(Clone, Default)]
struct Receiver {
    script: Arc<Mutex<VecDeque<Result<Response, NoResponse>>>>,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Receiver {
    fn then(&self, answers: impl IntoIterator<Item = Result<Response, NoResponse>>) {
        self.script.lock().unwrap().extend(answers);
    }

    fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    async fn got(&self, n: usize) -> Vec<Post> {
        until("it was posted to", async || self.posts().len() >= n).await;
        self.posts()
    }
}

impl Outside for Receiver {
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        self.posts.lock().unwrap().push(post);
        let next = self.script.lock().unwrap().pop_front();
        Box::pin(async move { next.unwrap_or_else(|| answer(200, r#"{"code":0}"#)) })
    }
}

fn answer(status: u16, body: &str) -> Result<Response, NoResponse> {
    Ok(Response {
        status,
        body: body.as_bytes().to_vec(),
        retry_after: None,
    })
}

fn down() -> Result<Response, NoResponse> {
    Err(NoResponse::Failed("connection refused".into()))
}

struct World {
    engine: Engine,
    clock: ManualClock,
    receiver: Receiver,
    log: Arc<MemoryLog>,
}

impl World {
    async fn new(workflow: Workflow) -> Self {
        let log = Arc::new(MemoryLog::new());
        let clock = ManualClock::at(NOW);
        let world = Self::over(log, clock, Receiver::default()).await;
        let people = People::of("shop", "shop.example")
            .user("ann")
            .user("bob")
            .person(Person::new("adm").admin());
        let engine = &world.engine;
        engine.directories().import(&people.directory()).await.unwrap().unwrap();
        let published = engine.workflows().publish(PublishRequest::new("shop", workflow)).await;
        published.unwrap().unwrap();
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
            public_url: Some("https://tickets.example/".into()),
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

    /// As after a stop: another engine over the same log.
    async fn restarted(self) -> Self {
        self.engine.close().await.unwrap();
        let log = Arc::new(self.log.fork());
        Self::over(log, self.clock, self.receiver).await
    }

    async fn submit(&self) -> TicketId {
        let ann = self.engine.as_user("shop", "ann");
        ann.create("w").set("title", "T").take("go").await.unwrap().ticket_id
    }

    async fn at(&self, ticket: TicketId) -> String {
        standing(&self.engine.as_user("shop", "adm"), ticket).await
    }

    async fn comes_to(&self, ticket: TicketId, at: &str) {
        until(at, async || self.at(ticket).await == at).await;
    }

    async fn owes(&self, n: usize) {
        until("what was to be done is done", async || {
            self.engine.effects().n_open() == n
        })
        .await;
    }

    /// Lets time pass until the next try of what waits.
    async fn pass(&self, seconds: i64) {
        self.clock.pass_ms(seconds * 1_000);
    }
}

fn hook(node: Node) -> Workflow {
    Workflow::new("w", "1")
        .field(Field::title())
        .node(node)
        .node(Node::step("check", Assign::users(["bob"])))
        .agree("go", "start", "deploy")
        .way("done", "deploy", "check")
        .agree("ok", "check", "end")
}

fn body(post: &Post) -> Value {
    serde_json::from_slice(&post.body).unwrap()
}

#[tokio::test]
async fn a_timer_fires_when_it_is_due_and_not_before() {
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .node(Node::timer("wait", "PT2H"))
        .node(Node::step("check", Assign::users(["bob"])))
        .agree("go", "start", "wait")
        .way("done", "wait", "check")
        .agree("ok", "check", "end");
    let world = World::new(workflow).await;
    let ticket = world.submit().await;
    world.pass(7_199).await;
    let other = world.submit().await;
    assert_eq!(world.at(ticket).await, "on_going wait");
    // What was pending is found again, and one that fell due meanwhile is not forgotten.
    let world = world.restarted().await;
    world.pass(1).await;
    world.comes_to(ticket, "on_going check").await;
    assert_eq!(world.at(other).await, "on_going wait");
    assert_eq!(world.engine.effects().n_open(), 1);
    world.clock.pass_ms(7_199_000);
    world.comes_to(other, "on_going check").await;
    world.owes(0).await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_hook_is_posted_to_once_and_its_answer_takes_the_way_out() {
    let world = World::new(hook(Node::hook("deploy", "https://ci.example/deploy?key=s3cret", "k"))).await;
    let ticket = world.submit().await;
    world.comes_to(ticket, "on_going check").await;
    let [post] = world.receiver.posts().try_into().unwrap();
    let sent = body(&post);
    assert_eq!(sent["type"], "hook");
    assert_eq!(sent["node_id"], "deploy");
    assert_eq!(sent["ticket_id"], ticket.to_string());
    assert_eq!(sent["id"], post.id);
    assert_eq!(sent["callback_url"], Value::Null, "it answers at once");
    let tries = world.engine.effects().deliveries(&"shop".into(), Some(ticket), 10);
    assert_eq!(tries[0].target, "ci.example/deploy", "and nothing secret");
    assert_eq!((tries[0].status, &tries[0].error), (Some(200), &None));
    world.engine.close().await.unwrap();
}

/// Example A17: each try sends the same, the tenth failure parks, a retry goes on under the same id.
#[tokio::test]
async fn what_fails_is_tried_ten_times_and_then_parked() {
    let world = World::new(hook(Node::hook("deploy", "https://ci.example/deploy", ""))).await;
    world.receiver.then((0..10).map(|_| down()));
    let ticket = world.submit().await;
    for n in 1..10 {
        world.receiver.got(n).await;
        // Not before its time: a try is never early.
        world.pass(1).await;
        tokio::task::yield_now().await;
        assert_eq!(world.receiver.posts().len(), n);
        let (at, next) = (world.receiver.posts()[n - 1].at, n);
        loop {
            world.pass(60).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
            if world.receiver.posts().len() > next {
                break;
            }
            assert!(world.receiver.posts()[n - 1].at == at);
        }
    }
    world.comes_to(ticket, "on_going deploy !").await;
    let posts = world.receiver.posts();
    assert_eq!(posts.len(), 10);
    assert!(
        posts
            .iter()
            .all(|post| post.id == posts[0].id && post.body == posts[0].body)
    );
    let adm = world.engine.as_user("shop", "adm");
    adm.on(ticket).act(Action::RetryHook { effect: None }).await.unwrap();
    world.comes_to(ticket, "on_going check").await;
    let posts = world.receiver.posts();
    assert_eq!(
        (posts.len(), &posts[10].id, &posts[10].body),
        (11, &posts[0].id, &posts[0].body)
    );
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn some_failures_are_for_good() {
    let cases = [
        (answer(410, ""), "status 410"),
        (
            Err(NoResponse::Refused("the address is not allowed".into())),
            "not allowed",
        ),
    ];
    for (failure, said) in cases {
        let world = World::new(hook(Node::hook("deploy", "https://ci.example/deploy", ""))).await;
        world.receiver.then([failure]);
        let ticket = world.submit().await;
        world.comes_to(ticket, "on_going deploy !").await;
        assert_eq!(world.receiver.posts().len(), 1);
        let awaited = world.engine.effects().awaited(ticket).await.unwrap().unwrap();
        assert!(awaited[0].failed.as_ref().unwrap().contains(said), "{awaited:?}");
        world.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_asynchronous_hook_calls_back() {
    let node = Node::hook("deploy", "https://ci.example/deploy", "").calls_back(Some("PT1H"));
    let world = World::new(hook(node)).await;
    let ticket = world.submit().await;
    let posts = world.receiver.got(1).await;
    let url = body(&posts[0])["callback_url"].as_str().unwrap().to_owned();
    let token = url.strip_prefix("https://tickets.example/hooks/").unwrap();
    world.owes(2).await;
    assert_eq!(world.at(ticket).await, "on_going deploy");
    let effects = world.engine.effects();
    assert_eq!(effects.call_back("lfcb.x.y", b"{}").await.unwrap(), CallBack::Unknown);
    assert_eq!(effects.call_back(token, b"done").await.unwrap(), CallBack::Unreadable);
    let said = |body: &'static str| effects.call_back(token, body.as_bytes());
    assert_eq!(said(r#"{"code":1,"msg":"red"}"#).await.unwrap(), CallBack::Taken);
    world.comes_to(ticket, "on_going deploy !").await;
    assert_eq!(
        said(r#"{"code":1,"msg":"red"}"#).await.unwrap(),
        CallBack::Taken,
        "the same again"
    );
    assert_eq!(said(r#"{"code":2}"#).await.unwrap(), CallBack::Gone);
    // A success is one, however late.
    assert_eq!(said(r#"{"code":0}"#).await.unwrap(), CallBack::Taken);
    world.comes_to(ticket, "on_going check").await;
    assert_eq!(said(r#"{"code":0}"#).await.unwrap(), CallBack::Taken, "the same again");
    assert_eq!(said(r#"{"code":1}"#).await.unwrap(), CallBack::Gone);
    assert_eq!(world.receiver.posts().len(), 1);
    world.owes(0).await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn a_call_back_that_does_not_come_is_a_failure() {
    let node = Node::hook("deploy", "https://ci.example/deploy", "").calls_back(Some("PT1H"));
    let world = World::new(hook(node)).await;
    let ticket = world.submit().await;
    world.owes(2).await;
    world.pass(3_599).await;
    assert_eq!(world.at(ticket).await, "on_going deploy");
    world.pass(1).await;
    world.comes_to(ticket, "on_going deploy !").await;
    world.engine.close().await.unwrap();
}

/// An event hook is told in order, and does not hold the ticket up; parked it is an incident of a ticket that is over.
#[tokio::test]
async fn event_hooks_are_told_in_order() {
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .event_hook("audit", "https://audit.example/", "", ["create", "finish"])
        .node(Node::step("check", Assign::users(["bob"])))
        .agree("go", "start", "check")
        .agree("ok", "check", "end");
    let world = World::new(workflow).await;
    world.receiver.then([down()]);
    let ticket = world.submit().await;
    world.receiver.got(1).await;
    let bob = world.engine.as_user("shop", "bob");
    bob.on(ticket).take("ok").await.unwrap();
    assert_eq!(world.at(ticket).await, "finished end");
    assert_eq!(world.receiver.posts().len(), 1, "the second waits for the first");
    world.receiver.then([answer(200, ""), answer(410, "")]);
    world.pass(6).await;
    let posts = world.receiver.got(3).await;
    let told: Vec<_> = posts
        .iter()
        .map(|post| body(post)["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ["create", "create", "finish"]);
    world.comes_to(ticket, "finished end !").await;
    let adm = world.engine.as_user("shop", "adm");
    let world_at = world.engine.as_user("shop", "adm").on(ticket).detail().await.unwrap();
    let words: Vec<_> = world_at
        .offered
        .admin_actions
        .iter()
        .map(|one| one.kind.word())
        .collect();
    assert_eq!(words, ["retry_hook", "skip"], "a debt does not end with the ticket");
    adm.on(ticket).act(Action::Skip { effect: None }).await.unwrap();
    world.comes_to(ticket, "finished end").await;
    assert_eq!(world.receiver.posts().len(), 3);
    world.engine.close().await.unwrap();
}

/// A creator who thinks better of it rejects nothing of anybody's.
#[tokio::test]
async fn a_reject_out_of_the_start_node_is_the_creators_own() {
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .event_hook("audit", "https://audit.example/", "", ["reject"])
        .node(Node::step("check", Assign::users(["bob"])))
        .agree("go", "start", "check")
        .reject("never_mind", "start", "end")
        .reject("no", "check", "end");
    let world = World::new(workflow).await;
    let ann = world.engine.as_user("shop", "ann");
    let own = ann.create("w").set("title", "T").take("never_mind").await.unwrap();
    assert_eq!(world.at(own.ticket_id).await, "rejected end");
    assert_eq!(world.engine.effects().n_open(), 0);
    let ticket = ann.create("w").set("title", "T").take("go").await.unwrap().ticket_id;
    let bob = world.engine.as_user("shop", "bob");
    bob.on(ticket).take("no").await.unwrap();
    let posts = world.receiver.got(1).await;
    assert_eq!(
        (&body(&posts[0])["type"], &body(&posts[0])["ticket_id"]),
        (&json!("reject"), &json!(ticket))
    );
    world.engine.close().await.unwrap();
}

/// A visit that ends takes what it waited for with it; an answer that is under way comes too late.
#[tokio::test]
async fn what_is_withdrawn_is_owed_no_longer() {
    let world = World::new(hook(Node::hook("deploy", "https://ci.example/deploy", ""))).await;
    world.receiver.then([down(), down()]);
    let ticket = world.submit().await;
    world.receiver.got(1).await;
    let adm = world.engine.as_user("shop", "adm");
    adm.on(ticket).act(Action::ForceClose).await.unwrap();
    world.owes(0).await;
    world.pass(10_000).await;
    let other = world.submit().await;
    world.receiver.got(2).await;
    adm.on(other).act(Action::Skip { effect: None }).await.unwrap();
    assert_eq!(world.at(other).await, "on_going check");
    assert_eq!(world.receiver.posts().len(), 2);
    world.engine.close().await.unwrap();
}

/// Bookkeeping makes nobody's form stale.
#[tokio::test]
async fn what_is_delivered_changes_nothing_that_people_look_at() {
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .event_hook("audit", "https://audit.example/", "", ["create"])
        .node(Node::step("check", Assign::users(["bob"])))
        .agree("go", "start", "check")
        .agree("ok", "check", "end");
    let world = World::new(workflow).await;
    let ann = world.engine.as_user("shop", "ann");
    let created = ann.create("w").set("title", "T").take("go").await.unwrap();
    let before = world
        .engine
        .as_user("shop", "bob")
        .on(created.ticket_id)
        .detail()
        .await
        .unwrap();
    world.clock.pass_ms(60_000);
    world.owes(0).await;
    let bob = world.engine.as_user("shop", "bob");
    let after = bob.on(created.ticket_id).detail().await.unwrap();
    assert!(after.row.version > created.version);
    assert_eq!(after.row.updated_at, before.row.updated_at);
    let done = bob.on(created.ticket_id).take("ok").expecting(created.version).await;
    done.unwrap();
    world.engine.close().await.unwrap();
}

/// An effect is owed from the moment its event is on disk: an engine that is gone before it posted leaves it to the next.
#[tokio::test]
async fn what_is_owed_at_a_stop_is_carried_out_after_it() {
    let world = World::new(hook(Node::hook("deploy", "https://ci.example/deploy", ""))).await;
    world.receiver.then([down()]);
    let ticket = world.submit().await;
    world.receiver.got(1).await;
    let world = world.restarted().await;
    world.pass(10).await;
    world.comes_to(ticket, "on_going check").await;
    let posts = world.receiver.posts();
    assert!(posts.len() >= 2 && posts.iter().all(|post| post.id == posts[0].id));
    world.engine.close().await.unwrap();
}

/// The table of a ticket is that of the outbox: both fold the same events.
#[tokio::test]
async fn a_ticket_knows_what_it_owes() {
    let world = World::new(hook(Node::hook("deploy", "https://ci.example/deploy", ""))).await;
    world.receiver.then([answer(410, "")]);
    let ticket = world.submit().await;
    world.comes_to(ticket, "on_going deploy !").await;
    let awaited = world.engine.effects().awaited(ticket).await.unwrap().unwrap();
    assert_eq!(awaited.len(), 1);
    let parked = world
        .engine
        .as_user("shop", "adm")
        .on(ticket)
        .detail()
        .await
        .unwrap()
        .incidents;
    assert_eq!(parked.len(), 1);
    assert!(matches!(&parked[0].work, Work::Hook { attempt: 1, .. }));
    assert_eq!(parked[0].last_error, "status 410");
    let ann = world.engine.as_user("shop", "ann").on(ticket).detail().await.unwrap();
    assert!(
        ann.incidents.is_empty() && ann.intervention.is_some(),
        "others see that there is one"
    );
    world.engine.close().await.unwrap();
}
