//! The measures: what each is called, in what unit it is, and its value in one replication.

use serde::Serialize;

use super::observed::Observed;
use super::plan::Plan;
use super::quantity::{shown_ms, shown_number};

/// What a number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// From 0 to 1.
    Share,
    /// A plain number.
    Number,
}

impl Unit {
    /// A value for people.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Ms => shown_ms(value),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Number => shown_number(value),
        }
    }
}

/// What is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Less of it.
    Less,
    /// More of it.
    More,
    /// Neither as such.
    Neither,
}

/// A measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// Names it in goals and files.
    pub key: String,
    /// For people.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// What is better.
    pub better: Better,
}

/// All measures of a plan with their values in one replication, always in the same order; none where nothing was seen
/// that it could be taken from.
#[must_use]
pub fn values(plan: &Plan, seen: &Observed) -> Vec<(Measure, Option<f64>)> {
    let mut found = Vec::new();
    let mut push = |key: String, name: String, unit: Unit, better: Better, value: Option<f64>| {
        let value = value.filter(|value| value.is_finite());
        found.push((
            Measure {
                key,
                name,
                unit,
                better,
            },
            value,
        ));
    };
    let window_ms = seen.window_ms() as f64;
    let in_window = |sum: f64| (window_ms > 0.0).then(|| sum / window_ms);
    let n_cases = seen.cycle.n as f64;
    let per_case = |sum: f64| (seen.cycle.n > 0).then(|| sum / n_cases);
    let throughput = in_window(seen.n_ended_in_window as f64 * 86_400_000.0);
    push(
        "throughput_per_day".into(),
        "cases ended per day".into(),
        Unit::Number,
        Better::More,
        throughput,
    );
    push(
        "cycle_time.mean".into(),
        "cycle time, mean".into(),
        Unit::Ms,
        Better::Less,
        seen.cycle.mean_ms(),
    );
    for (word, share) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
        let name = format!("cycle time, {:.0} % below", share * 100.0);
        push(
            format!("cycle_time.{word}"),
            name,
            Unit::Ms,
            Better::Less,
            seen.cycle.quantile_ms(share),
        );
    }
    let wait = per_case(seen.wait_sum_ms as f64);
    push(
        "wait_per_case".into(),
        "waiting per case".into(),
        Unit::Ms,
        Better::Less,
        wait,
    );
    let work = per_case(seen.work_sum_ms as f64);
    push(
        "work_per_case".into(),
        "work per case".into(),
        Unit::Ms,
        Better::Less,
        work,
    );
    let open = in_window(seen.open.integral as f64);
    push(
        "open_cases".into(),
        "open cases, mean".into(),
        Unit::Number,
        Better::Less,
        open,
    );
    let rejections = per_case(seen.n_rejections as f64);
    push(
        "rejections_per_case".into(),
        "rejections per case".into(),
        Unit::Number,
        Better::Less,
        rejections,
    );
    let repeating = per_case(seen.n_repeating as f64);
    push(
        "repeating_cases".into(),
        "cases with a repetition".into(),
        Unit::Share,
        Better::Less,
        repeating,
    );
    let busy = seen.people.iter().filter(|person| person.n_done > 0);
    let (busy, capacity) = busy.fold((0, 0), |sum, one| (sum.0 + one.busy_ms, sum.1 + one.capacity_ms));
    let utilisation = (capacity > 0).then(|| busy as f64 / capacity as f64);
    push(
        "utilisation".into(),
        "use of those who worked".into(),
        Unit::Share,
        Better::Neither,
        utilisation,
    );
    for (node, node_seen) in plan.nodes.iter().zip(&seen.nodes).filter(|(node, _)| node.is_work) {
        let (id, name) = (&node.id, &node.name);
        push(
            format!("wait:{id}"),
            format!("waiting at {name}"),
            Unit::Ms,
            Better::Less,
            node_seen.wait.mean_ms(),
        );
        let queue = in_window(node_seen.queue.integral as f64);
        push(
            format!("queue:{id}"),
            format!("queue at {name}"),
            Unit::Number,
            Better::Less,
            queue,
        );
        let visits = per_case(node_seen.n_visits as f64);
        push(
            format!("visits:{id}"),
            format!("visits of {name} per case"),
            Unit::Number,
            Better::Neither,
            visits,
        );
    }
    for (person, person_seen) in plan.people.iter().zip(&seen.people) {
        let capacity = person_seen.capacity_ms;
        let utilisation = (capacity > 0).then(|| person_seen.busy_ms as f64 / capacity as f64);
        let key = format!("utilisation:{}", person.id);
        push(
            key,
            format!("use of {}", person.name),
            Unit::Share,
            Better::Neither,
            utilisation,
        );
    }
    found
}
