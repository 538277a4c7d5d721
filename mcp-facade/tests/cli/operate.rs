//! `import`, `token`, `ticket migrate`: what an operator changes, with and without a running server.

use serde_json::{Value, json};

use super::process::{Server, acme, asset, done, invalid, run, text};

#[test]
fn importing_again_changes_nothing() {
    let data = acme(&["leave.json", "incident.json"]);
    let (directory, leave) = (asset("acme.json"), asset("leave.json"));
    let again = done(data.path(), &["import", text(&leave), text(&directory)]);
    let lines: Vec<&str> = again.lines().collect();
    assert!(lines[0].contains("directory of `acme.example`: unchanged"), "{again}");
    assert!(
        lines[1].contains("workflow `leave` version `1.0`: unchanged"),
        "{again}"
    );
}

#[test]
fn a_refused_file_is_told_and_the_others_go_in() {
    let data = acme(&[]);
    let (bad, good) = (invalid("unnamed_node.json"), asset("leave.json"));
    let imported = run(
        data.path(),
        &["import", text(&bad), text(&good), "--tenant", "ACME.example"],
    );
    assert_eq!(imported.code, 1, "{}", imported.out);
    assert!(imported.out.contains("error unnamed_node node `"), "{}", imported.out);
    assert!(
        imported.out.contains("workflow `leave` version `1.0`: published"),
        "{}",
        imported.out
    );

    let mut changed: Value = serde_json::from_slice(&std::fs::read(&good).expect("is there")).expect("is JSON");
    changed["basic_info"]["description"] = json!("other");
    let file = data.path().join("leave.json");
    std::fs::write(&file, changed.to_string()).expect("written");
    let imported = run(data.path(), &["import", text(&file)]);
    assert_eq!(imported.code, 1);
    assert!(imported.out.contains("version_exists"), "{}", imported.out);
    let imported = run(data.path(), &["import", text(&file), "--tenant", "nobody.example"]);
    assert!(
        imported.out.contains("there is no tenant `nobody.example`"),
        "{}",
        imported.out
    );
}

#[test]
fn workflows_of_several_tenants_need_a_name() {
    let data = acme(&[]);
    let globex = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures/directory/globex.json");
    let nested = asset("nested.json");
    done(data.path(), &["import", text(&globex)]);
    let imported = run(data.path(), &["import", text(&nested)]);
    assert_eq!(imported.code, 1);
    assert!(
        imported.out.contains("`--tenant`") && imported.out.contains("`globex.example`"),
        "{}",
        imported.out
    );
    done(data.path(), &["import", text(&nested), "--tenant", "acme.example"]);
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let data = acme(&[]);
    let token = done(
        data.path(),
        &[
            "token",
            "create",
            "--email",
            "Dev@acme.example",
            "--label",
            "laptop",
            "--expires",
            "30",
        ],
    );
    let token = token.trim();
    assert!(
        token.starts_with("lfpat.") && !token.contains(char::is_whitespace),
        "{token}"
    );
    let id = token.split('.').nth(1).expect("has parts");
    let secret = token.split('.').nth(2).expect("has parts");
    let list = done(data.path(), &["token", "list", "--email", "dev@acme.example"]);
    assert!(
        list.contains(id) && list.contains("live  laptop") && !list.contains(secret),
        "{list}"
    );

    let others = run(data.path(), &["token", "revoke", "--email", "ada@acme.example", id]);
    assert_eq!(others.code, 1);
    assert!(others.err.contains("access_token_not_found"), "{}", others.err);
    done(data.path(), &["token", "revoke", "--email", "dev@acme.example", id]);
    let list = done(data.path(), &["token", "list", "--email", "dev@acme.example"]);
    assert!(list.contains("revoked  laptop"), "{list}");

    for (email, words) in [
        ("who@acme.example", "there is no user"),
        ("gone@acme.example", "user_not_found"),
    ] {
        let refused = run(data.path(), &["token", "create", "--email", email]);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(words), "{}", refused.err);
    }
}

/// The same commands while a server has the log open: they go through it, and the server knows at once.
#[tokio::test]
async fn commands_go_through_a_running_server() {
    let data = acme(&[]);
    let server = Server::start(data.path());
    let leave = asset("leave.json");
    done(data.path(), &["import", text(&leave)]);
    let token = done(data.path(), &["token", "create", "--email", "dev@acme.example"]);
    let token = token.trim();
    let workflows = server.call(token, "workflow_list", json!({})).await;
    assert_eq!(workflows["workflow_list"][0]["id"], "leave", "{workflows}");
    let id = token.split('.').nth(1).expect("has parts");
    done(data.path(), &["token", "revoke", "--email", "dev@acme.example", id]);
    let refused = server.call(token, "workflow_list", json!({})).await;
    assert_eq!(refused["error"]["code"], "token_revoked", "{refused}");
    assert_eq!(server.stop().code(), Some(0));
    assert!(!data.path().join("admin.sock").exists());
}

#[tokio::test]
async fn a_ticket_goes_over_to_another_version() {
    let data = acme(&["leave.json"]);
    let token = done(data.path(), &["token", "create", "--email", "dev@acme.example"]);
    let server = Server::start(data.path());
    let form = server
        .call(token.trim(), "ticket_prepare_create", json!({ "workflow_id": "leave" }))
        .await;
    let mut example = form["example"].clone();
    example["dry_run"] = json!(false);
    let created = server.call(token.trim(), "ticket_create", example).await;
    let ticket = created["ticket_id"].as_str().expect("is created").to_owned();

    let text_of = std::fs::read_to_string(asset("leave.json")).expect("is there");
    let file = data.path().join("leave.json");
    let other = text_of
        .replace("\"1.0\"", "\"2.0\"")
        .replace("\"approve\"", "\"approval\"");
    std::fs::write(&file, other).expect("written");
    done(data.path(), &["import", text(&file), "--candidate"]);
    let workflows = server.call(token.trim(), "workflow_list", json!({})).await;
    assert_eq!(workflows["workflow_list"][0]["version_name"], "1.0", "{workflows}");

    let migrate = |email: &str, map: &[&str]| {
        let mut arguments = vec!["ticket", "migrate", &ticket, "--to", "2.0", "--email", email];
        arguments.extend(map);
        run(data.path(), &arguments)
    };
    let refused = migrate("dev@acme.example", &["--map", "approve=approval"]);
    assert!(
        refused.code == 1 && refused.err.contains("permission_denied"),
        "{}",
        refused.err
    );
    let refused = migrate("ada@acme.example", &[]);
    assert!(
        refused.code == 1 && refused.err.contains("migration_impossible"),
        "{}",
        refused.err
    );
    // What names nothing gets the way to the right one.
    let ticket_id = ticket.as_str();
    for (ticket, version, email, map, words) in [
        (
            ticket_id,
            "9",
            "ada@acme.example",
            "approve=approval",
            "invalid_argument: argument `version` cannot be `9`: workflow `leave` has the versions `1.0`, `2.0`; name one of these \
             versions, or publish another first",
        ),
        (
            ticket_id,
            "1.0",
            "ada@acme.example",
            "approve=approval",
            "`version` cannot be `1.0`: the ticket is on it already; workflow `leave` has the versions `1.0`, `2.0`",
        ),
        (
            ticket_id,
            "2.0",
            "ada@acme.example",
            "nowhere=approval",
            "`nodes` cannot be `nowhere`: the ticket has no token at this node; leave it out; map only nodes that the ticket is at",
        ),
        (
            ticket_id,
            "2.0",
            "ada@acme.example",
            "approve=nowhere",
            "migration_impossible: node `approve` cannot be mapped to `nowhere`: there is no such node in the new version; map \
             the node to one of the same type in the new version",
        ),
        (
            ticket_id,
            "2.0",
            "ada@acme.example",
            "approve=end",
            "node `approve` cannot be mapped to `end`: its type differs",
        ),
        (
            "7",
            "2.0",
            "ada@acme.example",
            "approve=approval",
            "ticket `7` was not found",
        ),
        (
            ticket_id,
            "2.0",
            "nobody@acme.example",
            "approve=approval",
            "there is no user with the e-mail address `nobody@acme.example`; import a directory that has one",
        ),
    ] {
        let refused = run(
            data.path(),
            &[
                "ticket", "migrate", ticket, "--to", version, "--email", email, "--map", map,
            ],
        );
        assert!(
            refused.code == 1 && refused.err.contains(words),
            "{words}: {}",
            refused.err
        );
    }
    let migrated = migrate("ada@acme.example", &["--map", "approve=approval"]);
    assert_eq!(migrated.code, 0, "{}", migrated.err);
    assert!(migrated.out.contains("at `approval`"), "{}", migrated.out);
    let detail = server
        .call(token.trim(), "ticket_detail", json!({ "ticket_id": ticket }))
        .await;
    assert_eq!(detail["form_schema"]["workflow_metadata"]["version_name"], "2.0");
    assert_eq!(server.stop().code(), Some(0));
}
