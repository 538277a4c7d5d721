//! A scenario as its file says it: JSON, every key known, quantities with units.
//!
//! Here: the form, key by key. Not here: reading the file and what it is based on (`load`), whether it fits the
//! definition and the directory it names (`plan`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::distribution::Distribution;
use super::quantity::Length;

/// What is to be forecast.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Shown to people.
    pub name: String,
    /// What the scenario is about.
    #[serde(default)]
    pub description: String,
    /// The definition's file, relative to the scenario's folder.
    pub definition: String,
    /// The directory's file, relative to the scenario's folder; without, everybody the definition names is made up.
    #[serde(default)]
    pub directory: Option<String>,
    /// IANA name; the directory's zone where there is none. Calendars without a zone are in this one.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The first instant: a day, or a day and a time. A Monday by default.
    #[serde(default = "default_start")]
    pub start: String,
    /// When new cases stop coming.
    pub stop: Stop,
    /// What is left out of the figures while the world fills up.
    #[serde(default)]
    pub warm_up: WarmUp,
    /// Whether cases that are open at the stop are followed to their end: yes by default after a number of cases, no
    /// after a time.
    #[serde(default)]
    pub drain: Option<bool>,
    /// Seed of every draw.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Independent repetitions; confidence intervals need two at least.
    #[serde(default = "default_replications")]
    pub replications: u32,
    /// Level of the confidence intervals.
    #[serde(default = "default_confidence")]
    pub confidence: f64,
    /// How cases come.
    pub arrivals: Arrivals,
    /// Who creates them, with weights; every active user of type `normal` alike where nobody is named.
    #[serde(default)]
    pub creators: BTreeMap<String, f64>,
    /// Values filled in at creation, by field key; a required field that is not named gets an example.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldSource>,
    /// Working hours by name.
    #[serde(default)]
    pub calendars: BTreeMap<String, CalendarRule>,
    /// How people work: `everyone`, `dept:NAME`, `role:NAME`, or a user by id, name or e-mail address. The later in
    /// this list wins, key by key.
    #[serde(default)]
    pub people: BTreeMap<String, PersonRule>,
    /// What happens at a node, by its id.
    #[serde(default)]
    pub nodes: BTreeMap<String, NodeRule>,
    /// What goes first.
    #[serde(default)]
    pub priority: Option<Priority>,
    /// What goes first among equals.
    #[serde(default)]
    pub queue: QueueOrder,
    /// Who takes work that several free people could take.
    #[serde(default)]
    pub dispatch: Dispatch,
    /// What must come out.
    #[serde(default)]
    pub goals: Vec<Goal>,
}

fn default_start() -> String {
    "2026-01-05".to_owned()
}

fn default_seed() -> u64 {
    1
}

fn default_replications() -> u32 {
    10
}

fn default_confidence() -> f64 {
    0.95
}

/// When new cases stop coming.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Stop {
    /// After so many, in each replication.
    Cases(u64),
    /// After this time.
    After(Length),
}

/// What is left out of the figures.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WarmUp {
    /// Nothing.
    #[default]
    None,
    /// The first cases.
    Cases(u64),
    /// The first time.
    Time(Length),
}

/// How cases come.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// One after the other.
    Interval {
        /// Time from one to the next.
        every: Distribution<Length>,
        /// The interval passes only in these hours.
        #[serde(default)]
        calendar: Option<String>,
    },
    /// At random (Poisson), at a rate that depends on the hour: the rates of all calendars that are open are added.
    Rates(Vec<Rate>),
    /// At these instants.
    Times(Vec<String>),
}

/// A rate in the hours of a calendar.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Name of the calendar.
    pub calendar: String,
    /// Mean number of cases per hour.
    pub per_hour: f64,
}

/// Where a field's value comes from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FieldSource {
    /// Always this.
    Value(Json),
    /// One of these.
    OneOf(Vec<Weighted>),
    /// A number.
    Number {
        /// How it is distributed.
        from: Distribution<f64>,
        /// Digits after the point.
        #[serde(default)]
        decimals: u8,
        /// No less than this.
        #[serde(default)]
        min: Option<f64>,
        /// No more than this.
        #[serde(default)]
        max: Option<f64>,
    },
}

/// A value with its weight.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// As a form sends it.
    pub value: Json,
    /// How often, beside the other weights.
    #[serde(default = "default_weight")]
    pub weight: f64,
}

fn default_weight() -> f64 {
    1.0
}

/// Working hours.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarRule {
    /// IANA name; the scenario's where there is none.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Weekly hours.
    pub hours: Vec<Hours>,
    /// Days without work, `YYYY-MM-DD`.
    #[serde(default)]
    pub holidays: Vec<String>,
}

/// Hours on some days of the week.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Which.
    pub days: Vec<Day>,
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`, up to `24:00`; one before `from` is on the next day.
    pub to: String,
}

/// Days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// How somebody works.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRule {
    /// Name of a calendar; around the clock where nothing says otherwise.
    #[serde(default)]
    pub calendar: Option<String>,
    /// 2 takes half the time; 1 by default.
    #[serde(default)]
    pub speed: Option<f64>,
    /// How many things at once, none of them slower for it; 1 by default.
    #[serde(default)]
    pub at_once: Option<u32>,
    /// Times away; those of all entries that concern somebody are added up.
    #[serde(default)]
    pub away: Vec<Away>,
}

/// A time away.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Away {
    /// First day or instant.
    pub from: String,
    /// First day or instant back.
    pub to: String,
}

/// What happens at a node.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRule {
    /// How long a person works on it (normal nodes must say; the start node takes no time by default).
    #[serde(default)]
    pub work: Option<Distribution<Length>>,
    /// Weights of the edges a person may take, by edge id; without, the `agree` edges alike, else all edges alike.
    #[serde(default)]
    pub choices: BTreeMap<String, f64>,
    /// Values filled in here, by field key.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldSource>,
    /// How long an outside system takes to answer (hook nodes must say).
    #[serde(default)]
    pub answer: Option<Distribution<Length>>,
    /// How often it fails, from 0 to 1.
    #[serde(default)]
    pub failure: f64,
    /// After which time an admin of the workflow asks it again; never where there is none.
    #[serde(default)]
    pub retry_after: Option<Length>,
}

/// What goes first: the value of a field, in this order; other values come last.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Priority {
    /// Key of the field.
    pub field: String,
    /// Its values, the most urgent first.
    pub order: Vec<Json>,
}

/// What goes first among equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueOrder {
    /// What has waited longest at this node.
    #[default]
    Fifo,
    /// What came last.
    Lifo,
    /// The oldest case.
    OldestCase,
}

/// Who takes work that several free people could take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dispatch {
    /// Who has been free longest.
    #[default]
    LongestIdle,
    /// Anyone.
    Random,
    /// The fastest.
    Fastest,
}

/// What must come out.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Key of a measure, as `run` lists them.
    pub measure: String,
    /// A number, or a time with its unit where the measure is one.
    #[serde(default)]
    pub at_least: Option<Bound>,
    /// As `at_least`.
    #[serde(default)]
    pub at_most: Option<Bound>,
}

/// A bound of a goal.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Bound {
    /// Of a measure without unit.
    Number(f64),
    /// Of a time.
    Time(Length),
}
