//! What if: two scenarios on the same draws, measure by measure.
//!
//! Both get the same cases, values, choices and work (common random numbers), so their difference in each replication
//! is far surer than either figure. A verdict is given where the interval of the difference leaves 0 out; each
//! measure stands for itself, so of twenty without a difference one is still expected to show one at 95 %.

use anyhow::ensure;
use serde::Serialize;

use super::estimate::Estimate;
use super::measure::{Better, Measure};
use super::plan::Plan;
use super::report::Forecast;

/// Two forecasts side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Level of the intervals.
    pub confidence: f64,
    /// The first.
    pub before: Forecast,
    /// The second.
    pub after: Forecast,
    /// Measures that both have.
    pub differences: Vec<Difference>,
}

/// A measure in both.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// Which.
    #[serde(flatten)]
    pub measure: Measure,
    /// Its mean in the first.
    pub before: f64,
    /// Its mean in the second.
    pub after: f64,
    /// Second less first, replication by replication.
    pub difference: Estimate,
    /// What it says.
    pub verdict: Verdict,
}

/// What a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The second is better.
    Better,
    /// The second is worse.
    Worse,
    /// The second has more of something that is neither good nor bad.
    More,
    /// The second has less of it.
    Less,
    /// There is no telling.
    NotShown,
    /// There is none at all.
    Same,
}

impl Verdict {
    /// For people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::More => "more",
            Self::Less => "less",
            Self::NotShown => "no difference shown",
            Self::Same => "the same",
        }
    }
}

/// Whether two plans can be compared.
///
/// # Errors
/// Names the key in which they differ and must not.
pub fn check(before: &Plan, after: &Plan) -> anyhow::Result<()> {
    let (one, other) = (&before.scenario, &after.scenario);
    for (key, left, right) in [
        ("seed", one.seed, other.seed),
        ("replications", one.replications.into(), other.replications.into()),
    ] {
        ensure!(
            left == right,
            "`{key}` is {left} in the first scenario and {right} in the second: make them alike, or give --{key}"
        );
    }
    let is_alike = one.confidence == other.confidence;
    ensure!(is_alike, "`confidence` differs: make it alike");
    Ok(())
}

/// Compares two forecasts of plans that `check` lets through.
#[must_use]
pub fn compare(before: Forecast, after: Forecast) -> Comparison {
    let confidence = before.confidence;
    let differences = before.measures.iter().filter_map(|one| {
        let other = after.estimate(&one.measure.key)?;
        let pairs = one.values.iter().zip(&other.values);
        let pairs: Vec<(f64, f64)> = pairs.filter_map(|(left, right)| Some(((*left)?, (*right)?))).collect();
        let differences: Vec<f64> = pairs.iter().map(|(left, right)| right - left).collect();
        let difference = Estimate::of(&differences, confidence)?;
        Some(Difference {
            verdict: verdict(&difference, &differences, one.measure.better),
            measure: one.measure.clone(),
            before: one.estimate.mean,
            after: other.estimate.mean,
            difference,
        })
    });
    Comparison {
        confidence,
        differences: differences.collect(),
        before,
        after,
    }
}

fn verdict(difference: &Estimate, differences: &[f64], better: Better) -> Verdict {
    if differences.iter().all(|one| *one == 0.0) {
        return Verdict::Same;
    }
    let (Some(low), Some(high)) = (difference.low, difference.high) else {
        return Verdict::NotShown;
    };
    let is_more = if low > 0.0 {
        true
    } else if high < 0.0 {
        false
    } else {
        return Verdict::NotShown;
    };
    match (better, is_more) {
        (Better::More, true) | (Better::Less, false) => Verdict::Better,
        (Better::More, false) | (Better::Less, true) => Verdict::Worse,
        (Better::Neither, true) => Verdict::More,
        (Better::Neither, false) => Verdict::Less,
    }
}
