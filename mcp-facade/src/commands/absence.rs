//! `absence set`, `absence clear`, `absence list`.

use std::path::Path;
use std::process::ExitCode;

use loonflow_mcp_facade::cli::Absence;
use serde_json::Value;

use super::door::{Door, Need};
use super::operator::Request;
use super::output::line;

/// Carries one of them out.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, what: Absence) -> anyhow::Result<ExitCode> {
    let door = Door::open(data, Need::ExistingEngine).await?;
    let done = carry_out(&door, what).await;
    door.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn carry_out(door: &Door, what: Absence) -> anyhow::Result<()> {
    match what {
        Absence::Set(set) => {
            let request = Request::SetAbsence {
                email: set.email,
                delegate: set.delegate,
                from: set.from,
                to: set.to,
                workflows: set.workflows,
                hand_over: set.hand_over,
            };
            door.ask(request, |item| line(told(&item))).await
        }
        Absence::Clear { email, id } => {
            let request = Request::ClearAbsence { email, id: id.clone() };
            door.ask(request, |_item| Ok(())).await?;
            line(format_args!("absence `{id}` is cleared"))?;
            Ok(())
        }
        Absence::List { email } => {
            let mut rows = Vec::new();
            door.ask(Request::ListAbsences { email }, |item| {
                rows.push(item);
                Ok(())
            })
            .await?;
            line("id  user  delegate  from  to  workflows")?;
            for row in &rows {
                line(shown(row))?;
            }
            Ok(())
        }
    }
}

/// An absence on a line, or what was handed over.
fn told(item: &Value) -> String {
    let Some(moved) = item["moved"].as_u64() else {
        return shown(item);
    };
    let mut lines = vec![format!("{moved} ticket(s) handed over")];
    let left = item["left"].as_array().into_iter().flatten();
    lines.extend(left.map(|one| format!("left: {}  {}", text(one, "ticket_id"), text(one, "code"))));
    if item["has_more"] == true {
        lines.push("there are more: repeat the command".to_owned());
    }
    lines.join("\n")
}

/// Words of others are escaped: a line stays one.
fn shown(row: &Value) -> String {
    let email = |key: &str| text(row, key).escape_debug().to_string();
    let workflows = row["workflow_ids"].as_array().into_iter().flatten();
    let workflows: Vec<&str> = workflows.filter_map(Value::as_str).collect();
    let workflows = if workflows.is_empty() {
        "all".to_owned()
    } else {
        workflows.join(",").escape_debug().to_string()
    };
    format!(
        "{}  {}  {}  {}  {}  {workflows}",
        text(row, "id"),
        email("user"),
        email("delegate"),
        text(row, "from"),
        text(row, "to"),
    )
}

fn text<'a>(item: &'a Value, key: &str) -> &'a str {
    item[key].as_str().unwrap_or_default()
}
