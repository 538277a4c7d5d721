//! People are told: a ticket that is assigned over MCP is a mail and a card in a chat, with what its reader may see.

use std::time::Duration;

use loonflow_tests::mailbox::Mailbox;
use loonflow_tests::{Receiver, TestServer, fixtures};
use serde_json::{Value, json};

use super::{World, local};

#[tokio::test]
async fn a_ticket_that_is_assigned_is_a_mail_and_a_card() {
    let (mailbox, receiver) = (Mailbox::start().await, Receiver::start().await);
    let mut directory = fixtures::directory("acme");
    directory["channels"] = json!([
        {
            "id": "mail", "kind": "smtp", "host": "127.0.0.1", "port": mailbox.address.port(), "tls": "none",
            "from": "Tickets <tickets@acme.example>",
        },
        {"id": "team", "kind": "feishu", "url": format!("http://{}/hook/hush", receiver.address), "secret": "hush-key"},
    ]);
    let mut release = fixtures::workflow("release");
    release["advanced_schema"]["notification_info"] = json!({
        "selected_channel_list": ["mail", "team"],
        "title_template": "{title} waits at {node_name}",
        "content_template": "{creator} asks for {service} {version}. Plan: [{plan}] {link}",
        "fields": ["service", "plan"],
    });
    // Nobody listens there.
    release["advanced_schema"]["customization_info"]["hook_info_list"] = json!([]);
    let nodes = release["process_schema"]["node_info_list"].as_array_mut();
    let approval = nodes
        .into_iter()
        .flatten()
        .find(|node| node["props"]["assignment_strategy"] == "whole");
    approval.expect("people vote")["props"]["field_permissions"]["plan"] = "hidden".into();
    let world = World {
        server: TestServer::carrying_out_with(local(), directory, vec![release]).await,
        receiver,
    };
    let fields = json!({ "title": "R1 <b>", "service": "web", "version": "1.2.3", "plan": "HUSH-PLAN" });
    let arguments = json!({ "workflow_id": "release", "action_id": "submit", "fields": fields });
    let created = world.ask("erin", "ticket_create", arguments).await;
    let ticket = created["ticket_id"].as_str().expect("it is created").to_owned();
    let ready = json!({ "ticket_id": ticket, "action_type": "agree", "action_id": "ready", "dry_run": true });
    let rehearsed = world.ask("erin", "ticket_handle", ready).await;
    let effects = rehearsed["preview"]["effects"].as_array().cloned().unwrap_or_default();
    let kinds: Vec<&Value> = effects.iter().map(|effect| &effect["kind"]).collect();
    assert_eq!(kinds, ["notice", "notice"], "{rehearsed}");
    assert!(
        mailbox.mails().is_empty(),
        "whoever caused it knows, and a rehearsal tells nobody"
    );

    world.handle("erin", &ticket, "agree/ready", json!({})).await;
    world
        .pass_until(Duration::ZERO, "people are told", async || {
            !mailbox.mails().is_empty() && !world.receiver.got("/hook/hush").is_empty()
        })
        .await;
    world.nothing_is_owed().await;
    let standing = world.detail(&ticket).await;
    let node = standing["ticket"]["current_nodes"][0]["name"]
        .as_str()
        .expect("a node")
        .to_owned();
    let to: Vec<String> = mailbox.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(
        to,
        [world.server.person("olga").email.clone()],
        "erin votes too, and knows it"
    );
    let link = format!("http://{}/t/{ticket}", world.server.address);
    let card = world.receiver.got("/hook/hush")[0].json();
    assert_eq!(
        card["card"]["header"]["title"]["content"],
        format!("R1 <b> waits at {node}")
    );
    let shown = card["card"]["elements"][0]["text"]["content"].as_str().expect("a text");
    assert!(
        shown.contains("asks for web 1.2.3. Plan: []") && shown.ends_with(&link),
        "{shown}"
    );
    assert!(
        card["sign"].is_string() && !card.to_string().contains("HUSH-PLAN"),
        "{card}"
    );
    let mail = &mailbox.mails()[0].text;
    assert!(mail.contains(&format!("Subject: R1 <b> waits at {node}")), "{mail}");
    assert!(
        mail.contains("&lt;b&gt;") && mail.contains("asks for web 1.2.3"),
        "{mail}"
    );
    assert!(!mail.contains("HUSH-PLAN"), "{mail}");

    let listed = world.deliveries();
    assert!(listed.iter().all(|one| !one.target.contains("hush")), "{listed:?}");
    // Whoever follows the link signs in first.
    let page = world.server.browser().get(&format!("/t/{ticket}")).await;
    assert_eq!(page.location(), format!("/sign-in?next=%2Ft%2F{ticket}"));
}
