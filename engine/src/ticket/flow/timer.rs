//! Timer node: when it is due is an event; who fires it is the effects runner (semantics: timers, effects).
//!
//! A duration counts from the entry in the tenant's time zone, so that a day is a calendar day; by a calendar it is a
//! budget of working time, and due at the last instant that is looked at where that is never spent. A date field is due
//! at its first instant. A field without a value, or one that cannot be read, is due at once: a token never waits
//! for an instant that cannot come.

use crate::ticket::decision::Decision;
use crate::ticket::event::Event;
use crate::ticket::token::Token;
use crate::time::Timestamp;
use crate::workflow::TimerProps;

pub(super) fn enter(decision: &mut Decision<'_>, token: &Token, props: &TimerProps) {
    let now = decision.context.now;
    let zone = decision.context.directory.zone();
    let due = match props {
        TimerProps::Duration(span) => now.plus_span(span, zone),
        TimerProps::Budget { budget, calendar } => {
            let working = decision.context.directory.working_time(Some(calendar));
            working.due_at_last(now, budget.ms(working))
        }
        TimerProps::UntilField(key) => {
            let value = decision.ticket.value_of(key, &decision.context.workflow.form);
            value
                .as_ref()
                .and_then(|value| value.as_text())
                .and_then(|text| Timestamp::parse(text, zone))
                .unwrap_or(now)
        }
    };
    decision.emit(Event::TimerSet {
        token: token.id,
        node: token.node.clone(),
        due,
    });
}
