//! Every list equals a filter over all tickets, under random commits; and cases for what people see.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use self::random::{Commit, a_commit, a_query, a_viewer};
use super::*;
use crate::codec::CodecError;
use crate::id::TokenId;
use crate::text::{folded, is_blank};
use crate::ticket::event::TicketCreated;
use crate::ticket::{Ballot, Event, Meta, Processor, Rest};
use crate::workflow::Approval;

mod random;

const VERSIONS: [(&str, &str); 3] = [("leave", "v1"), ("leave", "v2"), ("buy", "v1")];

fn id(number: u8) -> TicketId {
    TicketId(uuid::Uuid::from_u128(number.into()))
}

fn user(number: u8) -> UserId {
    ["ann", "bob", "cy", "dee"][usize::from(number) % 4].into()
}

fn node(number: u8) -> NodeId {
    ["start", "review", "end"][usize::from(number) % 3].into()
}

fn version(number: usize) -> (WorkflowId, VersionName) {
    let (workflow, version) = VERSIONS[number % VERSIONS.len()];
    (workflow.into(), version.into())
}

fn meta(at: i64, by: UserId) -> Meta {
    Meta {
        at: Timestamp(at),
        by: Processor::User(by),
        app: None,
        access_token: None,
    }
}

fn created(ticket: u8, creator: UserId, on: usize, parent: Option<u8>, cc: Vec<UserId>) -> Event {
    let (workflow_id, version_name) = version(on);
    Event::TicketCreated(Box::new(TicketCreated {
        ticket_id: id(ticket),
        tenant_id: "acme".into(),
        workflow_id,
        version_name,
        start: "start".into(),
        creator,
        app: "loonflow".into(),
        parent: parent.map(|parent| (id(parent), "start".into())),
        cc,
    }))
}

fn titled(title: impl Into<String>) -> Event {
    Event::TitleChanged { title: title.into() }
}

fn entered(at: NodeId, rest: Rest) -> Event {
    Event::NodeEntered {
        token: TokenId(1),
        node: at,
        rest,
        pool: None,
        remembered: false,
    }
}

/// Folds commits, and the same tickets with their fields as a plain map.
fn folded_from(commits: &[Commit]) -> (TenantIndex, BTreeMap<TicketId, Ticket>) {
    let (mut index, mut tickets) = (TenantIndex::new(), BTreeMap::<TicketId, Ticket>::new());
    for (ticket, meta, events) in commits {
        let is_there = tickets.contains_key(&id(*ticket));
        if is_there && matches!(events[0], Event::TicketCreated(_)) {
            // No log has a second creation.
            continue;
        }
        index.fold(id(*ticket), meta, events);
        let before = tickets.remove(&id(*ticket));
        let after = events
            .iter()
            .fold(before, |ticket, event| crate::ticket::apply(ticket, event, meta));
        tickets.extend(after.map(|after| (after.id, after)));
    }
    (index, tickets)
}

/// Whether somebody may view a ticket, as the semantics say it.
fn may_view(ticket: &Ticket, viewer: &Viewer) -> bool {
    let on = (ticket.workflow_id.clone(), ticket.version_name.clone());
    let may_view = if ticket.act_state == ActState::InDraft {
        ticket.creator == viewer.user
    } else {
        ticket.is_related(&viewer.user) || viewer.view.contains(&on)
    };
    !ticket.is_discarded && may_view && viewer.allowed.contains(&on)
}

/// Whether a list shows a ticket, as the semantics say it.
fn is_shown(tickets: &BTreeMap<TicketId, Ticket>, ticket: &Ticket, query: &ListQuery, viewer: &Viewer) -> bool {
    let on = (ticket.workflow_id.clone(), ticket.version_name.clone());
    let is_child = |asked: TicketId| {
        let parent = ticket.parent.as_ref().and_then(|(parent, _)| tickets.get(parent));
        parent.is_some_and(|parent| parent.id == asked && may_view(parent, viewer))
    };
    let is_of_category = match query.category {
        Category::Duty => ticket
            .tokens
            .iter()
            .any(|token| token.rest.waiting_for().contains(&viewer.user)),
        Category::Owner => ticket.creator == viewer.user,
        Category::Relation => ticket.is_related(&viewer.user),
        Category::Worked => ticket.processed.contains(&viewer.user),
        Category::View => viewer.view.contains(&on),
        Category::Intervene => viewer.intervene.contains(&on),
        Category::All => viewer.is_tenant_admin,
    };
    let is_on = |nodes: &BTreeSet<NodeId>| ticket.tokens.iter().any(|token| nodes.contains(&token.node));
    may_view(ticket, viewer)
        && is_of_category
        && query.created_from.is_none_or(|from| ticket.created_at >= from)
        && query.created_to.is_none_or(|to| ticket.created_at <= to)
        && (query.workflow_ids.is_empty() || query.workflow_ids.contains(&ticket.workflow_id))
        && (query.node_ids.is_empty() || is_on(&query.node_ids))
        && query.ticket_ids.as_ref().is_none_or(|ids| ids.contains(&ticket.id))
        && query.act_state.is_none_or(|state| ticket.act_state == state)
        && query
            .creator_id
            .as_ref()
            .is_none_or(|creator| ticket.creator == *creator)
        && query.parent_ticket_id.is_none_or(is_child)
        && (is_blank(&query.search) || folded(&ticket.title).contains(&folded(&query.search)))
}

fn naive(tickets: &BTreeMap<TicketId, Ticket>, query: &ListQuery, viewer: &Viewer) -> ListPage {
    let mut found: Vec<&Ticket> = tickets
        .values()
        .filter(|ticket| is_shown(tickets, ticket, query, viewer))
        .collect();
    found.sort_by_key(|ticket| (ticket.created_at, ticket.id));
    if query.newest_first {
        found.reverse();
    }
    let pages: Vec<&[&Ticket]> = found.chunks(query.per_page as usize).collect();
    let page = query.page.clamp(1, (pages.len() as u32).max(1));
    let card = |ticket: &&Ticket| Arc::new(as_listed(ticket));
    let rows = || pages.get(page as usize - 1).into_iter().copied().flatten();
    let parents = rows().filter_map(|ticket| tickets.get(&ticket.parent.as_ref()?.0));
    ListPage {
        parents: parents
            .filter(|parent| may_view(parent, viewer))
            .map(|parent| parent.id)
            .collect(),
        tickets: rows().map(card).collect(),
        page,
        per_page: query.per_page,
        total: found.len() as u64,
        has_more: (page as usize) < pages.len(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn lists_equal_a_filter_over_all_tickets(
        commits in vec(a_commit(), 0..40),
        asked in vec((a_query(), a_viewer()), 8),
    ) {
        let (index, tickets) = folded_from(&commits);
        let decoded = TenantIndex::decode(&index.encode()).unwrap();
        for (query, viewer) in &asked {
            let expected = naive(&tickets, query, viewer);
            prop_assert_eq!(&index.query(query, viewer), &expected);
            prop_assert_eq!(&decoded.query(query, viewer), &expected);
        }
        let live: Vec<&Ticket> = tickets.values().filter(|ticket| !ticket.is_discarded).collect();
        prop_assert_eq!(index.len(), live.len());
        let versions = live.iter().map(|ticket| (ticket.workflow_id.clone(), ticket.version_name.clone()));
        prop_assert_eq!(index.versions(), versions.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(decoded.encode(), index.encode());
        // Nothing is left behind of what tickets once were: with no gaps, both have the very same bitmaps.
        if index.n_ordinals() == index.len() as u64 {
            prop_assert_eq!(index.memberships(), decoded.memberships());
            prop_assert_eq!(index.titles(), decoded.titles());
            prop_assert_eq!(index.live(), decoded.live());
        }
    }
}

/// Ann's tickets 1 to `n` at instants 10, 20, …, under way at review with bob, titled `request <number>`.
fn requests(n: u8) -> TenantIndex {
    let mut index = TenantIndex::new();
    for ticket in 1..=n {
        let events = [
            created(ticket, user(0), 0, None, Vec::new()),
            titled(format!("Request {ticket}")),
            entered(node(1), Rest::held(vec![user(1)])),
            Event::StateChanged { to: ActState::OnGoing },
        ];
        index.fold(id(ticket), &meta(i64::from(ticket) * 10, user(0)), &events);
    }
    index
}

fn viewer(user: UserId) -> Viewer {
    let allowed = BTreeSet::from([version(0), version(1), version(2)]);
    Viewer {
        user,
        is_tenant_admin: false,
        view: BTreeSet::new(),
        intervene: BTreeSet::new(),
        allowed,
    }
}

fn numbers(page: &ListPage) -> Vec<u128> {
    page.tickets.iter().map(|ticket| ticket.id.0.as_u128()).collect()
}

#[test]
fn pages_are_read_off_both_ends() {
    let index = requests(7);
    let page = |newest_first, page| {
        let query = ListQuery {
            newest_first,
            page,
            per_page: 3,
            ..ListQuery::default()
        };
        let found = index.query(&query, &viewer(user(1)));
        assert_eq!(found.total, 7);
        (numbers(&found), found.page, found.has_more)
    };
    assert_eq!(page(true, 1), (vec![7, 6, 5], 1, true));
    assert_eq!(page(true, 3), (vec![1], 3, false));
    assert_eq!(page(true, 99), (vec![1], 3, false));
    assert_eq!(page(false, 0), (vec![1, 2, 3], 1, true));
    assert_eq!(page(false, 2), (vec![4, 5, 6], 2, true));
    assert_eq!(page(false, u32::MAX), (vec![7], 3, false));
    let nothing = index.query(&ListQuery::default(), &viewer(user(2)));
    assert_eq!((nothing.total, nothing.page, nothing.has_more), (0, 1, false));
}

#[test]
fn searches_use_runs_where_there_are_many_tickets() {
    let index = requests(250);
    for (search, total) in [
        ("REQUEST", 250),
        ("t 24", 11),
        ("24", 13),
        ("9", 43),
        ("quest 7", 11),
        ("request 250", 1),
        ("request 251", 0),
        ("zz", 0),
        ("tt", 0),
        ("250 ", 0),
        ("  ", 250),
        ("", 250),
    ] {
        let query = ListQuery {
            search: search.to_owned(),
            ..ListQuery::default()
        };
        assert_eq!(index.query(&query, &viewer(user(1))).total, total, "{search}");
    }
}

#[test]
fn drafts_are_their_creators_alone() {
    let mut index = requests(2);
    index.fold(id(9), &meta(5, user(0)), &[created(9, user(0), 2, None, vec![user(1)])]);
    let all = |user, is_tenant_admin| {
        let viewer = Viewer {
            is_tenant_admin,
            view: BTreeSet::from([version(0), version(2)]),
            ..viewer(user)
        };
        let list = |category| {
            let query = ListQuery {
                category,
                newest_first: false,
                ..ListQuery::default()
            };
            numbers(&index.query(&query, &viewer))
        };
        (list(Category::All), list(Category::View), list(Category::Relation))
    };
    assert_eq!(all(user(1), true), (vec![1, 2], vec![1, 2], vec![1, 2]));
    assert_eq!(all(user(0), false), (vec![], vec![9, 1, 2], vec![9, 1, 2]));
}

/// No log that `decide` wrote has it: someone who was never a candidate accepts.
#[test]
fn duty_shows_nothing_that_may_not_be_viewed() {
    let mut index = requests(1);
    let accepted = Event::Accepted {
        token: TokenId(1),
        user: user(2),
    };
    index.fold(id(1), &meta(90, user(0)), &[accepted]);
    let stranger = viewer(user(2));
    assert_eq!(index.query(&ListQuery::default(), &stranger).total, 0);
    let view = BTreeSet::from([version(0)]);
    assert_eq!(
        index.query(&ListQuery::default(), &Viewer { view, ..stranger }).total,
        1
    );
    assert_eq!(index.held_by(&user(2)), [id(1)]);
}

/// Whoever waits for their turn in a vote is looked at again when they leave, though they are not on duty.
#[test]
fn a_place_is_held_before_its_turn() {
    let mut index = requests(1);
    let approval = Approval {
        in_order: true,
        ..Approval::default()
    };
    let ballot = Ballot::new(vec![user(2), user(3)], approval);
    let entered = Event::NodeEntered {
        token: TokenId(1),
        node: node(1),
        rest: Rest::Voting(Box::new(ballot)),
        pool: None,
        remembered: false,
    };
    index.fold(id(1), &meta(90, user(0)), &[entered]);
    for (who, n_on_duty) in [(2, 1), (3, 0)] {
        assert_eq!(index.query(&ListQuery::default(), &viewer(user(who))).total, n_on_duty);
        assert_eq!(index.held_by(&user(who)), [id(1)]);
    }
}

#[test]
fn discarded_tickets_are_gone() {
    let mut index = requests(3);
    index.fold(id(2), &meta(90, user(0)), &[Event::Discarded]);
    index.fold(id(2), &meta(91, user(0)), &[titled("back?")]);
    assert_eq!(index.len(), 2);
    assert_eq!(index.held_by(&user(1)), [id(1), id(3)]);
    // One made before them closes the gap.
    index.fold(id(8), &meta(1, user(0)), &[created(8, user(0), 0, None, Vec::new())]);
    assert_eq!((index.len(), index.n_ordinals()), (3, 3));
    assert_eq!(index.held_by(&user(1)), [id(1), id(3)]);
    assert_eq!(index.versions(), [version(0)]);
}

/// Every event brings texts of its own; kept on the cards, they made a list that grew twice as large as one read from
/// a checkpoint.
#[test]
fn cards_share_their_texts_however_they_came() {
    let grown = requests(20);
    let read = TenantIndex::decode(&grown.encode()).unwrap();
    for index in [&grown, &read] {
        let cards: Vec<_> = (0..20).filter_map(|ordinal| index.card(ordinal)).collect();
        assert_eq!(cards.len(), 20);
        for card in &cards {
            let first = cards[0];
            let texts = |card: &Ticket| {
                let holders = card.tokens[0].rest.waiting().map(UserId::as_str);
                let rest = [
                    card.creator.as_str(),
                    card.workflow_id.as_str(),
                    card.tokens[0].node.as_str(),
                ];
                holders.chain(rest).map(str::as_ptr).collect::<Vec<_>>()
            };
            assert_eq!(texts(card), texts(first));
            assert!(Arc::ptr_eq(&card.assigned, &first.assigned) && Arc::ptr_eq(&card.cc, &first.cc));
            assert!(Arc::ptr_eq(&card.fields, &first.fields));
            assert_eq!(
                (card.title.capacity(), card.tokens.capacity()),
                (card.title.len(), card.tokens.len())
            );
        }
    }
}

#[test]
fn bytes_that_are_no_checkpoint_are_refused() {
    let bytes = requests(2).encode();
    for cut in [0, 1, 3, 5, 40, bytes.len() - 1] {
        assert!(TenantIndex::decode(&bytes[..cut]).is_err(), "{cut}");
    }
    let twice = [&bytes[..], &bytes[2..]].concat();
    assert!(matches!(TenantIndex::decode(&twice), Err(CodecError::Damaged { .. })));
    let other = [&[9, 0], &bytes[2..]].concat();
    assert!(matches!(
        TenantIndex::decode(&other),
        Err(CodecError::Unknown { schema: 9, .. })
    ));
    assert!(TenantIndex::decode(&TenantIndex::new().encode()).unwrap().is_empty());
}

#[test]
fn words_of_categories() {
    for category in Category::ALL {
        assert_eq!(Category::parse(category.word()), Some(category));
    }
    assert_eq!(Category::parse("mine"), None);
}
