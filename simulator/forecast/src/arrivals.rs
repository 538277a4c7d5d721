//! When cases come.

use rand_distr::{Distribution as _, Exp1, StandardUniform};
use rand_pcg::Pcg64Mcg;

use super::plan::{ArrivalPlan, Plan};
use super::random::{Purpose, Streams};
use super::timeline::{Instant, NoTimeLeft, Timeline, YEARS_MAX};

/// The instants at which cases come, one after the other.
#[derive(Debug)]
pub struct Arrivals<'p> {
    plan: &'p Plan,
    lines: Vec<Timeline>,
    random: Pcg64Mcg,
    at: Instant,
    /// Between milliseconds: intervals are added up before they are rounded.
    exact: f64,
    n: usize,
}

impl<'p> Arrivals<'p> {
    /// From the start on.
    #[must_use]
    pub fn new(plan: &'p Plan, streams: &Streams) -> Self {
        let line = |rule: &super::timeline::Rule| Timeline::new(vec![rule.clone()], plan.start);
        let lines = match &plan.arrivals {
            ArrivalPlan::Interval(_, rule) => vec![line(rule)],
            ArrivalPlan::Rates(rates) => rates.iter().map(|(rule, _)| line(rule)).collect(),
            ArrivalPlan::Times(_) => Vec::new(),
        };
        Self {
            plan,
            lines,
            random: streams.of(0, Purpose::Arrival, 0, 0),
            at: plan.start,
            exact: 0.0,
            n: 0,
        }
    }

    /// The next; none where no more come.
    ///
    /// # Errors
    /// Where the calendar has no hour left.
    pub fn following(&mut self) -> Result<Option<Instant>, NoTimeLeft> {
        let Self {
            plan, lines, random, ..
        } = self;
        match &plan.arrivals {
            ArrivalPlan::Interval(sampler, _) => {
                // Worked time from the start, so that roundings do not add up.
                self.exact += sampler.sample(random).max(0.0);
                let line = &mut lines[0];
                self.at = line.after(plan.start, super::quantity::round_ms(self.exact))?;
                Ok(Some(self.at))
            }
            ArrivalPlan::Rates(rates) => {
                // Thinning (Lewis, Shedler 1979): at the sum of all rates, kept as often as the open ones weigh.
                let most: f64 = rates.iter().map(|(_, rate)| rate).sum();
                let last = plan.start + YEARS_MAX * 366 * 86_400_000;
                loop {
                    let gap: f64 = Exp1.sample(random);
                    self.exact += gap * 3_600_000.0 / most;
                    self.at = plan.start + super::quantity::round_ms(self.exact);
                    if self.at > last {
                        return Err(NoTimeLeft);
                    }
                    let chance: f64 = StandardUniform.sample(random);
                    let mut rate = 0.0;
                    for (line, (_, own)) in lines.iter_mut().zip(rates) {
                        rate += if line.is_open(self.at) { *own } else { 0.0 };
                    }
                    if chance * most < rate {
                        return Ok(Some(self.at));
                    }
                }
            }
            ArrivalPlan::Times(times) => {
                self.n += 1;
                Ok(times.get(self.n - 1).copied())
            }
        }
    }
}
