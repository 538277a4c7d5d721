//! Exported diagrams in other engines: BPMN's own token game, played by somebody who knows nothing of ours, hangs
//! nowhere where `check` says sound, unless the export tells.

use std::sync::Arc;

use loonflow_engine::workflow::WorkflowVersion;
use loonflow_simulator::formats::export::bpmn::{bpmn, not_said};
use loonflow_simulator::formats::import::bpmn as foreign_bpmn;
use loonflow_simulator::prove::check::{Options, Outcome, check};
use loonflow_simulator::world::directory_from;
use serde_json::Value as Json;

use loonflow_simulator::hunt::generate::nets::{self, Style};

fn import(document: &str) -> loonflow_simulator::formats::import::Imported {
    foreign_bpmn::bpmn(document.as_bytes(), &foreign_bpmn::Options::default()).expect("a document")
}

/// A document as another tool would read it: without anything of ours in it.
fn foreign(document: &str) -> String {
    let mut text = document.to_owned();
    for word in ["definition", "node", "edge"] {
        let (open, close) = (format!("<loonflow:{word}"), format!("</loonflow:{word}>"));
        while let Some(from) = text.find(&open) {
            let to = from + text[from..].find(&close).expect("it is closed") + close.len();
            text.replace_range(from..to, "");
        }
    }
    for added in ["start", "choice", "join", "pass", "flow"] {
        text = text.replace(&format!(" loonflow:added=\"{added}\""), "");
    }
    text
}

/// What BPMN's own token game finds in an export, read by somebody who knows only BPMN.
fn stuck_in_bpmn(version: &WorkflowVersion) -> Vec<String> {
    let imported = import(&foreign(&bpmn(version, false)));
    let codes = ["stuck_in_bpmn", "twice_in_bpmn", "not_played"];
    let found = imported.findings.into_iter().filter(|one| codes.contains(&one.code));
    found.map(|one| one.to_string()).collect()
}

/// A branch brings one token to its merge, whichever of its ways it comes by.
#[test]
fn a_branch_with_two_ways_into_a_merge_does_not_hang_elsewhere() {
    let source: Json = serde_json::from_str(include_str!("cases/two_ways_into_a_merge.json")).expect("JSON");
    let version = WorkflowVersion::load(&source).expect("it can be published");
    assert_eq!(stuck_in_bpmn(&version), Vec::<String>::new());
    assert_eq!(not_said(&version), Vec::<String>::new());
    let again = import(&bpmn(&version, true));
    assert_eq!(again.definition, source);

    // One branch goes on within the other: no diagram says that, so it is told.
    let mut jumping = source.clone();
    let edges = jumping["process_schema"]["edge_info_list"]
        .as_array_mut()
        .expect("edges");
    let remarks = edges
        .iter_mut()
        .find(|one| one["id"] == "legal_remarks")
        .expect("an edge");
    remarks["target_node_id"] = "tech".into();
    let told = not_said(&WorkflowVersion::load(&jumping).expect("it can be published"));
    assert!(
        told.len() == 1 && told[0].contains("`legal_remarks` leads to `tech` of the fork of `split`, where another"),
        "{told:?}"
    );
}

/// Definitions of every shape: whatever an export does not tell of, other engines can run.
#[test]
fn sound_definitions_do_not_hang_elsewhere() {
    let directory_source = nets::directory();
    let directory = directory_from(&directory_source).expect("a directory");
    let options = Options {
        absent: 0,
        ..Options::default()
    };
    let (mut n_asked, mut n_told) = (0, 0);
    for seed in 0..300 {
        let style = Style {
            is_plain: true,
            is_wide: false,
            n_blocks: 4 + seed as usize % 9,
            n_changes: seed as usize % 10,
        };
        let (source, version) = nets::loadable(seed, style);
        let version = Arc::new(version);
        if check(&version, &directory, &directory_source, &options).outcome != Outcome::Sound {
            continue;
        }
        n_asked += 1;
        let (stuck, told) = (stuck_in_bpmn(&version), not_said(&version));
        n_told += usize::from(!told.is_empty());
        assert!(stuck.is_empty() || !told.is_empty(), "seed {seed}: {stuck:?}\n{source}");
    }
    assert!(n_asked > 60 && n_told < n_asked / 2, "{n_asked} asked, {n_told} told");
}
