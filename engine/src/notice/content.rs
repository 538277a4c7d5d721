//! A notice in the form of a channel: escaped, cut, as each of them reads it (semantics: notices).
//!
//! | channel | form |
//! |---|---|
//! | `smtp` | a subject, a part in plain text, a part in HTML |
//! | `slack` | `text`, in which only `& < >` mean something |
//! | `teams` | an adaptive card of plain text runs |
//! | `feishu` | an interactive card of plain text elements |
//! | `dingtalk`, `wecom` | Markdown of 4,096 bytes at most, its signs escaped |
//! | `webhook` | the body of hooks, with what people are told beside it |
//!
//! None of them has a way to call everybody: the signs for that are escaped, or the element reads none.
//! Not here: signatures and what counts as sent (whoever implements the port).

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::draft::{Draft, Fact, Notice, Reader};
use super::escape;
use super::words::Label;
use crate::account::User;
use crate::account::channel::PostKind;
use crate::effect::body::Body;
use crate::id::{ChannelId, TenantId};
use crate::ticket::EffectId;
use crate::time::Timestamp;

/// Bytes of a text that DingTalk and WeCom take.
const MARKDOWN_BYTES_MAX: usize = 4_096;

/// A message as it is sent, but for addresses and signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Mail.
    Mail(Mail),
    /// What a chat is posted.
    Chat(Map<String, Json>),
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// The part for programs that show no HTML.
    pub text: String,
    /// The same in HTML.
    pub html: String,
}

/// A notice as mail.
#[must_use]
pub fn mail(notice: &Notice) -> Mail {
    let mut parts = Vec::new();
    if !notice.text.is_empty() {
        parts.push(notice.text.clone());
    }
    if !notice.facts.is_empty() {
        parts.push(lines(notice));
    }
    parts.extend(notice.link.clone());
    let mut html = format!("<h1>{}</h1>\n", escape::html(&notice.title));
    if !notice.text.is_empty() {
        html.push_str(&format!("<p>{}</p>\n", escape::html(&notice.text)));
    }
    if !notice.facts.is_empty() {
        html.push_str("<table>\n");
        for Fact { name, value } in &notice.facts {
            let (name, value) = (escape::html(name), escape::html(value));
            html.push_str(&format!("<tr><th align=\"left\">{name}</th><td>{value}</td></tr>\n"));
        }
        html.push_str("</table>\n");
    }
    if let Some(link) = &notice.link {
        let word = notice.lang.label(Label::Open);
        html.push_str(&format!("<p><a href=\"{}\">{word}</a></p>\n", escape::html(link)));
    }
    Mail {
        subject: notice.title.clone(),
        text: parts.join("\n\n"),
        html,
    }
}

fn lines(notice: &Notice) -> String {
    let colon = notice.lang.colon();
    let lines = notice
        .facts
        .iter()
        .map(|fact| format!("{}{colon}{}", fact.name, fact.value));
    lines.collect::<Vec<_>>().join("\n")
}

/// A notice as a chat reads it; empty for a program, which reads [`webhook`].
#[must_use]
pub fn chat(kind: PostKind, notice: &Notice) -> Map<String, Json> {
    let body = match kind {
        PostKind::Webhook => json!({}),
        PostKind::Slack => slack(notice),
        PostKind::Teams => teams(notice),
        PostKind::Feishu => feishu(notice),
        PostKind::DingTalk => json!({
            "msgtype": "markdown",
            "markdown": { "title": notice.title, "text": markdown(notice) },
            "at": { "isAtAll": false },
        }),
        PostKind::WeCom => json!({ "msgtype": "markdown", "markdown": { "content": markdown(notice) } }),
    };
    if let Json::Object(body) = body {
        body
    } else {
        Map::new()
    }
}

fn slack(notice: &Notice) -> Json {
    let mut parts = vec![format!("*{}*", escape::slack(&notice.title))];
    if !notice.text.is_empty() {
        parts.push(escape::slack(&notice.text));
    }
    if !notice.facts.is_empty() {
        parts.push(escape::slack(&lines(notice)));
    }
    if let Some(link) = &notice.link {
        let link = escape::slack(link).replace('|', "%7C");
        parts.push(format!("<{link}|{}>", notice.lang.label(Label::Open)));
    }
    json!({ "text": parts.join("\n") })
}

/// The paragraphs of a card.
fn paragraphs(notice: &Notice) -> Vec<String> {
    let facts = lines(notice);
    [notice.text.clone(), facts]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect()
}

fn teams(notice: &Notice) -> Json {
    let run = |text: &str, is_title: bool| {
        let mut run = json!({ "type": "TextRun", "text": text });
        if is_title {
            run["weight"] = "bolder".into();
            run["size"] = "large".into();
        }
        json!({ "type": "RichTextBlock", "inlines": [run] })
    };
    let mut body = vec![run(&notice.title, true)];
    // A run has no line breaks.
    let of_lines = paragraphs(notice).into_iter().flat_map(|text| {
        let lines = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| run(line, false));
        lines.collect::<Vec<_>>()
    });
    body.extend(of_lines);
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    });
    if let Some(link) = &notice.link {
        let word = notice.lang.label(Label::Open);
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": word, "url": link }]);
    }
    json!({
        "type": "message",
        "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "content": card }],
    })
}

fn feishu(notice: &Notice) -> Json {
    let plain = |text: &str| json!({ "tag": "plain_text", "content": text });
    let mut elements: Vec<Json> = paragraphs(notice)
        .iter()
        .map(|text| json!({ "tag": "div", "text": plain(text) }))
        .collect();
    if let Some(link) = &notice.link {
        let button = json!({
            "tag": "button",
            "text": plain(notice.lang.label(Label::Open)),
            "type": "primary",
            "url": link,
        });
        elements.push(json!({ "tag": "action", "actions": [button] }));
    }
    json!({
        "msg_type": "interactive",
        "card": { "header": { "title": plain(&notice.title) }, "elements": elements },
    })
}

fn markdown(notice: &Notice) -> String {
    let head = format!("### {}", escape::markdown(&notice.title, MARKDOWN_BYTES_MAX / 2));
    let link = notice.link.as_ref().map(|link| {
        let link = link.replace(')', "%29").replace('(', "%28");
        format!("\n\n[{}]({link})", notice.lang.label(Label::Open))
    });
    let link = link
        .filter(|link| link.len() < MARKDOWN_BYTES_MAX / 4)
        .unwrap_or_default();
    let text = paragraphs(notice).join("\n\n");
    let n_left = MARKDOWN_BYTES_MAX.saturating_sub(head.len() + link.len() + 2);
    // A line break alone is none to Markdown.
    let text = text.replace("\n\n", "\n").replace('\n', "\n\n");
    if text.is_empty() {
        return format!("{head}{link}");
    }
    format!("{head}\n\n{}{link}", escape::markdown(&text, n_left))
}

/// What a program is told beside the ticket.
#[derive(Serialize)]
struct Told<'n> {
    event: &'static str,
    channel_id: &'n ChannelId,
    to: Vec<ToldPerson<'n>>,
    lang: &'static str,
    title: &'n str,
    text: &'n str,
    link: Option<String>,
}

#[derive(Serialize)]
struct ToldPerson<'n> {
    user_id: &'n str,
    name: &'n str,
    email: &'n str,
}

#[derive(Serialize)]
struct WebhookBody<'n> {
    #[serde(flatten)]
    ticket: Body<'n>,
    notice: Told<'n>,
}

/// A notice as a program reads it: the body of hooks with those fields alone that its reader may see, and what they are
/// told. `of` is the effect with the ticket's version and the instant of its commit.
///
/// # Errors
/// Never for tickets of this crate.
pub fn webhook(
    draft: &Draft<'_>,
    notice: &Notice,
    channel: &ChannelId,
    (reader, to): (&Reader<'_>, &[&User]),
    (effect, version, at): (EffectId, u64, Timestamp),
) -> serde_json::Result<Json> {
    let told = Told {
        event: draft.event.word(),
        channel_id: channel,
        to: to
            .iter()
            .map(|user| ToldPerson {
                user_id: user.id.as_str(),
                name: user.shown_name(),
                email: &user.email,
            })
            .collect(),
        lang: notice.lang.tag(),
        title: &notice.title,
        text: &notice.text,
        link: draft.link(),
    };
    let ticket = Body::of(draft.ticket, "notice", draft.node, |key| draft.shows(key, reader));
    serde_json::to_value(WebhookBody {
        ticket: ticket.sent(effect, version, at),
        notice: told,
    })
}

/// Several of them as one.
#[must_use]
pub fn webhook_digest(id: &str, tenant: &TenantId, at: Timestamp, notices: Vec<Json>, n_all: usize) -> Json {
    json!({
        "id": id,
        "type": "digest",
        "timestamp": at.to_rfc3339(),
        "tenant_id": tenant.as_str(),
        "n_notices": n_all,
        "notices": notices,
    })
}
