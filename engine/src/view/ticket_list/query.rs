//! How the bitmaps answer: sets are intersected, smallest first, and one page is read off by rank.

use std::borrow::Cow;
use std::sync::Arc;

use roaring::{MultiOps, RoaringBitmap};

use super::index::TenantIndex;
use super::membership::Key;
use super::{Category, ListPage, ListQuery, Order, Viewer};
use crate::id::TicketId;
use crate::limits::{CHILDREN_LOOKED_AT_MAX, CHILDREN_SHOWN_MAX};
use crate::text::{folded, is_blank};
use crate::ticket::{ActState, Ticket};

impl TenantIndex {
    /// One page of the tickets that a viewer asks for.
    #[must_use]
    pub fn query(&self, query: &ListQuery, viewer: &Viewer) -> ListPage {
        let found = self.found(query, viewer).unwrap_or_default();
        let total = found.len();
        let per_page = u64::from(query.per_page.max(1));
        let n_pages = total.div_ceil(per_page).max(1);
        let page = u64::from(query.page).clamp(1, n_pages);
        let n_before = (page - 1) * per_page;
        let n_rows = per_page.min(total - n_before);
        let tickets = match query.order {
            Order::Due => {
                let due_of = |ordinal| self.card(ordinal).and_then(|card| card.clocks.due());
                let page = self.dues().page(&found, n_before, n_rows, due_of);
                page.into_iter()
                    .filter_map(|ordinal| self.card(ordinal).cloned())
                    .collect()
            }
            Order::Created if query.newest_first => {
                let mut tickets = self.cards_from(&found, total - n_before - n_rows, n_rows);
                tickets.reverse();
                tickets
            }
            Order::Created => self.cards_from(&found, n_before, n_rows),
        };
        let parents = tickets.iter().filter_map(|ticket| Some(ticket.parent.as_ref()?.0));
        ListPage {
            parents: parents.filter(|parent| self.may_view(*parent, viewer)).collect(),
            tickets,
            // At most what was asked for, or 1.
            page: u32::try_from(page).unwrap_or(u32::MAX),
            per_page: query.per_page,
            total,
            has_more: page < n_pages,
        }
    }

    /// Sub-tickets of a ticket that a viewer may view, oldest first, at most `CHILDREN_SHOWN_MAX` of them, and how many
    /// there are that the viewer may not.
    #[must_use]
    pub fn children(&self, parent: TicketId, viewer: &Viewer) -> (Vec<Arc<Ticket>>, u64) {
        let Some(children) = self.memberships().of(&Key::Parent(parent)) else {
            return (Vec::new(), 0);
        };
        let cards = children.iter().filter_map(|ordinal| self.card(ordinal));
        let (seen, hidden): (Vec<_>, Vec<_>) = cards
            .take(CHILDREN_LOOKED_AT_MAX)
            .partition(|card| self.may_view(card.id, viewer));
        let n_hidden = hidden.iter().filter(|card| card.act_state != ActState::InDraft).count() as u64;
        (seen.into_iter().take(CHILDREN_SHOWN_MAX).cloned().collect(), n_hidden)
    }

    /// Whether the viewer may view a ticket: as `ticket::visibility` says, from what is kept here.
    fn may_view(&self, ticket: TicketId, viewer: &Viewer) -> bool {
        let Some(card) = self.ordinal(ticket).and_then(|ordinal| self.card(ordinal)) else {
            return false;
        };
        let version = (card.workflow_id.clone(), card.version_name.clone());
        if !viewer.allowed.contains(&version) {
            return false;
        }
        if card.act_state == ActState::InDraft {
            return card.creator == viewer.user;
        }
        card.is_related(&viewer.user) || viewer.view.contains(&version)
    }

    /// Up to `n_rows` cards of a set from a rank on, oldest first.
    fn cards_from(&self, found: &RoaringBitmap, rank: u64, n_rows: u64) -> Vec<Arc<Ticket>> {
        let first = u32::try_from(rank).ok().and_then(|rank| found.select(rank));
        let Some(first) = first else { return Vec::new() };
        let n_rows = usize::try_from(n_rows).unwrap_or(usize::MAX);
        let ordinals = found.range(first..).take(n_rows);
        ordinals.filter_map(|ordinal| self.card(ordinal).cloned()).collect()
    }

    /// All that a query finds; `None` where a set that it needs is empty.
    fn found(&self, query: &ListQuery, viewer: &Viewer) -> Option<Cow<'_, RoaringBitmap>> {
        let mut found = intersection(self.sets(query, viewer)?);
        self.hide_drafts_of_others(&mut found, viewer);
        self.hide_versions_not_allowed(&mut found, viewer);
        let range = self.ordinals_created(query.created_from, query.created_to);
        if range.start > 0 {
            found.to_mut().remove_range(..range.start);
        }
        if u64::from(range.end) < self.n_ordinals() {
            found.to_mut().remove_range(range.end..);
        }
        let needle = folded(&query.search);
        if !is_blank(&needle) && !found.is_empty() {
            let title = |ordinal| self.card(ordinal).map(|card| card.title.as_str());
            self.titles().keep(found.to_mut(), &needle, title);
        }
        Some(found)
    }

    /// The sets that a query's tickets are in all of: its category's and one for each filter by membership.
    fn sets(&self, query: &ListQuery, viewer: &Viewer) -> Option<Vec<Cow<'_, RoaringBitmap>>> {
        let one = |key: Key| self.memberships().of(&key).map(Cow::Borrowed);
        let any = |keys: &mut dyn Iterator<Item = Key>| {
            Cow::Owned(keys.filter_map(|key| self.memberships().of(&key)).union())
        };
        let mut sets = vec![self.category(query.category, viewer)?];
        if !query.workflow_ids.is_empty() {
            sets.push(any(&mut query.workflow_ids.iter().cloned().map(Key::Workflow)));
        }
        if !query.node_ids.is_empty() {
            sets.push(any(&mut query.node_ids.iter().cloned().map(Key::Node)));
        }
        if let Some(ids) = &query.ticket_ids {
            sets.push(Cow::Owned(ids.iter().filter_map(|id| self.ordinal(*id)).collect()));
        }
        if let Some(state) = query.act_state {
            sets.push(one(Key::State(state))?);
        }
        if let Some(creator) = &query.creator_id {
            sets.push(one(Key::Creator(creator.clone()))?);
        }
        for (until, is_included) in [(query.due_by, true), (query.due_before, false)] {
            if let Some(until) = until {
                sets.push(Cow::Owned(self.dues().until(until, is_included)));
            }
        }
        if let Some(parent) = query.parent_ticket_id {
            // Else the answer would tell which tickets are its children.
            if !self.may_view(parent, viewer) {
                return None;
            }
            sets.push(one(Key::Parent(parent))?);
        }
        Some(sets)
    }

    fn category(&self, category: Category, viewer: &Viewer) -> Option<Cow<'_, RoaringBitmap>> {
        let of_user = |key: fn(_) -> Key| self.memberships().of(&key(viewer.user.clone())).map(Cow::Borrowed);
        let of_versions = |versions: &mut dyn Iterator<Item = _>| {
            Cow::Owned(
                versions
                    .filter_map(|version| self.memberships().by_version().get(version))
                    .union(),
            )
        };
        match category {
            Category::Duty => {
                let duty = of_user(Key::Duty)?;
                let related = of_user(Key::Related).unwrap_or_default();
                // Whoever can act is related in every log that `decide` wrote, and then nothing is copied. In any
                // other, nobody is shown a ticket that it may not view.
                if duty.is_subset(&related) {
                    return Some(duty);
                }
                let viewed: Cow<'_, RoaringBitmap> = of_versions(&mut viewer.view.iter());
                Some(Cow::Owned(duty.as_ref() & (related.as_ref() | viewed.as_ref())))
            }
            Category::Owner => of_user(Key::Creator),
            Category::Relation => of_user(Key::Related),
            Category::Worked => of_user(Key::Worked),
            Category::View => Some(of_versions(&mut viewer.view.iter())),
            // Whoever may intervene may view; kept true here even for a caller who says otherwise.
            Category::Intervene => Some(of_versions(&mut viewer.intervene.intersection(&viewer.view))),
            Category::All => viewer.is_tenant_admin.then_some(Cow::Borrowed(self.live())),
        }
    }

    /// A draft is its creator's alone, in every category.
    fn hide_drafts_of_others(&self, found: &mut Cow<'_, RoaringBitmap>, viewer: &Viewer) {
        let Some(drafts) = self.memberships().of(&Key::State(ActState::InDraft)) else {
            return;
        };
        let mut hidden = drafts & found.as_ref();
        if let Some(own) = self.memberships().of(&Key::Creator(viewer.user.clone())) {
            hidden -= own;
        }
        if !hidden.is_empty() {
            *found.to_mut() -= hidden;
        }
    }

    /// Every ticket is on one version, so what may not be used is taken away: nothing at all for our own application.
    fn hide_versions_not_allowed(&self, found: &mut Cow<'_, RoaringBitmap>, viewer: &Viewer) {
        for (version, bitmap) in self.memberships().by_version() {
            if !viewer.allowed.contains(version) && !found.is_disjoint(bitmap) {
                *found.to_mut() -= bitmap;
            }
        }
    }
}

/// Those in all sets; one set alone is not copied.
fn intersection(mut sets: Vec<Cow<'_, RoaringBitmap>>) -> Cow<'_, RoaringBitmap> {
    sets.sort_by_key(|set| set.len());
    sets.into_iter()
        .reduce(|found, set| Cow::Owned(found.as_ref() & set.as_ref()))
        .unwrap_or_default()
}
