//! Whether a field is filled in, and whether a title is the one that is searched for, is asked as a person would ask.

use serde_json::json;

use super::{created, server, shown};

#[tokio::test]
async fn a_required_field_wants_something_to_see() {
    let server = server().await;
    let ticket = created(&server, json!({ "title": "order" })).await;
    let ana = server.raw("ana");
    let agree = |text: &str| json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "ok", "fields": { "rt": text } });
    for text in [
        "<p><br></p>",
        "<script>x</script>",
        "\u{200b}",
        "<p>&nbsp;</p>",
        "<p>\u{feff}</p>",
    ] {
        let error = ana
            .call("ticket_handle", agree(text))
            .await
            .refused("missing_required_fields");
        assert_eq!(error["details"][0]["key"], "rt", "{text}");
    }
    let image = r#"<p><img src="https://x.example/y.png"></p>"#;
    ana.call("ticket_handle", agree(image)).await.ok();
    assert_eq!(shown(&server, "ana", &ticket, "rt").await, image);
}

#[tokio::test]
async fn a_title_can_be_seen() {
    let server = server().await;
    let arguments = json!({ "workflow_id": "w", "action_id": "go", "fields": { "title": "\u{200b}" } });
    let error = server.raw("cleo").call("ticket_create", arguments).await;
    assert_eq!(error.refused("missing_required_fields")["details"][0]["key"], "title");
}

#[tokio::test]
async fn a_comment_of_nothing_is_none() {
    let server = server().await;
    let ticket = created(&server, json!({ "title": "order" })).await;
    let comment =
        json!({ "ticket_id": ticket, "action_type": "add_comment", "action_props": { "comment": "\u{200b}" } });
    let error = server
        .raw("ana")
        .call("ticket_handle", comment)
        .await
        .refused("invalid_argument");
    assert_eq!(error["details"]["argument"], "action_props.comment");
}

#[tokio::test]
async fn a_search_finds_what_looks_the_same() {
    let server = server().await;
    let cleo = server.raw("cleo");
    for (title, search) in [
        ("Cafe\u{301} Noir", "caf\u{e9}"),
        ("İSTANBUL", "istanbul"),
        ("Straße", "STRASSE"),
        ("ＦＵＬＬ", "full"),
    ] {
        let ticket = created(&server, json!({ "title": title })).await;
        let found = cleo
            .call("ticket_list", json!({ "category": "owner", "search_value": search }))
            .await
            .ok();
        assert_eq!(found["total"], 1, "{title}");
        assert_eq!(found["ticket_list"][0]["id"], ticket.as_str(), "{title}");
    }
    let found = cleo.call("user_list", json!({ "search_value": "ＣＬＥＯ" })).await.ok();
    assert_eq!(found["user_list"][0]["id"], "u-cleo");
    let found = cleo.call("workflow_list", json!({ "search_value": "ｗ" })).await.ok();
    assert_eq!(found["total"], 1);
}
