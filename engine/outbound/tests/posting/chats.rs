//! Messages to chats as they come over the wire.

use std::time::Duration;

use loonflow_engine::account::channel::{PostKind, Posting};
use loonflow_engine::account::token::Secret;
use loonflow_engine::runtime::{Message, NotSent, Outside, Sending, Sent};
use loonflow_engine::time::Timestamp;
use loonflow_outbound::{AllowList, HttpOutside, Settings};
use serde_json::json;

use crate::server::{Server, Step, response};

async fn send(kind: PostKind, server: &Server, allow: &[&str]) -> Result<Sent, NotSent> {
    let client = HttpOutside::new(Settings {
        allow: AllowList::parse(allow.iter().copied()).unwrap(),
        ..Settings::default()
    });
    let body = json!({ "text": "To do: 待处理" });
    let posting = Posting {
        kind,
        url: Secret::new(format!("http://{}/hook/hush-path?key=hush-key", server.address)),
        secret: Secret::new("SECabc"),
    };
    let message = Message {
        id: "msg_1_2_0".into(),
        at: Timestamp(1_599_360_473_123),
        timeout: Duration::from_secs(10),
        sending: Sending::Chat {
            posting,
            body: body.as_object().unwrap().clone(),
        },
    };
    client.send(message).await
}

#[tokio::test]
async fn each_chat_gets_the_bytes_and_the_signature_it_asks_for() {
    for (kind, answer, path, body) in [
        (PostKind::Slack, "ok", "", r#"{"text":"To do: 待处理"}"#),
        (PostKind::Teams, "", "", r#"{"text":"To do: 待处理"}"#),
        (PostKind::WeCom, r#"{"errcode":0}"#, "", r#"{"text":"To do: 待处理"}"#),
        (
            PostKind::Feishu,
            r#"{"code":0}"#,
            "",
            r#"{"sign":"KjJCRpeZcpDq6nFA4wlSAm5ZsE3Y8HuB1O1Sgv2Y9xA=","text":"To do: 待处理","timestamp":"1599360473"}"#,
        ),
        (
            PostKind::DingTalk,
            r#"{"errcode":0}"#,
            "&timestamp=1599360473123&sign=WTmPOAnx8ZVo%2BxZKX7g%2Bo52vstWy10neVWw7vKA4UbY%3D",
            r#"{"text":"To do: 待处理"}"#,
        ),
    ] {
        let server = Server::start(vec![Step::Send(response("200 OK", "", answer.as_bytes()))]).await;
        let sent = send(kind, &server, &["127.0.0.1"]).await.unwrap();
        assert_eq!(sent.status, Some(200));
        let seen = server.seen();
        assert_eq!(
            seen[0].line,
            format!("POST /hook/hush-path?key=hush-key{path} HTTP/1.1")
        );
        assert_eq!(String::from_utf8(seen[0].body.clone()).unwrap(), body);
        assert!(!seen[0].headers.contains_key("webhook-signature"), "{kind:?}");
    }
}

#[tokio::test]
async fn what_went_wrong_is_told_without_the_key() {
    let server = Server::start(vec![Step::Send(response(
        "200 OK",
        "",
        br#"{"errcode":93000,"errmsg":"hush-path has no hush-key"}"#,
    ))])
    .await;
    let not = send(PostKind::WeCom, &server, &["127.0.0.1"]).await.unwrap_err();
    assert_eq!(not.why, "`errcode` 93000");
    let not = send(PostKind::WeCom, &server, &[]).await.unwrap_err();
    assert!(
        not.is_final && not.why.contains("public internet") && !not.why.contains("hush"),
        "{not:?}"
    );
}
