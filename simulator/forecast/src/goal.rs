//! Goals: what must come out, and whether it does. An interval that lies on both sides of a bound decides nothing.

use serde::Serialize;

use super::measure::Unit;
use super::report::Measured;
use super::scenario::{Bound, Goal};

/// Whether a goal is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole interval lies within the bounds.
    Met,
    /// The whole interval lies outside.
    Missed,
    /// Neither: more replications would tell.
    Unclear,
}

/// A goal and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct GoalResult {
    /// Key of the measure.
    pub measure: String,
    /// What came out, for people.
    pub found: String,
    /// What was asked, for people.
    pub asked: String,
    /// Whether it is met.
    pub outcome: Outcome,
}

/// What came of each goal.
#[must_use]
pub fn results(goals: &[Goal], measures: &[Measured]) -> Vec<GoalResult> {
    goals.iter().map(|goal| result(goal, measures)).collect()
}

fn result(goal: &Goal, measures: &[Measured]) -> GoalResult {
    let size = |bound: &Option<Bound>| match bound {
        None => None,
        Some(Bound::Number(number)) => Some(*number),
        Some(Bound::Time(length)) => Some(length.ms),
    };
    let (least, most) = (size(&goal.at_least), size(&goal.at_most));
    let Some(one) = measures.iter().find(|one| one.measure.key == goal.measure) else {
        return GoalResult {
            measure: goal.measure.clone(),
            found: "nothing was seen of it".to_owned(),
            asked: asked(Unit::Number, least, most),
            outcome: Outcome::Unclear,
        };
    };
    let estimate = &one.estimate;
    let (low, high) = (
        estimate.low.unwrap_or(estimate.mean),
        estimate.high.unwrap_or(estimate.mean),
    );
    let (least_or, most_or) = (least.unwrap_or(f64::MIN), most.unwrap_or(f64::MAX));
    let outcome = if low >= least_or && high <= most_or {
        Outcome::Met
    } else if high < least_or || low > most_or {
        Outcome::Missed
    } else {
        Outcome::Unclear
    };
    let unit = one.measure.unit;
    GoalResult {
        measure: goal.measure.clone(),
        found: super::text::estimate(unit, estimate),
        asked: asked(unit, least, most),
        outcome,
    }
}

fn asked(unit: Unit, least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{} to {}", unit.shown(least), unit.shown(most)),
        (Some(least), None) => format!("at least {}", unit.shown(least)),
        (None, Some(most)) => format!("at most {}", unit.shown(most)),
        (None, None) => "anything".to_owned(),
    }
}
