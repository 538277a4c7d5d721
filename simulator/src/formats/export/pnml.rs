//! A net in PNML (ISO/IEC 15909-2, place/transition nets), with its final marking as ProM and PM4Py read it.
//!
//! Every transition is visible: a log then tells exactly which of them happened. Same net, same bytes.

use std::fmt::Write as _;

use crate::prove::net::Net;

/// The net as PNML.
#[must_use]
pub fn pnml(net: &Net, name: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut line = |text: String| {
        // Writing to a text does not fail.
        let _ = writeln!(out, "{text}");
    };
    line("<pnml xmlns=\"http://www.pnml.org/version-2009/grammar/pnml\">".to_owned());
    line("  <net id=\"net\" type=\"http://www.pnml.org/version-2009/grammar/ptnet\">".to_owned());
    line(format!("    <name><text>{}</text></name>", escaped(name)));
    line("    <page id=\"page\">".to_owned());
    for (idx, place) in net.places.iter().enumerate() {
        let marking = if idx == net.source {
            "<initialMarking><text>1</text></initialMarking>"
        } else {
            ""
        };
        line(format!(
            "      <place id=\"p{idx}\"><name><text>{}</text></name>{marking}</place>",
            escaped(place)
        ));
    }
    for (idx, transition) in net.transitions.iter().enumerate() {
        line(format!(
            "      <transition id=\"t{idx}\"><name><text>{}</text></name></transition>",
            escaped(&transition.label)
        ));
    }
    let mut n_arcs = 0;
    for (idx, transition) in net.transitions.iter().enumerate() {
        let inputs = transition
            .inputs
            .iter()
            .map(|place| (format!("p{place}"), format!("t{idx}")));
        let outputs = transition
            .outputs
            .iter()
            .map(|place| (format!("t{idx}"), format!("p{place}")));
        for (source, target) in inputs.chain(outputs) {
            line(format!(
                "      <arc id=\"a{n_arcs}\" source=\"{source}\" target=\"{target}\"/>"
            ));
            n_arcs += 1;
        }
    }
    line("    </page>".to_owned());
    line(format!(
        "    <finalmarkings><marking><place idref=\"p{}\"><text>1</text></place></marking></finalmarkings>",
        net.sink
    ));
    line("  </net>".to_owned());
    line("</pnml>".to_owned());
    out
}

/// Text within an element; characters that XML has no place for become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}');
            }
            other => out.push(other),
        }
    }
    out
}
