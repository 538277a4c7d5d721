//! Who sees a ticket, what each user can do on it now, and which fields a viewer sees
//! (semantics: offers, visibility, hidden-values).

use std::collections::BTreeMap;

use super::Id;
use super::back;
use super::definition::{Definition, NodeKind, Permission};
use super::people::{People, User};
use super::ticket::{Rest, Ticket, Token};
use super::votes;

/// An action a user has, on one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// `action_type`.
    pub(super) word: &'static str,
    /// The edge it takes; other actions have their word as id.
    pub(super) edge: Option<usize>,
    pub(super) node: usize,
    pub(super) token: u64,
}

/// Everything a user can do: as one who has to do with the ticket, and as one who may intervene.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) actions: Vec<Offer>,
    pub(super) admin: Vec<Offer>,
}

impl Offer {
    fn new(word: &'static str, token: &Token) -> Self {
        Self {
            word,
            edge: None,
            node: token.node,
            token: token.id,
        }
    }

    /// `action_id`.
    pub(super) fn id<'a>(&self, on: &'a Definition) -> &'a str {
        self.edge.map_or(self.word, |edge| &on.edges[edge].id)
    }
}

/// The word of an action that takes an edge; a `condition` edge is no person's.
fn edge_word(kind: &str) -> Option<&'static str> {
    ["agree", "reject", "other"].into_iter().find(|word| *word == kind)
}

/// Whether a user sees a ticket. A draft is its creator's alone, a discarded one nobody's.
pub(super) fn may_view(ticket: &Ticket, user: &str, people: &People) -> bool {
    people.user(user).is_some_and(|user| sees(ticket, user, people))
}

/// The same of someone who is there.
pub(super) fn sees(ticket: &Ticket, user: &User, people: &People) -> bool {
    if ticket.is_discarded {
        false
    } else if ticket.state == "in_draft" {
        ticket.creator == user.id
    } else {
        ticket.is_related(&user.id) || people.may_view_all(user, &ticket.on)
    }
}

/// What a user can do now: nothing for whoever does not see the ticket or is not active.
pub(super) fn offers(ticket: &Ticket, user: &str, people: &People) -> Offers {
    match people.user(user) {
        Some(one) if sees(ticket, one, people) => offers_to(ticket, one, people),
        Some(_) | None => Offers::default(),
    }
}

/// The same of someone who sees the ticket.
pub(super) fn offers_to(ticket: &Ticket, user: &User, people: &People) -> Offers {
    let mut found = Offers::default();
    if !user.is_active {
        return found;
    }
    found.actions.reserve(8);
    let oldest = &ticket.tokens[0];
    let is_draft = ticket.state == "in_draft";
    if !ticket.is_over() {
        for token in &ticket.tokens {
            on_token(&mut found.actions, ticket, token, &user.id);
            going_back(&mut found.actions, ticket, token, &user.id, people);
        }
        if is_draft {
            found.actions.push(Offer::new("discard", oldest));
        } else {
            if ticket.creator == user.id && may_withdraw(ticket) {
                found.actions.push(Offer::new("withdraw", oldest));
            }
            if people.may_intervene(user, &ticket.on) {
                by_force(&mut found.admin, ticket);
            }
        }
    }
    // A comment goes where the user acts first.
    let mut comment = Offer::new("add_comment", oldest);
    if let Some(first) = found.actions.first() {
        (comment.node, comment.token) = (first.node, first.token);
    }
    found.actions.push(comment);
    found
}

fn on_token(found: &mut Vec<Offer>, ticket: &Ticket, token: &Token, user: &Id) {
    let is = |one: &Id| one == user;
    let (acts, answers, accepts) = match &token.rest {
        Rest::Held { holders, consult: None } => (holders.iter().any(is), false, false),
        Rest::Held {
            consult: Some((_, to)), ..
        } => (false, is(to), false),
        Rest::Offered(candidates) => (false, false, candidates.iter().any(is)),
        Rest::Voting(vote) => {
            let answers = vote.left().any(|share| share.consulted.as_ref().is_some_and(is));
            let mut turns = vote.turns().into_iter();
            let has_open = turns.any(|share| is(&share.holder) && share.consulted.is_none());
            // Whoever is consulted at a node only answers there.
            (has_open && !answers, answers, false)
        }
        Rest::Moving | Rest::Joining | Rest::Unassigned | Rest::Timer { .. } | Rest::Hook { .. } | Rest::Ended => {
            (false, false, false)
        }
    };
    if answers {
        found.push(Offer::new("consult_submit", token));
    }
    if accepts {
        found.push(Offer::new("accept", token));
    }
    if acts {
        let node = &ticket.on.nodes[token.node];
        for way in &node.ways {
            if let Some(word) = edge_word(&ticket.on.edges[*way].kind) {
                found.push(Offer {
                    edge: Some(*way),
                    ..Offer::new(word, token)
                });
            }
        }
        // The start node is the creator's and nobody else's.
        if let NodeKind::Normal(normal) = &node.kind {
            found.push(Offer::new("forward", token));
            found.push(Offer::new("consult", token));
            let is_alone = !matches!(&token.rest, Rest::Held { holders, .. } if holders.len() > 1);
            if is_alone && normal.allow_add_signer {
                found.push(Offer::new("add_signer", token));
            }
            if !back::allowed(&ticket.on, token).is_empty() {
                found.push(Offer::new("return_to", token));
            }
        }
        if let Rest::Voting(vote) = &token.rest
            && vote.rule.abstain
            && vote.can_lose_one()
        {
            found.push(Offer::new("abstain", token));
        }
    }
}

/// What one may take back or give back.
fn going_back(found: &mut Vec<Offer>, ticket: &Ticket, token: &Token, user: &Id, people: &People) {
    let of_edge = back::undoable(ticket);
    let is_own = of_edge.is_some_and(|(undo, moved)| undo.by == *user && moved.id == token.id);
    if is_own || back::may_unvote(ticket, token, user) {
        found.push(Offer::new("undo", token));
    }
    if back::asked_by(token, user).is_some() || !votes::added_by(token, user).is_empty() {
        found.push(Offer::new("take_back", token));
    }
    if let Rest::Held { holders, consult: None } = &token.rest
        && holders.contains(user)
        && token.candidates.iter().filter(|one| people.is_active(one)).count() > 1
    {
        found.push(Offer::new("give_back", token));
    }
}

fn by_force(found: &mut Vec<Offer>, ticket: &Ticket) {
    for token in &ticket.tokens {
        let waits = back::is_for_people(&token.rest) || matches!(token.rest, Rest::Timer { .. } | Rest::Hook { .. });
        if waits && !back::reached(&ticket.on, token).is_empty() {
            found.push(Offer::new("return_to", token));
        }
        match token.rest {
            Rest::Held { .. } | Rest::Offered(_) | Rest::Voting(_) | Rest::Unassigned => {
                found.push(Offer::new("force_forward", token));
            }
            Rest::Hook { .. } | Rest::Moving | Rest::Joining | Rest::Timer { .. } | Rest::Ended => {}
        }
    }
    let rests = || ticket.tokens.iter().map(|token| &token.rest);
    let has_given_up = ticket.tokens.iter().any(|token| token.has_given_up());
    if has_given_up || rests().any(|rest| matches!(rest, Rest::Hook { has_failed: true, .. })) {
        found.push(Offer::new("retry_hook", &ticket.tokens[0]));
    }
    if has_given_up || rests().any(|rest| matches!(rest, Rest::Hook { .. } | Rest::Timer { .. })) {
        found.push(Offer::new("skip", &ticket.tokens[0]));
    }
    found.push(Offer::new("force_close", &ticket.tokens[0]));
    found.push(Offer::new("force_alter_node", &ticket.tokens[0]));
}

/// Every node with a token allows it, those that wait at a merge aside, and the ticket is not at start.
fn may_withdraw(ticket: &Ticket) -> bool {
    ticket.tokens.iter().all(|token| {
        token.node != ticket.on.start && (token.rest == Rest::Joining || ticket.on.nodes[token.node].allow_withdraw)
    })
}

/// What a viewer may do with each field, by key (semantics: hidden-values): who may act on a node has that node's
/// permissions, others see, read-only, whatever at least one node does not hide.
pub(super) fn fields_seen<'a>(ticket: &'a Ticket, offers: &Offers) -> BTreeMap<&'a str, Permission> {
    let on = &ticket.on;
    let acts = |offer: &&Offer| offer.edge.is_some() || ["accept", "forward", "consult_submit"].contains(&offer.word);
    let acting = offers.actions.iter().find(acts).map(|offer| &on.nodes[offer.node]);
    let keys = on.fields.iter().enumerate();
    keys.map(|(idx, field)| {
        let shown_somewhere = || on.nodes.iter().any(|node| node.permissions[idx] != Permission::Hidden);
        let permission = match acting {
            Some(node) => node.permissions[idx],
            None if shown_somewhere() => Permission::Readonly,
            None => Permission::Hidden,
        };
        (&*field.key, permission)
    })
    .collect()
}
