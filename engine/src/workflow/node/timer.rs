//! Timer node: waits for an instant (semantics: timers).

use serde_json::Value as Json;

use crate::calendar::Budget;
use crate::id::{CalendarId, FieldKey};
use crate::workflow::definition::reader::{Place, Reader};
use crate::workflow::form::{ComponentKind, Form};
use crate::workflow::node::{Leaving, Node, NodeKind, Rule};
use crate::workflow::problem::Problem;

pub(super) const RULE: Rule = Rule {
    word: "timer",
    keys: &["duration", "until_field", "calendar"],
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
    /// So much working time after it was entered.
    Budget {
        /// How much.
        budget: Budget,
        /// By which calendar of the tenant.
        calendar: CalendarId,
    },
    /// At the instant in a date or datetime field; at once where it is empty or past.
    UntilField(FieldKey),
}

fn read(reader: &mut Reader, props: &Json, place: &Place) -> TimerProps {
    let [duration, until, calendar] = ["duration", "until_field", "calendar"].map(|key| reader.text(props, key, place));
    match (duration.trim(), until.trim(), calendar.trim()) {
        ("", "", _) => {
            reader.error(
                "timer_without_duration",
                place,
                "does not say how long: give `duration` (`PT2H`) or `until_field`",
            );
            TimerProps::Duration(jiff::Span::new())
        }
        ("", until, calendar) => {
            if !calendar.is_empty() {
                let sentence = format!(
                    "has the calendar `{calendar}`, by which a `duration` is counted, and has none: give one in place of \
                     `until_field`, or leave `calendar` out"
                );
                reader.error("calendar_without_duration", place, &sentence);
            }
            TimerProps::UntilField(FieldKey::from(until))
        }
        (duration, until, calendar) => {
            if !until.is_empty() {
                let sentence = format!(
                    "has both `duration` and `until_field`, and waits for `{duration}`: leave out the one that is not meant"
                );
                reader.warning("timer_with_both", place, &sentence);
            }
            if calendar.is_empty() {
                TimerProps::Duration(span_of(reader, duration, place))
            } else {
                budget_of(reader, duration, calendar, place)
            }
        }
    }
}

fn span_of(reader: &mut Reader, duration: &str, place: &Place) -> jiff::Span {
    span(duration).unwrap_or_else(|| {
        let sentence = format!("has the duration `{duration}`: write ISO 8601, for instance `PT2H` or `P3D`");
        reader.error("bad_duration", place, &sentence);
        jiff::Span::new()
    })
}

/// A version that was published when nothing read `calendar` may have one beside a duration that is no budget: it goes on
/// without it.
fn budget_of(reader: &mut Reader, duration: &str, calendar: &str, place: &Place) -> TimerProps {
    match Budget::parse(duration) {
        Some(budget) => TimerProps::Budget {
            budget,
            calendar: calendar.into(),
        },
        None => {
            let sentence = format!(
                "has the duration `{duration}` by a calendar: write days, hours, minutes and seconds in ISO 8601, for \
                 instance `PT16H` or `P3D`, or leave `calendar` out"
            );
            reader.error("bad_duration", place, &sentence);
            TimerProps::Duration(span(duration).unwrap_or_default())
        }
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
