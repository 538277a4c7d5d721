//! `export`: definitions, logs and findings in open formats.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use loonflow_engine::id::WorkflowId;
use loonflow_engine::ticket::Event;
use serde_json::json;

use crate::formats::export::history::{Activities, History};
use crate::formats::export::play::{Play, play};
use crate::formats::export::{bpmn, history, junit, mermaid, ocel, pnml, xes};
use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::prove::net;
use crate::record::recorded::{Source, open};
use crate::world::inputs;

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Definitions: files, or folders with `*.json` in them.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Which format.
    #[arg(long, value_enum)]
    pub format: Format,
    /// Where to write: a file, or a folder where there are several definitions. Without, to stdout.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// bpmn: put tokens of hooks and other secrets in too; without, they are left out, for diagrams go from hand to hand.
    #[arg(long)]
    pub with_secrets: bool,
    /// xes, ocel: the data directory of a server that does not run.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["log", "files"])]
    pub data: Option<PathBuf>,
    /// xes, ocel: the JSON lines that `loonflow-ticket export` wrote.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "files")]
    pub log: Option<PathBuf>,
    /// xes, ocel: recorded tickets of this workflow only.
    #[arg(long, value_name = "ID")]
    pub workflow: Option<String>,
    /// xes, ocel: how many tickets are played.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub cases: u32,
    /// xes, ocel: seed of every choice; the same seed gives the same log.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// xes, ocel: people of the tickets that are played; without, a stand-in has everybody the definitions name.
    #[arg(long, value_name = "FILE")]
    pub directory: Option<PathBuf>,
    /// xes, ocel: play nothing that a plain Petri net cannot say: no edge that leaves a fork early.
    #[arg(long)]
    pub plain: bool,
    /// xes: what events are.
    #[arg(long, value_enum, default_value_t = ActivitiesArg::Moves)]
    pub activities: ActivitiesArg,
    /// ocel: put values of fields in too, those that some may not see included.
    #[arg(long)]
    pub with_fields: bool,
}

/// Formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// PNML of the definition as a Petri net, where it is a plain one.
    Pnml,
    /// BPMN 2.0 XML with its diagram; `import` reads it back.
    Bpmn,
    /// A Mermaid flowchart.
    Mermaid,
    /// An XES 1.0 log.
    Xes,
    /// An OCEL 2.0 log in JSON.
    Ocel,
    /// JUnit XML of what validation finds.
    Junit,
}

/// What the events of an XES log are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ActivitiesArg {
    /// Every move of a token, by ids: such a log fits the definition's net.
    Moves,
    /// What people, timers and hooks did, by names.
    Actions,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Pnml => "pnml",
            Self::Bpmn => "bpmn",
            Self::Mermaid => "mmd",
            Self::Xes => "xes",
            Self::Ocel => "json",
            Self::Junit => "xml",
        }
    }
}

pub(crate) fn run(args: &ExportArgs, output: &Output) -> anyhow::Result<Verdict> {
    match args.format {
        Format::Pnml | Format::Bpmn | Format::Mermaid => definitions(args, output),
        Format::Xes | Format::Ocel => logs(args, output),
        Format::Junit => findings(args, output),
    }
}

fn definitions(args: &ExportArgs, output: &Output) -> anyhow::Result<Verdict> {
    refuse_recording(args)?;
    let definitions = inputs::definitions(&args.files)?;
    let mut texts = Vec::new();
    for one in &definitions {
        let version = one.runnable()?;
        let text = match args.format {
            Format::Pnml => {
                let net = net::net(version, &BTreeSet::new())
                    .with_context(|| format!("`{}` cannot be written as PNML", one.shown))?;
                pnml::pnml(&net, &version.name)
            }
            Format::Bpmn => {
                for sentence in bpmn::not_said(version) {
                    output.note(format!("{}: {sentence}", one.shown));
                }
                bpmn::bpmn(version, args.with_secrets)
            }
            Format::Mermaid | Format::Xes | Format::Ocel | Format::Junit => {
                mermaid::mermaid(version, &mermaid::Marked::default())
            }
        };
        let stem = one.stem.clone().unwrap_or_else(|| "definition".to_owned());
        texts.push((format!("{stem}.{}", args.format.extension()), text));
    }
    deliver(&texts, args.out.as_deref(), output)?;
    Ok(Verdict::Fine)
}

fn logs(args: &ExportArgs, output: &Output) -> anyhow::Result<Verdict> {
    let histories = histories(args, output)?;
    let text = if args.format == Format::Xes {
        let activities = match args.activities {
            ActivitiesArg::Moves => Activities::Moves,
            ActivitiesArg::Actions => Activities::Actions,
        };
        xes::xes_named(&histories, activities, &|history| net_names(history, activities))
    } else {
        ocel::ocel(&histories, args.with_fields)
    };
    deliver(
        &[(format!("log.{}", args.format.extension()), text)],
        args.out.as_deref(),
        output,
    )?;
    Ok(Verdict::Fine)
}

/// The transitions of the definition's net, where it is a plain net and the ticket did nothing that has no place in one.
fn net_names(history: &History, activities: Activities) -> Option<Vec<String>> {
    let version = history.version.as_ref().filter(|_| activities == Activities::Moves)?;
    let net = net::net(version, &BTreeSet::new()).ok()?;
    let events: Vec<Event> = history.commits.iter().flat_map(|(_, events)| events.clone()).collect();
    net::trace::trace(&net, &events).ok()
}

fn histories(args: &ExportArgs, output: &Output) -> anyhow::Result<Vec<History>> {
    let source = match (&args.data, &args.log) {
        (Some(data), _) => Some(Source::Data(data.clone())),
        (None, Some(file)) => Some(Source::Lines(file.clone())),
        (None, None) => None,
    };
    if let Some(source) = source {
        let workflow = args.workflow.as_deref().map(WorkflowId::from);
        return history::recorded(open(&source)?.as_ref(), workflow.as_ref());
    }
    if args.files.is_empty() {
        bail!("no tickets are named: give definitions to play, `--data DIR` or `--log FILE.jsonl`");
    }
    let definitions = inputs::definitions(&args.files)?;
    let versions = definitions.iter().map(|one| one.runnable().cloned());
    let versions = versions.collect::<anyhow::Result<Vec<_>>>()?;
    let (_, directory) = inputs::directory(args.directory.as_deref(), &versions)?;
    let what = Play {
        n_cases: args.cases.try_into().unwrap_or(usize::MAX),
        seed: args.seed,
        is_plain: args.plain,
    };
    let played = play(&versions, &directory, &what);
    if played.n_left_out > 0 {
        output.note(format!("{} tickets came to no end and are left out", played.n_left_out));
    }
    if played.histories.is_empty() {
        bail!("no ticket came to its end: do the definitions and the directory fit one another?");
    }
    Ok(played.histories)
}

fn findings(args: &ExportArgs, output: &Output) -> anyhow::Result<Verdict> {
    refuse_recording(args)?;
    let definitions = inputs::definitions(&args.files)?;
    let suites: Vec<junit::Suite> = definitions.iter().map(junit::of_definition).collect();
    deliver(
        &[("findings.xml".to_owned(), junit::junit(&suites))],
        args.out.as_deref(),
        output,
    )?;
    let is_sound = definitions.iter().all(|one| one.version.is_some());
    Ok(if is_sound { Verdict::Fine } else { Verdict::Defect })
}

fn refuse_recording(args: &ExportArgs) -> anyhow::Result<()> {
    if args.data.is_some() || args.log.is_some() {
        bail!("`--data` and `--log` are for the formats xes and ocel: name definitions instead");
    }
    Ok(())
}

/// Writes texts where the caller wants them.
fn deliver(texts: &[(String, String)], out: Option<&Path>, output: &Output) -> anyhow::Result<()> {
    let mut written = Vec::new();
    match (texts, out) {
        ([(_, text)], None) => {
            output.line(text.trim_end());
            output.result(&json!({ "text": text }));
            return Ok(());
        }
        ([(_, text)], Some(file)) if !file.is_dir() => {
            write(file, text)?;
            written.push(file.to_owned());
        }
        (_, None) => bail!(
            "there are {} definitions: name a folder for them with `--out`",
            texts.len()
        ),
        (_, Some(folder)) => {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
            for (name, text) in texts {
                let file = folder.join(name);
                write(&file, text)?;
                written.push(file);
            }
        }
    }
    let shown: Vec<String> = written.iter().map(|file| file.display().to_string()).collect();
    shown.iter().for_each(|file| output.line(format!("wrote {file}")));
    output.result(&json!({ "written": shown }));
    Ok(())
}

pub(crate) fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))
}
