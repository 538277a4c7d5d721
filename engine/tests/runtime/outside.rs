//! What has to be asked outside: asked once, outside the mailbox, and decided anew with the replies.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{Engine, Error, NoResponse, Outside, Post, PublishRequest, Response};
use loonflow_engine::ticket::{Refusal, Reply, Rest};
use tokio::sync::Semaphore;

/// Answers by node; a node without an answer gives an error. A gate holds every answer back.
#[derive(Clone)]
struct Script {
    answers: Arc<BTreeMap<&'static str, Vec<String>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    gate: Arc<Semaphore>,
}

impl Script {
    fn of<const N: usize>(answers: [(&'static str, &[&str]); N]) -> Self {
        let answers = answers.map(|(node, people)| (node, people.iter().map(|one| (*one).to_owned()).collect()));
        Self {
            answers: Arc::new(answers.into()),
            asked: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(node, host)| format!("{node} {host}")).collect()
    }
}

impl Outside for Script {
    fn post(&self, post: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        let script = self.clone();
        Box::pin(async move {
            let body: serde_json::Value = serde_json::from_slice(&post.body).unwrap();
            let node = body["node_id"].as_str().unwrap().to_owned();
            let host = post.url.split('/').nth(2).unwrap().to_owned();
            script.asked.lock().unwrap().push((node.clone(), host));
            let _permit = script.gate.acquire().await.unwrap();
            let people = script.answers.get(node.as_str());
            Ok(Response {
                status: if people.is_some() { 200 } else { 500 },
                body: serde_json::to_vec(&serde_json::json!({"code": 0, "data": people})).unwrap(),
                retry_after: None,
            })
        })
    }
}

/// Two branches at once, both of people who are asked for.
async fn engine(script: &Script) -> Engine {
    let engine = Engine::builder().outside(script.clone()).start().await.unwrap();
    let people = People::of("shop", "shop.example").user("ann").user("bob").user("cat");
    engine.directories().import(&people.directory()).await.unwrap().unwrap();
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .field(Field::number("amount"))
        .node(Node::parallel("both"))
        .node(Node::step("a", Assign::external("https://who.example/a?key=s3cret")))
        .node(Node::step("b", Assign::external("https://who.example/b")))
        .node(Node::step("c", Assign::users(["ann"])))
        .agree("go", "start", "both")
        .way("to_a", "both", "a")
        .way("to_b", "both", "b")
        .agree("ok_a", "a", "c")
        .agree("ok_b", "b", "c")
        .agree("done", "c", "end");
    let published = engine.workflows().publish(PublishRequest::new("shop", workflow)).await;
    published.unwrap().unwrap();
    engine
}

async fn holders(engine: &Engine, ticket: TicketId) -> Vec<String> {
    let detail = engine.as_user("shop", "ann").on(ticket).detail().await.unwrap();
    let nodes = detail.row.current_nodes.iter();
    nodes
        .map(|node| {
            let people: Vec<&str> = node.assignees.iter().map(|one| one.id.as_str()).collect();
            format!("{}:{}", node.node_id, people.join(","))
        })
        .collect()
}

#[tokio::test]
async fn people_are_asked_for_and_recorded() {
    let script = Script::of([
        ("a", &["bob@shop.example", "nobody@else.example"]),
        ("b", &["cat", "bob"]),
    ]);
    let engine = engine(&script).await;
    let ann = engine.as_user("shop", "ann");
    let created = ann.create("w").set("title", "T").take("go").await.unwrap();
    assert_eq!(holders(&engine, created.ticket_id).await, ["a:bob", "b:cat,bob"]);
    let mut asked = script.asked();
    asked.sort();
    assert_eq!(
        asked,
        ["a who.example", "b who.example"],
        "each once, both in one round"
    );
    // What was answered is in the events: nothing is asked to show it, nor for what does not lead there.
    engine
        .as_user("shop", "bob")
        .on(created.ticket_id)
        .take("ok_a")
        .await
        .unwrap();
    assert_eq!(script.asked().len(), 2);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn a_rehearsal_says_who_would_be_asked_and_asks_nobody() {
    let script = Script::of([("a", &["bob"]), ("b", &["cat"])]);
    let engine = engine(&script).await;
    let ann = engine.as_user("shop", "ann");
    let draft = ann.create("w").set("title", "T").set("amount", 7);
    let preview = draft.take("go").rehearse().await.unwrap();
    let asks: Vec<_> = preview
        .asks
        .iter()
        .map(|one| (one.place.as_str(), one.host()))
        .collect();
    assert_eq!(asks, [("a", "who.example".to_owned()), ("b", "who.example".to_owned())]);
    assert_eq!(preview.asks[0].body()["fields"]["amount"], 7);
    assert!(
        !format!("{preview:?}").contains("s3cret"),
        "the address is for whoever asks"
    );
    assert_eq!(script.asked(), [] as [&str; 0]);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn without_an_answer_nothing_changes() {
    let script = Script::of([("a", &["bob"])]);
    let engine = engine(&script).await;
    let ann = engine.as_user("shop", "ann");
    let refused = ann.create("w").set("title", "T").take("go").await.unwrap_err();
    let Error::Refused(Refusal::OutsideUnavailable { place, host, why }) = refused else {
        panic!("{refused}");
    };
    assert_eq!(
        (place.as_str(), host.as_str(), why.as_str()),
        ("b", "who.example", "status 500")
    );
    assert_eq!(ann.tickets(Default::default()).await.unwrap().total, 0);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn nobody_known_is_nobody() {
    let script = Script::of([("a", &["bob"]), ("b", &["zoe"])]);
    let engine = engine(&script).await;
    let refused = engine
        .as_user("shop", "ann")
        .create("w")
        .set("title", "T")
        .take("go")
        .await
        .unwrap_err();
    assert_eq!(refused.refusal().unwrap().code(), "no_assignee", "{refused}");
    engine.close().await.unwrap();
}

/// The actor goes on with others while an address is slow, and the command is decided on the state of then.
#[tokio::test]
async fn a_slow_address_keeps_nobody_waiting() {
    let script = Script::of([("a", &["bob"]), ("b", &["cat"])]);
    let engine = engine(&script).await;
    let ann = engine.as_user("shop", "ann");
    let draft = ann.create("w").set("title", "T").await.unwrap().ticket_id;
    script.gate.forget_permits(Semaphore::MAX_PERMITS);
    let slow = tokio::spawn({
        let engine = engine.clone();
        async move { engine.as_user("shop", "ann").on(draft).take("go").await }
    });
    while script.asked().len() < 2 {
        tokio::task::yield_now().await;
    }
    let said = ann.on(draft).comment("meanwhile").await.unwrap();
    script.gate.add_permits(2);
    let done = slow.await.unwrap().unwrap();
    assert!(done.version > said.version);
    assert_eq!(holders(&engine, draft).await, ["a:bob", "b:cat"]);
    assert_eq!(script.asked().len(), 2, "the same question is not asked twice");
    engine.close().await.unwrap();
}

/// Of the pure core: what is open is found again with other fields, and the same with the same.
#[test]
fn a_question_is_known_by_what_it_asks() {
    use loonflow_engine::test_util::{NOW, context, creation, directory, flow};
    use loonflow_engine::ticket::{Command, Draw, Replies, Verdict, decide, decide_or_ask};

    let workflow = flow(
        "form amount:number
         node a normal external:https://who.example/a amount=readonly
         edge go agree start -> a
         edge ok agree a -> end",
    );
    let directory = directory(&[]);
    let mut replies = Replies::default();
    let ask = |amount: i64, replies: &Replies| {
        let mut create = creation("ann", Some("go"));
        create.fields.insert("amount".into(), amount.into());
        let context = loonflow_engine::ticket::Context {
            replies: Some(replies),
            ..context(&workflow, &directory, NOW, Draw::Seed(1))
        };
        let command = Command::Create(create);
        let verdict = decide_or_ask(None, &command, &context).unwrap();
        let refused = decide(None, &command, &context).err().map(|refusal| refusal.code());
        (verdict, refused)
    };
    let (Verdict::Needs { questions, .. }, refused) = ask(1, &replies) else {
        panic!("nothing is asked")
    };
    assert_eq!(refused, Some("outside_unavailable"));
    assert_eq!(questions[0].id().to_string().len(), 32);
    replies.insert(&questions[0], Reply::People(vec!["bob".to_owned()]));
    let (Verdict::Needs { questions: others, .. }, _) = ask(2, &replies) else {
        panic!("another amount is another question")
    };
    assert_ne!(others[0].id(), questions[0].id());
    let (Verdict::Events { after, .. }, None) = ask(1, &replies) else {
        panic!("it was answered")
    };
    assert!(matches!(&after.tokens[0].rest, Rest::Held { holders, .. } if holders[0].as_str() == "bob"));
}
