//! Lists of tickets: the index against a walk over all tickets.

use std::collections::BTreeSet;

use loonflow_engine::account::permission;
use loonflow_engine::id::{TicketId, UserId, VersionName, WorkflowId};
use loonflow_engine::text::{folded, is_blank};
use loonflow_engine::ticket::{ActState, Ticket};
use loonflow_engine::view::ticket_list::{Category, ListQuery, TenantIndex, Viewer, as_listed};

use crate::world::World;

/// The index of a world's lists, folded from its commits alone.
#[must_use]
pub fn index_of(world: &World) -> TenantIndex {
    let mut index = TenantIndex::new();
    for recorded in &world.tickets {
        for (meta, events) in &recorded.commits {
            index.fold(recorded.ticket.id, meta, events);
        }
    }
    index
}

/// Every projection equals the fold of its events: each list of a user, by category and filters, has just the tickets
/// that a walk over all tickets finds, in the order of creation; and an index that was stored answers the same.
pub fn lists_equal_a_walk(world: &World, index: &TenantIndex, user: &UserId) -> Result<(), String> {
    if world.directory.active_user(user).is_none() {
        return Ok(());
    }
    let viewer = viewer(world, user);
    for category in Category::ALL {
        for query in queries(world, category) {
            let mut found: Vec<&Ticket> = world.tickets.iter().map(|recorded| &recorded.ticket).collect();
            found.retain(|ticket| is_listed(ticket, &query, &viewer));
            found.sort_by_key(|ticket| (ticket.created_at, ticket.id));
            if query.newest_first {
                found.reverse();
            }
            let walked: Vec<TicketId> = found.iter().map(|ticket| ticket.id).collect();
            let page = index.query(&query, &viewer);
            let listed: Vec<TicketId> = page.tickets.iter().map(|ticket| ticket.id).collect();
            let shown = walked.get(..listed.len().min(walked.len())).unwrap_or_default();
            let fits = page.total == walked.len() as u64 && listed.len() == walked.len().min(query.per_page as usize);
            if !fits || listed != shown {
                return Err(format!(
                    "{user} asks for {query:?}: listed {listed:?}, walked {walked:?}"
                ));
            }
            for (row, ticket) in page.tickets.iter().zip(&found) {
                let bare = as_listed(ticket);
                if **row != bare {
                    return Err(format!("listed as {row:?}, is {bare:?}"));
                }
            }
        }
    }
    Ok(())
}

fn viewer(world: &World, user: &UserId) -> Viewer {
    let directory = &world.directory;
    let versions = |may: &dyn Fn(&loonflow_engine::workflow::WorkflowVersion) -> bool| -> BTreeSet<_> {
        let all = world.all_versions().filter(|version| may(version));
        all.map(|version| (version.workflow_id.clone(), version.version_name.clone()))
            .collect::<BTreeSet<(WorkflowId, VersionName)>>()
    };
    Viewer {
        user: user.clone(),
        is_tenant_admin: directory
            .user(user)
            .is_some_and(|user| permission::is_tenant_admin(user)),
        view: versions(&|version| permission::may_view_workflow(directory, user, version)),
        intervene: versions(&|version| permission::may_intervene(directory, user, version)),
        allowed: versions(&|_| true),
    }
}

/// All of a category, and one query for each kind of filter, made from the first and last ticket.
fn queries(world: &World, category: Category) -> Vec<ListQuery> {
    let all = ListQuery {
        category,
        per_page: 100,
        ..ListQuery::default()
    };
    let mut found = vec![
        all.clone(),
        ListQuery {
            per_page: 1,
            ..all.clone()
        },
    ];
    let (Some(first), Some(last)) = (world.tickets.first(), world.tickets.last()) else {
        return found;
    };
    let (first, last) = (&first.ticket, &last.ticket);
    found.extend([
        ListQuery {
            newest_first: false,
            act_state: Some(last.act_state),
            ..all.clone()
        },
        ListQuery {
            creator_id: Some(first.creator.clone()),
            ..all.clone()
        },
        ListQuery {
            node_ids: last.tokens.iter().map(|token| token.node.clone()).collect(),
            workflow_ids: BTreeSet::from([last.workflow_id.clone()]),
            ..all.clone()
        },
        ListQuery {
            created_from: Some(first.created_at),
            created_to: Some(first.created_at),
            ..all.clone()
        },
        ListQuery {
            search: last.title.chars().skip(1).take(4).collect(),
            ..all
        },
    ]);
    found
}

fn is_listed(ticket: &Ticket, query: &ListQuery, viewer: &Viewer) -> bool {
    let version = (ticket.workflow_id.clone(), ticket.version_name.clone());
    let user = &viewer.user;
    let by_category = match query.category {
        Category::Duty => ticket
            .tokens
            .iter()
            .any(|token| token.rest.waiting_for().contains(user)),
        Category::Owner => ticket.creator == *user,
        Category::Relation => ticket.is_related(user),
        Category::Worked => ticket.processed.contains(user),
        Category::View => viewer.view.contains(&version),
        Category::Intervene => viewer.intervene.contains(&version),
        Category::All => viewer.is_tenant_admin,
    };
    let search = folded(&query.search);
    by_category
        && !ticket.is_discarded
        && (ticket.act_state != ActState::InDraft || ticket.creator == *user)
        && query.act_state.is_none_or(|state| ticket.act_state == state)
        && query
            .creator_id
            .as_ref()
            .is_none_or(|creator| ticket.creator == *creator)
        && (query.workflow_ids.is_empty() || query.workflow_ids.contains(&ticket.workflow_id))
        && (query.node_ids.is_empty() || ticket.tokens.iter().any(|token| query.node_ids.contains(&token.node)))
        && query.created_from.is_none_or(|from| ticket.created_at >= from)
        && query.created_to.is_none_or(|to| ticket.created_at <= to)
        && (is_blank(&search) || folded(&ticket.title).contains(&search))
}
