//! Whatever was stored, and whenever the process died: the lists are those of a fold of the whole log.

use std::collections::HashMap;
use std::sync::Arc;

use loonflow_storage::{Commit, MemoryLog};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::TicketId;
use crate::runtime::projection::read;
use crate::runtime::streams;
use crate::runtime::unreadable::Unreadables;
use crate::ticket::event::{Event, Meta, Processor, TicketCreated};
use crate::ticket::{Ticket, apply};
use crate::time::Timestamp;

const TENANTS: [&str; 2] = ["acme", "globex"];

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// A commit of one of few tickets: its creation, or a change of it.
    Write { ticket: u8, change: u8 },
    /// One segment is stored, and no more.
    StoreSegment,
    /// Everything that changed is stored.
    Store,
    /// The process dies and starts again.
    Restart,
    /// The same, and the last store of some segment is lost with the power.
    LoseSegment(u8),
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..20_u8, 0..4_u8).prop_map(|(ticket, change)| Step::Write { ticket, change }),
        3 => Just(Step::StoreSegment),
        1 => Just(Step::Store),
        1 => Just(Step::Restart),
        1 => (0..8_u8).prop_map(Step::LoseSegment),
    ]
}

fn tenant_of(ticket: u8) -> TenantId {
    TENANTS[usize::from(ticket) % TENANTS.len()].into()
}

fn id_of(ticket: u8) -> TicketId {
    TicketId(uuid::Uuid::from_u128(ticket.into()))
}

/// Events of a step, and when: creations come in no order of their times.
fn events_of(ticket: u8, change: u8, is_there: bool) -> (Meta, Vec<Event>) {
    let at = Timestamp(i64::from(ticket.wrapping_mul(7) % 5));
    let meta = Meta {
        at,
        by: Processor::System,
        app: None,
        access_token: None,
    };
    let title = Event::TitleChanged {
        title: format!("title {ticket} {change}"),
    };
    let events = match (is_there, change) {
        (false, _) => vec![
            Event::TicketCreated(Box::new(TicketCreated {
                ticket_id: id_of(ticket),
                tenant_id: tenant_of(ticket),
                workflow_id: "w".into(),
                version_name: "1".into(),
                start: "start".into(),
                creator: "ann".into(),
                app: "loonflow".into(),
                parent: None,
                cc: Vec::new(),
            })),
            title,
        ],
        (true, 0) => vec![Event::Discarded],
        (true, 1) => vec![Event::InterventionEnded, title],
        (true, _) => vec![title],
    };
    (meta, events)
}

/// A life of the process over a log.
fn lists_over(log: &MemoryLog) -> TicketLists {
    let lists = TicketLists::new(Arc::new(Unreadables::default()));
    lists.restore(log).unwrap();
    let mut tenant_of = known_tenants(&lists);
    fold(
        &lists,
        &log.read_all(lists.position(), usize::MAX).unwrap(),
        &mut tenant_of,
    );
    lists
}

fn fold(lists: &TicketLists, commits: &[Arc<Commit>], tenant_of: &mut HashMap<String, TenantId>) {
    let read = commits.iter().filter_map(|commit| read(commit, tenant_of).unwrap());
    let read: Vec<_> = read.collect();
    if let Some(last) = commits.last() {
        lists.fold(&read, last.position);
    }
}

fn known_tenants(lists: &TicketLists) -> HashMap<String, TenantId> {
    let tenants = lists.tenants().into_iter();
    tenants.map(|tenant| (tenant.as_str().to_owned(), tenant)).collect()
}

fn shown(lists: &TicketLists) -> Vec<Vec<u8>> {
    let encoded = TENANTS.map(|tenant| lists.ask(&tenant.into(), TenantIndex::encode));
    encoded.into_iter().map(Option::unwrap_or_default).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn lists_equal_a_fold_of_the_log(steps in vec(a_step(), 0..60)) {
        check(&steps)?;
    }
}

/// An older segment was taken for the newer one, as both spoke for the same position of the log.
#[test]
fn a_segment_that_was_lost_is_noticed() {
    let write = |ticket| Step::Write { ticket, change: 0 };
    let steps = [
        write(7),
        write(5),
        Step::Store,
        write(0),
        write(9),
        write(5),
        write(1),
        Step::StoreSegment,
        Step::StoreSegment,
        Step::Restart,
        Step::Store,
        Step::LoseSegment(0),
    ];
    check(&steps).unwrap();
}

/// Segments of a fold from the start were taken for those that the page of an earlier one spoke of.
#[test]
fn segments_of_another_fold_are_noticed() {
    let write = |ticket| Step::Write { ticket, change: 0 };
    let steps = [
        write(0),
        write(0),
        Step::StoreSegment,
        write(2),
        write(6),
        write(12),
        Step::Store,
        Step::LoseSegment(0),
        Step::StoreSegment,
        Step::Restart,
    ];
    check(&steps).unwrap();
}

/// After each step the lists are what a fold of the whole log makes.
fn check(steps: &[Step]) -> Result<(), TestCaseError> {
    let log = MemoryLog::new();
    let mut lists = lists_over(&log);
    let mut tickets: HashMap<u8, Ticket> = HashMap::new();
    let mut before_last: HashMap<String, Option<Checkpoint>> = HashMap::new();
    let mut last: HashMap<String, Checkpoint> = HashMap::new();
    for step in steps {
        match step {
            Step::Write { ticket, change } => {
                let before = tickets.remove(ticket);
                let (meta, events) = events_of(*ticket, *change, before.is_some());
                if before.as_ref().is_some_and(|before| before.is_discarded) {
                    tickets.extend(before.map(|before| (*ticket, before)));
                    continue;
                }
                let version = before.as_ref().map_or(0, |before| before.version);
                let stream = streams::ticket(&tenant_of(*ticket), id_of(*ticket));
                let head = log
                    .append_now(streams::ticket_commit(stream, version, &meta, &events))
                    .unwrap();
                let after = events.iter().fold(before, |before, event| apply(before, event, &meta));
                tickets.extend(after.map(|after| (*ticket, after)));
                fold(
                    &lists,
                    &log.read_all(head.position - 1, 1).unwrap(),
                    &mut known_tenants(&lists),
                );
            }
            Step::StoreSegment => {
                lists.store_segment(&log, lists.position()).unwrap();
            }
            Step::Store => lists.store(&log, &|| false).unwrap(),
            Step::Restart => lists = lists_over(&log),
            Step::LoseSegment(segment) => {
                let name = segment_name(u32::from(segment % 2), u32::from(segment / 2));
                if let Some(Some(older)) = before_last.get(&name) {
                    log.put_checkpoint(&name, older).unwrap();
                }
                lists = lists_over(&log);
            }
        }
        for number in 0..8 {
            let name = segment_name(number % 2, number / 2);
            let Some(now) = log.checkpoint(&name).unwrap() else {
                continue;
            };
            if last.get(&name) != Some(&now) {
                before_last.insert(name.clone(), last.insert(name, now));
            }
        }
        let whole = TicketLists::new(Arc::new(Unreadables::default()));
        fold(&whole, &log.read_all(0, usize::MAX).unwrap(), &mut HashMap::new());
        prop_assert_eq!(shown(&lists), shown(&whole));
        prop_assert!(lists.unreadable.all().is_empty(), "{:?}", lists.unreadable.all());
    }
    Ok(())
}
