//! Documents that nobody's tool writes: each ends in a sentence or in findings, never in a panic, and soon.

use loonflow_simulator::formats::export::bpmn::bpmn as export;
use loonflow_simulator::formats::import::bpmn::{BOUNDS, Options, bpmn};
use proptest::prelude::*;

use crate::fixtures::{source, version};
use crate::foreign::process;

fn refused(document: &[u8], expected: &str) {
    let error = bpmn(document, &Options::default()).expect_err("a refusal");
    let sentence = format!("{error:#}");
    assert!(sentence.contains(expected), "{sentence}");
    assert!(sentence.len() < 2_000, "{} bytes of sentence", sentence.len());
}

#[test]
fn bombs_and_strangers_are_refused() {
    let laughs: String = (1..20)
        .map(|n| format!("<!ENTITY l{n} \"&l{};&l{};\">", n - 1, n - 1))
        .collect();
    let bomb = format!("<!DOCTYPE d [<!ENTITY l0 \"lol\">{laughs}]>{}", process("&l19;"));
    refused(bomb.as_bytes(), "document type");
    refused(b"<!DOCTYPE d SYSTEM \"file:///etc/hostname\"><d/>", "document type");
    refused(process("<b:startEvent id=\"&x;\"/>").as_bytes(), "x");
    refused(b"", "no element");
    refused(b"\xFF\xFE<\0a\0", "UTF-8");
    refused(b"{\"basic_info\": {}}", "root element");
    refused(
        b"<html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "begins with `definitions`",
    );
    refused(process("").as_bytes(), "nothing to import");
    refused(process("<b:nonsense/>").as_bytes(), "nothing to import");
    refused(&vec![b' '; 10 << 20], "no element");
    refused(&vec![b' '; 20 << 20], "bytes");
}

#[test]
fn bounds_hold() {
    refused(process(&"<b:startEvent>".repeat(100)).as_bytes(), "nested deeper");
    refused(process(&"<b:x/>".repeat(BOUNDS.n_elements + 1)).as_bytes(), "elements");
    refused(process(&"<b:userTask/>".repeat(2_001)).as_bytes(), "2001 flow nodes");
    refused(process(&"<b:task/>".repeat(100_000)).as_bytes(), "100000 flow nodes");
    let attributes: String = (0..100).map(|n| format!(" a{n}=\"\"")).collect();
    refused(process(&format!("<b:userTask{attributes}/>")).as_bytes(), "attributes");
    // More findings than are kept.
    let many = process(&"<b:userTask/>".repeat(1_100));
    let imported = bpmn(many.as_bytes(), &Options::default()).expect("a process");
    assert!(imported.findings.len() <= 1_001);
    assert!(imported.findings.iter().any(|one| one.code == "too_many_findings"));
    // And one long line of gateways.
    let gateways: String = (0..999)
        .map(|n| {
            format!(
                "<b:exclusiveGateway id=\"g{n}\"/><b:sequenceFlow id=\"f{n}\" sourceRef=\"g{n}\" targetRef=\"g{}\"/>",
                n + 1
            )
        })
        .collect();
    let line = process(&format!("{gateways}<b:exclusiveGateway id=\"g999\"/>"));
    assert!(bpmn(line.as_bytes(), &Options::default()).is_ok());
}

#[test]
fn crooked_graphs_are_told() {
    let flow = |id: &str, from: &str, to: &str| {
        format!("<b:sequenceFlow id=\"{id}\" sourceRef=\"{from}\" targetRef=\"{to}\"/>")
    };
    for (inside, expected) in [
        // Gateways that lead round to one another.
        (
            format!(
                "<b:startEvent id=\"s\"/><b:exclusiveGateway id=\"a\"/><b:exclusiveGateway id=\"b\"/>{}{}{}",
                flow("1", "s", "a"),
                flow("2", "a", "b"),
                flow("3", "b", "a")
            ),
            "no_way_to_end",
        ),
        // A task that leads to itself only.
        (
            format!(
                "<b:startEvent id=\"s\"/><b:userTask id=\"a\"/>{}{}",
                flow("1", "s", "a"),
                flow("2", "a", "a")
            ),
            "no_way_to_end",
        ),
        // Nothing to begin with.
        (
            format!("<b:userTask id=\"a\"/>{}", flow("1", "a", "a")),
            "no_start_node",
        ),
        // Start and end only.
        (
            format!("<b:startEvent id=\"s\"/>{}", flow("1", "s", "s")),
            "no_way_to_end",
        ),
        // A node apart.
        (
            format!(
                "<b:startEvent id=\"s\"/><b:userTask id=\"a\"/><b:endEvent id=\"e\"/>{}",
                flow("1", "s", "e")
            ),
            "unreachable_node",
        ),
    ] {
        let imported = bpmn(process(&inside).as_bytes(), &Options::default()).expect("findings");
        assert!(!imported.is_whole());
        let found: Vec<&str> = imported.problems.iter().map(|one| one.code).collect();
        assert!(found.contains(&expected), "{inside}: {found:?}");
    }
    refused(
        process("<b:userTask id=\"a\"/><b:userTask id=\"a\"/>").as_bytes(),
        "two elements have the id `a`",
    );
    refused(
        process(&format!(
            "<b:userTask id=\"a\"/>{}{}",
            flow("1", "a", "a"),
            flow("1", "a", "a")
        ))
        .as_bytes(),
        "two elements have the id `1`",
    );
}

#[test]
fn extensions_of_ours_that_were_tampered_with_are_told() {
    let document = export(&version(&source("leave")), true);
    let torn = document
        .replacen("{\"advanced", "{advanced", 1)
        .replace("id=\"approve\" type=\"normal\"", "id=\"start\" type=\"start\"");
    let imported = bpmn(torn.as_bytes(), &Options::default()).expect("findings");
    assert!(imported.findings.iter().any(|one| one.code == "extension_unreadable"));
    let nodes = imported.definition["process_schema"]["node_info_list"]
        .as_array()
        .expect("nodes");
    let ids: std::collections::BTreeSet<&str> = nodes.iter().filter_map(|node| node["id"].as_str()).collect();
    assert_eq!(ids.len(), nodes.len(), "an id stands twice");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = bpmn(&bytes, &Options::default());
    }

    /// Documents of others and of ours with pieces cut out, doubled and swapped.
    #[test]
    fn torn_documents_end_in_an_answer(which in 0usize..3, cuts in prop::collection::vec((any::<u16>(), any::<u16>(), 0u8..4), 1..6)) {
        let mut text = match which {
            0 => include_str!("samples/expense_camunda7.bpmn").to_owned(),
            1 => include_str!("samples/hire_camunda8.bpmn").to_owned(),
            _ => export(&version(&source("access")), true),
        };
        for (at, length, how) in cuts {
            // Between lines or elements, so that much of it stays well formed.
            let pieces: Vec<&str> = text.split_inclusive('>').collect();
            let from = usize::from(at) % pieces.len();
            let to = (from + usize::from(length) % 4).min(pieces.len());
            let (before, piece, after) = (pieces[..from].concat(), pieces[from..to].concat(), pieces[to..].concat());
            text = match how {
                0 => format!("{before}{after}"),
                1 => format!("{before}{piece}{piece}{after}"),
                2 => format!("{before}{}{after}", piece.replace('"', "")),
                _ => format!("{before}{}{after}", piece.replace("id=\"", "id=\"x")),
            };
        }
        if let Ok(imported) = bpmn(text.as_bytes(), &Options::default()) {
            let _ = imported.to_json();
        }
    }
}
