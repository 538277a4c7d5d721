//! Personal Information, Personal Access Token: the list, a new one, the one that was made, and taking one back.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use loonflow_engine::runtime::AccessTokenInfo;
use serde::Serialize;

use super::when::{self, When};
use super::{Page, Shell, TOKENS_PATH, Turn, Visit, Visitor, drawn};
use crate::call::own_access_tokens::{self, DAYS_USUAL, Made, Params};
use crate::error::{ApiError, Code};
use crate::limits::TOKEN_LABEL_CHARS_MAX;
use crate::mcp::{MCP_PATH, SERVER_NAME};

const DAY_MS: i64 = 86_400_000;

/// Lives that one chooses from: days, and their words.
const LIVES: [(u32, &str); 5] = [
    (30, "in 30 days"),
    (DAYS_USUAL, "in 90 days"),
    (365, "in a year"),
    (730, "in two years"),
    (0, "never"),
];

/// The page in all its states: below the list, with a token that was made, or behind a dialog.
#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    shell: Shell,
    rows: Vec<Row>,
    made: Option<Shown>,
    dialog: Option<Dialog>,
    note: Option<String>,
}

/// A token of the list.
struct Row {
    id: String,
    label: String,
    created: When,
    last_used: Option<When>,
    end: End,
    is_new: bool,
}

/// Until when a token works, or worked.
enum End {
    Never,
    At(When),
    Expired(When),
    Revoked(When),
}

impl End {
    fn is_live(&self) -> bool {
        match self {
            Self::Never | Self::At(_) => true,
            Self::Expired(_) | Self::Revoked(_) => false,
        }
    }

    fn is_revoked(&self) -> bool {
        matches!(self, Self::Revoked(_))
    }
}

/// A token, this once.
struct Shown {
    label: String,
    token: String,
    mcp_servers: String,
    servers: String,
    shell: String,
}

/// A server in a client's configuration, its keys in the order in which people write them.
#[derive(Serialize)]
struct Server<'a> {
    r#type: &'a str,
    url: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
}

/// What is asked in front of the list.
enum Dialog {
    New(New),
    Revoke {
        id: String,
        label: String,
        last_used: String,
    },
}

struct New {
    label: String,
    label_chars_max: usize,
    problem: Option<String>,
    lives: Vec<Life>,
    /// Recognises the form when it is sent twice.
    once: String,
}

struct Life {
    days: u32,
    words: String,
    is_chosen: bool,
}

/// `GET /me/tokens`.
pub(super) async fn get(visit: Visit) -> Response {
    let page = async {
        let visitor = visit.visitor()?;
        let tokens = own_access_tokens::list(&visitor.context).await?;
        let revoked = visit.query("revoked");
        let revoked = tokens
            .iter()
            .find(|one| one.revoked_at.is_some() && revoked.as_deref() == Some(one.id.as_str()));
        let note = revoked.map(|one| {
            format!(
                "{} is revoked. Whoever uses it is refused from now on.",
                quoted(&one.label)
            )
        });
        list(visitor, &tokens, None, None, note)
    };
    visit.answer("access_token_list", page).await
}

/// `GET /me/tokens/new`.
pub(super) async fn new(visit: Visit) -> Response {
    let page = async {
        let visitor = visit.visitor()?;
        let tokens = own_access_tokens::list(&visitor.context).await?;
        let dialog = Dialog::New(form(&visitor, "", DAYS_USUAL, None));
        list(visitor, &tokens, None, Some(dialog), None)
    };
    visit.answer("access_token_form", page).await
}

/// `POST /me/tokens`: the answer is the one page that ever shows the token.
pub(super) async fn post(visit: Visit) -> Response {
    let page = async {
        visit.check_origin()?;
        let visitor = visit.visitor()?;
        let label = visit.field("label");
        let days = visit.field("expires_in_days");
        let days = if days.is_empty() {
            Some(DAYS_USUAL.into())
        } else {
            days.parse::<i64>().ok()
        };
        let params = match (days, label.trim().is_empty()) {
            (_, true) => Err("Enter a label: where the token will be used.".to_owned()),
            (None, _) => Err("Choose when the token expires.".to_owned()),
            (Some(days), false) => Params::new(&label, days).map_err(|error| sentence(&error)),
        };
        let params = match params {
            Ok(params) => params,
            Err(problem) => return again(visitor, &label, days, problem).await,
        };
        // A page that is loaded again sends its form again: nothing is made twice.
        let (forms, mark) = (visit.state.forms(), visit.field("once"));
        if !forms.take(&visitor.context.caller, &mark) {
            return Err(Turn::See(TOKENS_PATH.to_owned()));
        }
        let made = own_access_tokens::create(&visitor.context, params).await;
        if made.is_err() {
            forms.give_back(&visitor.context.caller, &mark);
        }
        let made = match made {
            Ok(made) => made,
            Err(error) if error.code == Code::TooManyAccessTokens => {
                return again(visitor, &label, days, sentence(&error)).await;
            }
            Err(error) => return Err(error.into()),
        };
        let tokens = own_access_tokens::list(&visitor.context).await?;
        let shown = shown(&made, &visit.own_url());
        list(visitor, &tokens, Some((made, shown)), None, None)
    };
    visit.answer("access_token_create", page).await
}

/// The form once more, with what was typed and what is wrong with it.
async fn again(visitor: Visitor, label: &str, days: Option<i64>, problem: String) -> Page {
    let tokens = own_access_tokens::list(&visitor.context).await?;
    let days = days.and_then(|days| u32::try_from(days).ok()).unwrap_or(DAYS_USUAL);
    let dialog = Dialog::New(form(&visitor, label, days, Some(problem)));
    let mut response = list(visitor, &tokens, None, Some(dialog), None)?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// `GET /me/tokens/{id}/revoke`.
pub(super) async fn ask(Path(id): Path<String>, visit: Visit) -> Response {
    let page = async {
        let visitor = visit.visitor()?;
        let tokens = own_access_tokens::list(&visitor.context).await?;
        let own = tokens
            .iter()
            .find(|one| one.id.as_str() == id && one.revoked_at.is_none());
        let Some(own) = own else {
            return Err(unknown().into());
        };
        let directory = visitor.context.directory()?;
        let last_used = own.last_used_at.map_or_else(
            || "It was never used.".to_owned(),
            |at| {
                format!(
                    "It was last used {}.",
                    when::past(at, visit.state.now(), directory.zone()).words
                )
            },
        );
        let dialog = Dialog::Revoke {
            id: own.id.to_string(),
            label: quoted(&own.label),
            last_used,
        };
        list(visitor, &tokens, None, Some(dialog), None)
    };
    visit.answer("access_token_ask", page).await
}

/// `POST /me/tokens/{id}/revoke`.
pub(super) async fn revoke(Path(id): Path<String>, visit: Visit) -> Response {
    let page = async {
        visit.check_origin()?;
        let visitor = visit.visitor()?;
        match own_access_tokens::revoke(&visitor.context, &id).await {
            Ok(()) => Err(Turn::See(format!("{TOKENS_PATH}?revoked={}", super::encoded(&id)))),
            Err(error) if error.code == Code::AccessTokenNotFound => Err(unknown().into()),
            Err(error) => Err(error.into()),
        }
    };
    visit.answer("access_token_revoke", page).await
}

/// The same for a token of somebody else, for none, and for one that is revoked.
fn unknown() -> ApiError {
    ApiError::new(
        Code::AccessTokenNotFound,
        "you have no token of this address that could be revoked",
    )
    .with_hint("see the list of your tokens")
}

/// Draws the page.
fn list(
    visitor: Visitor,
    tokens: &[AccessTokenInfo],
    made: Option<(Made, Shown)>,
    dialog: Option<Dialog>,
    note: Option<String>,
) -> Page {
    let directory = visitor.context.directory()?;
    let (now, zone) = (visitor.context.state.now(), directory.zone());
    let (made, shown) = made.map_or((None, None), |(made, shown)| (Some(made), Some(shown)));
    let row = |token: &AccessTokenInfo| Row {
        id: token.id.to_string(),
        label: token.label.clone(),
        created: when::past(token.created_at, now, zone),
        last_used: token.last_used_at.map(|at| when::past(at, now, zone)),
        end: match (token.revoked_at, token.expires_at) {
            (Some(at), _) => End::Revoked(when::past(at, now, zone)),
            (None, None) => End::Never,
            (None, Some(at)) if own_access_tokens::is_live(token, now) => End::At(when::on(at, zone)),
            (None, Some(at)) => End::Expired(when::on(at, zone)),
        },
        is_new: made.as_ref().is_some_and(|made| made.info.id == token.id),
    };
    // Those that work come first, each part the newest first.
    let mut rows: Vec<Row> = tokens.iter().map(row).collect();
    rows.sort_by_key(|row| !row.end.is_live());
    let page = Tokens {
        shell: visitor.shell,
        rows,
        made: shown,
        dialog,
        note,
    };
    Ok(drawn(StatusCode::OK, &page))
}

fn form(visitor: &Visitor, label: &str, days: u32, problem: Option<String>) -> New {
    let directory = visitor.context.directory();
    let now = visitor.context.state.now();
    let life = |(n, words): (u32, &str)| {
        let end = directory
            .as_ref()
            .ok()
            .filter(|_| n > 0)
            .map(|directory| when::on(now.plus_ms(i64::from(n) * DAY_MS), directory.zone()).words);
        Life {
            days: n,
            words: end.map_or_else(|| words.to_owned(), |end| format!("{words}, {end}")),
            is_chosen: n == days,
        }
    };
    New {
        label: label.to_owned(),
        label_chars_max: TOKEN_LABEL_CHARS_MAX,
        problem,
        lives: LIVES.map(life).into(),
        once: visitor.context.request_id.clone(),
    }
}

/// What to do with a token: configurations to paste.
fn shown(made: &Made, own_url: &str) -> Shown {
    let (token, url) = (made.token.expose(), format!("{own_url}{MCP_PATH}"));
    let authorization = format!("Bearer {token}");
    let server = Server {
        r#type: "http",
        url: &url,
        headers: BTreeMap::from([("Authorization", authorization.as_str())]),
    };
    let pretty = |key: &str| {
        let config = BTreeMap::from([(key, BTreeMap::from([(SERVER_NAME, &server)]))]);
        serde_json::to_string_pretty(&config).unwrap_or_default()
    };
    Shown {
        label: quoted(&made.info.label),
        mcp_servers: pretty("mcpServers"),
        servers: pretty("servers"),
        shell: format!(
            "claude mcp add --transport http {SERVER_NAME} {url} --header \"Authorization: Bearer {token}\""
        ),
        token: token.to_owned(),
    }
}

fn quoted(label: &str) -> String {
    if label.is_empty() {
        "The token without a label".to_owned()
    } else {
        format!("“{label}”")
    }
}

fn sentence(error: &ApiError) -> String {
    format!("{} {}", super::capital(&error.message), super::capital(&error.hint))
}
