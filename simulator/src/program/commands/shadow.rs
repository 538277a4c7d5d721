//! `shadow`: recorded tickets beside a new version of their workflow.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use loonflow_engine::id::{FieldKey, TenantId, WorkflowId};
use loonflow_engine::value::Value;

use crate::formats::export::junit;
use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::record::recorded::{Source, open};
use crate::record::shadow::{Outcome, report, shadow_assuming};
use crate::world::inputs::{self, Definition};

/// Arguments of `shadow`.
#[derive(Debug, Args)]
pub struct ShadowArgs {
    /// The data directory of a server that does not run.
    #[arg(long, value_name = "DIR", required_unless_present = "log", conflicts_with = "log")]
    pub data: Option<PathBuf>,
    /// The JSON lines that `loonflow-ticket export` wrote.
    #[arg(long, value_name = "FILE.jsonl")]
    pub log: Option<PathBuf>,
    /// The new version's definition.
    #[arg(long, value_name = "FILE")]
    pub candidate: PathBuf,
    /// The workflow whose tickets are taken; without, the candidate's.
    #[arg(long, value_name = "ID")]
    pub workflow: Option<String>,
    /// Take tickets of this tenant only.
    #[arg(long, value_name = "ID")]
    pub tenant: Option<String>,
    /// A value for a field that the candidate requires and nobody filled in; again for more.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub assume: Vec<String>,
    /// Write the report as JUnit XML too.
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
}

pub(crate) fn run(args: &ShadowArgs, output: &Output) -> anyhow::Result<Verdict> {
    let source = match (&args.data, &args.log) {
        (Some(data), None) => Source::Data(data.clone()),
        (None, Some(file)) => Source::Lines(file.clone()),
        (Some(_), Some(_)) | (None, None) => bail!("name either `--data` or `--log`"),
    };
    let text = inputs::text_of(&args.candidate)?;
    let candidate = Definition::from_text(&text, &args.candidate)?;
    let candidate = candidate.runnable()?;
    let workflow = args.workflow.as_deref().map(WorkflowId::from);
    let workflow = workflow.unwrap_or_else(|| candidate.workflow_id.clone());
    let tenant = args.tenant.as_deref().map(TenantId::from);
    let mut assume = BTreeMap::new();
    for text in &args.assume {
        let (field, value) = text
            .split_once('=')
            .with_context(|| format!("`--assume {text}` has no `=`: write for instance `cost_center=4711`"))?;
        assume.insert(FieldKey::from(field.trim()), Value::Text(value.to_owned()));
    }
    let log = open(&source)?;
    let found = shadow_assuming(log.as_ref(), &workflow, candidate, tenant.as_ref(), &assume)?;
    report::lines(&found).iter().for_each(|line| output.line(line));
    if let Some(file) = &args.junit {
        super::export::write(file, &junit::junit(&[junit::of_shadow(&found)]))?;
    }
    output.result(&report::to_json(&found));
    Ok(match found.worst() {
        None => Verdict::Unknown,
        Some(worst) if worst.is_grave() => Verdict::Defect,
        Some(Outcome::Same | Outcome::OtherAssignee | Outcome::OtherPath | Outcome::NotAllowed | Outcome::Stuck) => {
            Verdict::Fine
        }
    })
}
