//! What happens at a node: how long people work, which edge they take, how outside systems answer.

use anyhow::{Context as _, bail, ensure};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::NodeId;
use loonflow_engine::ticket::ActionKind;
use loonflow_engine::workflow::{Node, NodeKind, WorkflowVersion};

use super::{FieldPlan, fields, listed, sampler};
use crate::distribution::Sampler;
use crate::quantity::Length;
use crate::scenario::{NodeRule, Scenario};
use crate::weights::Weights;

/// A node.
#[derive(Debug)]
pub struct NodePlan {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Whether people work here.
    pub is_work: bool,
    /// How long.
    pub work: Sampler,
    /// Edges a person may take: positions in the definition.
    pub choices: Weights<usize>,
    /// What is filled in.
    pub fields: Vec<FieldPlan>,
    /// How long an outside system takes.
    pub answer: Sampler,
    /// How often it fails.
    pub failure: f64,
    /// When it is asked again.
    pub retry_after_ms: Option<i64>,
}

pub(super) fn plan(
    node: &Node,
    scenario: &Scenario,
    workflow: &WorkflowVersion,
    directory: &Directory,
) -> anyhow::Result<NodePlan> {
    let id = node.id.as_str();
    let key = |part: &str| format!("nodes.{id}.{part}");
    let none = NodeRule::default();
    let rule = scenario.nodes.get(id).unwrap_or(&none);
    let is_work = node.kind.is_left_by_people();
    let is_hook = matches!(node.kind, NodeKind::Hook(_));
    let kind = node.kind.word();
    if !is_work {
        ensure!(
            rule.work.is_none() && rule.choices.is_empty() && rule.fields.is_empty(),
            "`nodes.{id}`: nobody works at a {kind} node, so leave `work`, `choices` and `fields` out"
        );
    }
    if !is_hook {
        ensure!(
            rule.answer.is_none() && rule.failure == 0.0 && rule.retry_after.is_none(),
            "`nodes.{id}`: no outside system is asked at a {kind} node, so leave `answer`, `failure`, `retry_after` out"
        );
    }
    ensure!(
        (0.0..=1.0).contains(&rule.failure),
        "`{}` is {}: give 0 to 1",
        key("failure"),
        rule.failure
    );
    let work = match (&rule.work, &node.kind) {
        (Some(work), _) => sampler(&key("work"), work)?,
        (None, NodeKind::Normal(_)) => {
            bail!(
                "`nodes.{id}` has no `work`: say how long people take, for instance {{\"exponential\": {{\"mean\": \"20m\"}}}}"
            )
        }
        (None, _) => Sampler::zero(),
    };
    let answer = match (&rule.answer, is_hook) {
        (Some(answer), _) => sampler(&key("answer"), answer)?,
        (None, true) => bail!("`nodes.{id}` has no `answer`: say how long the outside system takes"),
        (None, false) => Sampler::zero(),
    };
    let fields = if is_work {
        let said = if matches!(node.kind, NodeKind::Start) {
            &scenario.fields
        } else {
            &rule.fields
        };
        ensure!(
            !matches!(node.kind, NodeKind::Start) || rule.fields.is_empty(),
            "`{}`: what the creator fills in stands in `fields` of the scenario",
            key("fields")
        );
        fields::plan(node, said, workflow, directory)?
    } else {
        Vec::new()
    };
    Ok(NodePlan {
        id: node.id.clone(),
        name: if node.name.trim().is_empty() {
            id.to_owned()
        } else {
            node.name.clone()
        },
        is_work,
        work,
        choices: if is_work {
            choices(id, rule, workflow)?
        } else {
            Weights::none()
        },
        fields,
        answer,
        failure: rule.failure,
        retry_after_ms: rule.retry_after.map(Length::whole_ms),
    })
}

/// The edges a person may take here.
fn choices(id: &str, rule: &NodeRule, workflow: &WorkflowVersion) -> anyhow::Result<Weights<usize>> {
    let ways: Vec<(usize, ActionKind)> = workflow
        .edges
        .iter()
        .enumerate()
        .filter(|(_, edge)| edge.source.as_str() == id)
        .filter_map(|(idx, edge)| ActionKind::of_edge(edge).map(|kind| (idx, kind)))
        .collect();
    let name_of = |idx: usize| workflow.edges[idx].id.as_str();
    if rule.choices.is_empty() {
        let agree: Vec<usize> = ways
            .iter()
            .filter(|(_, kind)| *kind == ActionKind::Agree)
            .map(|(idx, _)| *idx)
            .collect();
        let taken = if agree.is_empty() {
            ways.iter().map(|(idx, _)| *idx).collect()
        } else {
            agree
        };
        return Weights::new(taken.into_iter().map(|idx| (idx, 1.0)).collect())
            .with_context(|| format!("node `{id}` has no edge that a person takes"));
    }
    let mut weighted = Vec::new();
    for (edge, weight) in &rule.choices {
        let way = ways.iter().find(|(idx, _)| name_of(*idx) == edge.as_str());
        let Some((idx, _)) = way else {
            bail!(
                "`nodes.{id}.choices`: no person takes an edge `{edge}` here; the edges are {}",
                listed(ways.iter().map(|(idx, _)| name_of(*idx)))
            )
        };
        weighted.push((*idx, *weight));
    }
    Weights::new(weighted).with_context(|| format!("`nodes.{id}.choices`"))
}
