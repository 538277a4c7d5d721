//! `export`: the whole log as JSON lines, also while a server runs.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use loonflow_mcp_facade::cli;
use serde_json::Value;

use super::door::{Door, Need};
use super::operator::Request;

/// Writes the export; a file appears under its name only when it is whole and on disk.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, flags: cli::Export) -> anyhow::Result<ExitCode> {
    let door = Door::open(data, Need::ExistingLog).await?;
    let exported = if flags.file.as_os_str() == "-" {
        to_standard_output(&door).await
    } else {
        to_file(&door, &flags.file).await
    };
    door.close().await?;
    exported.map(|()| ExitCode::SUCCESS)
}

async fn to_standard_output(door: &Door) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    door.ask(Request::Export, |item| write(&mut out, &item)).await?;
    Ok(out.flush()?)
}

async fn to_file(door: &Door, file: &Path) -> anyhow::Result<()> {
    let partial = partial(file);
    let shown = partial.display();
    let opened = options()
        .open(&partial)
        .with_context(|| format!("`{shown}` cannot be written"))?;
    let mut out = BufWriter::new(opened);
    let written = async {
        door.ask(Request::Export, |item| write(&mut out, &item)).await?;
        out.flush()?;
        let opened: &File = out.get_ref();
        opened.sync_all()?;
        std::fs::rename(&partial, file)?;
        anyhow::Ok(())
    }
    .await;
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.with_context(|| format!("the export to `{}` broke off", file.display()))
}

/// For the owner only: the export holds everything.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
}

fn partial(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn write(out: &mut impl Write, item: &Value) -> io::Result<()> {
    out.write_all(item.as_str().unwrap_or_default().as_bytes())
}
