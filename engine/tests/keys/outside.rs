//! What is asked and told of other systems, sub-tickets, and who may use a workflow through what.

use std::time::Duration;

use loonflow_engine::runtime::Post;
use loonflow_engine::value::Value;
use serde_json::{Value as Json, json};

use crate::Honoured;
use crate::draft::{Draft, node, step};
use crate::world::{World, standing};

pub(crate) const HONOURED: &[Honoured] = &[
    ("hook_props.hook_url", key_hook_url),
    ("hook_props.hook_token", key_hook_token),
    ("hook_props.is_async", key_hook_is_async),
    ("hook_props.timeout", key_hook_timeout),
    ("hook_props.callback_within", key_hook_callback_within),
    ("event_hook.id", key_event_hook_id),
    ("event_hook.name", key_event_hook_name),
    ("event_hook.description", crate::form::key_given_back),
    ("event_hook.url", key_event_hook_url),
    ("event_hook.token", key_event_hook_token),
    ("event_hook.event_list", key_event_hook_event_list),
    ("normal_props.assignee_token", key_assignee_token),
    ("externaldata_props.url", key_external_url),
    ("externaldata_props.token", key_external_token),
    ("externaldata_props.timeout", key_external_timeout),
    ("normal_props.sub_workflows", key_sub_workflows),
    ("normal_props.wait_for_sub_tickets", key_wait),
    ("normal_props.auto_edge", key_auto_edge),
    ("normal_props.auto_edge_failed", key_auto_edge_failed),
    ("spawn.workflow", key_spawn_workflow),
    ("spawn.count", key_spawn_count),
    ("spawn.each", key_spawn_each),
    ("spawn.creator", key_spawn_creator),
    ("spawn.action_id", key_spawn_action_id),
    ("spawn.fields", key_spawn_fields),
    (
        "advanced_schema.customization_info.authorized_app_id_list",
        key_authorized_apps,
    ),
];

/// A hook between start and `a`.
fn hook(props: Json) -> Draft {
    let mut draft = Draft::new()
        .node(node("h", "hook", props))
        .edge("on", "condition", "h", "a");
    draft.at("go")["target_node_id"] = "h".into();
    draft
}

fn fine() -> Json {
    json!({"code": 0})
}

/// The token signs with these.
fn signs(post: &Post, token: &str) -> bool {
    post.token.expose() == token
}

#[tokio::test]
async fn key_hook_url() {
    let world = World::of(
        &[hook(
            json!({"hook_url": "https://ci.example/deploy", "hook_token": "k"}),
        )],
        fine(),
    )
    .await;
    let ticket = world.submit().await;
    world.comes_to(ticket, "on_going a").await;
    assert_eq!(world.posts(1).await[0].url, "https://ci.example/deploy");
    world.engine.close().await.unwrap();
    let elsewhere = hook(json!({"hook_url": "ftp://ci.example/", "hook_token": "k"}));
    assert_eq!(elsewhere.problems(), ["bad_hook_url"]);
}

#[tokio::test]
async fn key_hook_token() {
    let world = World::of(
        &[hook(json!({"hook_url": "https://ci.example/", "hook_token": "k"}))],
        fine(),
    )
    .await;
    world.submit().await;
    assert!(signs(&world.posts(1).await[0], "k"));
    world.engine.close().await.unwrap();
    assert_eq!(
        hook(json!({"hook_url": "https://ci.example/"})).problems(),
        ["hook_without_token"]
    );
}

#[tokio::test]
async fn key_hook_is_async() {
    let props = json!({"hook_url": "https://ci.example/", "hook_token": "k", "is_async": true});
    let world = World::of(&[hook(props)], fine()).await;
    let ticket = world.submit().await;
    let posts = world.posts(1).await;
    let sent: Json = serde_json::from_slice(&posts[0].body).unwrap();
    let token = sent["callback_url"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(
        world.at(ticket).await,
        "on_going h",
        "a good answer is not the end of it"
    );
    world.engine.effects().call_back(token, br#"{"code":0}"#).await.unwrap();
    world.comes_to(ticket, "on_going a").await;
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn key_hook_timeout() {
    let of = |timeout: &str| hook(json!({"hook_url": "https://ci.example/", "hook_token": "k", "timeout": timeout}));
    let world = World::of(&[of("PT40S")], fine()).await;
    world.submit().await;
    assert_eq!(world.posts(1).await[0].timeout, Duration::from_secs(40));
    world.engine.close().await.unwrap();
    assert_eq!(of("PT61S").problems(), ["bad_duration"]);
}

#[tokio::test]
async fn key_hook_callback_within() {
    let props = json!({
        "hook_url": "https://ci.example/", "hook_token": "k", "is_async": true, "callback_within": "PT2H",
    });
    let world = World::of(&[hook(props)], fine()).await;
    let ticket = world.submit().await;
    world.posts(1).await;
    let adm = world.engine.as_user("t", "adm");
    let state = async || adm.on(ticket).detail().await.unwrap();
    crate::world::until("it was taken on", async || state().await.row.version > 3).await;
    world.clock.pass_ms(7_201_000);
    crate::world::until("it came too late", async || state().await.row.needs_intervention).await;
    world.engine.close().await.unwrap();
    let at_once = hook(json!({"hook_url": "https://ci.example/", "hook_token": "k", "callback_within": "PT2H"}));
    assert!(!at_once.problems().is_empty(), "nobody calls back who answers at once");
}

/// Told of these events, through an address of this token.
fn told(events: impl Into<Json>) -> Draft {
    Draft::new().set(
        "/advanced_schema/customization_info",
        json!({"hook_info_list": [{
            "id": "h1", "name": "audit", "url": "https://audit.example/", "token": "k", "event_list": events.into(),
        }]}),
    )
}

async fn post_of(draft: Draft) -> (Post, Json) {
    let world = World::of(&[draft], fine()).await;
    world.submit().await;
    let post = world.posts(1).await.remove(0);
    world.engine.close().await.unwrap();
    let body = serde_json::from_slice(&post.body).unwrap();
    (post, body)
}

#[tokio::test]
async fn key_event_hook_id() {
    let world = World::of(&[told(["pre_create"])], fine()).await;
    let ann = world.engine.as_user("t", "ann");
    let preview = ann.create("w").set("title", "T").take("go").rehearse().await.unwrap();
    assert_eq!(preview.asks[0].place, "h1");
    world.engine.close().await.unwrap();
}

#[tokio::test]
async fn key_event_hook_name() {
    let draft = told(["create"]);
    let name = &draft.version().event_hooks[0].name;
    assert_eq!(name, "audit");
}

#[tokio::test]
async fn key_event_hook_url() {
    assert_eq!(post_of(told(["create"])).await.0.url, "https://audit.example/");
    let pointer = "/advanced_schema/customization_info/hook_info_list/0/url";
    assert_eq!(
        told(["create"]).set(pointer, "audit.example").problems(),
        ["hook_without_url"]
    );
}

#[tokio::test]
async fn key_event_hook_token() {
    assert!(signs(&post_of(told(["create"])).await.0, "k"));
    let pointer = "/advanced_schema/customization_info/hook_info_list/0/token";
    assert_eq!(told(["create"]).set(pointer, "").problems(), ["hook_without_token"]);
}

#[tokio::test]
async fn key_event_hook_event_list() {
    assert_eq!(post_of(told(["create"])).await.1["type"], "create");
    let world = World::of(&[told("reject, finish")], fine()).await;
    let ticket = world.submit().await;
    assert_eq!(world.take("bob", ticket, "no").await, "done");
    let body: Json = serde_json::from_slice(&world.posts(1).await[0].body).unwrap();
    assert_eq!(body["type"], "reject", "and nothing of its creation");
    world.engine.close().await.unwrap();
    assert_eq!(told(["moon"]).problems(), ["unknown_event"]);
}

#[tokio::test]
async fn key_assignee_token() {
    let draft = Draft::new()
        .with("a", "assignee_type", "external")
        .with("a", "assignee", "https://who.example/")
        .with("a", "assignee_token", "k");
    let world = World::of(&[draft], json!({"code": 0, "data": ["cat"]})).await;
    let ticket = world.submit().await;
    assert!(signs(&world.posts(1).await[0], "k"));
    assert_eq!(world.take("bob", ticket, "ok").await, "ticket_not_found");
    assert_eq!(world.take("cat", ticket, "ok").await, "done");
    world.engine.close().await.unwrap();
}

fn external(props: Json) -> Draft {
    Draft::new()
        .field("stock", "externaldata", props)
        .permits("start", "stock", "readonly")
        .permits("a", "stock", "readonly")
}

async fn asked(props: Json) -> (Post, Option<Json>) {
    let world = World::of(&[external(props)], json!({"code": 0, "data": 7})).await;
    let ticket = world.submit().await;
    let detail = world.engine.as_user("t", "bob").on(ticket).detail().await.unwrap();
    let post = world.posts(1).await.remove(0);
    world.engine.close().await.unwrap();
    (post, detail.values.get("stock").cloned())
}

#[tokio::test]
async fn key_external_url() {
    let (post, value) = asked(json!({"url": "https://stock.example/of"})).await;
    assert_eq!((post.url.as_str(), value), ("https://stock.example/of", Some(json!(7))));
    assert_eq!(external(json!({"url": "stock.example"})).problems(), ["bad_source_url"]);
}

#[tokio::test]
async fn key_external_token() {
    let (post, _) = asked(json!({"url": "https://stock.example/of", "token": "k"})).await;
    assert!(signs(&post, "k"));
}

#[tokio::test]
async fn key_external_timeout() {
    let (post, _) = asked(json!({"url": "https://stock.example/of", "timeout": "PT2S"})).await;
    assert_eq!(post.timeout, Duration::from_secs(2));
    let long = external(json!({"url": "https://stock.example/of", "timeout": "PT6S"}));
    assert_eq!(long.problems(), ["bad_duration"]);
}

/// `w`, whose step `a` leads on to `b` and, where it went ill, to `c`; and `part`, which cat finishes.
fn parent() -> Draft {
    Draft::new()
        .node(step("b", &["bob"]))
        .node(step("c", &["bob"]))
        .edge("well", "agree", "a", "b")
        .edge("ill", "other", "a", "c")
        .edge("b_done", "agree", "b", "end")
        .edge("c_done", "agree", "c", "end")
}

fn part() -> Draft {
    let mut draft = Draft::new()
        .set("/basic_info/id", "part")
        .with("a", "assignee", ["cat"])
        .permits("start", "title", "optional");
    draft.at("no")["target_node_id"] = "end".into();
    draft
}

fn spawning(spawn: Json) -> Draft {
    parent()
        .with("a", "spawn", [spawn])
        .with("a", "wait_for_sub_tickets", true)
}

async fn family(parent: Draft) -> World {
    World::of(&[part(), parent], fine()).await
}

#[tokio::test]
async fn key_sub_workflows() {
    for (allowed, code) in [
        (json!(["part"]), None),
        (json!(["other"]), Some("sub_workflow_not_allowed")),
    ] {
        let world = family(parent().with("a", "sub_workflows", allowed)).await;
        let ticket = world.submit().await;
        let bob = world.engine.as_user("t", "bob");
        let child = bob.create("part").set("title", "P").below(ticket, "a").take("go").await;
        let refused = child
            .err()
            .and_then(|error| error.refusal().map(|refusal| refusal.code()));
        assert_eq!(refused, code);
        world.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn key_wait() {
    let world = family(spawning(json!({"workflow": "part"}))).await;
    let ticket = world.submit().await;
    let child = world.children(ticket, 1).await[0];
    assert_eq!(world.take("bob", ticket, "well").await, "sub_tickets_open");
    assert_eq!(world.take("cat", child, "ok").await, "done");
    let moved = async || world.take("bob", ticket, "well").await == "done";
    crate::world::until("the parent knows", moved).await;
    world.engine.close().await.unwrap();
    let world = family(spawning(json!({"workflow": "part"})).with("a", "wait_for_sub_tickets", false)).await;
    let ticket = world.submit().await;
    world.children(ticket, 1).await;
    assert_eq!(world.take("bob", ticket, "well").await, "done");
    world.engine.close().await.unwrap();
}

async fn ends(edge: &str) -> String {
    let draft = spawning(json!({"workflow": "part"}))
        .with("a", "auto_edge", "well")
        .with("a", "auto_edge_failed", "ill");
    let world = family(draft).await;
    let ticket = world.submit().await;
    let child = world.children(ticket, 1).await[0];
    assert_eq!(world.take("cat", child, edge).await, "done");
    crate::world::until("it goes on", async || !world.at(ticket).await.ends_with(" a")).await;
    let at = world.at(ticket).await;
    world.engine.close().await.unwrap();
    at
}

#[tokio::test]
async fn key_auto_edge() {
    assert_eq!(ends("ok").await, "on_going b");
    let unknown = spawning(json!({"workflow": "part"})).with("a", "auto_edge", "go");
    assert!(
        unknown.problems().contains(&"unknown_auto_edge"),
        "{:?}",
        unknown.problems()
    );
    let childless = parent().with("a", "auto_edge", "well");
    assert_eq!(childless.problems(), ["auto_edge_without_children"]);
}

#[tokio::test]
async fn key_auto_edge_failed() {
    assert_eq!(ends("no").await, "on_going c");
    let unknown = spawning(json!({"workflow": "part"})).with("a", "auto_edge_failed", "go");
    assert!(
        unknown.problems().contains(&"unknown_auto_edge"),
        "{:?}",
        unknown.problems()
    );
}

#[tokio::test]
async fn key_spawn_workflow() {
    let world = family(spawning(json!({"workflow": "part"}))).await;
    let ticket = world.submit().await;
    let child = world.children(ticket, 1).await[0];
    let detail = world.engine.as_user("t", "adm").on(child).detail().await.unwrap();
    assert_eq!(detail.row.workflow_id.as_str(), "part");
    world.engine.close().await.unwrap();
    assert_eq!(spawning(json!({"count": 1})).problems(), ["bad_spawn"]);
    assert_eq!(
        spawning(json!({"workflow": "part", "moon": 1})).problems(),
        ["unknown_key"]
    );
}

#[tokio::test]
async fn key_spawn_count() {
    let world = family(spawning(json!({"workflow": "part", "count": 3}))).await;
    let ticket = world.submit().await;
    world.children(ticket, 3).await;
    world.engine.close().await.unwrap();
    assert_eq!(
        spawning(json!({"workflow": "part", "count": 51})).problems(),
        ["bad_spawn"]
    );
}

#[tokio::test]
async fn key_spawn_each() {
    let fields = json!({"note": {"entry": true}});
    let world = family(spawning(json!({"workflow": "part", "each": "who", "fields": fields}))).await;
    let ann = world.engine.as_user("t", "ann");
    let several = Value::List(vec![Value::text("bob"), Value::text("cat")]);
    let created = ann
        .create("w")
        .set("title", "T")
        .set("who", several)
        .take("go")
        .await
        .unwrap();
    let adm = world.engine.as_user("t", "adm");
    let mut notes = Vec::new();
    for child in world.children(created.ticket_id, 2).await {
        let detail = adm.on(child).detail().await.unwrap();
        notes.push(detail.values["note"].clone());
    }
    notes.sort_by_key(Json::to_string);
    assert_eq!(notes, ["bob", "cat"]);
    world.engine.close().await.unwrap();
    let single = spawning(json!({"workflow": "part", "each": "note"}));
    assert_eq!(single.problems(), ["bad_spawn"]);
}

/// Bob brings it to `b`, and ann created it.
#[tokio::test]
async fn key_spawn_creator() {
    for (creator, expected) in [("creator", "ann"), ("actor", "bob")] {
        let mut draft = parent();
        draft = draft.with("b", "spawn", json!([{"workflow": "part", "creator": creator}]));
        let world = family(draft).await;
        let ticket = world.submit().await;
        assert_eq!(world.take("bob", ticket, "well").await, "done");
        let child = world.children(ticket, 1).await[0];
        let detail = world.engine.as_user("t", "adm").on(child).detail().await.unwrap();
        assert_eq!(detail.row.creator.id.as_str(), expected, "{creator}");
        world.engine.close().await.unwrap();
    }
    assert_eq!(
        spawning(json!({"workflow": "part", "creator": "moon"})).problems(),
        ["bad_spawn"]
    );
}

#[tokio::test]
async fn key_spawn_action_id() {
    for (edge, at) in [("go", "on_going a"), ("", "in_draft start")] {
        let world = family(spawning(json!({"workflow": "part", "action_id": edge}))).await;
        let ticket = world.submit().await;
        // A draft is its creator's alone.
        let ann = world.engine.as_user("t", "ann");
        let child = world.children_seen_by(&ann, ticket, 1).await[0];
        assert_eq!(standing(&ann.on(child).detail().await.unwrap()), at);
        world.engine.close().await.unwrap();
    }
}

#[tokio::test]
async fn key_spawn_fields() {
    let fields = json!({"title": {"value": "Part"}, "note": {"field": "note"}});
    let world = family(spawning(json!({"workflow": "part", "fields": fields}))).await;
    let ticket = world.try_submit(Some(("note", "of the parent"))).await.unwrap();
    let child = world.children(ticket, 1).await[0];
    let detail = world.engine.as_user("t", "adm").on(child).detail().await.unwrap();
    assert_eq!(detail.row.title, "Part");
    assert_eq!(detail.values["note"], "of the parent");
    world.engine.close().await.unwrap();
    let unknown = spawning(json!({"workflow": "part", "fields": {"note": {"field": "moon"}}}));
    assert!(!unknown.problems().is_empty(), "the parent has no such field");
}

#[tokio::test]
async fn key_authorized_apps() {
    let draft = Draft::new();
    let allowing = draft.clone().set(
        "/advanced_schema/customization_info",
        json!({"authorized_app_id_list": ["bot"]}),
    );
    for (draft, code) in [(draft, Some("app_not_allowed")), (allowing, None)] {
        let world = World::of(&[draft], fine()).await;
        let ann = world.engine.as_user("t", "ann").through("bot");
        let created = ann.create("w").set("title", "T").take("go").await;
        let refused = created
            .err()
            .and_then(|error| error.refusal().map(|refusal| refusal.code()));
        assert_eq!(refused, code);
        world.engine.close().await.unwrap();
    }
}
