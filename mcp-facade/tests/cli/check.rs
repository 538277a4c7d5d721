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
