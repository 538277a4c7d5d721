//! What an outside address answered, read by the one rule for all of them (semantics: effects).
//!
//! Well: status 2xx, and an empty body or a JSON object whose `code` is 0. Everything else is not, a redirect too.

use serde_json::Value as Json;

/// As many characters of an outside system's words are kept: they are shown to people.
const SAID_CHARS_MAX: usize = 500;

/// Reads an answer that must be well; `data` is its key of that name, null where there is none.
///
/// # Errors
/// In what it is not, in words without secrets.
pub fn read(status: u16, body: &[u8]) -> Result<Json, String> {
    if !(200..300).contains(&status) {
        return Err(format!("status {status}"));
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Json::Null);
    }
    let Ok(Json::Object(mut answer)) = serde_json::from_slice(body) else {
        return Err("the answer is no JSON object".to_owned());
    };
    said(&answer)?;
    Ok(answer.remove("data").unwrap_or(Json::Null))
}

/// Reads the answer to a question that may be declined: inside, the words of whoever does.
///
/// # Errors
/// Where it is no answer, in words without secrets.
pub fn read_verdict(status: u16, body: &[u8]) -> Result<Result<(), String>, String> {
    if !(200..300).contains(&status) {
        return Err(format!("status {status}"));
    }
    match read_call_back(body) {
        Ok(()) => Ok(Ok(())),
        Err(Some(said)) => Ok(Err(said)),
        Err(None) if body.iter().all(u8::is_ascii_whitespace) => Ok(Ok(())),
        Err(None) => Err("the answer is no JSON object with a whole number `code`".to_owned()),
    }
}

/// What a call-back says: like an answer, but never without a body.
///
/// # Errors
/// `None` where it is no JSON object with a `code`; else what went wrong, in the words of the other side.
pub fn read_call_back(body: &[u8]) -> Result<(), Option<String>> {
    let Ok(Json::Object(answer)) = serde_json::from_slice(body) else {
        return Err(None);
    };
    if !answer.get("code").is_some_and(Json::is_i64) {
        return Err(None);
    }
    said(&answer).map_err(Some)
}

fn said(answer: &serde_json::Map<String, Json>) -> Result<(), String> {
    match answer.get("code").and_then(Json::as_i64) {
        Some(0) => Ok(()),
        Some(code) => {
            let said = answer.get("msg").and_then(Json::as_str).unwrap_or_default();
            let said: String = said
                .chars()
                .filter(|one| !one.is_control())
                .take(SAID_CHARS_MAX)
                .collect();
            let colon = if said.is_empty() { "" } else { ": " };
            Err(format!("code {code}{colon}{said}"))
        }
        None => Err("the answer has no whole number `code`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_for_all_answers() {
        let read = |status, body: &str| read(status, body.as_bytes()).map(|data| data.to_string());
        assert_eq!(read(204, ""), Ok("null".into()));
        assert_eq!(read(200, " \n"), Ok("null".into()));
        assert_eq!(read(200, r#"{"code":0,"data":[1],"more":2}"#), Ok("[1]".into()));
        assert_eq!(
            read(200, r#"{"code":7,"msg":"no\u0007pe"}"#),
            Err("code 7: nope".into())
        );
        assert_eq!(read(200, r#"{"code":-1}"#), Err("code -1".into()));
        for body in [
            r#"{"ok":true}"#,
            r#"{"code":"0"}"#,
            r#"{"code":0.5}"#,
            r#"{"code":null}"#,
        ] {
            assert!(read(200, body).unwrap_err().contains("`code`"), "{body}");
        }
        for body in ["ok", "[]", "<html>", "{\"code\":0", "\u{fffd}"] {
            assert!(read(200, body).unwrap_err().contains("no JSON"), "{body}");
        }
        for status in [100, 199, 300, 302, 404, 410, 500] {
            assert_eq!(read(status, r#"{"code":0}"#), Err(format!("status {status}")));
        }
    }

    #[test]
    fn a_call_back_says_something() {
        assert_eq!(read_call_back(br#"{"code":0}"#), Ok(()));
        assert_eq!(
            read_call_back(br#"{"code":2,"msg":"broken"}"#),
            Err(Some("code 2: broken".into()))
        );
        for body in ["", "{}", "[]", "x", r#"{"code":"0"}"#] {
            assert_eq!(read_call_back(body.as_bytes()), Err(None), "{body}");
        }
    }
}
