//! How a program that embeds the engine fuzzes its own definition in its tests: the engine's invariants are checked
//! after every step, and so are its own rules about its own workflow.
//!
//! `cargo run -p loonflow-simulator --example own_definitions`

use loonflow_engine::ticket::{ActState, Ticket};
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::hunt::fuzz::{Fuzz, Report};
use serde_json::Value as Json;

/// The definition as the program ships it; here one of the fixtures.
const PURCHASE: &str = include_str!("../../engine/fixtures/workflows/purchase.json");

/// A rule of the business that no engine knows: whatever was bought, somebody other than who asked for it agreed.
fn somebody_else_agreed(ticket: &Ticket, _: &WorkflowVersion) -> Result<(), String> {
    let is_bought = ticket.act_state == ActState::Finished;
    if is_bought && ticket.processed.iter().all(|user| *user == ticket.creator) {
        return Err(format!("{} bought something all alone", ticket.creator));
    }
    Ok(())
}

/// What would be a `#[test]` in the program.
fn purchase_keeps_its_rules() -> Report {
    let definition: Json = serde_json::from_str(PURCHASE).expect("JSON");
    Fuzz::new()
        .definition(definition)
        .invariant("somebody_else_agreed", somebody_else_agreed)
        .seeds(40)
        .steps(200)
        .run()
        .expect("a sound definition")
}

fn main() -> std::process::ExitCode {
    use std::io::Write as _;

    let report = purchase_keeps_its_rules();
    let mut out = std::io::stdout().lock();
    let told = match report.first_story() {
        Some(story) => story,
        None => format!("{} steps, nothing found", report.n_steps),
    };
    // A reader that went away is no failure.
    let _ = writeln!(out, "{told}");
    std::process::ExitCode::from(u8::from(report.n_failed > 0))
}
