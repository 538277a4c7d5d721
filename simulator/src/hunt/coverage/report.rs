//! Coverage as text for people and as JSON for programs: counts, and what was never reached.

use loonflow_engine::ticket::ActionKind;
use serde_json::{Value as Json, json};

use super::{Coverage, VersionCoverage};

/// Things never reached that are listed one by one; more are only counted.
const LISTED_MAX: usize = 12;

/// What a refused share is measured as.
#[must_use]
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        // Counts of steps are far below 2^52.
        (part as f64) * 100.0 / (whole as f64)
    }
}

/// Something that can be reached and how much of it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// How many there are.
    pub all: usize,
    /// How many were reached.
    pub reached: usize,
    /// Those that were not, by name.
    pub missed: Vec<String>,
}

impl Reached {
    fn note(&mut self, is_reached: bool, name: impl FnOnce() -> String) {
        self.all += 1;
        if is_reached {
            self.reached += 1;
        } else {
            self.missed.push(name());
        }
    }

    fn add(&mut self, other: Self) {
        self.all += other.all;
        self.reached += other.reached;
        self.missed.extend(other.missed);
    }

    fn text(&self) -> String {
        let mut text = format!("{} of {}", self.reached, self.all);
        if !self.missed.is_empty() {
            let listed: Vec<&str> = self.missed.iter().take(LISTED_MAX).map(String::as_str).collect();
            text += &format!("; never: {}", listed.join(", "));
            if self.missed.len() > LISTED_MAX {
                text += &format!(" and {} more", self.missed.len() - LISTED_MAX);
            }
        }
        text
    }

    fn json(&self) -> Json {
        json!({ "all": self.all, "reached": self.reached, "never": self.missed })
    }
}

/// Nodes, edges and conditions of one version or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Nodes.
    pub nodes: Reached,
    /// Edges.
    pub edges: Reached,
    /// Conditions, each once for holding and once for not.
    pub conditions: Reached,
    /// Matrix cells: all, tried, done.
    pub matrix: [usize; 3],
}

impl Summary {
    /// Of one version.
    #[must_use]
    pub fn of(coverage: &VersionCoverage) -> Self {
        let version = &coverage.version;
        let mut found = Self {
            matrix: coverage.matrix().unwrap_or_default(),
            ..Self::default()
        };
        for (node, n) in version.nodes.iter().zip(&coverage.nodes) {
            found.nodes.note(*n > 0, || format!("`{}`", node.id));
        }
        for ((edge, n), conditions) in version.edges.iter().zip(&coverage.edges).zip(&coverage.conditions) {
            found.edges.note(*n > 0, || format!("`{}`", edge.id));
            for (condition, [not, held]) in edge.conditions.iter().zip(conditions) {
                let shown = || {
                    let value = Json::from(&condition.value);
                    format!(
                        "`{}` {:?} {value} of `{}`",
                        condition.field, condition.operator, edge.id
                    )
                };
                found.conditions.note(*held > 0, || format!("{} holding", shown()));
                found.conditions.note(*not > 0, || format!("{} failing", shown()));
            }
        }
        found
    }

    pub(super) fn add(&mut self, other: Self) {
        self.nodes.add(other.nodes);
        self.edges.add(other.edges);
        self.conditions.add(other.conditions);
        for (own, other) in self.matrix.iter_mut().zip(other.matrix) {
            *own += other;
        }
    }

    pub(super) fn forget_names(&mut self) {
        for reached in [&mut self.nodes, &mut self.edges, &mut self.conditions] {
            reached.missed.clear();
        }
    }

    fn lines(&self) -> Vec<String> {
        let [all, tried, done] = self.matrix;
        vec![
            format!("  nodes       {}", self.nodes.text()),
            format!("  edges       {}", self.edges.text()),
            format!("  conditions  {} (both ways)", self.conditions.text()),
            format!("  user x node x field x action: {tried} of {all} cells tried, {done} done"),
        ]
    }

    fn json(&self) -> Json {
        let [all, tried, done] = self.matrix;
        json!({
            "nodes": self.nodes.json(), "edges": self.edges.json(), "conditions": self.conditions.json(),
            "matrix": { "cells": all, "tried": tried, "done": done },
        })
    }
}

impl Coverage {
    /// All versions as one.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut all = self.condensed.clone();
        for version in self.versions.values() {
            all.add(Summary::of(version));
        }
        all
    }

    /// Kinds of actions that were never done.
    #[must_use]
    pub fn actions_never_done(&self) -> Vec<&'static str> {
        let kinds = ActionKind::ALL.into_iter();
        kinds
            .filter(|kind| self.actions[*kind as usize][1] == 0)
            .map(ActionKind::word)
            .collect()
    }

    /// As text. With `by_version`, each version of a workflow by itself; else all together, as for random definitions.
    #[must_use]
    pub fn text(&self, by_version: bool) -> Vec<String> {
        let [requests, refused] = self.requests;
        let mut lines = vec![format!(
            "{requests} requests of people, {refused} ({:.0} %) illegal or malformed; {} timers, hooks, reviews and \
             migrations, {} refused; {} other steps",
            percent(refused, requests),
            self.engine_steps[0],
            self.engine_steps[1],
            self.world_steps,
        )];
        if by_version {
            for version in self.versions.values() {
                let definition = &version.version;
                lines.push(format!(
                    "workflow `{}` {}",
                    definition.workflow_id, definition.version_name
                ));
                lines.extend(Summary::of(version).lines());
            }
        } else {
            lines.extend(self.summary().lines());
        }
        let done = |kind: &ActionKind| format!("{} {}", kind.word(), self.actions[*kind as usize][1]);
        let actions: Vec<String> = ActionKind::ALL.iter().map(done).collect();
        lines.push(format!("  actions     {}", actions.join(", ")));
        let refusals: Vec<String> = self.refusals.iter().map(|(code, n)| format!("{code} {n}")).collect();
        lines.push(format!("  refusals    {}", refusals.join(", ")));
        lines
    }

    /// As JSON, as for [`Coverage::text`].
    #[must_use]
    pub fn json(&self, by_version: bool) -> Json {
        let versions: Vec<Json> = if by_version {
            let all = self.versions.values();
            let one = |version: &VersionCoverage| {
                let mut json = Summary::of(version).json();
                json["workflow"] = json!(version.version.workflow_id.as_str());
                json["version"] = json!(version.version.version_name.as_str());
                json
            };
            all.map(one).collect()
        } else {
            Vec::new()
        };
        let count = |kind: &ActionKind| {
            let [refused, done] = self.actions[*kind as usize];
            (kind.word().to_owned(), json!({ "done": done, "refused": refused }))
        };
        let actions: serde_json::Map<String, Json> = ActionKind::ALL.iter().map(count).collect();
        json!({
            "requests": self.requests[0], "requests_refused": self.requests[1],
            "engine_steps": self.engine_steps[0], "world_steps": self.world_steps,
            "total": self.summary().json(), "versions": versions,
            "actions": actions, "refusals": self.refusals,
        })
    }
}
