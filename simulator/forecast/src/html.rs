//! Forecasts and comparisons as one page each that needs nothing else: style and charts are in it, scripts are not.
//!
//! The form is in `html/*.jinja`; every text is escaped on its way in, but for the charts, which `chart` makes.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde_json::{Value as Json, json};

use super::chart::{self, Line};
use super::compare::{Comparison, Verdict};
use super::measure::Unit;
use super::quantity::{shown_ms, shown_number};
use super::report::{Forecast, NodeReport};
use super::text;

/// Queues drawn beside the open cases: more lines cannot be told apart.
const QUEUES_MAX: usize = 4;

/// Set into every page.
const STYLE: &str = include_str!("html/style.css");

/// The page of a forecast.
///
/// # Errors
/// What the template or the plotting crate says.
pub fn forecast(found: &Forecast) -> anyhow::Result<String> {
    let cycle = &found.cycle_time;
    let (bin_ms, bins) = &cycle.bins;
    let line = Line {
        name: found.scenario.clone(),
        values: bins.iter().map(|count| *count as f64).collect(),
    };
    let mut marks = vec![(cycle.p50_ms, "half"), (cycle.p90_ms, "90 %")];
    marks.retain(|(at, _)| *at > 0.0);
    let spread = chart::spread(&[(line, *bin_ms as f64)], &marks)?;
    let lines = course_lines(found);
    let course = chart::course(&lines, found.course.bin_ms as f64, "mean number")?;
    let legend: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    let general = found.measures.iter().filter(|one| !one.measure.key.contains(':'));
    let general = general
        .map(|one| json!({ "name": one.measure.name, "value": text::estimate(one.measure.unit, &one.estimate) }));
    let longest = found.nodes.iter().map(NodeReport::time_ms).fold(1.0, f64::max);
    let nodes = found.nodes.iter().map(|node| node_row(node, longest));
    let people = found.people.iter().map(|person| {
        let share = person.utilisation.as_ref().map_or(0.0, |one| one.mean);
        json!({
            "name": person.name,
            "percent": format!("{:.1}", (share * 100.0).clamp(0.0, 100.0)),
            "is_busy": share >= 0.85,
            "used": person.utilisation.as_ref().map(|one| text::estimate(Unit::Share, one)),
            "done": shown_number(person.done),
        })
    });
    let bottlenecks = found.bottlenecks.iter().map(|one| {
        json!({
            "name": one.name,
            "lost": shown_ms(one.lost_per_case_ms),
            "share": one.share_shown(),
            "reasons": one.reasons.join("; "),
        })
    });
    let goals = found.goals.iter().map(|goal| {
        json!({ "measure": goal.measure, "found": goal.found, "asked": goal.asked, "outcome": text::word(goal.outcome) })
    });
    render(
        "forecast",
        &json!({
            "style": STYLE,
            "title": found.scenario,
            "head": head(found),
            "counts": found.counts,
            "refusals": found.refusals,
            "unsteady": found.unsteady.iter().map(text::unsteady).collect::<Vec<_>>(),
            "general": general.collect::<Vec<_>>(),
            "spread": spread,
            "course": course,
            "legend": legend,
            "nodes": nodes.collect::<Vec<_>>(),
            "people": people.collect::<Vec<_>>(),
            "bottlenecks": bottlenecks.collect::<Vec<_>>(),
            "goals": goals.collect::<Vec<_>>(),
        }),
    )
}

/// The page of a comparison.
///
/// # Errors
/// What the template or the plotting crate says.
pub fn comparison(found: &Comparison) -> anyhow::Result<String> {
    let both = [&found.before, &found.after];
    let spreads = both.map(|one| {
        let (bin_ms, bins) = &one.cycle_time.bins;
        let values = bins.iter().map(|count| *count as f64).collect();
        (
            Line {
                name: one.scenario.clone(),
                values,
            },
            *bin_ms as f64,
        )
    });
    let spread = chart::spread(&spreads, &[])?;
    // A course is drawn in the coarser parts of both.
    let bin_ms = found.before.course.bin_ms.max(found.after.course.bin_ms);
    let courses = both.map(|one| Line {
        name: one.scenario.clone(),
        values: coarsened(
            &one.course.open,
            usize::try_from(bin_ms / one.course.bin_ms).unwrap_or(1),
        ),
    });
    let course = chart::course(&courses, bin_ms as f64, "open cases")?;
    let rows = found.differences.iter().map(|one| {
        let unit = one.measure.unit;
        let relative = |value: f64| {
            let share = if one.before == 0.0 { 0.0 } else { value / one.before.abs() };
            (share * 100.0).clamp(-100.0, 100.0)
        };
        let (low, high) = (one.difference.low, one.difference.high);
        let ends = low.zip(high).map(|(low, high)| {
            let (low, high) = (relative(low), relative(high));
            json!({ "from": format!("{:.2}", 50.0 + low / 2.0), "width": format!("{:.2}", ((high - low) / 2.0).max(0.6)) })
        });
        json!({
            "name": one.measure.name,
            "before": unit.shown(one.before),
            "after": unit.shown(one.after),
            "difference": text::estimate(unit, &one.difference),
            "verdict": one.verdict.word(),
            "class": match one.verdict {
                Verdict::Better => "good",
                Verdict::Worse => "bad",
                Verdict::More | Verdict::Less => "other",
                Verdict::NotShown | Verdict::Same => "none",
            },
            "ends": ends,
        })
    });
    render(
        "comparison",
        &json!({
            "style": STYLE,
            "title": format!("{} / {}", found.before.scenario, found.after.scenario),
            "head": head(&found.before),
            "names": both.map(|one| one.scenario.clone()),
            "unsteady": both.map(|one| one.unsteady.iter().map(text::unsteady).collect::<Vec<_>>()),
            "confidence": shown_number(found.confidence * 100.0),
            "spread": spread,
            "course": course,
            "rows": rows.collect::<Vec<_>>(),
        }),
    )
}

fn render(name: &str, context: &Json) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("forecast", include_str!("html/forecast.jinja"))?;
    environment.add_template("comparison", include_str!("html/comparison.jinja"))?;
    Ok(environment.get_template(name)?.render(Serde(context))?)
}

fn head(found: &Forecast) -> String {
    format!(
        "{}, from {}, {} replications of {}, seed {}, intervals at {} %",
        found.workflow,
        found.start.get(..10).unwrap_or(&found.start),
        found.replications,
        shown_ms(found.window_ms),
        found.seed,
        shown_number(found.confidence * 100.0)
    )
}

/// Open cases and the longest queues.
fn course_lines(found: &Forecast) -> Vec<Line> {
    let mut queues: Vec<(&String, &Vec<f64>)> = found.course.queues.iter().collect();
    let sum = |values: &Vec<f64>| values.iter().sum::<f64>();
    queues.sort_by(|one, other| sum(other.1).total_cmp(&sum(one.1)));
    let name_of = |id: &String| {
        let node = found.nodes.iter().find(|node| node.id == *id);
        node.map_or_else(|| id.clone(), |node| node.name.clone())
    };
    let mut lines = vec![Line {
        name: "open cases".to_owned(),
        values: found.course.open.clone(),
    }];
    lines.extend(queues.into_iter().take(QUEUES_MAX).map(|(id, values)| Line {
        name: format!("waiting at {}", name_of(id)),
        values: values.clone(),
    }));
    lines
}

/// Means over so many parts each.
fn coarsened(values: &[f64], n: usize) -> Vec<f64> {
    let parts = values.chunks_exact(n.max(1));
    parts.map(|part| part.iter().sum::<f64>() / part.len() as f64).collect()
}

impl NodeReport {
    /// Time per case that passes here: waiting, work, nights; what else there is at nodes where nobody works.
    fn time_ms(&self) -> f64 {
        self.parts().iter().sum()
    }

    /// Waiting on duty, waiting off duty, work, nights, other.
    fn parts(&self) -> [f64; 5] {
        if self.work.n == 0 && self.wait.n == 0 {
            return [0.0, 0.0, 0.0, 0.0, self.stay_per_case_ms];
        }
        let wait = self.wait.mean_ms * self.visits_per_case;
        let work = self.work.mean_ms * self.visits_per_case;
        let off_duty = wait * self.wait_off_duty;
        [wait - off_duty, off_duty, work, self.pause_per_case_ms, 0.0]
    }
}

fn node_row(node: &NodeReport, longest: f64) -> Json {
    let parts = node.parts().map(|part| format!("{:.2}", 100.0 * part / longest));
    let is_work = node.work.n > 0;
    json!({
        "name": node.name,
        "kind": node.kind,
        "visits": shown_number(node.visits_per_case),
        "parts": parts,
        "total": shown_ms(node.time_ms()),
        "wait": is_work.then(|| shown_ms(node.wait.mean_ms)),
        "p90": is_work.then(|| shown_ms(node.wait.p90_ms)),
        "work": is_work.then(|| shown_ms(node.work.mean_ms)),
        "queue": is_work.then_some(node.queue_most),
    })
}
