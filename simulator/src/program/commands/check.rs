//! `check`: explores definitions and tells what is wrong with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use loonflow_engine::id::NodeId;
use loonflow_engine::workflow::validate::{self, Problem, ValidationContext};
use serde_json::json;

use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::prove::check::{Finding, Options, Outcome, check};
use crate::world::inputs::{self, Definition};

/// Proves or refutes that a definition is sound: every ticket can come to its end, everything in it can happen.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Definition files, or folders of them.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Directory file: who there is. Without it, everybody the definitions name is made up.
    #[arg(long)]
    pub directory: Option<PathBuf>,
    /// Explore every order of independent steps as well; slower, and comes to the same verdict.
    #[arg(long)]
    pub full: bool,
    /// States kept at most; where there are more, the verdict is unknown.
    #[arg(long, default_value_t = 250_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    pub states: u32,
    /// Two nodes that one person must never both do, as `NODE,NODE`.
    #[arg(long, value_name = "NODE,NODE")]
    pub separate: Option<String>,
    /// Look for up to so many people without whom no ticket comes to the end; 0 to 3.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=3))]
    pub absent: u8,
    /// Folder to save the case of every finding in, for `replay`; it is made where it is not there.
    #[arg(long)]
    pub cases: Option<PathBuf>,
}

pub(crate) fn run(args: &CheckArgs, output: &Output) -> anyhow::Result<Verdict> {
    let definitions = inputs::definitions(&args.files)?;
    let mut verdict = Verdict::Fine;
    let mut reports = Vec::new();
    for definition in &definitions {
        let problems = problems_of(definition, args.directory.as_deref())?;
        let Some(version) = definition.version.as_ref().filter(|_| problems.is_empty()) else {
            verdict = verdict.and(Verdict::Defect);
            output.line(format!("{}: cannot be published", definition.shown));
            for error in &problems {
                output.line(format!("  error {error}"));
            }
            let problems: Vec<_> = problems
                .iter()
                .map(|one| json!({ "code": one.code, "message": one.message }))
                .collect();
            reports.push(json!({ "file": definition.shown, "verdict": "unsound", "problems": problems }));
            continue;
        };
        let separate = args.separate.as_deref().map(|text| pair(text, version)).transpose()?;
        let options = Options {
            states: args.states as usize,
            is_full: args.full,
            separate,
            absent: usize::from(args.absent),
        };
        let (source, directory) = inputs::directory(args.directory.as_deref(), &[Arc::clone(version)])?;
        let report = check(version, &directory, &source, &options);
        verdict = verdict.and(match report.outcome {
            Outcome::Sound => Verdict::Fine,
            Outcome::Unsound => Verdict::Defect,
            Outcome::Unknown => Verdict::Unknown,
        });
        output.line(format!(
            "{}: {} ({} states, {} moves)",
            definition.shown,
            report.outcome.word(),
            report.n_states,
            report.n_moves
        ));
        for finding in &report.findings {
            show(finding, output);
        }
        if let Some(folder) = &args.cases {
            save(folder, definition, &report.findings, output)?;
        }
        for bound in &report.bounds {
            output.line(format!("  unknown: {bound}"));
        }
        let mut json = report.to_json();
        json["file"] = json!(definition.shown);
        reports.push(json);
    }
    output.result(&json!({ "definitions": reports }));
    Ok(verdict)
}

/// What keeps a definition from being published, with the directory where one is given.
fn problems_of(definition: &Definition, directory: Option<&Path>) -> anyhow::Result<Vec<Problem>> {
    let mut problems = definition.problems.clone();
    if directory.is_some() {
        let (_, directory) = inputs::directory(directory, &[])?;
        let context = ValidationContext {
            directory: Some(&directory),
            known_workflows: None,
        };
        problems = validate::check(&definition.source, definition.stem.as_deref(), &context).1;
    }
    problems.retain(Problem::is_error);
    Ok(problems)
}

fn show(finding: &Finding, output: &Output) {
    for line in finding.lines() {
        output.line(format!("  {line}"));
    }
}

/// One file for each finding that comes with a case.
fn save(folder: &Path, definition: &Definition, findings: &[Finding], output: &Output) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let stem = definition.stem.as_deref().unwrap_or("definition");
    let cases = findings
        .iter()
        .filter_map(|finding| Some((finding.code, &finding.story.as_ref()?.case)));
    for (idx, (code, case)) in cases.enumerate() {
        let path = folder.join(format!("{stem}-{}-{code}.json", idx + 1));
        let text = serde_json::to_string_pretty(case).context("a case that is no JSON")?;
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        output.line(format!("  saved {}", path.display()));
    }
    Ok(())
}

/// Two nodes of the definition.
fn pair(text: &str, version: &loonflow_engine::workflow::WorkflowVersion) -> anyhow::Result<(NodeId, NodeId)> {
    let nodes: Vec<NodeId> = text.split(',').map(|part| NodeId::from(part.trim())).collect();
    let [one, other] = nodes.as_slice() else {
        bail!(
            "`--separate {text}` names {} nodes: give two, as `NODE,NODE`",
            nodes.len()
        );
    };
    for node in [one, other] {
        if version.node(node).is_none() {
            let known: Vec<&str> = version.nodes.iter().map(|node| node.id.as_str()).collect();
            bail!(
                "`--separate {text}`: there is no node `{node}`: take two of {}",
                known.join(", ")
            );
        }
    }
    Ok((one.clone(), other.clone()))
}
