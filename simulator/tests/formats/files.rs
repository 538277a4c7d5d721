//! Files as people have them: with a mark before the text, in another encoding, missing, a directory, not permitted; in
//! every command that reads one.

use std::path::Path;
use std::process::Command;

use loonflow_simulator::program::verdict::Verdict;
use loonflow_storage::{SledLog, SledOptions, backup};

use crate::commands::simulate;
use crate::fixtures::{directory_source, source, version};
use crate::logs::played;
use crate::recording::Recording;

/// Every place where a command takes the name of a file; `FILE` stands for it, and what else is named is sound.
const PLACES: &[&[&str]] = &[
    &["check", "FILE"],
    &["check", "HERE/leave.json", "--directory", "FILE"],
    &["fuzz", "FILE"],
    &["fuzz", "HERE/leave.json", "--directory", "FILE"],
    &["crash", "FILE"],
    &["crash", "HERE/leave.json", "--directory", "FILE"],
    &["crash", "--replay", "FILE"],
    &["replay", "FILE"],
    &["shrink", "FILE"],
    &["export", "--format", "bpmn", "FILE"],
    &["export", "--format", "junit", "FILE"],
    &["export", "--format", "xes", "FILE"],
    &["export", "--format", "xes", "HERE/leave.json", "--directory", "FILE"],
    &["export", "--format", "xes", "--log", "FILE"],
    &["export", "--format", "ocel", "--log", "FILE"],
    &["import", "FILE"],
    &["import", "HERE/leave.bpmn", "--directory", "FILE"],
    &["shadow", "--candidate", "FILE", "--log", "HERE/whole.jsonl"],
    &["shadow", "--candidate", "HERE/leave.json", "--log", "FILE"],
    &["run", "FILE"],
    &["compare", "FILE", "HERE/scenario.json"],
    &["compare", "HERE/scenario.json", "FILE"],
];

/// Where a folder is as good as a file: every `*.json` in it.
fn takes_folders(arguments: &[&str]) -> bool {
    let takes_definitions = ["check", "fuzz", "crash", "export"].contains(&arguments[0]);
    takes_definitions && arguments.last() == Some(&"FILE") && !arguments[arguments.len() - 2].starts_with("--")
}

/// A definition, its directory and drawing, a scenario, a case, and a recording of some tickets.
fn prepare(here: &Path) {
    let leave = source("leave");
    let write = |name: &str, text: String| std::fs::write(here.join(name), text).expect("written");
    write("leave.json", leave.to_string());
    write("acme.json", directory_source().to_string());
    let scenario = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/mmc_1_30.json"));
    let mut scenario: serde_json::Value = serde_json::from_str(&scenario.expect("a scenario")).expect("JSON");
    for key in ["definition", "directory"] {
        let named = scenario[key].as_str().expect("is named").to_owned();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(&named);
        std::fs::copy(from, here.join(&named)).expect("copied");
    }
    scenario["stop"] = serde_json::json!({ "cases": 20 });
    scenario["replications"] = serde_json::json!(2);
    for key in ["warm_up", "goals"] {
        scenario.as_object_mut().expect("an object").remove(key);
    }
    write("scenario.json", scenario.to_string());
    let versions = [version(&leave)];
    let mut recording = Recording::new(&directory_source(), &versions);
    recording.tickets(&played(&versions, 3, 21, false).histories);
    let mut whole = Vec::new();
    backup::export(&recording.log, &mut whole).expect("is exported");
    std::fs::write(here.join("whole.jsonl"), &whole).expect("written");
    let log = SledLog::open(here.join("data/log"), SledOptions::default()).expect("a log");
    backup::import(&log, &mut &whole[..]).expect("is restored");
    drop(log);
    let drawn = [
        "export",
        "--format",
        "bpmn",
        "HERE/leave.json",
        "--out",
        "HERE/leave.bpmn",
    ];
    assert_eq!(simulate(&drawn, here), Ok(Verdict::Fine));
    let unsound = ["check", "UNSOUND", "--cases", "HERE/cases"];
    assert_eq!(simulate(&unsound, here), Ok(Verdict::Defect));
    let mut cases = std::fs::read_dir(here.join("cases")).expect("cases");
    let case = cases.next().expect("one").expect("an entry").path();
    std::fs::rename(case, here.join("case.json")).expect("moved");
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    prepare(here);
    let leave = source("leave").to_string();
    let units = std::iter::once(0xfeff).chain(leave.encode_utf16());
    std::fs::write(
        here.join("utf16"),
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    )
    .expect("written");
    std::fs::write(here.join("latin1"), b"{\"name\": \"M\xfcnchen\"}").expect("written");
    std::fs::create_dir(here.join("folder")).expect("made");
    for arguments in PLACES {
        let is_log = arguments.ends_with(&["--log", "FILE"]);
        let is_bpmn = **arguments == ["import", "FILE"];
        for (name, words) in [
            ("missing", "cannot read"),
            ("folder", "s a directory"),
            ("utf16", "no UTF-8"),
            ("latin1", "no UTF-8"),
        ] {
            if name == "folder" && takes_folders(arguments) {
                continue;
            }
            let words = match (is_log, is_bpmn, name) {
                (true, _, "utf16") => "is UTF-16",
                (true, _, "latin1") => "is no whole export",
                _ => words,
            };
            let path = here.join(name).display().to_string();
            let filled: Vec<&str> = arguments
                .iter()
                .map(|one| if *one == "FILE" { path.as_str() } else { one })
                .collect();
            let error = simulate(&filled, here).expect_err("a refusal");
            assert!(error.contains(&path) && error.contains(words), "{filled:?}: {error}");
            let is_encoding = words == "no UTF-8";
            assert!(
                !is_encoding || error.contains("save it as UTF-8"),
                "{filled:?}: {error}"
            );
        }
    }
    // Where a definition and a directory stand in a scenario.
    let scenario = std::fs::read_to_string(here.join("scenario.json")).expect("is there");
    let mut scenario: serde_json::Value = serde_json::from_str(&scenario).expect("JSON");
    for key in ["definition", "directory", "based_on"] {
        let before = scenario[key].clone();
        scenario[key] = "utf16".into();
        std::fs::write(here.join("bad.json"), scenario.to_string()).expect("written");
        let error = simulate(&["run", "HERE/bad.json"], here).expect_err("a refusal");
        assert!(
            error.contains("utf16") && error.contains("save it as UTF-8"),
            "{key}: {error}"
        );
        scenario[key] = before;
        if scenario[key].is_null() {
            scenario.as_object_mut().expect("an object").remove(key);
        }
    }
}

#[test]
fn a_byte_order_mark_is_passed_over_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    prepare(here);
    for entry in std::fs::read_dir(here).expect("files") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let text = std::fs::read(&path).expect("reads");
            std::fs::write(&path, [&b"\xef\xbb\xbf"[..], &text].concat()).expect("written");
        }
    }
    for (arguments, verdict) in [
        (
            &["check", "HERE/leave.json", "--directory", "HERE/acme.json"][..],
            Verdict::Fine,
        ),
        (
            &[
                "fuzz",
                "HERE/leave.json",
                "--directory",
                "HERE/acme.json",
                "--seeds",
                "1",
                "--steps",
                "5",
            ],
            Verdict::Fine,
        ),
        (
            &[
                "crash",
                "HERE/leave.json",
                "--directory",
                "HERE/acme.json",
                "--seeds",
                "1",
                "--actors",
                "0",
                "--rounds",
                "2",
            ],
            Verdict::Fine,
        ),
        (&["replay", "HERE/case.json"], Verdict::Defect),
        (&["export", "--format", "junit", "HERE/leave.json"], Verdict::Fine),
        (
            &[
                "export",
                "--format",
                "xes",
                "--cases",
                "1",
                "HERE/leave.json",
                "--directory",
                "HERE/acme.json",
            ],
            Verdict::Fine,
        ),
        (
            &["export", "--format", "ocel", "--log", "HERE/whole.jsonl"],
            Verdict::Fine,
        ),
        (
            &["import", "HERE/leave.bpmn", "--directory", "HERE/acme.json"],
            Verdict::Fine,
        ),
        (
            &["shadow", "--candidate", "HERE/leave.json", "--log", "HERE/whole.jsonl"],
            Verdict::Fine,
        ),
        (&["run", "HERE/scenario.json"], Verdict::Fine),
        (&["compare", "HERE/scenario.json", "HERE/scenario.json"], Verdict::Fine),
    ] {
        assert_eq!(simulate(arguments, here), Ok(verdict), "{arguments:?}");
    }
}

/// The program in a process of its own, without what lets root pass over permissions. Root needs `setpriv` for it, which
/// every Linux has (util-linux): a test that is passed over shows nothing.
fn without_rights() -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Command::new(env!("CARGO_BIN_EXE_loonflow-simulate"));
    }
    let mut setpriv = Command::new("setpriv");
    setpriv.arg("--bounding-set=-all");
    setpriv.arg(env!("CARGO_BIN_EXE_loonflow-simulate"));
    setpriv
}

#[test]
fn a_recording_that_may_not_be_read_is_no_empty_one() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    prepare(here);
    let permit = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("may be set");
    };
    let (data, file) = (here.join("data"), here.join("leave.json"));
    let shown = |path: &Path| path.display().to_string();
    let shadow = ["shadow", "--candidate", "HERE/leave.json", "--data", "HERE/data"];
    assert_eq!(simulate(&shadow, here), Ok(Verdict::Fine));
    for closed in [data.clone(), data.join("log")] {
        permit(&closed, 0o000);
        let arguments = ["shadow", "--candidate", &shown(&file), "--data", &shown(&data)].map(str::to_owned);
        let output = without_rights().args(arguments).output().expect("the program runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{told}");
        let way_out = "may not be read by this user: run the command as the user of the server";
        assert!(told.contains(&shown(&data)) && told.contains(way_out), "{told}");
        permit(&closed, 0o700);
    }
    permit(&file, 0o000);
    let output = without_rights()
        .args(["check", &shown(&file)])
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(3) && told.contains(&shown(&file)),
        "{told}"
    );
    assert!(told.contains("Permission denied"), "{told}");
    permit(&file, 0o600);
    // A file where a directory should be, and the other way round: each says what to name instead.
    let error = simulate(
        &["shadow", "--candidate", "HERE/leave.json", "--data", "HERE/whole.jsonl"],
        here,
    );
    let error = error.expect_err("a refusal");
    assert!(
        error.contains("is not a directory") && error.contains("`--log`"),
        "{error}"
    );
    let error = simulate(
        &["shadow", "--candidate", "HERE/leave.json", "--log", "HERE/data"],
        here,
    );
    let error = error.expect_err("a refusal");
    assert!(
        error.contains("is a directory") && error.contains("`--data`"),
        "{error}"
    );
    assert_eq!(simulate(&shadow, here), Ok(Verdict::Fine));
}
