//! Directories as an operator keeps them: large ones, several tenants, people who left, misspelt keys.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::process::{Server, acme, asset, done, run, text};

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("is there")).expect("is JSON")
}

fn write(folder: &Path, name: &str, json: &Value) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, json.to_string()).expect("written");
    path
}

/// Set, listed and cleared by an operator, with and without a server; an import leaves absences as they are.
#[tokio::test]
async fn absences() {
    let data = acme(&["leave.json"]);
    let set = [
        "absence",
        "set",
        "--email",
        "erin@acme.example",
        "--delegate",
        "dana@acme.example",
        "--from",
        "2020-01-01",
    ];
    let list = ["absence", "list", "--email", "erin@acme.example"];
    let refused = run(data.path(), &[&set[..], &["--to", "2020-01-02"]].concat());
    assert!(
        refused.code == 1 && refused.err.contains("over already"),
        "{}",
        refused.err
    );
    let from = &set[..7];
    let year = |year: &'static str| [from, &[year, "--to", "2100-06-30", "--workflow", "leave"]].concat();
    let refused = run(data.path(), &year("2020-01-01"));
    assert!(refused.code == 1 && refused.err.contains("366 days"), "{}", refused.err);
    let told = done(data.path(), &year("2100-01-01"));
    assert!(
        told.contains("erin@acme.example  dana@acme.example  2100-01-01 00:00:00") && told.contains("leave"),
        "{told}"
    );
    let server = Server::start(data.path());
    let again = done(data.path(), &year("2100-01-01"));
    assert_eq!(again, told, "the same once more is the same");
    let refused = run(data.path(), &[&year("2100-01-02")[..], &["--hand-over"]].concat());
    assert!(
        refused.code == 1 && refused.err.contains("has not begun"),
        "{}",
        refused.err
    );
    done(data.path(), &["import", text(&asset("acme.json"))]);
    let listed = done(data.path(), &list);
    assert!(
        listed.starts_with("id  user") && listed.contains(told.trim()),
        "{listed}"
    );
    let id = told.split("  ").next().expect("an id");
    let refused = run(data.path(), &["absence", "clear", "--email", "dana@acme.example", id]);
    assert!(
        refused.code == 1 && refused.err.contains("has no absence"),
        "{}",
        refused.err
    );
    assert_eq!(server.stop().code(), Some(0));
    done(data.path(), &["absence", "clear", "--email", "erin@acme.example", id]);
    let none = done(data.path(), &list);
    assert_eq!(none.lines().count(), 1, "{none}");
}

#[tokio::test]
async fn a_leaver_is_told_and_goes_with_whole() {
    let data = acme(&["leave.json"]);
    let token = done(data.path(), &["token", "create", "--email", "dev@acme.example"]);
    let mut file = read(&asset("acme.json"));
    file["users"]
        .as_array_mut()
        .expect("a list")
        .retain(|user| user["name"] != "dev");
    let file = write(data.path(), "acme.json", &file);
    let server = Server::start(data.path());

    let out = done(data.path(), &["import", text(&file)]);
    assert!(out.contains("unchanged"), "{out}");
    let words = "not in the file, active as before: 1 (dev@acme.example); `--whole` deactivates them";
    assert!(out.contains(words), "{out}");
    let out = done(data.path(), &["import", text(&file), "--whole", "--dry-run"]);
    assert!(
        out.contains("1 entries new or changed") && out.contains("nothing was written"),
        "{out}"
    );
    assert!(
        out.contains("not in the file, to be deactivated: 1 (dev@acme.example)"),
        "{out}"
    );
    let list = server.call(token.trim(), "workflow_list", json!({})).await;
    assert_eq!(list["workflow_list"][0]["id"], "leave", "the token works: {list}");

    let out = done(data.path(), &["import", text(&file), "--whole"]);
    assert!(
        out.contains("not in the file, deactivated: 1 (dev@acme.example)"),
        "{out}"
    );
    let refused = server.call(token.trim(), "workflow_list", json!({})).await;
    assert_eq!(refused["error"]["code"], "user_inactive", "{refused}");
    assert_eq!(server.stop().code(), Some(0));

    let refused = run(data.path(), &["import", text(&asset("leave.json")), "--whole"]);
    assert!(
        refused.code == 1 && refused.err.contains("none of the files is a directory"),
        "{}",
        refused.err
    );
}

/// Through the socket of a running server and past the bounds of one commit.
#[test]
fn a_large_directory_goes_through_a_running_server() {
    let data = acme(&[]);
    let people: Vec<Value> = (0..10_001)
        .map(|n| json!({ "id": format!("u-{n}"), "name": "n", "email": format!("n{n}@kestrel.example"), "type": "normal" }))
        .chain([json!({ "id": "u-mira", "name": "mira", "email": "mira@kestrel.example", "type": "admin" })])
        .collect();
    let tenant = json!({ "id": "t-k", "name": "Kestrel Yard", "domain": "kestrel.example" });
    let file = write(
        data.path(),
        "kestrel.json",
        &json!({ "tenant": tenant, "users": people }),
    );
    let server = Server::start(data.path());
    let out = done(data.path(), &["import", text(&file)]);
    assert!(out.contains("10003 entries new or changed, 10002 users"), "{out}");
    assert_eq!(server.stop().code(), Some(0));
    let out = done(data.path(), &["import", text(&file)]);
    assert!(out.contains("unchanged"), "{out}");

    let other = json!({
        "tenant": { "id": "a-third", "name": "X", "domain": "Kestrel.example" },
        "users": [{ "id": "u-zoe", "name": "zoe", "email": "zoe@third.example", "type": "admin" }],
    });
    let other = run(
        data.path(),
        &["import", text(&write(data.path(), "other.json", &other))],
    );
    assert!(
        other.code == 1 && other.out.contains("error duplicate_domain"),
        "{}",
        other.out
    );
}

#[test]
fn keys_that_nothing_reads_are_told_with_their_place() {
    let data = acme(&[]);
    let mut directory = read(&asset("acme.json"));
    directory["departments"] = json!([]);
    directory["depts"][0]["manager"] = json!("x");
    directory["depts"][0]["members"] = json!([]);
    directory["users"][0]["dept"] = json!("x");
    directory["users"][0]["_hr"] = json!(1);
    directory["$schema"] = json!("x");
    let mut workflow = read(&asset("leave.json"));
    let nodes = workflow["process_schema"]["node_info_list"]
        .as_array_mut()
        .expect("a list");
    let node = nodes.iter_mut().find(|node| node["id"] == "approve").expect("is there");
    node["props"]["assignee_typ"] = json!("users");
    workflow["advanced_schema"]["permission_info"]["admin_ids"] = json!([]);
    workflow["form_schema"]["component_info_list"][0]["children"][0]["props"]["max_lenght"] = json!(5);
    let (directory, workflow) = (
        write(data.path(), "acme.json", &directory),
        write(data.path(), "leave.json", &workflow),
    );
    let checked = run(data.path(), &["check", text(&directory), text(&workflow)]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    let told = [
        "warning unknown_key: the file has the key `departments`, which nothing reads: did you mean `depts`?",
        "has the key `manager`, which nothing reads: did you mean `leader`?",
        "has the key `members`, which nothing reads: there are",
        "has the key `dept`, which nothing reads: did you mean `depts`?",
        "warning unknown_key node `approve`: node `approve` in `props` has the key `assignee_typ`, which nothing reads: \
         did you mean `assignee_type`?",
        "`permission_info` has the key `admin_ids`, which nothing reads: did you mean `admin_id_list`?",
        "in `props` has the key `max_lenght`, which nothing reads",
    ];
    for words in told {
        assert!(checked.out.contains(words), "{words}\n{}", checked.out);
    }
    assert_eq!(
        checked.out.matches("unknown_key").count(),
        told.len(),
        "{}",
        checked.out
    );
    let strict = run(data.path(), &["check", "--strict", text(&directory), text(&workflow)]);
    assert!(
        strict.code == 1 && strict.out.contains("error unknown_key"),
        "{}",
        strict.out
    );
    let strict = run(data.path(), &["import", "--strict", text(&directory), text(&workflow)]);
    assert!(
        strict.code == 1 && strict.out.contains("nothing was imported"),
        "{}",
        strict.out
    );
    let imported = done(data.path(), &["import", text(&directory), text(&workflow)]);
    assert_eq!(
        imported.matches("warning unknown_key").count(),
        told.len(),
        "{imported}"
    );

    let mut nodes = read(&asset("leave.json"));
    nodes["process_schema"] = json!({ "nodes": [], "edges": [] });
    let checked = run(data.path(), &["check", text(&write(data.path(), "nodes.json", &nodes))]);
    assert!(
        checked.out.contains("did you mean `node_info_list`?"),
        "{}",
        checked.out
    );
}

#[test]
fn what_people_would_not_be_told_is_warned_of() {
    let data = acme(&[]);
    let directory = asset("acme.json");
    let text_of = std::fs::read_to_string(asset("release.json")).expect("is there");
    let with_channel = text_of.replace(r#""selected_channel_list": []"#, r#""selected_channel_list": ["mail"]"#);
    let with_channel = with_channel.replace(r#""content_template": ""#, r#""content_template": "{link} "#);
    let file = data.path().join("release.json");
    std::fs::write(&file, with_channel).expect("written");
    let check = ["check", text(&file), "--directory", text(&directory)];
    let checked = run(data.path(), &check);
    for code in ["warning unknown_channel", "warning no_public_url"] {
        assert!(checked.code == 0 && checked.out.contains(code), "{}", checked.out);
    }
    let imported = done(data.path(), &["import", text(&file)]);
    assert!(imported.contains("warning unknown_channel"), "{imported}");
    let named = run(
        data.path(),
        &[&check[..], &["--public-url", "https://tickets.example"]].concat(),
    );
    assert!(named.code == 0 && !named.out.contains("no_public_url"), "{}", named.out);
}

#[test]
fn a_byte_order_mark_is_no_hindrance() {
    let data = acme(&[]);
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(std::fs::read(asset("leave.json")).expect("is there"));
    let file = data.path().join("leave.json");
    std::fs::write(&file, bytes).expect("written");
    assert_eq!(run(data.path(), &["check", text(&file)]).code, 0);
    done(data.path(), &["import", text(&file)]);
}

#[tokio::test]
async fn versions_are_promoted_taken_back_and_archived() {
    let data = acme(&["leave.json"]);
    let token = done(data.path(), &["token", "create", "--email", "dev@acme.example"]);
    let mut second = read(&asset("leave.json"));
    second["basic_info"]["version"] = json!("2.0");
    let second = write(data.path(), "leave.json", &second);
    let server = Server::start(data.path());
    let starts_on = async || {
        let list = server.call(token.trim(), "workflow_list", json!({})).await;
        list["workflow_list"][0]["version_name"].as_str().map(str::to_owned)
    };
    done(data.path(), &["import", text(&second), "--candidate"]);
    assert_eq!(starts_on().await.as_deref(), Some("1.0"));
    let out = done(data.path(), &["import", text(&second)]);
    let way = "unchanged, and still candidate; `loonflow-ticket workflow state leave 2.0 default` makes it default";
    assert!(out.contains(way), "{out}");
    let out = done(data.path(), &["workflow", "state", "leave", "2.0", "default"]);
    assert!(out.contains("default; new tickets start on `2.0`"), "{out}");
    assert_eq!(starts_on().await.as_deref(), Some("2.0"));
    let out = done(data.path(), &["workflow", "state", "leave", "2.0", "default"]);
    assert!(out.contains("default already"), "{out}");

    // Back to the first.
    let out = done(data.path(), &["import", text(&asset("leave.json"))]);
    assert!(
        out.contains("`loonflow-ticket workflow state leave 1.0 default`"),
        "{out}"
    );
    done(data.path(), &["workflow", "state", "leave", "1.0", "default"]);
    assert_eq!(starts_on().await.as_deref(), Some("1.0"));
    done(data.path(), &["workflow", "state", "leave", "2.0", "archived"]);
    let list = done(data.path(), &["workflow", "list"]);
    assert!(
        list.contains("leave  1.0  default  ") && list.contains("leave  2.0  archived  "),
        "{list}"
    );
    let out = done(data.path(), &["workflow", "state", "leave", "1.0", "archived"]);
    assert!(out.contains("no version is the default"), "{out}");
    assert_eq!(starts_on().await, None);

    for (arguments, words) in [
        (
            ["leave", "9", "default"],
            "workflow `leave` has no version `9`; there are: 1.0, 2.0",
        ),
        (
            ["leaf", "1.0", "default"],
            "there is no workflow `leaf`; there are: leave",
        ),
    ] {
        let refused = run(data.path(), &[&["workflow", "state"][..], &arguments[..]].concat());
        assert!(refused.code == 1 && refused.err.contains(words), "{}", refused.err);
    }
    assert_eq!(server.stop().code(), Some(0));
}
