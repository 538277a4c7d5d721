//! `check`: every problem of definitions, without a data directory.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, bail};
use loonflow_engine::account::command::{Command, Context as AccountContext, Foreign};
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::import::{self, DirectoryFile};
use loonflow_engine::account::{apply, decide};
use loonflow_engine::id::WorkflowId;
use loonflow_engine::time::Timestamp;
use loonflow_engine::workflow::WorkflowVersion;
use loonflow_engine::workflow::validate::{KnownWorkflows, Problem, ValidationContext, check, unheeded};
use loonflow_mcp_facade::cli;
use serde_json::Value;

use super::files::{Content, File};
use super::operator::{import_problem, problem, problem_line};
use super::output::line;
use super::simulate;

/// Code of the warning of a key that nothing reads.
const UNKNOWN_KEY: &str = "unknown_key";

/// Prints every problem of every file and, where asked, what a simulation shows; exit code 1 where one is an error.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn run(flags: &cli::Check) -> anyhow::Result<ExitCode> {
    let files = flags
        .files
        .iter()
        .map(|path| File::read(path))
        .collect::<anyhow::Result<Vec<File>>>()?;
    let named = match &flags.directory {
        None => None,
        Some(path) => {
            let file = File::read(path)?;
            if file.content != Content::Directory {
                bail!("`{}` is no directory: it has no `tenant`", file.shown());
            }
            Some(file)
        }
    };
    let people = named.as_ref().or_else(|| only_directory(&files));
    let directory = match people {
        None => None,
        // One that is only checked is told of below.
        Some(file) if named.is_none() => directory(&file.json).ok(),
        Some(file) => Some(directory(&file.json).with_context(|| format!("`{}` does not import", file.shown()))?),
    };
    let mut known: KnownWorkflows = files.iter().filter_map(workflow_id).collect();
    for file in files.iter().filter(|file| file.content == Content::Workflow) {
        // What cannot run is told of below.
        if let Ok(version) = WorkflowVersion::load_named(&file.json, file.stem()) {
            known.add(&version);
        }
    }
    let context = ValidationContext {
        directory: directory.as_ref(),
        known_workflows: Some(&known),
    };
    let mut n_errors = 0;
    for file in &files {
        let (version, found) = match file.content {
            Content::Workflow => check_workflow(file, &context, flags.public_url.is_some()),
            Content::Directory => (None, check_directory(&file.json)),
        };
        let found: Vec<Value> = found.into_iter().map(|one| judged(one, flags.strict)).collect();
        let n_file_errors = found.iter().filter(|one| one["problem"]["is_error"] == true).count();
        n_errors += n_file_errors;
        for problem in found.iter().filter_map(problem_line) {
            line(format_args!("{}: {problem}", file.shown()))?;
        }
        if n_file_errors == 0 {
            let looked_up = match (file.content, &directory) {
                (Content::Workflow, None) => "; nobody was looked up: name the people with `--directory`",
                (Content::Workflow, Some(_)) | (Content::Directory, _) => "",
            };
            line(format_args!("{}: no errors{looked_up}", file.shown()))?;
        }
        if let Some(version) = version.filter(|_| flags.simulate) {
            let people = people.filter(|_| directory.is_some()).map(|file| &file.json);
            n_errors += usize::from(simulate::look(&file.shown(), version, people)?);
        }
    }
    Ok(if n_errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The one directory among the files that are checked: its people are those that the workflows are about.
fn only_directory(files: &[File]) -> Option<&File> {
    let mut found = files.iter().filter(|file| file.content == Content::Directory);
    found.next().filter(|_| found.next().is_none())
}

fn check_workflow(
    file: &File,
    context: &ValidationContext<'_>,
    has_public_url: bool,
) -> (Option<WorkflowVersion>, Vec<Value>) {
    let (version, problems) = check(&file.json, file.stem(), context);
    let unheeded: Vec<Problem> = version
        .iter()
        .flat_map(|version| unheeded(version, has_public_url))
        .collect();
    let found = problems.iter().chain(&unheeded).map(problem).collect();
    (version, found)
}

/// A problem as `--strict` sees it: a key that nothing reads is an error.
fn judged(mut item: Value, strict: bool) -> Value {
    if strict && item["problem"]["code"] == UNKNOWN_KEY {
        item["problem"]["is_error"] = true.into();
    }
    item
}

/// Keys of a file that nothing reads, as errors.
pub(super) fn unknown_keys(file: &File) -> Vec<Value> {
    let found = match file.content {
        Content::Workflow => check_workflow(file, &ValidationContext::default(), true).1,
        Content::Directory => check_directory(&file.json),
    };
    let unknown = found.into_iter().filter(|one| one["problem"]["code"] == UNKNOWN_KEY);
    unknown.map(|one| judged(one, true)).collect()
}

fn check_directory(json: &Value) -> Vec<Value> {
    let (problems, warnings) = match DirectoryFile::parse(json) {
        Ok(file) => {
            let empty = Directory::empty(file.tenant.id.clone());
            (import::check(&file, &empty, &Foreign::default()), file.warnings)
        }
        Err(problems) => (problems, Vec::new()),
    };
    let errors = problems.iter().map(|one| import_problem(one, true));
    errors
        .chain(warnings.iter().map(|one| import_problem(one, false)))
        .collect()
}

/// The workflow that a file defines.
fn workflow_id(file: &File) -> Option<WorkflowId> {
    let named = file.json["basic_info"]["id"].as_str().filter(|id| !id.is_empty());
    (file.content == Content::Workflow).then_some(())?;
    named.or(file.stem()).map(WorkflowId::from)
}

/// A directory as it would be after an import into nothing. Passwords are left out: hashing them takes long.
pub(super) fn directory(json: &Value) -> anyhow::Result<Directory> {
    let sentences = |problems: &[import::ImportProblem]| {
        let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(sentences.join("; "))
    };
    let file = DirectoryFile::parse(json).map_err(|problems| sentences(&problems))?;
    let empty = Directory::empty(file.tenant.id.clone());
    let command = Command::Import {
        file: Box::new(file),
        hashes: BTreeMap::new(),
    };
    let context = AccountContext {
        now: Timestamp(0),
        foreign: &Foreign::default(),
    };
    let events = decide::decide(&empty, &command, &context)?;
    Ok(events.iter().fold(empty, apply::apply))
}
