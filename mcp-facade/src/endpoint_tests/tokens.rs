//! Every kind of credential, good and bad, and every place it may come from.

use serde_json::{Value, json};

use super::raw_http::{answer, post, tool_call};
use super::{KEY, options, start};
use crate::secret::Secret;
use crate::state::Options;
use crate::testing::World;

#[tokio::test]
async fn the_token_table() {
    let world = World::new(Options {
        environment_token: Some(Secret::new("lfpat.env.unknown")),
        ..options()
    })
    .await;
    let good = world.token("ada").await;
    let expiring = world.token_for("ada", Some(1)).await;
    let revoked = world.token("ada").await;
    world.revoke("ada", &revoked).await;
    let of_nobody = world.token("dev").await;
    world.deactivate("dev").await;
    let address = start(&world.state).await;
    let sign = |claims: Value, key: &str| crate::auth::jwt::sign(&claims, &Secret::new(key)).expect("signs");
    let end = world.state.now_s() + 60;
    let email = json!({ "email": "Ada@acme.example" });
    let jwt = sign(json!({ "exp": end, "data": email }), KEY);
    let expired = sign(json!({ "exp": 1_000, "data": email }), KEY);
    let endless = sign(json!({ "data": email }), KEY);
    let nameless = sign(json!({ "exp": end }), KEY);
    let stranger = sign(json!({ "exp": end, "data": { "email": "who@acme.example" } }), KEY);
    let inactive = sign(json!({ "exp": end, "data": { "email": "gone@acme.example" } }), KEY);
    let other_key = sign(json!({ "exp": end, "data": email }), "another-key-of-thirty-two-bytes!");
    let none = "eyJhbGciOiJub25lIn0.eyJleHAiOjQwMDAwMDAwMDAsImRhdGEiOnsiZW1haWwiOiJhZGFAZXhhbXBsZS5jb20ifX0.";
    let (id, _secret) = good.rsplit_once('.').expect("has parts");
    let wrong = format!("{id}.{}", "0".repeat(64));
    let lower_case = format!("bearer {good}");
    type Row<'a> = (&'a str, Vec<(&'a str, String)>, &'a str);
    let table: Vec<Row<'_>> = vec![
        (&good, vec![], "ok"),
        (&lower_case, vec![("authorization", "Bearer bad".to_owned())], "ok"),
        ("", vec![("authorization", format!("bEaReR {good}"))], "ok"),
        ("  ", vec![("x-loonflow-access-token", good.clone())], "ok"),
        ("", vec![("authorization", format!("Bearer {jwt}"))], "ok"),
        (&expiring, vec![], "ok"),
        ("", vec![], "token_invalid"),
        (
            &wrong,
            vec![("authorization", format!("Bearer {good}"))],
            "token_invalid",
        ),
        (
            "",
            vec![
                ("authorization", "Bearer x".to_owned()),
                ("x-loonflow-access-token", good.clone()),
            ],
            "token_invalid",
        ),
        ("lfpat.ada", vec![], "token_invalid"),
        (&revoked, vec![], "token_revoked"),
        (&of_nobody, vec![], "user_inactive"),
        (&inactive, vec![], "user_inactive"),
        (&expired, vec![], "token_expired"),
        (&endless, vec![], "token_invalid"),
        (&nameless, vec![], "token_invalid"),
        (&stranger, vec![], "token_invalid"),
        (&other_key, vec![], "token_invalid"),
        (none, vec![], "token_invalid"),
    ];
    let check = async |argument: &str, headers: &[(&str, String)], expected: &str| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = tool_call("ticket_list", &json!({ "access_token": argument }));
        let answer = answer(post(address, &headers, body).await).await;
        let found = answer["result"]["structuredContent"]["error"]["code"]
            .as_str()
            .unwrap_or("ok");
        assert_eq!(found, expected, "{argument} {headers:?}: {answer}");
        assert!(
            argument.trim().is_empty() || found == "ok" || !answer.to_string().contains(argument),
            "{answer}"
        );
    };
    for (argument, headers, expected) in table {
        check(argument, &headers, expected).await;
    }
    world.advance_days(1);
    check(&expiring, &[], "token_expired").await;
    check(&jwt, &[], "token_expired").await;
    check(&good, &[], "ok").await;
}
