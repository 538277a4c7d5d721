//! Cases: a failure is found, saved, made as small as it gets, told in few lines, and repeated.

use loonflow_engine::ticket::{ActState, Ticket};
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::hunt::fuzz::Fuzz;
use loonflow_simulator::hunt::shrink::shrunk_with;
use loonflow_simulator::hunt::story::told_with;
use loonflow_simulator::hunt::watch::OwnInvariant;
use loonflow_simulator::world::case::Case;

use super::{acme, fixture};

fn never_finished(ticket: &Ticket, _: &WorkflowVersion) -> Result<(), String> {
    if ticket.act_state == ActState::Finished {
        return Err("it is finished".into());
    }
    Ok(())
}

fn never_rejected_twice(ticket: &Ticket, _: &WorkflowVersion) -> Result<(), String> {
    // Each stay at start after the first is the end of a rejection or of a withdrawal.
    if ticket.act_state == ActState::Rejected && ticket.version > 14 {
        return Err(format!("rejected at version {}", ticket.version));
    }
    Ok(())
}

/// Without any one of its steps a small case does not fail any more.
fn assert_minimal(case: &Case, own: &[(String, OwnInvariant)]) {
    for at in 0..case.steps.len() {
        let mut fewer = case.clone();
        fewer.steps.remove(at);
        let failure = told_with(&fewer, own).failure;
        let fails = failure.is_some_and(|failure| failure.invariant == case.shows);
        assert!(!fails, "step {at} of {:#?} can go", case.steps);
    }
}

#[test]
fn a_failure_becomes_a_short_story_that_repeats() {
    for (holds, definition, at_most) in [
        (never_finished as OwnInvariant, "leave", 8),
        (never_rejected_twice as OwnInvariant, "purchase", 8),
    ] {
        let own = [("ours".to_owned(), holds)];
        let fuzz = Fuzz::new().definition(fixture(definition)).directory(acme());
        let report = fuzz.seeds(12).invariant("ours", holds).run().expect("a run");
        assert!(!report.failures.is_empty(), "{definition}");
        for case in report.failures.iter().take(3) {
            let again = told_with(case, &own).failure.expect("it fails again");
            assert_eq!((again.invariant.as_str(), &again.found), ("ours", &case.found));
            let small = shrunk_with(case, &own);
            assert!(small.fails && small.is_minimal, "{small:?}");
            assert!(small.case.steps.len() <= at_most, "{:#?}", small.case.steps);
            assert_minimal(&small.case, &own);

            // As a file would have it.
            let text = serde_json::to_string(&small.case).expect("JSON");
            let read: Case = serde_json::from_str(&text).expect("a case");
            assert_eq!(read, small.case);
            let told = told_with(&read, &own);
            assert!(told.lines.len() <= 20, "{:#?}", told.lines);
            assert!(told.diagram.contains("linkStyle"), "{}", told.diagram);
            assert_eq!(told.failure.map(|failure| failure.invariant).as_deref(), Some("ours"));
        }
    }
}

/// A long case is told with its middle left out, and a mended one says so.
#[test]
fn a_long_case_is_told_briefly() {
    let own = [("ours".to_owned(), never_finished as OwnInvariant)];
    let report = Fuzz::new()
        .definition(fixture("leave"))
        .directory(acme())
        .seeds(30)
        .steps(400);
    let report = report.invariant("ours", never_finished).run().expect("a run");
    let long = report
        .failures
        .iter()
        .max_by_key(|case| case.steps.len())
        .expect("a failure");
    let told = told_with(long, &own);
    assert!(told.lines.len() <= 20 && told.lines.iter().all(|line| line.chars().count() <= 220));
    if long.steps.len() > 16 {
        assert!(
            told.lines.iter().any(|line| line.contains("steps more")),
            "{:#?}",
            told.lines
        );
    }
    let mended = told_with(long, &[]);
    assert_eq!(mended.failure, None);
    assert!(!shrunk_with(long, &[]).fails);
}
