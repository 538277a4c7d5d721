//! A web service of one's own around the engine: it knows its users by its own means, here a header, and speaks its own
//! JSON. Three routes: a person's work, a ticket, an action on it.
//!
//! `cargo run -p loonflow-engine --example service`, then
//! `curl -H 'x-user: bob' localhost:8080/work`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
use loonflow_engine::id::TicketId;
use loonflow_engine::runtime::{Category, ListQuery};
use loonflow_engine::{Engine, Error, PublishRequest};
use serde_json::{Value, json};

type Answer = Result<Json<Value>, (StatusCode, String)>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = shop().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("curl -H 'x-user: bob' http://{}/work", listener.local_addr()?);
    axum::serve(listener, service(engine.clone()))
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    engine.close().await?;
    Ok(())
}

/// An engine with a workflow, and a ticket that waits for bob.
async fn shop() -> Result<Engine, Error> {
    let engine = Engine::builder().start().await?;
    let people = People::of("shop", "shop.example").user("ann").user("bob");
    engine.directories().import(&people.directory()).await??;
    let purchase = Workflow::new("purchase", "1.0")
        .field(Field::title().required_at("start"))
        .node(Node::step("decide", Assign::users(["bob"])))
        .agree("ask", "start", "decide")
        .agree("buy", "decide", "end")
        .reject("no", "decide", "start");
    engine
        .workflows()
        .publish(PublishRequest::new("shop", purchase))
        .await??;
    let ann = engine.as_user("shop", "ann");
    ann.create("purchase").set("title", "A chair").take("ask").await?;
    Ok(engine)
}

fn service(engine: Engine) -> Router {
    Router::new()
        .route("/work", get(work))
        .route("/tickets/{id}", get(ticket))
        .route("/tickets/{id}/{action}", post(act))
        .with_state(engine)
}

/// What waits for whoever asks.
async fn work(State(engine): State<Engine>, headers: HeaderMap) -> Answer {
    let query = ListQuery {
        category: Category::Duty,
        ..ListQuery::default()
    };
    let page = engine
        .as_user("shop", user(&headers)?)
        .tickets(query)
        .await
        .map_err(worded)?;
    let rows = page.rows.iter();
    Ok(Json(
        rows.map(|row| json!({ "id": row.id.to_string(), "title": row.title }))
            .collect(),
    ))
}

/// A ticket, with what the person may do.
async fn ticket(State(engine): State<Engine>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let detail = engine
        .as_user("shop", user(&headers)?)
        .on(ticket_id(&id)?)
        .detail()
        .await
        .map_err(worded)?;
    let actions: Vec<&str> = detail.offered.iter().map(|action| action.id.as_str()).collect();
    Ok(Json(
        json!({ "title": detail.row.title, "state": detail.row.act_state.word(), "actions": actions }),
    ))
}

/// Takes an edge.
async fn act(State(engine): State<Engine>, Path((id, edge)): Path<(String, String)>, headers: HeaderMap) -> Answer {
    let ticket = engine.as_user("shop", user(&headers)?).on(ticket_id(&id)?);
    let done = ticket.take(edge).await.map_err(worded)?;
    Ok(Json(json!({ "state": done.act_state.word(), "version": done.version })))
}

/// Who asks; a real service looks at a session or a token.
fn user(headers: &HeaderMap) -> Result<&str, (StatusCode, String)> {
    let named = headers.get("x-user").and_then(|user| user.to_str().ok());
    named.ok_or((StatusCode::UNAUTHORIZED, "say who you are in `x-user`".to_owned()))
}

fn ticket_id(text: &str) -> Result<TicketId, (StatusCode, String)> {
    TicketId::parse(text).ok_or((StatusCode::NOT_FOUND, format!("`{text}` is no ticket")))
}

/// A refusal is the caller's to mend, a fault is ours.
fn worded(error: Error) -> (StatusCode, String) {
    let status = match error.refusal() {
        Some(_) => StatusCode::CONFLICT,
        None => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, error.to_string())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn ask(service: &Router, method: &str, path: &str, user: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).header("x-user", user);
        let request = request.body(Body::empty()).expect("a request");
        let response = service.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn bob_finds_his_work_and_does_it() {
        let service = service(shop().await.expect("it starts"));
        let (_, work) = ask(&service, "GET", "/work", "bob").await;
        let work: Value = serde_json::from_str(&work).expect("JSON");
        let id = work[0]["id"].as_str().expect("a ticket").to_owned();
        let (_, ticket) = ask(&service, "GET", &format!("/tickets/{id}"), "bob").await;
        assert!(ticket.contains("\"buy\""), "{ticket}");
        let (status, refused) = ask(&service, "POST", &format!("/tickets/{id}/buy"), "ann").await;
        assert_eq!(status, StatusCode::CONFLICT, "{refused}");
        let (status, done) = ask(&service, "POST", &format!("/tickets/{id}/buy"), "bob").await;
        assert_eq!(status, StatusCode::OK, "{done}");
        assert_eq!(ask(&service, "GET", "/work", "bob").await.1, "[]");
    }
}
