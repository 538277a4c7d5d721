//! A scenario that fits its definition and its directory: names are resolved, distributions checked, and what is left
//! unsaid is filled in. What a replication runs on.
//!
//! Not here: who works how (`plan::people`), what happens at a node (`plan::nodes`), which values are filled in
//! (`plan::fields`).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use jiff::tz::TimeZone;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::{FieldKey, NodeId, UserId};
use loonflow_engine::time::{Timestamp, zone_named};
use loonflow_engine::value::Value;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::validate::{Problem, ValidationContext, check};
use loonflow_world::inputs::{self, Definition};

use super::distribution::{Distribution, Sampler};
use super::load;
use super::measure::{self, Unit};
use super::observed::Observed;
use super::quantity::Length;
use super::scenario::{Arrivals, Bound, Goal, Scenario, Stop, WarmUp};
use super::timeline::{Instant, Rule, Timeline};
use super::weights::Weights;

mod fields;
mod nodes;
mod people;

pub use fields::FieldPlan;
pub use nodes::NodePlan;
pub use people::PersonPlan;

/// Cases of one replication: their statistics are folded, but a number beyond this is a typing error.
const CASES_MAX: u64 = 100_000_000;
/// Replications: beyond, intervals hardly narrow any more.
const REPLICATIONS_MAX: u32 = 10_000;

/// Ready to run.
#[derive(Debug)]
pub struct Plan {
    /// As it was read.
    pub scenario: Scenario,
    /// The definition.
    pub workflow: Arc<WorkflowVersion>,
    /// The directory.
    pub directory: Arc<Directory>,
    /// The scenario's zone.
    pub zone: TimeZone,
    /// The first instant.
    pub start: Instant,
    /// When the figures begin, where a time says so.
    pub warm_up_to: Option<Instant>,
    /// Whether open cases are followed to their end.
    pub drain: bool,
    /// How cases come.
    pub arrivals: ArrivalPlan,
    /// Who creates them: positions in `people`.
    pub creators: Weights<usize>,
    /// Everybody, in the order of ids.
    pub people: Vec<PersonPlan>,
    /// Positions in `people`. Never iterated.
    pub person_of: HashMap<UserId, usize>,
    /// By the position of the node in the definition.
    pub nodes: Vec<NodePlan>,
    /// The first admin of the workflow who is active, who asks failed hooks again.
    pub admin: Option<UserId>,
    /// The field that says what goes first, and its values.
    pub priority: Option<(FieldKey, Vec<Value>)>,
    /// What must come out.
    pub goals: Vec<Goal>,
}

/// How cases come.
#[derive(Debug)]
pub enum ArrivalPlan {
    /// One after the other, while the calendar is open.
    Interval(Sampler, Rule),
    /// At random, at these rates per hour.
    Rates(Vec<(Rule, f64)>),
    /// At these instants, ascending.
    Times(Vec<Instant>),
}

impl Plan {
    /// Reads and checks a scenario's file.
    ///
    /// # Errors
    /// A sentence that names file and key, and the way out.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let scenario = load::scenario(path)?;
        Self::new(scenario).with_context(|| format!("`{}` cannot be run", path.display()))
    }

    /// Checks a scenario against the definition and directory it names.
    ///
    /// # Errors
    /// A sentence that names the key, and the way out.
    pub fn new(scenario: Scenario) -> anyhow::Result<Self> {
        let path = Path::new(&scenario.definition);
        let text = inputs::text_of(path).context("`definition`")?;
        let definition = Definition::from_text(&text, path).context("`definition`")?;
        let workflow = Arc::clone(definition.runnable().context("`definition`")?);
        let directory = scenario.directory.as_deref().map(Path::new);
        let (_, directory) = inputs::directory(directory, std::slice::from_ref(&workflow)).context("`directory`")?;
        let context = ValidationContext {
            directory: Some(&directory),
            known_workflows: None,
        };
        let (_, problems) = check(&definition.source, definition.stem.as_deref(), &context);
        let errors: Vec<String> = problems
            .iter()
            .filter(|one| one.is_error())
            .map(Problem::to_string)
            .collect();
        ensure!(
            errors.is_empty(),
            "`definition` and `directory` do not fit: {}",
            errors.join("; ")
        );
        Self::fit(scenario, workflow, directory)
    }

    fn fit(scenario: Scenario, workflow: Arc<WorkflowVersion>, directory: Arc<Directory>) -> anyhow::Result<Self> {
        let zone = match &scenario.time_zone {
            Some(name) => zone_named(name)
                .with_context(|| format!("`time_zone`: there is no zone `{name}`, give an IANA name"))?,
            None => directory.zone().clone(),
        };
        let start = instant("start", &scenario.start, &zone)?;
        check_numbers(&scenario)?;
        let calendars = people::calendars(&scenario, &zone)?;
        let people = people::people(&scenario, &directory, &calendars, &zone)?;
        let person_of: HashMap<UserId, usize> = people
            .iter()
            .enumerate()
            .map(|(idx, person)| (person.id.clone(), idx))
            .collect();
        let arrivals = arrivals(&scenario, &calendars, start, &zone)?;
        let creators = people::creators(&scenario, &directory, &person_of)?;
        let nodes = workflow
            .nodes
            .iter()
            .map(|node| nodes::plan(node, &scenario, &workflow, &directory))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for id in scenario.nodes.keys() {
            ensure!(
                workflow.node(&NodeId::from(id.as_str())).is_some(),
                "`nodes`: the definition has no node `{id}`; it has {}",
                listed(workflow.nodes.iter().map(|node| node.id.as_str()))
            );
        }
        let priority = match &scenario.priority {
            None => None,
            Some(priority) => {
                let key = FieldKey::from(priority.field.as_str());
                ensure!(
                    workflow.form.component(&key).is_some(),
                    "`priority.field`: the form has no field `{key}`; it has {}",
                    listed(workflow.form.components().map(|one| one.key.as_str()))
                );
                Some((key, priority.order.iter().map(Value::from).collect()))
            }
        };
        let admins = workflow
            .permission
            .admins
            .iter()
            .chain(&workflow.permission.dispatchers);
        let admin = admins
            .filter(|user| directory.active_user(user).is_some())
            .min()
            .cloned();
        let warm_up_to = match &scenario.warm_up {
            WarmUp::Time(length) => Some(start + length.whole_ms()),
            WarmUp::None => Some(start),
            WarmUp::Cases(_) => None,
        };
        let drain = scenario.drain.unwrap_or(!matches!(scenario.stop, Stop::After(_)));
        let mut plan = Self {
            goals: Vec::new(),
            scenario,
            workflow,
            directory,
            zone,
            start,
            warm_up_to,
            drain,
            arrivals,
            creators,
            people,
            person_of,
            nodes,
            admin,
            priority,
        };
        plan.goals = plan.goals()?;
        Ok(plan)
    }

    /// The scenario's goals; people may be named as in `people`.
    fn goals(&self) -> anyhow::Result<Vec<Goal>> {
        let measures = measure::values(self, &Observed::new(self));
        let of = |(idx, goal): (usize, &Goal)| {
            let mut goal = goal.clone();
            if let Some(who) = goal.measure.strip_prefix("utilisation:") {
                let user = people::user(who, &self.directory).with_context(|| format!("`goals[{idx}].measure`"))?;
                goal.measure = format!("utilisation:{}", user.id);
            }
            let known = measures.iter().find(|(one, _)| one.key == goal.measure);
            let Some((known, _)) = known else {
                bail!(
                    "`goals[{idx}].measure`: there is no measure `{}`; there are {}",
                    goal.measure,
                    listed(measures.iter().map(|(one, _)| one.key.as_str()))
                )
            };
            let bounds = [("at_least", &goal.at_least), ("at_most", &goal.at_most)];
            ensure!(
                bounds.iter().any(|(_, bound)| bound.is_some()),
                "`goals[{idx}]` has neither `at_least` nor `at_most`"
            );
            for (key, bound) in bounds {
                let fits = match (bound, known.unit) {
                    (None, _) | (Some(Bound::Time(_)), Unit::Ms) => true,
                    (Some(Bound::Number(number)), Unit::Share | Unit::Number) => number.is_finite(),
                    (Some(Bound::Time(_)), Unit::Share | Unit::Number) | (Some(Bound::Number(_)), Unit::Ms) => false,
                };
                let what = if known.unit == Unit::Ms {
                    "a time like `5d`"
                } else {
                    "a number"
                };
                ensure!(fits, "`goals[{idx}].{key}`: `{}` needs {what}", goal.measure);
            }
            Ok(goal)
        };
        self.scenario.goals.iter().enumerate().map(of).collect()
    }

    /// The position of a node.
    #[must_use]
    pub fn node_idx(&self, node: &NodeId) -> Option<usize> {
        self.workflow.graph.node_idx.get(node).copied()
    }
}

fn check_numbers(scenario: &Scenario) -> anyhow::Result<()> {
    ensure!(!scenario.name.trim().is_empty(), "`name` is empty: name the scenario");
    let replications = scenario.replications;
    ensure!(
        (1..=REPLICATIONS_MAX).contains(&replications),
        "`replications` is {replications}: give 1 to {REPLICATIONS_MAX}"
    );
    let confidence = scenario.confidence;
    ensure!(
        (0.5..=0.999).contains(&confidence),
        "`confidence` is {confidence}: give 0.5 to 0.999, for instance 0.95"
    );
    match (&scenario.stop, &scenario.warm_up) {
        (Stop::Cases(n), _) if !(1..=CASES_MAX).contains(n) => {
            bail!("`stop.cases` is {n}: give 1 to {CASES_MAX}")
        }
        (Stop::Cases(n), WarmUp::Cases(warm_up)) if warm_up >= n => {
            bail!("`warm_up.cases` is {warm_up}, but the run has only {n}: nothing is left to measure")
        }
        (Stop::After(length), WarmUp::Time(warm_up)) if warm_up >= length => {
            bail!("`warm_up.time` is {warm_up}, but the run lasts only {length}: nothing is left to measure")
        }
        (Stop::After(length), _) if length.whole_ms() == 0 => {
            bail!("`stop.after` is no time at all: give for instance `26w`")
        }
        (Stop::Cases(_) | Stop::After(_), WarmUp::None | WarmUp::Cases(_) | WarmUp::Time(_)) => Ok(()),
    }
}

fn arrivals(
    scenario: &Scenario,
    calendars: &BTreeMap<String, Rule>,
    start: Instant,
    zone: &TimeZone,
) -> anyhow::Result<ArrivalPlan> {
    Ok(match &scenario.arrivals {
        Arrivals::Interval { every, calendar } => {
            let sampler = sampler("arrivals.interval.every", every)?;
            ensure!(
                !sampler.is_zero(),
                "`arrivals.interval.every` is always 0: cases would come all at once"
            );
            let rule = match calendar {
                Some(name) => people::calendar("arrivals.interval.calendar", name, calendars)?,
                None => Rule::default(),
            };
            ArrivalPlan::Interval(sampler, rule)
        }
        Arrivals::Rates(rates) => {
            let mut found = Vec::new();
            for (idx, rate) in rates.iter().enumerate() {
                let key = format!("arrivals.rates[{idx}]");
                let per_hour = rate.per_hour;
                ensure!(
                    per_hour.is_finite() && per_hour > 0.0,
                    "`{key}.per_hour` is {per_hour}: give a number above 0"
                );
                found.push((
                    people::calendar(&format!("{key}.calendar"), &rate.calendar, calendars)?,
                    per_hour,
                ));
            }
            ensure!(
                !found.is_empty(),
                "`arrivals.rates` is empty: give a calendar and a rate"
            );
            for (idx, (rule, _)) in found.iter().enumerate() {
                let open = Timeline::new(vec![rule.clone()], start).next_open(start);
                ensure!(open.is_ok(), "`arrivals.rates[{idx}].calendar` is never open");
            }
            ArrivalPlan::Rates(found)
        }
        Arrivals::Times(times) => {
            let found = times.iter().enumerate().map(|(idx, text)| {
                let at = instant(&format!("arrivals.times[{idx}]"), text, zone)?;
                ensure!(at >= start, "`arrivals.times[{idx}]` is `{text}`, before `start`");
                Ok(at)
            });
            let mut found = found.collect::<anyhow::Result<Vec<_>>>()?;
            ensure!(!found.is_empty(), "`arrivals.times` is empty: give instants");
            found.sort_unstable();
            ArrivalPlan::Times(found)
        }
    })
}

fn sampler(key: &str, distribution: &Distribution<Length>) -> anyhow::Result<Sampler> {
    distribution.sampler().map_err(|why| anyhow::anyhow!("`{key}`: {why}"))
}

fn instant(key: &str, text: &str, zone: &TimeZone) -> anyhow::Result<Instant> {
    let found = Timestamp::parse(text, zone);
    let found = found.with_context(|| {
        format!("`{key}`: `{text}` is no instant, spell it like `2026-01-05` or `2026-01-05 09:00:00`")
    })?;
    // Years that calendars can be unrolled in, with room for a century to follow.
    let years = 0..=7_258_118_400_000;
    ensure!(
        years.contains(&found.0),
        "`{key}`: `{text}` is outside of the years 1970 to 2199"
    );
    Ok(found.0)
}

/// Names in one sentence, the first twenty.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.take(21).map(|name| format!("`{name}`")).collect();
    if names.len() > 20 {
        names[20] = "…".to_owned();
    }
    names.join(", ")
}
