//! Messages to chats: how each is signed, and when it counts as sent (semantics: notices).
//!
//! | chat | signature | sent |
//! |---|---|---|
//! | Slack | – | 2xx, `ok` |
//! | Teams | – | 2xx |
//! | Feishu | `timestamp` (seconds) and `sign` in the body: base64 of HMAC-SHA-256 with the key `<seconds>\n<secret>` of nothing | 2xx, `code` 0 |
//! | DingTalk | `timestamp` (ms) and `sign` in the address: base64 of HMAC-SHA-256 with the secret of `<ms>\n<secret>` | 2xx, `errcode` 0 |
//! | WeCom | – (its address is its key) | 2xx, `errcode` 0 |
//!
//! Not here: what a message looks like (the engine), the post itself (`http_outside`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use loonflow_engine::account::channel::{PostKind, Posting};
use loonflow_engine::account::token::Secret;
use loonflow_engine::runtime::{NotSent, Post, Response, Sent};
use loonflow_engine::time::Timestamp;
use serde_json::{Map, Value};
use sha2::Sha256;
use url::Url;

use crate::limits::{CHAT_ANSWER_BYTES_MAX, WORDS_MAX};

/// Statuses whose `Retry-After` is heeded.
const BUSY: [u16; 2] = [429, 503];

/// The post of a message, signed.
///
/// # Errors
/// Where the address is none.
pub(crate) fn post(
    posting: &Posting,
    mut body: Map<String, Value>,
    id: &str,
    (at, timeout): (Timestamp, Duration),
) -> Result<Post, NotSent> {
    let mut url = posting.url.expose().to_owned();
    let secret = posting.secret.expose();
    match posting.kind {
        PostKind::Feishu if !secret.is_empty() => {
            let seconds = at.0.div_euclid(1_000).to_string();
            let sign = signature(&format!("{seconds}\n{secret}"), "");
            body.insert("timestamp".to_owned(), seconds.into());
            body.insert("sign".to_owned(), sign.into());
        }
        PostKind::DingTalk if !secret.is_empty() => {
            let mut signed = Url::parse(&url).map_err(|_| NotSent::refused("the channel's address is no URL"))?;
            let ms = at.0.to_string();
            let sign = signature(secret, &format!("{ms}\n{secret}"));
            signed
                .query_pairs_mut()
                .append_pair("timestamp", &ms)
                .append_pair("sign", &sign);
            url = signed.into();
        }
        PostKind::Webhook
        | PostKind::Slack
        | PostKind::Teams
        | PostKind::Feishu
        | PostKind::DingTalk
        | PostKind::WeCom => {}
    }
    Ok(Post {
        url,
        id: id.to_owned(),
        at,
        body: Value::Object(body).to_string().into_bytes(),
        token: Secret::default(),
        timeout,
        response_bytes_max: CHAT_ANSWER_BYTES_MAX,
    })
}

fn signature(key: &str, text: &str) -> String {
    // Keys of every length are taken.
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Whether a chat has taken a message.
///
/// # Errors
/// Why it has not.
pub(crate) fn judge(posting: &Posting, response: &Response) -> Result<Sent, NotSent> {
    let status = response.status;
    let not = |why: String| NotSent {
        status: Some(status),
        retry_after: response.retry_after.filter(|_| BUSY.contains(&status)),
        ..NotSent::failed(why)
    };
    if !(200..300).contains(&status) {
        return Err(not(format!("status {status}")));
    }
    let code_key = match posting.kind {
        PostKind::Webhook | PostKind::Teams => None,
        PostKind::Slack => {
            if response.body.trim_ascii() != b"ok" {
                return Err(not("it answered with other words than `ok`".to_owned()));
            }
            None
        }
        PostKind::Feishu => Some(("code", "msg")),
        PostKind::DingTalk | PostKind::WeCom => Some(("errcode", "errmsg")),
    };
    if let Some((code_key, words_key)) = code_key {
        let Ok(Value::Object(answer)) = serde_json::from_slice(&response.body) else {
            return Err(not("the answer is no JSON object".to_owned()));
        };
        match answer.get(code_key).and_then(Value::as_i64) {
            Some(0) => {}
            Some(code) => {
                let words = answer.get(words_key).and_then(Value::as_str).unwrap_or_default();
                return Err(not(format!("`{code_key}` {code}{}", shown(words, posting))));
            }
            None => return Err(not(format!("the answer has no whole number `{code_key}`"))),
        }
    }
    Ok(Sent {
        status: Some(status),
        note: format!("status {status}"),
    })
}

/// Somebody else's words, where they repeat nothing that is a key.
fn shown(words: &str, posting: &Posting) -> String {
    let url = Url::parse(posting.url.expose());
    let parts = url.iter().flat_map(|url| {
        let query = url.query_pairs().map(|(_, value)| value.into_owned());
        let path = url.path_segments().into_iter().flatten().map(str::to_owned);
        query.chain(path).collect::<Vec<_>>()
    });
    let mut keys: Vec<String> = parts.collect();
    keys.push(posting.secret.expose().to_owned());
    let repeats = keys.iter().any(|key| key.len() >= 8 && words.contains(key.as_str()));
    if words.trim().is_empty() || repeats {
        return String::new();
    }
    let words: String = words.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect();
    format!(": {words}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AT: Timestamp = Timestamp(1_599_360_473_123);

    fn posting(kind: PostKind) -> Posting {
        Posting {
            kind,
            url: Secret::new("https://chat.example/hook/0123456789abcdef?access_token=fedcba9876543210"),
            secret: Secret::new("SECabc"),
        }
    }

    fn posted(kind: PostKind) -> Post {
        let body = json!({ "text": "待处理" });
        let body = body.as_object().unwrap().clone();
        post(&posting(kind), body, "msg_1", (AT, Duration::from_secs(15))).unwrap()
    }

    /// Made with `openssl dgst -sha256 -hmac … -binary | base64`.
    #[test]
    fn recorded_signatures_are_made_again() {
        let plain = "https://chat.example/hook/0123456789abcdef?access_token=fedcba9876543210";
        for kind in [PostKind::Slack, PostKind::Teams, PostKind::WeCom] {
            let post = posted(kind);
            assert_eq!(post.url, plain);
            assert_eq!(post.body, "{\"text\":\"待处理\"}".as_bytes());
            assert!(post.token.is_empty());
        }
        let feishu = posted(PostKind::Feishu);
        assert_eq!(feishu.url, plain);
        assert_eq!(
            String::from_utf8(feishu.body).unwrap(),
            "{\"sign\":\"KjJCRpeZcpDq6nFA4wlSAm5ZsE3Y8HuB1O1Sgv2Y9xA=\",\"text\":\"待处理\",\"timestamp\":\"1599360473\"}"
        );
        let dingtalk = posted(PostKind::DingTalk);
        assert_eq!(
            dingtalk.url,
            format!("{plain}&timestamp=1599360473123&sign=WTmPOAnx8ZVo%2BxZKX7g%2Bo52vstWy10neVWw7vKA4UbY%3D")
        );
    }

    #[test]
    fn each_chat_says_in_its_own_way_that_it_was_sent() {
        let answered = |kind: PostKind, status: u16, body: &str| {
            let response = Response {
                status,
                body: body.as_bytes().to_vec(),
                retry_after: Some(Duration::from_secs(7)),
            };
            judge(&posting(kind), &response)
        };
        for (kind, good) in [
            (PostKind::Slack, "ok"),
            (PostKind::Teams, ""),
            (PostKind::Feishu, r#"{"code":0,"msg":"success"}"#),
            (PostKind::DingTalk, r#"{"errcode":0,"errmsg":"ok"}"#),
            (PostKind::WeCom, r#"{"errcode":0,"errmsg":"ok"}"#),
        ] {
            assert_eq!(answered(kind, 200, good).unwrap().note, "status 200", "{kind:?}");
            let refused = answered(kind, 429, good).unwrap_err();
            assert_eq!(
                (refused.why.as_str(), refused.retry_after),
                ("status 429", Some(Duration::from_secs(7)))
            );
            assert!(!refused.is_final);
            assert_eq!(answered(kind, 404, good).unwrap_err().retry_after, None);
        }
        for (kind, bad, why) in [
            (PostKind::Slack, "no_text", "it answered with other words than `ok`"),
            (PostKind::Feishu, "", "the answer is no JSON object"),
            (PostKind::Feishu, "{}", "the answer has no whole number `code`"),
            (
                PostKind::Feishu,
                r#"{"code":19021,"msg":"sign match fail"}"#,
                "`code` 19021: sign match fail",
            ),
            (
                PostKind::DingTalk,
                r#"{"errcode":310000,"errmsg":"token fedcba9876543210 is wrong"}"#,
                "`errcode` 310000",
            ),
            (PostKind::WeCom, r#"{"errcode":93000,"errmsg":""}"#, "`errcode` 93000"),
        ] {
            assert_eq!(answered(kind, 200, bad).unwrap_err().why, why);
        }
    }
}
