//! `export`: the log as JSON lines, whole or from a position on, also while a server runs.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use loonflow_mcp_facade::cli;
use loonflow_storage::backup::Since;

use super::door::{Door, Need};
use super::operator::Request;
use super::whole_file::WholeFile;

/// Bytes at the end of an export in which its last line lies: an end line has some 300.
const END_BYTES_MAX: u64 = 4096;

/// Writes the export, and says on standard error where it ends.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, flags: cli::Export) -> anyhow::Result<ExitCode> {
    let since = match &flags.since {
        Some(since) => since_of(since)?,
        None => Since::default(),
    };
    let door = Door::open(data, Need::ExistingLog).await?;
    let exported = if flags.file.as_os_str() == "-" {
        let mut out = BufWriter::new(io::stdout());
        copy(&door, since, &mut out).await
    } else {
        to_file(&door, since, &flags.file).await
    };
    door.close().await?;
    let end = exported?;
    if end.position == since.position && since.position > 0 {
        eprintln!(
            "Nothing came after position {}; the export holds the entries alone.",
            end.position
        );
    } else {
        eprintln!("Exported up to position {}.", end.position);
    }
    Ok(ExitCode::SUCCESS)
}

async fn to_file(door: &Door, since: Since, file: &Path) -> anyhow::Result<Since> {
    let mut out = BufWriter::new(WholeFile::create(file)?);
    let written = async {
        let end = copy(door, since, &mut out).await?;
        let whole = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        whole.finish()?;
        anyhow::Ok(end)
    }
    .await;
    written.with_context(|| format!("the export to `{}` broke off", file.display()))
}

/// Copies the export to `out`; gives where it ends.
async fn copy(door: &Door, since: Since, out: &mut impl Write) -> anyhow::Result<Since> {
    let mut last_line = String::new();
    door.ask(Request::Export { since }, |item| {
        let lines = item.as_str().unwrap_or_default();
        if let Some(last) = lines.lines().last() {
            last.clone_into(&mut last_line);
        }
        out.write_all(lines.as_bytes())
    })
    .await?;
    out.flush()?;
    Ok(Since::end_line(last_line.as_bytes())?)
}

/// Where an increment begins: a position, or the end of the export that is named.
fn since_of(text: &str) -> anyhow::Result<Since> {
    if let Ok(position) = text.parse() {
        return Ok(Since::at(position));
    }
    let end = || -> anyhow::Result<Since> {
        let mut file = File::open(text)?;
        let n_bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(n_bytes.saturating_sub(END_BYTES_MAX)))?;
        let mut tail = Vec::new();
        file.take(END_BYTES_MAX).read_to_end(&mut tail)?;
        let lines = tail.strip_suffix(b"\n").unwrap_or(&tail);
        let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(Since::end_line(last)?)
    };
    end().with_context(|| {
        format!("`--since {text}` names neither a position nor the file of an export; an export tells its position when it ends")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_increment_begins_at_a_position_or_behind_a_file() {
        assert_eq!(since_of("12").expect("is a position"), Since::at(12));
        let folder = tempfile::tempdir().expect("temporary directory");
        let file = folder.path().join("export");
        let name = file.to_str().expect("is text");
        for (content, position) in [
            ("{\"end\":{\"n_entries\":0,\"n_commits\":7}}\n", 7),
            ("{}\n{\"end\":{\"n_entries\":0,\"n_commits\":7,\"position\":9}}", 9),
        ] {
            std::fs::write(&file, content).expect("written");
            assert_eq!(since_of(name).expect("ends").position, position);
        }
        for content in ["", "\n", "{\"header\":{}}\n", "{\"end\":{\"n_entries\":0,\"n_comm"] {
            std::fs::write(&file, content).expect("written");
            let refused = format!("{:#}", since_of(name).expect_err("has no end"));
            assert!(refused.contains("--since") && refused.contains("cut"), "{refused}");
        }
        since_of("-1").expect_err("is no position");
    }
}
