//! Tickets as an XES 1.0 log (IEEE 1849): one trace per ticket, for tools that mine processes.

use super::history::{Activities, History, LogEvent};
use crate::formats::xml::XmlWriter;

/// The standard extensions that attributes below belong to.
const EXTENSIONS: [(&str, &str); 4] = [
    ("Concept", "concept"),
    ("Time", "time"),
    ("Organizational", "org"),
    ("Lifecycle", "lifecycle"),
];

/// The log; traces in the order given.
#[must_use]
pub fn xes(histories: &[History], activities: Activities) -> String {
    xes_named(histories, activities, &|_| None)
}

/// The log, with other names of a ticket's events where `names` has one for each: so a net that tells copies of one
/// edge apart can name them as it does.
#[must_use]
pub fn xes_named(
    histories: &[History],
    activities: Activities,
    names: &dyn Fn(&History) -> Option<Vec<String>>,
) -> String {
    let mut xml = XmlWriter::new();
    xml.open(
        "log",
        &[
            ("xes.version", "1.0"),
            ("xes.features", ""),
            ("xmlns", "http://www.xes-standard.org/"),
        ],
    );
    for (name, prefix) in EXTENSIONS {
        let uri = format!("http://www.xes-standard.org/{prefix}.xesext");
        xml.empty("extension", &[("name", name), ("prefix", prefix), ("uri", &uri)]);
    }
    xml.open("global", &[("scope", "trace")]);
    text(&mut xml, "concept:name", "unknown");
    xml.close();
    xml.open("global", &[("scope", "event")]);
    text(&mut xml, "concept:name", "unknown");
    text(&mut xml, "lifecycle:transition", "complete");
    xml.empty(
        "date",
        &[("key", "time:timestamp"), ("value", "1970-01-01T00:00:00.000Z")],
    );
    xml.close();
    xml.empty("classifier", &[("name", "Activity"), ("keys", "concept:name")]);
    text(&mut xml, "lifecycle:model", "standard");
    for history in histories {
        let mut events = history.events(activities);
        if let Some(names) = names(history).filter(|names| names.len() == events.len()) {
            for (event, name) in events.iter_mut().zip(names) {
                event.activity = name;
            }
        }
        trace(&mut xml, history, &events);
    }
    xml.finish()
}

fn trace(xml: &mut XmlWriter, history: &History, events: &[LogEvent]) {
    xml.open("trace", &[]);
    text(xml, "concept:name", &history.ticket.to_string());
    text(xml, "loonflow:tenant", history.tenant.as_str());
    text(xml, "loonflow:workflow", history.workflow.as_str());
    text(xml, "loonflow:version", history.version_name.as_str());
    text(xml, "loonflow:creator", history.creator.as_str());
    if let Some(parent) = history.parent {
        text(xml, "loonflow:parent", &parent.to_string());
    }
    for event in events {
        xml.open("event", &[]);
        text(xml, "concept:name", &event.activity);
        text(xml, "org:resource", &event.by);
        text(xml, "lifecycle:transition", "complete");
        let at = event.at.to_rfc3339();
        xml.empty("date", &[("key", "time:timestamp"), ("value", &at)]);
        if let Some(node) = &event.node {
            text(xml, "loonflow:node", node.as_str());
        }
        if let Some(name) = &event.name {
            text(xml, "loonflow:name", name);
        }
        xml.close();
    }
    xml.close();
}

fn text(xml: &mut XmlWriter, key: &str, value: &str) {
    xml.empty("string", &[("key", key), ("value", value)]);
}
