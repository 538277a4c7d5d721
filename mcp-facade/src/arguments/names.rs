//! Names that are none: what was most likely meant, and where it belongs.
//!
//! A name that is used elsewhere for the same thing is answered with the right one; one that is only spelt like a known
//! name is offered as a question, for letters say nothing about what is meant. Not here: which names a tool has.

use serde_json::json;

use super::{quoted, shortened};
use crate::error::ApiError;
use crate::limits::SHOWN_VALUE_CHARS_MAX;

/// Names that other systems have for an argument, without what parts words. The first that the tool has is meant.
const MEANT: &[(&str, &[&str])] = &[
    (
        "per_page",
        &[
            "pagesize",
            "limit",
            "size",
            "count",
            "rows",
            "pagelimit",
            "maxresults",
            "perpage",
        ],
    ),
    ("page", &["pagenumber", "pagenum", "pageno", "pageindex", "offset"]),
    (
        "search_value",
        &[
            "search", "query", "q", "keyword", "keywords", "text", "title", "name", "email", "filter",
        ],
    ),
    ("ticket_id", &["id", "ticket", "ticketno", "issue", "issueid"]),
    ("workflow_id", &["workflow", "workflowname", "template", "processid"]),
    ("workflow_ids", &["workflow", "workflowid", "workflows"]),
    ("node_ids", &["node", "nodeid", "nodes"]),
    ("ticket_ids", &["ids", "id", "ticketid", "tickets"]),
    ("user_ids", &["ids", "id", "userid", "user", "users"]),
    ("dept_id", &["dept", "department", "departmentid", "deptids"]),
    (
        "creator_id",
        &[
            "creator",
            "createdby",
            "owner",
            "ownerid",
            "author",
            "requester",
            "userid",
        ],
    ),
    ("parent_ticket_id", &["parent", "parentid"]),
    ("act_state", &["state", "status"]),
    ("category", &["view", "scope", "folder"]),
    (
        "create_start",
        &[
            "since",
            "from",
            "start",
            "startdate",
            "startdatetime",
            "createdafter",
            "createdfrom",
        ],
    ),
    (
        "create_end",
        &["until", "to", "end", "enddate", "createdbefore", "createdto"],
    ),
    (
        "reverse",
        &["sort", "order", "orderby", "sortorder", "desc", "descending"],
    ),
    ("action_type", &["action", "type", "operation"]),
    ("action_id", &["action", "edge", "edgeid", "transition", "transitionid"]),
    (
        "fields",
        &["field", "values", "data", "form", "formdata", "fieldvalues"],
    ),
    ("cc_to_user_id_list", &["cc", "cclist", "ccuserids", "watchers"]),
    (
        "dry_run",
        &["dryrun", "preview", "rehearse", "simulate", "validateonly"],
    ),
    ("expected_version", &["version", "ifversion", "revision"]),
    ("from_version", &["version", "since", "sinceversion"]),
    ("version_name", &["version", "workflowversion"]),
    ("idempotency_key", &["requestid", "key", "idempotency"]),
    ("access_token", &["token", "apikey", "authorization", "bearer"]),
    ("app_name", &["app", "application"]),
];

/// Keys of `action_props`, and names that are used for them.
const PROPS: &[(&str, &[&str])] = &[
    (
        "comment",
        &[
            "comment",
            "comments",
            "message",
            "note",
            "remark",
            "suggestion",
            "reason",
        ],
    ),
    ("node_id", &["nodeid", "node", "targetnode"]),
    (
        "target_assignee_id",
        &["targetassigneeid", "assignee", "assigneeid", "targetuserid", "userid"],
    ),
    ("target_node_id", &["targetnodeid"]),
];

/// Names of tools that other servers have for ours, likewise.
const TOOLS: &[(&str, &[&str])] = &[
    (
        "ticket_list",
        &[
            "ticketsearch",
            "searchtickets",
            "listtickets",
            "ticketfind",
            "findtickets",
            "ticketquery",
            "tickets",
        ],
    ),
    (
        "ticket_detail",
        &[
            "ticketget",
            "getticket",
            "ticketread",
            "readticket",
            "ticketview",
            "viewticket",
            "showticket",
        ],
    ),
    (
        "ticket_handle",
        &[
            "ticketupdate",
            "updateticket",
            "ticketaction",
            "ticketapprove",
            "approveticket",
            "ticketcomment",
        ],
    ),
    (
        "ticket_create",
        &[
            "createticket",
            "ticketnew",
            "newticket",
            "ticketadd",
            "ticketopen",
            "openticket",
        ],
    ),
    (
        "ticket_history",
        &[
            "ticketlog",
            "ticketevents",
            "ticketcomments",
            "gethistory",
            "tickethistorylist",
        ],
    ),
    (
        "user_list",
        &[
            "usersearch",
            "searchusers",
            "listusers",
            "userfind",
            "finduser",
            "userget",
            "getuser",
            "users",
        ],
    ),
    (
        "workflow_list",
        &[
            "workflowsearch",
            "listworkflows",
            "workflows",
            "workflowget",
            "templatelist",
        ],
    ),
];

/// Without what parts words, in small letters.
fn joined(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.'));
    letters.flat_map(char::to_lowercase).collect()
}

fn meant<'a>(joined: &str, table: &[(&'a str, &[&str])], is_known: impl Fn(&str) -> bool) -> Option<&'a str> {
    let mut rows = table.iter().filter(|(name, _)| is_known(name));
    rows.find(|(_, others)| others.contains(&joined)).map(|(name, _)| *name)
}

/// `invalid_argument` for a key that is none of `known`, with where it belongs or what it is like as the next step.
pub(crate) fn unknown_key(name: &str, known: &[&str], message: &str) -> ApiError {
    ApiError::invalid_argument(name, message)
        .with_hint(instead(name, known))
        .with_details(json!({ "argument": shortened(name), "known": known }))
}

fn instead(name: &str, known: &[&str]) -> String {
    let all = quoted(known);
    if name.chars().count() > SHOWN_VALUE_CHARS_MAX {
        return format!("leave it out; there are {all}");
    }
    let letters = joined(name);
    let is_known = |word: &str| known.contains(&word);
    if let Some(same) = known.iter().find(|word| joined(word) == letters) {
        return format!("use `{same}` instead");
    }
    if let (true, Some(key)) = (is_known("action_props"), meant(&letters, PROPS, |_| true)) {
        return format!("put it into `action_props`, as `{{\"{key}\": …}}`");
    }
    let is_action = letters == "action" && is_known("action_type") && is_known("action_id");
    if is_action {
        return "send `action_type` and `action_id`, the `type` and `id` of an action that `ticket_prepare_handle` offers"
            .to_owned();
    }
    if let Some(meant) = meant(&letters, MEANT, is_known) {
        return format!("use `{meant}` instead");
    }
    match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? if so send that, else leave it out; there are {all}"),
        None => format!("leave it out; there are {all}"),
    }
}

/// The tool that is called otherwise elsewhere, else the one that is spelt nearly so.
#[must_use]
pub fn tool_instead<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.chars().count() > SHOWN_VALUE_CHARS_MAX {
        return None;
    }
    let letters = joined(name);
    let same = known.iter().find(|word| joined(word) == letters).copied();
    let meant = || {
        let found = meant(&letters, TOOLS, |word| known.contains(&word))?;
        known.iter().find(|word| **word == found).copied()
    };
    same.or_else(meant).or_else(|| nearest(name, known))
}

/// The known word that `name` is most likely a misspelling of, if any is that near.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // Longer texts are no misspelling, and comparing them costs their length squared.
    if name.chars().count() > SHOWN_VALUE_CHARS_MAX {
        return None;
    }
    let folded = name.to_lowercase().replace(['-', ' ', '.'], "_");
    known
        .iter()
        .map(|word| (strsim::normalized_damerau_levenshtein(&folded, word), *word))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(likeness, _)| *likeness >= 0.7)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_comes_before_what_is_spelt_alike() {
        let list = [
            "search_value",
            "creator_id",
            "per_page",
            "page",
            "act_state",
            "access_token",
        ];
        let handle = [
            "ticket_id",
            "action_type",
            "action_id",
            "action_props",
            "fields",
            "dry_run",
        ];
        for (name, known, expected) in [
            ("pageSize", &list[..], "use `per_page` instead"),
            ("perPage", &list, "use `per_page` instead"),
            ("limit", &list, "use `per_page` instead"),
            ("creator", &list, "use `creator_id` instead"),
            ("token", &list, "use `access_token` instead"),
            ("status", &list, "use `act_state` instead"),
            ("comment", &handle, "put it into `action_props`, as `{\"comment\": …}`"),
            (
                "target_assignee_id",
                &handle,
                "put it into `action_props`, as `{\"target_assignee_id\": …}`",
            ),
            ("action", &handle, "send `action_type` and `action_id`,"),
            ("ticketId", &handle, "use `ticket_id` instead"),
            (
                "feilds",
                &handle,
                "did you mean `fields`? if so send that, else leave it out;",
            ),
            ("colour", &handle, "leave it out; there are `ticket_id`"),
        ] {
            let hint = instead(name, known);
            assert!(hint.starts_with(expected), "{name}: {hint}");
        }
    }

    #[test]
    fn tools_are_found_by_other_servers_names() {
        let tools = ["ticket_list", "ticket_create", "ticket_detail", "user_list"];
        for (name, expected) in [
            ("ticket_search", Some("ticket_list")),
            ("getTicket", Some("ticket_detail")),
            ("ticket_crate", Some("ticket_create")),
            ("ticket-list", Some("ticket_list")),
            ("weather", None),
        ] {
            assert_eq!(tool_instead(name, &tools), expected, "{name}");
        }
    }
}
