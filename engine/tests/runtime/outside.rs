//! What has to be asked outside: asked once, outside the mailbox, and decided anew with the replies.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{Engine, Error, NoResponse, Outside, Post, PublishRequest, Response};
use loonflow_engine::ticket::{Refusal, Reply, Rest};
use loonflow_engine::workflow::ComponentKind;
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
            // A field that is shown asks by its own name.
            let asks = body.get("field_key").unwrap_or(&body["node_id"]);
            let node = asks.as_str().unwrap().to_owned();
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

/// An event hook that wants to agree is asked before a ticket is sent: with its words, or without an answer, nothing has
/// happened.
#[tokio::test]
async fn an_event_hook_may_refuse_a_ticket() {
    let people = People::of("shop", "shop.example").user("ann");
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .event_hook("gate", "https://gate.example/", "", ["pre_create"])
        .node(Node::step("a", Assign::users(["ann"])))
        .agree("go", "start", "a")
        .agree("ok", "a", "end");
    let cases = [
        (200, r#"{"code":0}"#, None),
        (204, "", None),
        (200, r#"{"code":3,"msg":"budget is spent"}"#, Some("creation_refused")),
        (500, "", Some("outside_unavailable")),
        (200, "yes", Some("outside_unavailable")),
    ];
    for (status, body, refused) in cases {
        let engine = Engine::builder().outside(Says(status, body)).start().await.unwrap();
        engine.directories().import(&people.directory()).await.unwrap().unwrap();
        let published = engine
            .workflows()
            .publish(PublishRequest::new("shop", workflow.clone()))
            .await;
        published.unwrap().unwrap();
        let ann = engine.as_user("shop", "ann");
        // A draft is nobody's business; sending it is.
        let draft = ann.create("w").set("title", "T").await.unwrap().ticket_id;
        let preview = ann.on(draft).take("go").rehearse().await.unwrap();
        assert_eq!(preview.asks[0].place, "gate");
        let sent = ann.on(draft).take("go").await;
        match (sent, refused) {
            (Ok(_), None) => {}
            (Err(error), Some(code)) => {
                assert_eq!(error.refusal().unwrap().code(), code, "{status} {body}");
                let row = ann.on(draft).detail().await.unwrap().row;
                assert_eq!((row.act_state.word(), row.version), ("in_draft", preview.version));
            }
            (sent, _) => panic!("{status} {body}: {sent:?}"),
        }
        engine.close().await.unwrap();
    }
}

/// Always the same answer.
struct Says(u16, &'static str);

impl Outside for Says {
    fn post(&self, _: Post) -> Pin<Box<dyn Future<Output = Result<Response, NoResponse>> + Send>> {
        let response = Response {
            status: self.0,
            body: self.1.as_bytes().to_vec(),
            retry_after: None,
        };
        Box::pin(async move { Ok(response) })
    }
}

/// A value from outside is fetched when a page is shown, one call for all who ask at once, and is never stored.
#[tokio::test]
async fn a_value_is_fetched_for_a_page() {
    let script = Script::of([("stock", &["7 left"])]);
    let engine = Engine::builder().outside(script.clone()).start().await.unwrap();
    let people = People::of("shop", "shop.example").user("ann").user("bob");
    engine.directories().import(&people.directory()).await.unwrap().unwrap();
    let external = |key: &str, url: &str| Field::new(ComponentKind::Externaldata, key).prop("url", url);
    let workflow = Workflow::new("w", "1")
        .field(Field::title())
        .field(external("stock", "https://stock.example/of?key=s3cret").readonly_at("a"))
        .field(external("price", "https://price.example/").readonly_at("a"))
        .field(
            external("secret", "https://secret.example/")
                .hidden_at("start")
                .hidden_at("a"),
        )
        .node(Node::step("a", Assign::users(["bob"])))
        .agree("go", "start", "a")
        .agree("ok", "a", "end");
    let published = engine.workflows().publish(PublishRequest::new("shop", workflow)).await;
    published.unwrap().unwrap();
    let created = engine
        .as_user("shop", "ann")
        .create("w")
        .set("title", "T")
        .take("go")
        .await
        .unwrap();
    assert_eq!(script.asked(), [] as [&str; 0]);
    script.gate.forget_permits(Semaphore::MAX_PERMITS);
    let shown = (0..2).map(|_| {
        let (engine, ticket) = (engine.clone(), created.ticket_id);
        tokio::spawn(async move { engine.as_user("shop", "bob").on(ticket).detail().await })
    });
    let shown: Vec<_> = shown.collect();
    while script.asked().len() < 2 {
        tokio::task::yield_now().await;
    }
    script.gate.add_permits(10);
    for page in shown {
        let page = page.await.unwrap().unwrap();
        assert_eq!(page.values["stock"], serde_json::json!(["7 left"]));
        assert_eq!(page.field_errors["price"], "status 500");
        assert!(!page.values.contains_key("secret") && !page.field_errors.contains_key("secret"));
    }
    let mut asked = script.asked();
    asked.sort();
    assert_eq!(
        asked,
        ["price price.example", "stock stock.example"],
        "each once for both, the hidden one never"
    );
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
            files: loonflow_engine::ticket::Files::AsDescribed,
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
