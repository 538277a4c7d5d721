//! Forecasts and comparisons as tables for a terminal.

use std::fmt::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::compare::Comparison;
use super::estimate::Estimate;
use super::goal::Outcome;
use super::measure::Unit;
use super::quantity::{shown_ms, shown_number};
use super::report::Forecast;
use super::unsteady::Unsteady;

/// A mean with its interval.
#[must_use]
pub fn estimate(unit: Unit, estimate: &Estimate) -> String {
    let mean = unit.shown(estimate.mean);
    match estimate.half() {
        Some(half) => format!("{mean} ± {}", unit.shown(half)),
        None => mean,
    }
}

/// A forecast.
#[must_use]
pub fn forecast(found: &Forecast) -> String {
    let mut text = String::new();
    let counts = &found.counts;
    // Writing to a text does not fail.
    let _ = writeln!(
        text,
        "{} ({}), seed {}, {} replications of {}",
        found.scenario,
        found.workflow,
        found.seed,
        found.replications,
        shown_ms(found.window_ms)
    );
    let ended: Vec<String> = counts.ended.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let ended = if ended.is_empty() {
        "none ended".to_owned()
    } else {
        ended.join(", ")
    };
    let _ = writeln!(text, "{} cases came: {ended}, {} open", counts.arrived, counts.open);
    if counts.stuck > 0 {
        let _ = writeln!(
            text,
            "{} of the open cases are stuck: nobody can move them on",
            counts.stuck
        );
    }
    if counts.refused > 0 {
        let _ = writeln!(text, "{} cases could not be created", counts.refused);
    }
    for (refusal, n) in &found.refusals {
        let _ = writeln!(text, "refused by the engine, {n} times: {refusal}");
    }
    for one in &found.unsteady {
        let _ = writeln!(text, "not steady: {}", unsteady(one));
    }
    let mut table = new(&["measure", "mean"], &[1]);
    let general = found.measures.iter().filter(|one| !one.measure.key.contains(':'));
    for one in general {
        table.add_row([one.measure.name.clone(), estimate(one.measure.unit, &one.estimate)]);
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    let mut table = new(
        &[
            "node",
            "visits/case",
            "wait",
            "90 % below",
            "off duty",
            "work",
            "longest queue",
        ],
        &[1, 2, 3, 4, 5, 6],
    );
    for node in &found.nodes {
        let is_work = node.work.n > 0;
        let or_none = |text: String| if is_work { text } else { "-".to_owned() };
        let stay = || {
            format!(
                "stays {}",
                shown_ms(node.stay_per_case_ms / node.visits_per_case.max(f64::MIN_POSITIVE))
            )
        };
        table.add_row([
            node.name.clone(),
            shown_number(node.visits_per_case),
            if is_work { shown_ms(node.wait.mean_ms) } else { stay() },
            or_none(shown_ms(node.wait.p90_ms)),
            or_none(Unit::Share.shown(node.wait_off_duty)),
            or_none(shown_ms(node.work.mean_ms)),
            or_none(node.queue_most.to_string()),
        ]);
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    let mut table = new(&["person", "use", "done"], &[1, 2]);
    for person in &found.people {
        let utilisation = person
            .utilisation
            .as_ref()
            .map_or("-".to_owned(), |one| estimate(Unit::Share, one));
        table.add_row([person.name.clone(), utilisation, shown_number(person.done)]);
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    if !found.bottlenecks.is_empty() {
        let _ = writeln!(text, "\nwhere time is lost:");
    }
    for (rank, one) in (1..).zip(&found.bottlenecks) {
        let _ = writeln!(
            text,
            "{rank}. {}: {} per case, {}; {}",
            one.name,
            shown_ms(one.lost_per_case_ms),
            one.share_shown(),
            one.reasons.join("; ")
        );
    }
    for goal in &found.goals {
        let _ = writeln!(
            text,
            "goal {}: `{}` is {}, asked is {}",
            word(goal.outcome),
            goal.measure,
            goal.found,
            goal.asked
        );
    }
    text.trim_end().to_owned()
}

/// What a queue that grows means for all figures.
#[must_use]
pub fn unsteady(one: &Unsteady) -> String {
    format!(
        "work at {} comes faster than it is done: the queue grows all along, to {}, and those who do it are busy {} of \
         their time; times depend on how long the run is, and their intervals only tell how replications differ",
        one.name,
        shown_number(one.queue_most),
        Unit::Share.shown(one.utilisation)
    )
}

/// A comparison.
#[must_use]
pub fn comparison(found: &Comparison) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "before: {}\nafter:  {}\nseed {}, {} replications of both on the same draws, intervals at {} %",
        found.before.scenario,
        found.after.scenario,
        found.before.seed,
        found.before.replications,
        shown_number(found.confidence * 100.0)
    );
    for (when, one) in [("before", &found.before), ("after", &found.after)] {
        for one in &one.unsteady {
            let _ = writeln!(text, "{when} it is not steady: {}", unsteady(one));
        }
    }
    let mut table = new(&["measure", "before", "after", "difference", "verdict"], &[1, 2, 3]);
    for one in &found.differences {
        let unit = one.measure.unit;
        table.add_row([
            one.measure.name.clone(),
            unit.shown(one.before),
            unit.shown(one.after),
            estimate(unit, &one.difference),
            one.verdict.word().to_owned(),
        ]);
    }
    let _ = writeln!(text, "\n{}", table.trim_fmt());
    text.trim_end().to_owned()
}

/// For people.
#[must_use]
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "met",
        Outcome::Missed => "missed",
        Outcome::Unclear => "unclear",
    }
}

fn new(header: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    for idx in right {
        if let Some(column) = table.column_mut(*idx) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
