//! `token create`, `token list`, `token revoke`.

use std::path::Path;
use std::process::ExitCode;

use loonflow_mcp_facade::cli::Token;
use serde_json::Value;

use super::door::{Door, Need};
use super::operator::Request;
use super::output::line;

/// Carries one of them out.
///
/// # Errors
/// A sentence for the operator.
pub(crate) async fn run(data: &Path, what: Token) -> anyhow::Result<ExitCode> {
    let door = Door::open(data, Need::ExistingEngine).await?;
    let done = carry_out(&door, what).await;
    door.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn carry_out(door: &Door, what: Token) -> anyhow::Result<()> {
    match what {
        Token::Create { email, label, expires } => {
            let request = Request::CreateToken {
                email,
                label,
                days: expires.map(u32::from),
            };
            // The token alone, so that a script can take it; nothing else keeps it.
            door.ask(request, |item| line(text(&item, "token"))).await?;
            eprintln!("This token is shown this once.");
            Ok(())
        }
        Token::List { email } => {
            let mut rows = Vec::new();
            door.ask(Request::ListTokens { email }, |item| {
                rows.push(item);
                Ok(())
            })
            .await?;
            line("id  created  expires  last used  state  label")?;
            for row in rows {
                let or = |key: &str, otherwise: &str| row[key].as_str().unwrap_or(otherwise).to_owned();
                line(format_args!(
                    "{}  {}  {}  {}  {}  {}",
                    text(&row, "id"),
                    text(&row, "created_at"),
                    or("expires_at", "never"),
                    or("last_used_at", "never"),
                    text(&row, "state"),
                    text(&row, "label"),
                ))?;
            }
            Ok(())
        }
        Token::Revoke { email, id } => {
            let request = Request::RevokeToken { email, id: id.clone() };
            door.ask(request, |_item| Ok(())).await?;
            line(format_args!("token `{id}` is revoked"))?;
            Ok(())
        }
    }
}

fn text<'a>(item: &'a Value, key: &str) -> &'a str {
    item[key].as_str().unwrap_or_default()
}
