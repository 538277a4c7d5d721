//! Whether queues come to rest: where work comes faster than it is done, every mean depends on how long the run is, and
//! an interval over replications says nothing of it.
//!
//! Seen in the course of the queues, as means over replications: one that has grown all along to its peak, and people
//! who are busy nearly all their time. A queue that fluctuates, or that has filled up once and stays, has not.

use loonflow_engine::id::NodeId;
use serde::Serialize;

use super::plan::Plan;
use super::pool::Pool;

/// A queue that grows.
#[derive(Clone, Debug, Serialize)]
pub struct Unsteady {
    /// The node's id.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Work that waits on average when it is most.
    pub queue_most: f64,
    /// How much of their time those who work there are busy, those with the least to do included.
    pub utilisation: f64,
}

/// Parts that a course is looked at in.
const PARTS: usize = 20;
/// Work that waits at the peak: less is no queue to speak of.
const QUEUE_MIN: f64 = 3.0;
/// From this use on people cannot do much more.
const FULL: f64 = 0.9;
/// A queue that grows evenly has a quarter of its peak at a quarter of the way there, and so on; these are the most of it
/// that still count as growing.
const GROWING: [(usize, f64); 3] = [(1, 0.45), (2, 0.7), (3, 0.92)];

/// The nodes whose queue grows, with the means over equal parts of each.
#[must_use]
pub fn find<'a>(plan: &Plan, pool: &Pool, queues: impl Iterator<Item = (&'a str, &'a [f64])>) -> Vec<Unsteady> {
    let mut found = Vec::new();
    for (id, means) in queues {
        let node = NodeId::from(id);
        let Some(idx) = plan.nodes.iter().position(|one| one.id == node) else {
            continue;
        };
        let Some(queue_most) = peak_of_growth(means) else {
            continue;
        };
        let workers = pool.workers_at(idx);
        let uses = workers.iter().map(|worker| {
            let values = pool.values(&format!("utilisation:{}", plan.people[*worker].id));
            values.iter().sum::<f64>() / values.len().max(1) as f64
        });
        let utilisation = uses.sum::<f64>() / workers.len().max(1) as f64;
        if utilisation >= FULL {
            found.push(Unsteady {
                node: id.to_owned(),
                name: plan.nodes[idx].name.clone(),
                queue_most,
                utilisation,
            });
        }
    }
    found
}

/// The peak of a queue that has grown all along to it, in the second half of the time.
fn peak_of_growth(means: &[f64]) -> Option<f64> {
    if means.len() < PARTS {
        return None;
    }
    let parts: Vec<f64> = (0..PARTS)
        .map(|part| {
            let (from, to) = (part * means.len() / PARTS, (part + 1) * means.len() / PARTS);
            let part = &means[from..to];
            part.iter().sum::<f64>() / part.len() as f64
        })
        .collect();
    let (at, peak) = parts
        .iter()
        .copied()
        .enumerate()
        .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let grows = GROWING
        .iter()
        .all(|(quarter, most)| parts[at * quarter / 4] <= most * peak);
    (at >= PARTS / 2 && peak >= QUEUE_MIN && grows).then_some(peak)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_grows_is_told_from_one_that_stays() {
        let course = |of: &dyn Fn(f64) -> f64| -> Vec<f64> { (0..100).map(|at| of(f64::from(at))).collect() };
        let growing = course(&|at| at / 2.0);
        assert!(peak_of_growth(&growing).is_some_and(|peak| peak > 45.0));
        // Cases come no more after a while, and the queue is worked off.
        let worked_off = course(&|at| if at < 70.0 { at } else { 70.0 - 2.0 * (at - 70.0) });
        assert!(peak_of_growth(&worked_off).is_some());
        assert_eq!(peak_of_growth(&course(&|at| 10.0 * (1.0 - (-at / 10.0).exp()))), None);
        assert_eq!(peak_of_growth(&course(&|at| 10.0 + 3.0 * (at / 3.0).sin())), None);
        assert_eq!(peak_of_growth(&course(&|at| at / 50.0)), None);
        assert_eq!(peak_of_growth(&growing[..10]), None);
    }
}
