//! Where every run of the hunt begins: what is given, read by the engine and by the naive model.

use std::sync::Arc;

use anyhow::anyhow;
use loonflow_engine::workflow::WorkflowVersion;
use serde_json::Value as Json;

use crate::hunt::generate::definitions;
use crate::hunt::goals::Goal;
use crate::hunt::model::Model;
use crate::hunt::watch::{Checks, Watch};
use crate::world::given::Given;
use crate::world::tape::Tape;

/// What a run begins with.
#[derive(Clone, Debug)]
pub struct Start {
    /// People and definitions.
    pub given: Given,
    /// The naive model of the same, without tickets.
    model: Model,
}

impl Start {
    /// Reads a directory, and definitions that are known to run.
    ///
    /// # Errors
    /// Where directory or definitions cannot be read, by the engine or by the model.
    pub fn read(source: &Json, versions: Vec<Arc<WorkflowVersion>>) -> anyhow::Result<Self> {
        Self::of(Given::read(source, versions)?)
    }

    /// A random directory and a random definition for it.
    #[must_use]
    pub fn random(tape: &mut Tape) -> Self {
        loop {
            if let Ok(start) = Self::of(definitions::given(tape)) {
                return start;
            }
        }
    }

    fn of(given: Given) -> anyhow::Result<Self> {
        let model = Model::new(&given.source).and_then(|mut model| {
            for version in &given.versions {
                model.publish(&version.source)?;
            }
            Ok(model)
        });
        let model = model.map_err(|why| anyhow!("the naive model cannot read this: {why}"))?;
        Ok(Self { given, model })
    }

    /// A world of it with a model beside it.
    #[must_use]
    pub fn watch(&self, seed: u64, checks: &Checks, goals: &[Goal]) -> Watch {
        Watch::new(self.given.world(seed), checks.clone(), goals).beside(self.model.clone())
    }
}
