//! Timer node: waits for an instant (semantics: timers).

use serde_json::Value as Json;

use crate::id::FieldKey;
use crate::workflow::definition::reader::{Place, Reader};
use crate::workflow::form::{ComponentKind, Form};
use crate::workflow::node::{Leaving, Node, NodeKind, Rule};
use crate::workflow::problem::Problem;

pub(super) const RULE: Rule = Rule {
    word: "timer",
    keys: &["duration", "until_field"],
    leaving: Leaving::OnlyWay,
    read: |reader, props, place| NodeKind::Timer(read(reader, props, place)),
    check: |_, _, _| {},
    check_fields,
};

/// When a timer is due.
#[derive(Clone, Debug)]
pub enum TimerProps {
    /// So long after it was entered.
    Duration(jiff::Span),
    /// At the instant in a date or datetime field; at once where it is empty or past.
    UntilField(FieldKey),
}

fn read(reader: &mut Reader, props: &Json, place: &Place) -> TimerProps {
    let duration = reader.text(props, "duration", place);
    let until = reader.text(props, "until_field", place);
    match (duration.trim(), until.trim()) {
        ("", "") => {
            reader.error(
                "timer_without_duration",
                place,
                "does not say how long: give `duration` (`PT2H`) or `until_field`",
            );
            TimerProps::Duration(jiff::Span::new())
        }
        ("", until) => TimerProps::UntilField(FieldKey::from(until)),
        (duration, _) => TimerProps::Duration(span(duration).unwrap_or_else(|| {
            let sentence = format!("has the duration `{duration}`: write ISO 8601, for instance `PT2H` or `P3D`");
            reader.error("bad_duration", place, &sentence);
            jiff::Span::new()
        })),
    }
}

/// An ISO 8601 duration that is not negative and not longer than a century: a sum of dates stays within the range.
pub(super) fn span(text: &str) -> Option<jiff::Span> {
    let span: jiff::Span = text.strip_prefix(['P', 'p']).and_then(|_| text.parse().ok())?;
    let hours = span.to_duration(jiff::civil::date(2000, 1, 1)).ok()?.as_hours();
    (0..=100 * 366 * 24).contains(&hours).then_some(span)
}

fn check_fields(node: &Node, form: &Form, problems: &mut Vec<Problem>) {
    if let NodeKind::Timer(TimerProps::UntilField(key)) = &node.kind {
        let kinds = [ComponentKind::Date, ComponentKind::Datetime];
        problems.extend(node.looks_at(form, key, &kinds, "not_a_date_field"));
    }
}
