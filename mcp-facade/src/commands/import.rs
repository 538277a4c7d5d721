//! `import`: directories first, then workflows; once more changes nothing.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use loonflow_engine::workflow::validate::{self, ValidationContext};
use loonflow_mcp_facade::cli;
use serde_json::Value;

use super::check;
use super::door::{Door, Need};
use super::files::{Content, File};
use super::operator::{Request, problem_line};
use super::output::line;
use super::simulate;

/// Imports every file and says what became of it; exit code 1 where one was refused.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, flags: cli::Import) -> anyhow::Result<ExitCode> {
    // All are read before anything changes.
    let mut files = flags
        .files
        .iter()
        .map(|path| File::read(path))
        .collect::<anyhow::Result<Vec<File>>>()?;
    files.sort_by_key(|file| file.content);
    if flags.whole && !files.iter().any(|file| file.content == Content::Directory) {
        bail!("`--whole` says that a directory file is whole, and none of the files is a directory");
    }
    if flags.strict && has_unknown_keys(&files)? {
        line(format_args!("nothing was imported"))?;
        return Ok(ExitCode::FAILURE);
    }
    if flags.simulate && !are_sound(&files)? {
        line(format_args!("nothing was imported"))?;
        return Ok(ExitCode::FAILURE);
    }
    let door = Door::open(data, Need::Engine).await?;
    let imported = import(&door, files, &flags).await;
    door.close().await?;
    imported
}

/// Whether every workflow is sound in the simulator's eyes, with the people of the directory beside it, if there is one.
/// What validation refuses is refused by the import itself, for reasons that it knows better.
fn are_sound(files: &[File]) -> anyhow::Result<bool> {
    let json = files.iter().find(|file| file.content == Content::Directory);
    let json = json.map(|file| &file.json);
    let Ok(directory) = json.map(check::directory).transpose() else {
        return Ok(true);
    };
    let context = ValidationContext {
        directory: directory.as_ref(),
        known_workflows: None,
    };
    let mut are_sound = true;
    for file in files.iter().filter(|file| file.content == Content::Workflow) {
        let (version, _problems) = validate::check(&file.json, file.stem(), &context);
        if let Some(version) = version {
            are_sound &= !simulate::look(&file.shown(), version, json)?;
        }
    }
    Ok(are_sound)
}

/// Prints the keys that nothing reads; whether there are any.
fn has_unknown_keys(files: &[File]) -> anyhow::Result<bool> {
    let mut has_some = false;
    for file in files {
        for problem in check::unknown_keys(file).iter().filter_map(problem_line) {
            has_some = true;
            line(format_args!("{}: {problem}", file.shown()))?;
        }
    }
    Ok(has_some)
}

async fn import(door: &Door, files: Vec<File>, flags: &cli::Import) -> anyhow::Result<ExitCode> {
    let tenant = flags.tenant.as_ref();
    let mut domains: Vec<String> = Vec::new();
    let mut n_refused = 0_usize;
    for file in files {
        if file.content == Content::Workflow && n_refused > 0 && domains.is_empty() && tenant.is_none() {
            line(format_args!(
                "{}: left out, for the directory was refused",
                file.shown()
            ))?;
            continue;
        }
        let shown = file.shown();
        let stem = file.stem().map(str::to_owned);
        // A directory beside workflows says whose they are.
        let beside = || match domains.as_slice() {
            [domain] => Some(domain.clone()),
            [] | [_, _, ..] => None,
        };
        let request = match file.content {
            Content::Directory => Request::ImportDirectory {
                directory: file.json,
                whole: flags.whole,
                dry_run: flags.dry_run,
            },
            Content::Workflow => Request::PublishWorkflow {
                definition: file.json,
                file_stem: stem,
                tenant: tenant.cloned().or_else(beside),
                candidate: flags.candidate,
                dry_run: flags.dry_run,
            },
        };
        let mut report = Value::Null;
        let asked = door.ask(request, |item| {
            if let Some(problem) = problem_line(&item) {
                line(format_args!("{shown}: {problem}"))
            } else {
                report = item;
                Ok(())
            }
        });
        match asked.await {
            Ok(()) => {
                domains.extend(report["domain"].as_str().map(str::to_owned));
                line(format_args!("{shown}: {}", sentence(&report)))?;
                if let Some(sentence) = missing(&report) {
                    line(format_args!("{shown}: {sentence}"))?;
                }
            }
            Err(refused) => {
                n_refused += 1;
                line(format_args!("{shown}: {refused}"))?;
            }
        }
    }
    Ok(if n_refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn sentence(report: &Value) -> String {
    let text = |key: &str| report[key].as_str().unwrap_or_default();
    let rehearsed = if report["dry_run"] == true {
        "; nothing was written"
    } else {
        ""
    };
    if let Some(n_changes) = report["n_changes"].as_u64() {
        let reviewed = match report["n_reviewed"].as_u64() {
            None | Some(0) => String::new(),
            Some(n) => format!("; {n} tickets were looked at again because users changed"),
        };
        return if n_changes == 0 {
            format!("directory of `{}`: unchanged{rehearsed}", text("domain"))
        } else {
            format!(
                "directory of `{}`: {n_changes} entries new or changed, {} users{reviewed}{rehearsed}",
                text("domain"),
                report["n_users"]
            )
        };
    }
    let (id, version, state) = (text("workflow_id"), text("version_name"), text("state"));
    let what = if report["is_new"] == true {
        format!("published as {state}{rehearsed}")
    } else if report["state"] == report["asked"] {
        format!("unchanged, {state}")
    } else {
        let asked = text("asked");
        format!(
            "unchanged, and still {state}; `loonflow-ticket workflow state {id} {version} {asked}` makes it {asked}"
        )
    };
    format!("workflow `{id}` version `{version}`: {what}")
}

/// Who is active in the directory and not in the file, and what became of them.
fn missing(report: &Value) -> Option<String> {
    let n_missing = report["n_missing"].as_u64().unwrap_or(0);
    if n_missing == 0 {
        return None;
    }
    let named: Vec<&str> = report["missing"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let n_unnamed = n_missing.saturating_sub(named.len() as u64);
    let more = if n_unnamed == 0 {
        String::new()
    } else {
        format!(" and {n_unnamed} more")
    };
    let people = format!("{}{more}", named.join(", "));
    let way_out = "`--whole` deactivates them, `--whole --dry-run` shows it first";
    Some(match (report["whole"] == true, report["dry_run"] == true) {
        (true, true) => format!("not in the file, to be deactivated: {n_missing} ({people})"),
        (true, false) => format!("not in the file, deactivated: {n_missing} ({people})"),
        (false, _) => format!("not in the file, active as before: {n_missing} ({people}); {way_out}"),
    })
}
