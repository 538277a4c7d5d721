//! Reads channels of a directory file, and what people have chosen to be told.
//!
//! Not here: whether two channels have one id (`account::import`).

use serde_json::Value as Json;

use super::Secret;
use super::reader::Reader;
use crate::account::channel::{Channel, Digest, MailTls, NoticeChoice, PostKind, Posting, Relay, Route, sender};
use crate::account::notice_event::NoticeEvent;
use crate::limits::{CHANNEL_TEXT_CHARS_MAX, CHANNELS_MAX};
use crate::text::is_http;

const CODE: &str = "bad_channel";
/// Keys of a relay for mail.
const RELAY_KEYS: [&str; 8] = ["id", "kind", "host", "port", "tls", "user", "password", "from"];
/// Keys of an address.
const POST_KEYS: [&str; 4] = ["id", "kind", "url", "secret"];

/// The channels, which are all the tenant has then; where the file is silent on them, they stay.
pub(super) fn channels(reader: &mut Reader, json: &Json) -> Option<Vec<Channel>> {
    if json["channels"].is_null() {
        return None;
    }
    let entries = reader.entries(json, "channels");
    if entries.len() > CHANNELS_MAX {
        let sentence = format!(
            "has {} channels: at most {CHANNELS_MAX} are allowed, let workflows share them",
            entries.len()
        );
        reader.problem(CODE, "the file", &sentence);
        return None;
    }
    Some(entries.into_iter().filter_map(|entry| channel(reader, entry)).collect())
}

fn channel(reader: &mut Reader, json: &Json) -> Option<Channel> {
    let id = reader.needed(json, "id", "a channel");
    let place = format!("channel `{}`", id.escape_debug());
    let word = reader.needed(json, "kind", &place);
    let route = if word == "smtp" {
        reader.keys(json, &RELAY_KEYS, &place);
        relay(reader, json, &place).map(Route::Mail)
    } else if let Some(kind) = PostKind::ALL.into_iter().find(|kind| kind.word() == word) {
        reader.keys(json, &POST_KEYS, &place);
        posting(reader, json, kind, &place).map(Route::Post)
    } else {
        if !word.trim().is_empty() {
            let words: Vec<&str> = PostKind::ALL.into_iter().map(PostKind::word).collect();
            let sentence = format!(
                "has the kind `{}`: take smtp or one of {}",
                word.escape_debug(),
                words.join(", ")
            );
            reader.problem(CODE, &place, &sentence);
        }
        None
    };
    Some(Channel {
        id: id.into(),
        route: route?,
    })
}

fn relay(reader: &mut Reader, json: &Json, place: &str) -> Option<Relay> {
    let n_before = reader.n_problems();
    let host = reader.needed(json, "host", place).trim().to_owned();
    if !host.is_empty() && url::Host::parse(&host).is_err() {
        reader.problem(
            CODE,
            place,
            "has a `host` that is none: give a name or an address without a port",
        );
    }
    let word = reader.text(json, "tls", place);
    let tls = match word.as_str() {
        "" => MailTls::StartTls,
        word => MailTls::ALL
            .into_iter()
            .find(|tls| tls.word() == word)
            .unwrap_or_else(|| {
                let sentence = format!("has the `tls` `{}`: take starttls, tls or none", word.escape_debug());
                reader.problem(CODE, place, &sentence);
                MailTls::StartTls
            }),
    };
    let port = json["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    let port = port.filter(|port| *port > 0).unwrap_or_else(|| {
        if !json["port"].is_null() {
            reader.problem(CODE, place, "has a `port` that is no whole number from 1 to 65535");
        }
        tls.usual_port()
    });
    let from = reader.needed(json, "from", place);
    if !from.trim().is_empty() && sender(&from).is_none() {
        reader.problem(
            CODE,
            place,
            "has a `from` that is no e-mail address: write `Name <name@host>`",
        );
    }
    let user = reader.text(json, "user", place);
    let password = Secret::new(reader.text(json, "password", place));
    if user.is_empty() != password.is_empty() {
        reader.problem(CODE, place, "has one of `user` and `password`: give both, or neither");
    }
    if !password.is_empty() && tls == MailTls::None {
        let sentence = "would send its `password` in clear: take starttls or tls, or leave the password out";
        reader.problem(CODE, place, sentence);
    }
    short(reader, &[&host, &user, &from, password.expose()], place);
    (reader.n_problems() == n_before).then_some(Relay {
        host,
        port,
        tls,
        user,
        password,
        from,
    })
}

fn posting(reader: &mut Reader, json: &Json, kind: PostKind, place: &str) -> Option<Posting> {
    let n_before = reader.n_problems();
    let url = reader.text(json, "url", place);
    if json["url"].is_null() || (json["url"].is_string() && !is_http(&url)) {
        reader.problem(CODE, place, "has no http or https `url`: give it one");
    }
    let secret = Secret::new(reader.text(json, "secret", place));
    short(reader, &[&url, secret.expose()], place);
    (reader.n_problems() == n_before).then(|| Posting {
        kind,
        url: Secret::new(url.trim()),
        secret,
    })
}

/// Whoever pastes a page into a channel has made a mistake.
fn short(reader: &mut Reader, texts: &[&str], place: &str) {
    if texts.iter().any(|text| text.chars().count() > CHANNEL_TEXT_CHARS_MAX) {
        let sentence = format!("has a text of more than {CHANNEL_TEXT_CHARS_MAX} characters");
        reader.problem(CODE, place, &sentence);
    }
}

/// What a user has chosen; without a word, to be told everything at once.
pub(super) fn choice(reader: &mut Reader, json: &Json, place: &str) -> NoticeChoice {
    let mut off = Vec::new();
    for word in reader.texts::<String>(json, "notice_off", place) {
        match NoticeEvent::parse(&word).filter(|event| event.can_be_off()) {
            Some(event) => off.push(event),
            None => {
                let words: Vec<&str> = NoticeEvent::ALL
                    .into_iter()
                    .filter(|event| event.can_be_off())
                    .map(NoticeEvent::word)
                    .collect();
                let sentence = format!(
                    "has `{}` in `notice_off`: take some of {}",
                    word.escape_debug(),
                    words.join(", ")
                );
                reader.problem("bad_notice_choice", place, &sentence);
            }
        }
    }
    off.sort_unstable();
    off.dedup();
    let word = reader.text(json, "digest", place);
    let digest = match word.as_str() {
        "" => Digest::None,
        word => Digest::ALL
            .into_iter()
            .find(|one| one.word() == word)
            .unwrap_or_else(|| {
                let sentence = format!("has the `digest` `{}`: take none, hourly or daily", word.escape_debug());
                reader.problem("bad_notice_choice", place, &sentence);
                Digest::None
            }),
    };
    NoticeChoice { off, digest }
}
