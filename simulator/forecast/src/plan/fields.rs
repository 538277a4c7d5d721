//! Which values people fill in at a node: those the scenario names, and an example for what else is required.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::id::FieldKey;
use loonflow_engine::value::Value;
use loonflow_engine::view::example::example_value;
use loonflow_engine::workflow::{Component, ComponentKind, FieldPermission, Node, WorkflowVersion};
use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use serde_json::Value as Json;

use super::{listed, people};
use crate::distribution::Sampler;
use crate::scenario::FieldSource;
use crate::weights::Weights;

/// A field and where its value comes from.
#[derive(Debug)]
pub struct FieldPlan {
    /// Which.
    pub key: FieldKey,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Value(Value),
    OneOf(Weights<Value>),
    Number {
        sampler: Sampler,
        decimals: usize,
        min: f64,
        max: f64,
    },
}

impl FieldPlan {
    /// A value.
    pub fn value(&self, random: &mut Pcg64Mcg) -> Value {
        match &self.source {
            Source::Value(value) => value.clone(),
            Source::OneOf(weights) => weights.at(random.random()).cloned().unwrap_or_default(),
            Source::Number {
                sampler,
                decimals,
                min,
                max,
            } => {
                let number = sampler.sample(random).clamp(*min, *max);
                Value::Number(format!("{number:.decimals$}"))
            }
        }
    }
}

/// Digits of a drawn number: a float has no more.
const DECIMALS_MAX: u8 = 12;

pub(super) fn plan(
    node: &Node,
    said: &BTreeMap<String, FieldSource>,
    workflow: &WorkflowVersion,
    directory: &Directory,
) -> anyhow::Result<Vec<FieldPlan>> {
    let form = &workflow.form;
    let mut found = Vec::new();
    for (key, source) in said {
        let at = format!("field `{key}` at node `{}`", node.id);
        let key = FieldKey::from(key.as_str());
        let component = form.component(&key).with_context(|| {
            format!(
                "{at}: the form has {}",
                listed(form.components().map(|one| one.key.as_str()))
            )
        })?;
        let permission = form.permission_at(node, &key);
        ensure!(permission.is_writable(), "{at} is {}: leave it out", permission.word());
        let source = read(source, component, workflow, directory).context(at)?;
        found.push(FieldPlan { key, source });
    }
    for component in form.components() {
        let key = &component.key;
        let is_required = form.permission_at(node, key) == FieldPermission::Required;
        if !is_required || said.contains_key(key.as_str()) {
            continue;
        }
        // Anybody serves as an example of a user.
        let Some(anyone) = directory.users.values().find(|user| user.is_active) else {
            bail!("the directory has nobody who is active");
        };
        let value = Value::from(&example_value(component, directory, &anyone.id));
        ensure!(
            !value.is_empty() && form.check_value(key, &value, directory).is_ok(),
            "field `{key}` is required at node `{}` and there is no example for it: name a value in `fields`",
            node.id
        );
        let source = Source::Value(value);
        found.push(FieldPlan {
            key: key.clone(),
            source,
        });
    }
    Ok(found)
}

fn read(
    source: &FieldSource,
    component: &Component,
    workflow: &WorkflowVersion,
    directory: &Directory,
) -> anyhow::Result<Source> {
    let checked = |json: &Json| -> anyhow::Result<Value> {
        let value = Value::from(&by_name(json, component, directory));
        let checked = workflow.form.check_value(&component.key, &value, directory);
        checked.map_err(|why| anyhow::anyhow!("`{json}` {}; allowed: {}", why.problem, why.allowed))?;
        Ok(value)
    };
    Ok(match source {
        FieldSource::Value(json) => Source::Value(checked(json)?),
        FieldSource::OneOf(options) => {
            let options = options.iter().map(|one| Ok((checked(&one.value)?, one.weight)));
            Source::OneOf(Weights::new(options.collect::<anyhow::Result<Vec<_>>>()?)?)
        }
        FieldSource::Number {
            from,
            decimals,
            min,
            max,
        } => {
            ensure!(
                component.kind == ComponentKind::Number,
                "is no number: name values with `one_of`"
            );
            ensure!(
                *decimals <= DECIMALS_MAX,
                "`decimals` is {decimals}: give at most {DECIMALS_MAX}"
            );
            let (min, max) = (min.unwrap_or(f64::MIN), max.unwrap_or(f64::MAX));
            ensure!(min <= max, "`min` is more than `max`");
            Source::Number {
                sampler: from.sampler().map_err(anyhow::Error::msg)?,
                decimals: usize::from(*decimals),
                min,
                max,
            }
        }
    })
}

/// Users may be named as in `people`.
fn by_name(json: &Json, component: &Component, directory: &Directory) -> Json {
    let id_of = |json: &Json| match json {
        Json::String(who) => people::user(who, directory).map_or_else(|_| json.clone(), |user| user.id.as_str().into()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => json.clone(),
    };
    match (component.kind == ComponentKind::User, json) {
        (true, Json::Array(list)) => Json::Array(list.iter().map(id_of).collect()),
        (true, one) => id_of(one),
        (false, one) => one.clone(),
    }
}
