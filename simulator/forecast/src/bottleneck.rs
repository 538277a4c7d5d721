//! Where time is lost, worst first, and why: waiting, nights, timers, outside systems, branches that wait for others.

use std::collections::BTreeSet;

use loonflow_engine::workflow::NodeKind;
use serde::Serialize;

use super::measure::Unit;
use super::plan::Plan;
use super::pool::{NodePool, Pool};
use super::quantity::{shown_ms, shown_number};

/// A node that costs time.
#[derive(Clone, Debug, Serialize)]
pub struct Bottleneck {
    /// The node's id.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Time lost here per case: everything but work.
    pub lost_per_case_ms: f64,
    /// That beside the mean cycle time of the cases that ended; branches that run side by side can add up to more than 1,
    /// and so can work that piles up, of which cases that have not ended wait longest.
    pub share: f64,
    /// Why, one sentence each.
    pub reasons: Vec<String>,
}

/// Nodes listed at most.
const LISTED_MAX: usize = 5;
/// A node that costs less than this share of the cycle time is no bottleneck.
const SHARE_MIN: f64 = 0.01;
/// From this use on, waiting grows steeply.
const BUSY: f64 = 0.8;
/// Waits during absences count as their work once they are such a part of all waits, and so much longer than others.
const AWAY_SHARE_MIN: f64 = 0.2;
const AWAY_RATIO_MIN: f64 = 1.5;
/// People named of those who were away.
const NAMES_MAX: usize = 3;
/// From this on a case comes back often enough to be named.
const VISITS: f64 = 1.1;

/// The nodes that cost most.
#[must_use]
pub fn find(plan: &Plan, pool: &Pool) -> Vec<Bottleneck> {
    let Some(cycle_ms) = pool.cycle.mean_ms().filter(|mean| *mean > 0.0) else {
        return Vec::new();
    };
    let n_cases = pool.cycle.n as f64;
    let mut found: Vec<Bottleneck> = Vec::new();
    for (idx, (node, seen)) in plan.nodes.iter().zip(&pool.nodes).enumerate() {
        let lost_ms = if node.is_work {
            seen.wait.sum_ms + seen.pause_ms
        } else {
            seen.stay_ms
        };
        let lost_per_case_ms = lost_ms as f64 / n_cases;
        let share = lost_per_case_ms / cycle_ms;
        if share < SHARE_MIN {
            continue;
        }
        found.push(Bottleneck {
            node: node.id.to_string(),
            name: node.name.clone(),
            lost_per_case_ms,
            share,
            reasons: reasons(plan, pool, idx, seen, n_cases),
        });
    }
    found.sort_by(|one, other| other.share.total_cmp(&one.share));
    found.truncate(LISTED_MAX);
    found
}

impl Bottleneck {
    /// Its share of the cycle time, for people.
    #[must_use]
    pub fn share_shown(&self) -> String {
        if self.share > 1.0 {
            "longer than the mean cycle time of the cases that ended".to_owned()
        } else {
            format!("{} of the cycle time", Unit::Share.shown(self.share))
        }
    }
}

fn reasons(plan: &Plan, pool: &Pool, idx: usize, seen: &NodePool, n_cases: f64) -> Vec<String> {
    let mut found = Vec::new();
    let visits = seen.n_visits as f64 / n_cases;
    let wait_ms = seen.wait.sum_ms as f64;
    if let Some(mean) = seen.wait.mean_ms().filter(|mean| *mean > 0.0) {
        found.push(format!(
            "work waits {} on average before somebody takes it up",
            shown_ms(mean)
        ));
        let off_duty = seen.off_duty_ms as f64 / wait_ms;
        if off_duty >= 0.3 {
            found.push(format!(
                "{:.0} % of the wait is outside of the working hours of those who may do it",
                off_duty * 100.0
            ));
        }
        let workers = pool.workers_at(idx);
        let absence = absence(plan, seen, &workers);
        found.extend(use_of(plan, pool, &workers, absence.is_some()));
        found.extend(absence);
    }
    if visits >= VISITS {
        found.push(format!("a case comes here {} times", shown_number(visits)));
    }
    let pause_ms = seen.pause_ms as f64;
    if pause_ms > 0.1 * (pause_ms + wait_ms) {
        found.push(format!(
            "work lies unfinished over nights and weekends for {} per case",
            shown_ms(pause_ms / n_cases)
        ));
    }
    match &plan.workflow.nodes[idx].kind {
        NodeKind::Timer(_) => found.push("a timer runs here".to_owned()),
        NodeKind::Hook(_) => {
            found.push("an outside system is asked here".to_owned());
            if seen.n_failures > 0 {
                let share = seen.n_failures as f64 / seen.n_visits.max(1) as f64;
                found.push(format!("it fails {} times per visit", shown_number(share)));
            }
        }
        NodeKind::Exclusive { .. } | NodeKind::Parallel | NodeKind::Inclusive { .. } => {
            found.push("branches wait here for the slowest one".to_owned());
        }
        NodeKind::Start | NodeKind::Normal(_) | NodeKind::End => {}
    }
    found
}

/// Whether work waits for want of somebody who is away: much longer then than otherwise, and enough of the whole wait.
fn absence(plan: &Plan, seen: &NodePool, workers: &BTreeSet<usize>) -> Option<String> {
    let (away, n_others) = (seen.while_away, seen.wait.n.saturating_sub(seen.while_away.n));
    let others_ms = seen.wait.sum_ms.saturating_sub(away.sum_ms);
    let share = away.sum_ms as f64 / seen.wait.sum_ms as f64;
    let mean_away = away.sum_ms as f64 / away.n.max(1) as f64;
    let mean_others = others_ms as f64 / n_others.max(1) as f64;
    if away.n == 0 || share < AWAY_SHARE_MIN || mean_away < AWAY_RATIO_MIN * mean_others {
        return None;
    }
    let names = workers.iter().map(|worker| &plan.people[*worker]);
    let names = names.filter(|person| !person.rule.absences().is_empty());
    let names: Vec<&str> = names.take(NAMES_MAX).map(|person| person.name.as_str()).collect();
    let who = if names.is_empty() {
        "somebody who may do it".to_owned()
    } else {
        names.join(" or ")
    };
    let otherwise = if n_others == 0 {
        String::new()
    } else {
        format!(", {} otherwise", shown_ms(mean_others))
    };
    Some(format!(
        "{:.0} % of the wait is of work that waits while {who} is away: {} on average then{otherwise}",
        share * 100.0,
        shown_ms(mean_away)
    ))
}

/// How busy those are who work here.
fn use_of(plan: &Plan, pool: &Pool, workers: &BTreeSet<usize>, is_for_absence: bool) -> Option<String> {
    let mut most: Option<(f64, &str)> = None;
    let (mut sum, mut n) = (0.0, 0.0);
    for worker in workers {
        let person = &plan.people[*worker];
        let values = pool.values(&format!("utilisation:{}", person.id));
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        sum += mean;
        n += 1.0;
        if most.is_none_or(|(busiest, _)| mean > busiest) {
            most = Some((mean, &person.name));
        }
    }
    let (busiest, name) = most?;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let verdict = if sum / n >= BUSY {
        ": too few people for the work, or too slow"
    } else if is_for_absence {
        ": enough people while all are there"
    } else {
        ": not for want of people"
    };
    Some(if workers.len() == 1 {
        format!(
            "only {name} works here, busy {} of their time{verdict}",
            percent(busiest)
        )
    } else {
        let n = workers.len();
        format!(
            "{n} people work here, busy {} of their time on average, {name} most with {}{verdict}",
            percent(sum / f64::from(u32::try_from(n).unwrap_or(u32::MAX))),
            percent(busiest)
        )
    })
}
