//! `check`: every problem of a definition or directory is printed, without a data directory.

use super::process::{asset, invalid, run, text};

#[test]
fn good_definitions_have_no_errors() {
    let nowhere = std::path::Path::new("/nonexistent/data");
    let (directory, leave, release) = (asset("acme.json"), asset("leave.json"), asset("release.json"));
    let checked = run(
        nowhere,
        &[
            "check",
            text(&leave),
            text(&release),
            text(&directory),
            "--directory",
            text(&directory),
        ],
    );
    assert_eq!(checked.code, 0, "{}", checked.out);
    assert_eq!(checked.out.matches(": no errors").count(), 3, "{}", checked.out);
    // Its sub-tickets are of workflows that are not among the files.
    assert!(checked.out.contains("warning"), "{}", checked.out);
}

#[test]
fn every_problem_is_printed_with_its_code_and_place() {
    let nowhere = std::path::Path::new("/nonexistent/data");
    let (dangling, several, good) = (
        invalid("dangling_edge.json"),
        invalid("several_start_nodes.json"),
        asset("leave.json"),
    );
    let checked = run(nowhere, &["check", text(&dangling), text(&good), text(&several)]);
    assert_eq!(checked.code, 1, "{}", checked.out);
    let line = checked
        .out
        .lines()
        .find(|line| line.contains("dangling_edge.json"))
        .expect("is there");
    assert!(line.contains("error dangling_edge edge `"), "{line}");
    assert!(checked.out.contains("error several_start_nodes"), "{}", checked.out);
    assert!(checked.out.contains("leave.json: no errors"), "{}", checked.out);
}

#[test]
fn names_are_checked_against_a_directory() {
    let nowhere = std::path::Path::new("/nonexistent/data");
    let (unknown, directory) = (invalid("unknown_user.json"), asset("acme.json"));
    assert_eq!(
        run(nowhere, &["check", text(&unknown)]).code,
        0,
        "nothing to check it against"
    );
    let checked = run(nowhere, &["check", text(&unknown), "--directory", text(&directory)]);
    assert_eq!(checked.code, 1);
    assert!(checked.out.contains("error unknown_user"), "{}", checked.out);
}

#[test]
fn what_is_no_definition_is_a_sentence() {
    let nowhere = std::path::Path::new("/nonexistent/data");
    let folder = tempfile::tempdir().expect("temporary directory");
    let (odd, broken) = (folder.path().join("odd.json"), folder.path().join("broken.json"));
    std::fs::write(&odd, "[1]").expect("written");
    std::fs::write(&broken, "{").expect("written");
    for (file, words) in [
        (odd, "neither a directory"),
        (broken, "is not JSON"),
        ("/nonexistent.json".into(), "cannot be read"),
    ] {
        let checked = run(nowhere, &["check", text(&file)]);
        assert_eq!(checked.code, 1);
        assert!(
            checked.err.starts_with("loonflow-ticket: ") && checked.err.contains(words),
            "{}",
            checked.err
        );
    }
}

/// A definition of the simulator's own test that publishing takes, though no ticket on it can come to its end.
fn unsound() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../simulator/selftest/defects/two_nodes_for_ever.json")
}

#[test]
fn a_simulation_proves_or_tells_a_story() {
    let nowhere = std::path::Path::new("/nonexistent/data");
    let (leave, directory) = (asset("leave.json"), asset("acme.json"));
    let arguments = ["check", "--simulate", text(&leave), "--directory", text(&directory)];
    let checked = run(nowhere, &arguments);
    assert_eq!(checked.code, 0, "{}", checked.out);
    assert!(checked.out.contains("leave.json: sound ("), "{}", checked.out);
    // The directory among the files names the people too; without one nobody is looked up, and that is said.
    let together = run(nowhere, &["check", "--simulate", text(&directory), text(&leave)]);
    assert!(together.out.contains("leave.json: no errors\n"), "{}", together.out);
    let verdict = |out: &str| out.lines().find(|line| line.contains(": sound (")).map(str::to_owned);
    assert_eq!(verdict(&together.out), verdict(&checked.out));
    let alone = run(nowhere, &["check", text(&leave)]);
    assert!(
        alone.out.contains("leave.json: no errors; nobody was looked up"),
        "{}",
        alone.out
    );
    let checked = run(nowhere, &["check", "--simulate", text(&unsound())]);
    assert_eq!(checked.code, 1, "{}", checked.out);
    assert!(
        checked.out.contains(": no errors") && checked.out.contains(": unsound ("),
        "{}",
        checked.out
    );
    assert!(checked.out.contains("    1. "), "a story is told: {}", checked.out);
}

/// Which texts come after another one is not told apart wholly, so nothing is proved; people are told where to go on.
#[test]
fn what_is_not_proved_is_no_error() {
    let nowhere = std::path::Path::new("/nonexistent/data");
    let folder = tempfile::tempdir().expect("temporary directory");
    let file = folder.path().join("by_letter.json");
    let definition = serde_json::json!({
        "basic_info": { "id": "by_letter", "name": "By letter", "version": "1" },
        "form_schema": { "component_info_list": [
            { "id": "row", "type": "row", "children": [
                { "id": "c_title", "type": "title", "component_key": "title", "component_name": "Title" },
            ] },
        ] },
        "process_schema": {
            "node_info_list": [
                { "id": "start", "name": "Start", "type": "start",
                  "props": { "field_permissions": { "title": "required" } } },
                { "id": "by", "name": "By", "type": "exclusive", "props": { "default_branch": "early" } },
                { "id": "end", "name": "End", "type": "end" },
            ],
            "edge_info_list": [
                { "id": "ask", "name": "Ask", "type": "agree", "source_node_id": "start", "target_node_id": "by" },
                { "id": "late", "type": "condition", "source_node_id": "by", "target_node_id": "end", "props": {
                    "condition_groups": [{ "conditions": [{ "field_name": "title", "operator": ">", "value": "m" }] }],
                } },
                { "id": "early", "type": "condition", "source_node_id": "by", "target_node_id": "end" },
            ],
        },
    });
    std::fs::write(&file, definition.to_string()).expect("written");
    let checked = run(nowhere, &["check", "--simulate", text(&file)]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    assert!(checked.out.contains("by_letter.json: unknown ("), "{}", checked.out);
    let next = format!("`loonflow-simulate fuzz {}`", text(&file));
    assert!(checked.out.contains(&next), "{}", checked.out);
}

#[test]
fn an_import_can_ask_the_simulator_first() {
    let data = tempfile::tempdir().expect("temporary directory");
    let (leave, directory) = (asset("leave.json"), asset("acme.json"));
    let refused = run(data.path(), &["import", "--simulate", text(&unsound())]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.out.ends_with("nothing was imported\n"), "{}", refused.out);
    assert!(!data.path().join("log").exists(), "it did not even open a log");
    let imported = run(data.path(), &["import", "--simulate", text(&directory), text(&leave)]);
    assert_eq!(imported.code, 0, "{}", imported.out);
    assert!(
        imported.out.contains("workflow `leave` version `1.0`: published"),
        "{}",
        imported.out
    );
}

#[test]
fn schemas_are_printed_for_editors() {
    let nowhere = std::path::Path::new("/nonexistent/data");
    for (word, key) in [("workflow", "process_schema"), ("directory", "tenant")] {
        let printed = run(nowhere, &["schema", word]);
        assert_eq!(printed.code, 0, "{}", printed.out);
        let schema: serde_json::Value = serde_json::from_str(&printed.out).expect("JSON");
        assert!(schema["properties"][key].is_object(), "{word}");
    }
}
