//! The jobs as the command line runs them: what they write, and their exit codes.

use std::path::Path;

use clap::Parser;
use loonflow_simulator::program::cli::Cli;
use loonflow_simulator::program::commands::run;
use loonflow_simulator::program::output::Output;
use loonflow_simulator::program::verdict::Verdict;

use crate::fixtures::root;

/// Runs a command line in a folder; the verdict, or why it cannot be carried out.
pub(crate) fn simulate(arguments: &[&str], folder: &Path) -> Result<Verdict, String> {
    let fixtures = root().display().to_string();
    let unsound = concat!(env!("CARGO_MANIFEST_DIR"), "/selftest/defects");
    let folder = folder.display().to_string();
    let filled = arguments.iter().map(|one| {
        one.replace("FIXTURES", &fixtures)
            .replace("HERE", &folder)
            .replace("UNSOUND", unsound)
    });
    let line = std::iter::once("loonflow-simulate".to_owned()).chain(filled);
    let cli = Cli::try_parse_from(line).map_err(|error| error.to_string())?;
    run(&cli.command, &Output::new(cli.json)).map_err(|error| format!("{error:#}"))
}

#[test]
fn what_one_job_writes_the_next_one_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let read = |name: &str| std::fs::read_to_string(here.join(name)).expect("a file");
    for (arguments, verdict) in [
        (
            vec![
                "export",
                "--format",
                "bpmn",
                "FIXTURES/workflows",
                "--out",
                "HERE/drawn",
            ],
            Verdict::Fine,
        ),
        (
            vec![
                "import",
                "HERE/drawn/access.bpmn",
                "--out",
                "HERE/access.json",
                "--junit",
                "HERE/access.xml",
            ],
            Verdict::Fine,
        ),
        (
            vec![
                "export",
                "--format",
                "mermaid",
                "HERE/access.json",
                "--out",
                "HERE/access.mmd",
            ],
            Verdict::Fine,
        ),
        (
            vec![
                "export",
                "--format",
                "junit",
                "FIXTURES/workflows",
                "--out",
                "HERE/sound.xml",
            ],
            Verdict::Fine,
        ),
        (
            vec![
                "export",
                "--format",
                "junit",
                "FIXTURES/invalid",
                "--out",
                "HERE/unsound.xml",
            ],
            Verdict::Defect,
        ),
        (
            vec![
                "export",
                "--format",
                "xes",
                "--cases",
                "5",
                "HERE/access.json",
                "--out",
                "HERE/a.xes",
            ],
            Verdict::Fine,
        ),
        (
            vec![
                "export",
                "--format",
                "xes",
                "--cases",
                "5",
                "HERE/access.json",
                "--out",
                "HERE/b.xes",
            ],
            Verdict::Fine,
        ),
        (
            vec![
                "export",
                "--format",
                "ocel",
                "--cases",
                "5",
                "HERE/access.json",
                "--out",
                "HERE/a.json",
            ],
            Verdict::Fine,
        ),
    ] {
        assert_eq!(simulate(&arguments, here), Ok(verdict), "{arguments:?}");
    }
    assert_eq!(read("a.xes"), read("b.xes"));
    assert!(read("a.json").contains("objectTypes") && read("access.mmd").starts_with("flowchart LR"));
    assert!(!read("sound.xml").contains("<failure ") && read("unsound.xml").contains("<failure "));

    // Names that no directory has: the groups of a foreign process.
    let foreign = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/formats/samples/expense_camunda7.bpmn"
    );
    let mut import = vec!["import", foreign, "--out", "HERE/expense.json"];
    assert_eq!(simulate(&import, here), Ok(Verdict::Fine));
    import.extend(["--directory", "FIXTURES/directory/acme.json"]);
    assert_eq!(simulate(&import, here), Ok(Verdict::Defect));

    let broken = ["import", "HERE/drawn/broken.bpmn", "--out", "HERE/broken.json"];
    std::fs::write(
        here.join("drawn/broken.bpmn"),
        crate::foreign::process("<b:scriptTask id=\"x\"/>"),
    )
    .expect("a file");
    assert_eq!(simulate(&broken, here), Ok(Verdict::Defect));
}

#[test]
fn calls_that_cannot_be_carried_out_say_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, expected) in [
        (
            vec!["export", "--format", "bpmn", "FIXTURES/workflows"],
            "name a folder",
        ),
        (
            vec!["export", "--format", "bpmn", "FIXTURES/invalid/dangling_edge.json"],
            "cannot run",
        ),
        (vec!["export", "--format", "bpmn"], "no definition was named"),
        (vec!["export", "--format", "xes"], "no tickets are named"),
        (vec!["export", "--format", "svg", "x"], "possible values"),
        (
            vec!["export", "--format", "bpmn", "--log", "x"],
            "for the formats xes and ocel",
        ),
        (
            vec!["export", "--format", "xes", "--data", "HERE/none"],
            "there is no log",
        ),
        (vec!["import", "HERE/none.bpmn"], "cannot read"),
        (vec!["import", "FIXTURES/workflows/leave.json"], "cannot be imported"),
        (vec!["shadow", "--candidate", "x"], "--data"),
        (
            vec![
                "shadow",
                "--log",
                "HERE/none",
                "--candidate",
                "FIXTURES/workflows/leave.json",
            ],
            "cannot read",
        ),
        (
            vec!["shadow", "--log", "x", "--data", "y", "--candidate", "z"],
            "cannot be used with",
        ),
    ] {
        let error = simulate(&arguments, folder.path()).expect_err("a refusal");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}
