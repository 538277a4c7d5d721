//! Deadlines of nodes where people act.

use serde_json::{Value as Json, json};

use super::node::Assign;
use super::{Object, set};

/// When a stay at a node is due, and what happens around that.
#[derive(Clone, Debug, Default)]
pub struct Deadline {
    keys: Object,
    steps: Vec<Json>,
}

impl Deadline {
    /// After so much working time, in ISO 8601 of days, hours, minutes and seconds: `PT8H`, `P3D`.
    #[must_use]
    pub fn after(budget: impl Into<String>) -> Self {
        Self::default().key("after", budget.into())
    }

    /// At the instant in a date or datetime field.
    #[must_use]
    pub fn until_field(field: impl Into<String>) -> Self {
        Self::default().key("until_field", field.into())
    }

    /// Counts working time of a calendar of the tenant.
    #[must_use]
    pub fn calendar(self, calendar: impl Into<String>) -> Self {
        self.key("calendar", calendar.into())
    }

    /// What the node's last stay has spent counts on.
    #[must_use]
    pub fn carry(self) -> Self {
        self.key("carry", true)
    }

    /// Reminds those who can act, so long after the due instant, or before it: `-P1D`.
    #[must_use]
    pub fn remind(self, at: &str) -> Self {
        self.step(json!({ "at": at, "do": "remind" }))
    }

    /// Reminds them so many times, so far apart.
    #[must_use]
    pub fn remind_every(self, at: &str, every: &str, times: u32) -> Self {
        self.step(json!({ "at": at, "do": "remind", "every": every, "times": times }))
    }

    /// Lets others hold the node from then on.
    #[must_use]
    pub fn escalate(self, at: &str, to: Assign) -> Self {
        self.step(json!({ "at": at, "do": "escalate", "to": to.json() }))
    }

    /// Takes an edge out of the node.
    #[must_use]
    pub fn take_edge(self, at: &str, edge: &str) -> Self {
        self.step(json!({ "at": at, "do": "take_edge", "edge": edge }))
    }

    fn step(mut self, step: Json) -> Self {
        self.steps.push(step);
        self
    }

    fn key(mut self, key: &str, value: impl Into<Json>) -> Self {
        set(&mut self.keys, key, value);
        self
    }

    pub(super) fn json(self) -> Json {
        let mut keys = self.keys;
        set(&mut keys, "steps", self.steps);
        Json::Object(keys)
    }
}
