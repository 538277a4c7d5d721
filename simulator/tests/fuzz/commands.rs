//! The program: exit codes, one JSON object, the same trace for any number of threads.

use std::path::Path;
use std::process::{Command, Output};

use loonflow_simulator::world::case::{Case, CaseStep, FORMAT};
use serde_json::Value as Json;

use super::{acme, fixture};

fn simulate(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loonflow-simulate"));
    command.args(args).output().expect("the program runs")
}

fn json_of(output: &Output) -> Json {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).expect("one JSON object")
}

#[test]
fn a_search_is_told_as_one_json_object() {
    let args = [
        "--json",
        "fuzz",
        "--seeds",
        "6",
        "--steps",
        "60",
        "--goal",
        "claimed",
        "--threads",
    ];
    let run = |threads| simulate(&[&args[..], &[threads]].concat());
    let (one, two) = (json_of(&run("1")), json_of(&run("2")));
    assert_eq!(one, two);
    assert_eq!(
        (&one["failed"], &one["runs"], &one["steps"]),
        (&0.into(), &6.into(), &360.into())
    );
    assert_eq!(one["trace"].as_str().map(str::len), Some(64));

    let leave = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/fixtures/workflows/leave.json");
    let leave = leave.display().to_string();
    let never = simulate(&[
        "fuzz",
        &leave,
        "--seeds",
        "2",
        "--steps",
        "20",
        "--goal",
        "node:nowhere",
    ]);
    assert_eq!(never.status.code(), Some(2), "a goal that is never seen is no success");
    let text = String::from_utf8_lossy(&never.stdout);
    assert!(
        text.contains("illegal or malformed") && text.contains("workflow `leave`"),
        "{text}"
    );
    for args in [
        ["fuzz", "no such file"],
        ["fuzz", "--goal=weather:rain"],
        ["replay", "no such file"],
    ] {
        assert_eq!(simulate(&args).status.code(), Some(3), "{args:?}");
    }
}

/// A case whose invariant holds by now is no failure, neither to be repeated nor to be made smaller.
#[test]
fn a_mended_case_is_fine() {
    let erin = "00000000-0000-7000-8000-000000000103".to_owned();
    let case = Case {
        format: FORMAT,
        checked: None,
        shows: "replay_equals_live".into(),
        found: "once upon a time".into(),
        directory: acme(),
        definitions: vec![fixture("leave")],
        seed: 1,
        steps: vec![
            CaseStep::Create {
                workflow: "leave".into(),
                creator: erin.into(),
                action_id: None,
                fields: Default::default(),
                comment: None,
                cc: Vec::new(),
            },
            CaseStep::Pass { ms: 3_600_000 },
        ],
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("case.json");
    std::fs::write(&path, serde_json::to_string(&case).expect("JSON")).expect("written");
    let path = path.display().to_string();
    let replayed = simulate(&["replay", &path]);
    assert_eq!(replayed.status.code(), Some(0));
    let text = String::from_utf8_lossy(&replayed.stdout);
    assert!(text.contains("1. Erin Eng-Lead creates ticket 0"), "{text}");
    assert!(text.contains("nothing fails any more"), "{text}");
    assert_eq!(simulate(&["shrink", &path]).status.code(), Some(0));
    assert_eq!(json_of(&simulate(&["--json", "replay", &path]))["fails"], Json::Null);
}

/// A case of `check` shows no invariant of the engine: it is judged by checking it again.
#[test]
fn a_case_that_check_saved_is_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = folder.path().join("cases").display().to_string();
    let defect = Path::new(env!("CARGO_MANIFEST_DIR")).join("selftest/defects/gap_behind_a_task.json");
    let checked = simulate(&["check", &defect.display().to_string(), "--cases", &cases]);
    assert_eq!(checked.status.code(), Some(1));
    let mut n_cases = 0;
    for entry in std::fs::read_dir(&cases).expect("cases") {
        let path = entry.expect("an entry").path().display().to_string();
        let replayed = simulate(&["replay", &path]);
        assert_eq!(replayed.status.code(), Some(1));
        let text = String::from_utf8_lossy(&replayed.stdout).into_owned();
        assert!(text.contains("`check` still finds"), "{text}");
        assert!(!text.contains("Nothing fails any more"), "{text}");
        let json = json_of(&simulate(&["--json", "replay", &path]));
        assert_eq!((&json["as_before"], &json["fails"]), (&true.into(), &json["shows"]));
        // Its story is the shortest already; that is no success either.
        assert_eq!(simulate(&["shrink", &path]).status.code(), Some(3));
        n_cases += 1;
    }
    assert!(n_cases > 0);
}
