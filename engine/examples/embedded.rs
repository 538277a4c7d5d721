//! The engine as a library: opens a log in a temporary directory, imports a directory, publishes a workflow, creates a
//! ticket, rehearses an action, takes it, and prints what happened.
//!
//! `cargo run -p loonflow-engine --example embedded`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;
use std::sync::Arc;

use loonflow_engine::id::TenantId;
use loonflow_engine::runtime::{
    ActAnswer, ActRequest, Caller, CreateRequest, Engine, EngineOptions, HistoryQuery, Ports,
};
use loonflow_engine::ticket::Action;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::VersionState;
use loonflow_storage::{SledLog, SledOptions};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let log = Arc::new(SledLog::open(directory.path(), SledOptions::default())?);
    let engine = Engine::start(log, Ports::system(), EngineOptions::default()).await?;

    // Two people, and a workflow in which one asks and the other decides.
    let tenant = engine.directories().import(&people()).await??.tenant_id;
    let published = engine
        .workflows()
        .publish(&tenant, Arc::new(purchase()), None, VersionState::Default, None)
        .await??;
    println!(
        "published `{}` version {}",
        published.workflow_id, published.version_name
    );

    let ann = caller(&tenant, "ann");
    let bob = caller(&tenant, "bob");
    let request = CreateRequest {
        workflow_id: published.workflow_id,
        version_name: None,
        take: Some("ask".into()),
        fields: [
            ("title".into(), Value::text("A chair")),
            ("price".into(), Value::Number("120".into())),
        ]
        .into(),
        comment: Some("the old one broke".into()),
        cc: Vec::new(),
        parent: None,
        dry_run: false,
        idempotency: None,
    };
    let ActAnswer::Done(created) = engine.tickets().create(&ann, request).await?? else {
        return Err("a real call is never answered with a preview".into());
    };
    println!("created {} at version {}", created.ticket_id, created.version);

    // A rehearsal makes the very same decision and writes nothing.
    let buy = ActRequest {
        comment: Some("go ahead".into()),
        dry_run: true,
        expected_version: Some(created.version),
        ..ActRequest::new(created.ticket_id, Action::take("buy"))
    };
    if let ActAnswer::Preview(preview) = engine.tickets().act(&bob, buy.clone()).await?? {
        println!(
            "agreeing would make it `{}`: {}",
            preview.act_state.word(),
            preview.events.join(", ")
        );
    }
    // A refusal is an answer, not an error: ann may not decide on her own request.
    if let Err(refusal) = engine
        .tickets()
        .act(
            &ann,
            ActRequest {
                dry_run: false,
                ..buy.clone()
            },
        )
        .await?
    {
        println!("ann may not: {refusal}");
    }
    if let ActAnswer::Done(done) = engine
        .tickets()
        .act(&bob, ActRequest { dry_run: false, ..buy })
        .await??
    {
        println!(
            "bob agreed: it is `{}` at version {}",
            done.act_state.word(),
            done.version
        );
    }

    let query = HistoryQuery {
        from_version: 0,
        page: 1,
        per_page: 20,
        reverse: false,
    };
    for entry in engine.tickets().history(&ann, created.ticket_id, query).await??.rows {
        let who = entry.by.as_ref().map_or(entry.processor, |person| person.shown());
        println!(
            "{} {who}: {} {}",
            entry.at,
            entry.action_name,
            entry.comment.unwrap_or_default()
        );
    }
    engine.close().await?;
    Ok(())
}

fn caller(tenant: &TenantId, user: &str) -> Caller {
    Caller {
        tenant_id: tenant.clone(),
        user_id: user.into(),
        app: "loonflow".into(),
        access_token: None,
    }
}

fn people() -> serde_json::Value {
    let user = |id: &str, alias: &str| {
        json!({"id": id, "name": id, "alias": alias, "email": format!("{id}@shop.example"), "type": "normal",
            "is_active": true, "depts": [], "roles": []})
    };
    json!({
        "tenant": {"id": "shop", "name": "Shop", "domain": "shop.example", "time_zone": "UTC"},
        "users": [user("ann", "Ann"), user("bob", "Bob")],
        "depts": [], "roles": [], "applications": [{"name": "loonflow", "workflow_ids": "*"}],
    })
}

fn purchase() -> serde_json::Value {
    let field = |key: &str, kind: &str| json!({"id": key, "type": kind, "component_key": key, "component_name": key});
    json!({
        "basic_info": {"id": "purchase", "name": "Purchase", "version": "1.0"},
        "form_schema": {"component_info_list": [{"id": "row", "type": "row", "component_key": "row",
            "children": [field("title", "title"), field("price", "number")]}]},
        "process_schema": {
            "node_info_list": [
                {"id": "start", "name": "Start", "type": "start",
                    "props": {"field_permissions": {"title": "required", "price": "required"}}},
                {"id": "decide", "name": "Decide", "type": "normal",
                    "props": {"field_permissions": {"title": "readonly", "price": "readonly"},
                        "assignee_type": "users", "assignee": "bob", "assignment_strategy": "direct"}},
                {"id": "end", "name": "End", "type": "end", "props": {"field_permissions": {}}},
            ],
            "edge_info_list": [
                {"id": "ask", "name": "Ask", "type": "agree", "source_node_id": "start", "target_node_id": "decide"},
                {"id": "buy", "name": "Buy it", "type": "agree", "source_node_id": "decide", "target_node_id": "end"},
                {"id": "no", "name": "No", "type": "reject", "source_node_id": "decide", "target_node_id": "start"},
            ],
        },
    })
}
