//! `import`: a BPMN 2.0 document as a definition.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::formats::export::junit;
use crate::formats::import::bpmn::{BOUNDS, Options, bpmn};
use crate::program::output::Output;
use crate::program::verdict::Verdict;
use crate::world::inputs;

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The document.
    #[arg(value_name = "FILE.bpmn")]
    pub file: PathBuf,
    /// Where to write the definition.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Which process, where the document has several.
    #[arg(long, value_name = "ID")]
    pub process: Option<String>,
    /// Who does tasks that name nobody: `assignee_type:assignee`, for instance `variables:creator`.
    #[arg(long, value_name = "TYPE:WHO")]
    pub assignee: Option<String>,
    /// Who fills in a variable that no form has: at which task or start event; again for more.
    #[arg(long, value_name = "NAME=NODE")]
    pub field: Vec<String>,
    /// A directory file: tells names of people, departments and roles that are not in it.
    #[arg(long, value_name = "FILE")]
    pub directory: Option<PathBuf>,
    /// Write the findings as JUnit XML too.
    #[arg(long, value_name = "FILE.xml")]
    pub junit: Option<PathBuf>,
}

pub(crate) fn run(args: &ImportArgs, output: &Output) -> anyhow::Result<Verdict> {
    let shown = args.file.display();
    let size = std::fs::metadata(&args.file)
        .with_context(|| format!("cannot read `{shown}`"))?
        .len();
    // Asked before reading, so that no memory goes to a file that is refused anyway.
    if size > BOUNDS.n_bytes as u64 {
        bail!(
            "`{shown}` has {size} bytes, and at most {} are read: split it",
            BOUNDS.n_bytes
        );
    }
    let document = std::fs::read(&args.file).with_context(|| format!("cannot read `{shown}`"))?;
    let assignee = args.assignee.as_deref().map(|text| {
        let parts = text.split_once(':');
        parts
            .map(|(kind, who)| (kind.to_owned(), who.to_owned()))
            .with_context(|| format!("`--assignee {text}` has no `:`: write for instance `roles:support`"))
    });
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for text in &args.field {
        let (name, node) = text
            .split_once('=')
            .with_context(|| format!("`--field {text}` has no `=`: write for instance `approved=review`"))?;
        fields
            .entry(name.trim().to_owned())
            .or_default()
            .push(node.trim().to_owned());
    }
    let options = Options {
        process: args.process.clone(),
        assignee: assignee.transpose()?,
        fields,
    };
    let mut imported = bpmn(&document, &options).with_context(|| format!("`{shown}` cannot be imported"))?;
    if let Some(file) = &args.directory {
        let (_, directory) = inputs::directory(Some(file), &[])?;
        imported.check_names(&directory);
    }
    let text = format!("{:#}", imported.definition);
    match &args.out {
        Some(file) => {
            std::fs::write(file, format!("{text}\n")).with_context(|| format!("cannot write `{}`", file.display()))?;
            output.line(format!("wrote {}", file.display()));
        }
        None => output.line(&text),
    }
    for finding in &imported.findings {
        output.note(finding);
    }
    for problem in &imported.problems {
        let word = if problem.is_error() { "error" } else { "warning" };
        output.note(format!("{word}: {problem}"));
    }
    if let Some(file) = &args.junit {
        let suite = junit::of_import(&shown.to_string(), &imported);
        super::export::write(file, &junit::junit(&[suite]))?;
    }
    output.result(&imported.to_json());
    Ok(if imported.is_whole() {
        Verdict::Fine
    } else {
        Verdict::Defect
    })
}
