//! The engine as a library: two people, a workflow in which one asks and the other decides, a ticket.
//!
//! `cargo run -p loonflow-engine --example embedded`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use loonflow_engine::define::{Assign, Field, Node, People, Workflow};
use loonflow_engine::runtime::{Engine, Error, HistoryQuery, PublishRequest};
use loonflow_storage::{SledLog, SledOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let log = SledLog::open(directory.path(), SledOptions::default())?;
    let engine = Engine::builder().log(log).start().await?;
    buy_a_chair(&engine).await?;
    engine.close().await?;
    Ok(())
}

async fn buy_a_chair(engine: &Engine) -> Result<(), Error> {
    let people = People::of("shop", "shop.example").user("ann").user("bob");
    engine.directories().import(&people.directory()).await??;
    let purchase = Workflow::new("purchase", "1.0")
        .field(Field::title().required_at("start"))
        .field(Field::number("price").required_at("start"))
        .node(Node::step("decide", Assign::users(["bob"])))
        .agree("ask", "start", "decide")
        .agree("buy", "decide", "end")
        .reject("no", "decide", "start");
    engine
        .workflows()
        .publish(PublishRequest::new("shop", purchase))
        .await??;

    let (ann, bob) = (engine.as_user("shop", "ann"), engine.as_user("shop", "bob"));
    let chair = ann.create("purchase").set("title", "A chair").set("price", 120);
    let created = chair.take("ask").comment("the old one broke").await?;

    // A rehearsal makes the very same decision and writes nothing.
    let preview = bob.on(created.ticket_id).take("buy").rehearse().await?;
    println!("buying would do: {}", preview.events.join(", "));
    // A refusal says who may: ann does not decide on her own request.
    if let Err(refusal) = ann.on(created.ticket_id).take("buy").await {
        println!("ann may not: {refusal}");
    }
    let done = bob.on(created.ticket_id).take("buy").comment("go ahead").await?;
    println!("the ticket is {} at version {}", done.act_state.word(), done.version);

    for entry in ann.on(created.ticket_id).history(HistoryQuery::default()).await?.rows {
        println!("{} {}", entry.at, entry.action_name);
    }
    Ok(())
}
