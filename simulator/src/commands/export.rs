//! `export`: definitions, logs and findings in open formats.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::Output;
use crate::cli::Verdict;
use crate::export::{bpmn, mermaid};
use crate::inputs;

/// Writes definitions in formats that other tools read.
///
/// With one file the text goes to stdout, or to the file named with `--out`; with several, `--out` names a folder.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Definitions: files, or folders with `*.json` in them.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Which format.
    #[arg(long, value_enum)]
    pub format: Format,
    /// Where to write: a file, or a folder where there are several definitions.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Put tokens of hooks into the BPMN too; without, they are left out, for diagrams go from hand to hand.
    #[arg(long)]
    pub with_secrets: bool,
}

/// Formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// BPMN 2.0 XML with its diagram; `import` reads it back.
    Bpmn,
    /// A Mermaid flowchart.
    Mermaid,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Bpmn => "bpmn",
            Self::Mermaid => "mmd",
        }
    }
}

pub(crate) fn run(args: &ExportArgs, output: &Output) -> anyhow::Result<Verdict> {
    let definitions = inputs::definitions(&args.files)?;
    let mut texts = Vec::new();
    for one in &definitions {
        let version = one.runnable()?;
        let text = match args.format {
            Format::Bpmn => bpmn::bpmn(version, args.with_secrets),
            Format::Mermaid => mermaid::mermaid(version, &mermaid::Marked::default()),
        };
        let stem = one.stem.clone().unwrap_or_else(|| "definition".to_owned());
        texts.push((format!("{stem}.{}", args.format.extension()), text));
    }
    deliver(&texts, args.out.as_deref(), output)
}

/// Writes texts where the caller wants them.
fn deliver(texts: &[(String, String)], out: Option<&Path>, output: &Output) -> anyhow::Result<Verdict> {
    let mut written = Vec::new();
    match (texts, out) {
        ([(_, text)], None) => {
            output.line(text.trim_end());
            output.result(&json!({ "text": text }));
            return Ok(Verdict::Fine);
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
    Ok(Verdict::Fine)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write `{}`", file.display()))
}
