//! Every bound of the engine, with its unit and reason.

/// Automatic moves in one command; more is a definition that never waits (semantics: game).
pub const AUTOMATIC_MOVES_MAX: usize = 1_000;

/// Tokens of one ticket: a loop around a split could multiply them without end.
pub const TOKENS_MAX: usize = 1_000;

/// Characters of an id that is new: longer than any UUID, address or name that is used as one, short enough for a line.
pub const ID_CHARS_MAX: usize = 200;

/// Bytes of one entry of a directory as it is stored: a picture in a user's `avatar` fits, and an entry can always be
/// read again (`codec` reads at most four times this).
pub const DIRECTORY_ENTRY_BYTES_MAX: usize = 1 << 20;
/// Events of one commit of an import: a larger import is several commits, between which tickets get their turn.
pub const IMPORT_PART_EVENTS_MAX: usize = 1_000;
/// Bytes of one commit of an import, unless one entry alone has more; far below what the log takes.
pub const IMPORT_PART_BYTES_MAX: usize = 1 << 20;
/// People named in the report of an import beside their number: one screen.
pub const REPORTED_PEOPLE_MAX: usize = 50;

/// Calendars of a tenant: one for each site and each promise of service, many times over.
pub const CALENDARS_MAX: usize = 100;
/// Spans of one date of a calendar: one for each hour.
pub const CALENDAR_SPANS_MAX: usize = 24;
/// Dates of a calendar with hours of their own: the holidays of thirty years.
pub const CALENDAR_SPECIAL_DAYS_MAX: usize = 1_000;
/// Milliseconds after which nothing is due by working time: five years, of 366 days, so that what is never working, a
/// calendar without hours, is found out.
pub const CALENDAR_HORIZON_MS: i64 = 5 * 366 * 86_400_000;

/// Channels of a tenant: one for each team's chat, with room.
pub const CHANNELS_MAX: usize = 100;
/// Characters of a text of a channel: an address with its key.
pub const CHANNEL_TEXT_CHARS_MAX: usize = 2_048;
/// Channels that one workflow tells people over: each makes an effect for every person.
pub const WORKFLOW_CHANNELS_MAX: usize = 10;
/// People who are told of one event over a channel that writes to each: as many as one node may have.
pub const TOLD_MAX: usize = ASSIGNEES_MAX;
/// Admins who are told of an incident: more would each think that another sees to it.
pub const TOLD_OF_INCIDENT_MAX: usize = 50;

/// Characters of a title (semantics: values).
pub const TITLE_CHARS_MAX: usize = 500;
/// Characters of a text field (semantics: values).
pub const TEXT_CHARS_MAX: usize = 2_000;
/// Characters of a textarea or rich text (semantics: values).
pub const LONG_TEXT_CHARS_MAX: usize = 100_000;
/// Characters of a comment: as a textarea.
pub const COMMENT_CHARS_MAX: usize = LONG_TEXT_CHARS_MAX;
/// Characters of a link: browsers and proxies cut longer ones.
pub const LINK_CHARS_MAX: usize = 2_048;
/// Elements of a multiple value (users, departments, files): more is a paste by mistake.
pub const PARTS_MAX: usize = 200;
/// Nesting of elements in rich text: cleaning costs the square of it, seconds for a text of nothing but `<div>`.
pub const MARKUP_DEPTH_MAX: usize = 256;
/// Nesting of a stored value: bounds recursion when values are read.
pub const VALUE_DEPTH_MAX: usize = 16;

/// Problems of fields listed in one refusal (contract: errors).
pub const FIELD_PROBLEMS_MAX: usize = 64;

/// Names listed in one sentence; more would fill the answer.
pub const LISTED_MAX: usize = 20;

/// Names in backticks, at most [`LISTED_MAX`] of them and then a mark; `None` where there is none.
pub(crate) fn listed<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> Option<String> {
    let mut names = names.into_iter();
    let mut shown: Vec<String> = names
        .by_ref()
        .take(LISTED_MAX)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.next().is_some() {
        shown.push("…".to_owned());
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// Assignees of one node: a role of the whole company is a mistake in the definition.
pub const ASSIGNEES_MAX: usize = 1_000;

/// People of one node in a row or in the answer to an action, before a count stands for the others: ten rows of a list
/// with all of them would fill an assistant's context.
pub const ROW_ASSIGNEES_MAX: usize = 10;
/// People that one ticket's view names as waited for at one node.
pub const WAITED_FOR_MAX: usize = 100;

/// Ids that one filter of a list, or one list of people in copy, may name: more is a paste by mistake.
pub const IDS_MAX: usize = 1_000;

/// Bytes of a definition: ten times the largest seen in practice.
pub const DEFINITION_BYTES_MAX: usize = 1 << 20;
/// Nodes of a definition.
pub const NODES_MAX: usize = 2_000;
/// Edges of a definition.
pub const EDGES_MAX: usize = 10_000;

/// Days a personal access token may live (semantics: access-tokens).
pub const ACCESS_TOKEN_DAYS_MAX: u32 = 730;
/// Personal access tokens of one user that work at once: one for each place they are used in, many times over.
pub const ACCESS_TOKENS_LIVE_MAX: usize = 100;

/// Days that one absence may last: a year, whichever it is.
pub const ABSENCE_DAYS_MAX: i64 = 366;
/// Absences of one user that are not over: every holiday and training of a year, many times over.
pub const ABSENCES_OF_USER_MAX: usize = 100;
/// Workflows that one absence names: more is one for all of them.
pub const ABSENCE_WORKFLOWS_MAX: usize = 100;
/// Steps from somebody who is absent to whoever acts: people who stand in for people who stand in for others.
pub const DELEGATES_MAX: usize = 10;
/// People who are added to those who act, in one stay of a token at a node.
pub const SIGNERS_ADDED_MAX: usize = 50;
/// Tickets that one call hands over: some seconds of work; the next call goes on.
pub const HAND_OVER_TICKETS_MAX: usize = 1_000;

/// Milliseconds after which a session ends, however it is used (semantics: sessions): seven days.
pub const SESSION_MS: i64 = 7 * 86_400_000;
/// Milliseconds after which a session ends that nobody uses: twelve hours, a night.
pub const SESSION_IDLE_MS: i64 = 12 * 3_600_000;
/// Sessions of one user: their browsers, with room; one more ends the longest unused one.
pub const SESSIONS_OF_USER_MAX: usize = 20;
/// Sessions of a server, some hundred bytes each; one more ends the oldest one.
pub const SESSIONS_MAX: usize = 100_000;

/// Bytes of a password: more is no password, and hashing it costs time.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// Rows of one page of any list (contract: paging).
pub const PER_PAGE_MAX: u32 = 100;

/// Events of one ticket: a busy ticket has some hundreds. Its history and its replay cost this many at the most.
pub const TICKET_EVENTS_MAX: u64 = 20_000;
/// Bytes of texts and values in all events of one ticket, about: it is read whole where its snapshot is lost.
pub const TICKET_BYTES_MAX: u64 = 64 << 20;
/// Of both, in a hundred, what comments may take; the rest is for bringing the ticket to its end.
pub const TICKET_COMMENTS_PERCENT_MAX: u64 = 90;
/// Bytes of texts and values on one page of a history, more than any answer may have: bounds memory.
pub const HISTORY_PAGE_BYTES_MAX: usize = 8 << 20;

/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// How long an answered idempotency key is kept: twice the promise of 24 hours (semantics: idempotency).
pub const IDEMPOTENCY_KEEP_MS: i64 = 48 * 3_600_000;

/// Sub-tickets of a ticket that are open at once: what a person can look over, with room for a whole department.
pub const CHILDREN_OPEN_MAX: usize = 200;
/// Sub-tickets that one stay at a node opens by itself.
pub const CHILDREN_OF_STAY_MAX: usize = 50;
/// How deep sub-tickets go below a ticket that has no parent: a circle of workflows that open each other ends there.
pub const CHILDREN_DEPTH_MAX: usize = 5;
/// Sub-tickets that a ticket's page shows.
pub const CHILDREN_SHOWN_MAX: usize = 100;
/// Sub-tickets that are looked at for it: a ticket that goes round and round may have had many.
pub const CHILDREN_LOOKED_AT_MAX: usize = 1_000;

/// Bytes of one file: a scanned contract or a screen recording; what is larger belongs into a store of its own.
pub const FILE_BYTES_MAX: u64 = 50 << 20;
/// Bytes of all drafts of one user: ten of the largest files.
pub const DRAFT_BYTES_OF_USER_MAX: u64 = 500 << 20;
/// Drafts of one user: five fields with as many files as one may have.
pub const DRAFTS_OF_USER_MAX: usize = 1_000;
/// How long a draft is kept that nobody uses, and bytes that nothing names (semantics: files).
pub const DRAFT_KEEP_MS: i64 = 24 * 3_600_000;
/// Files that are uploaded at once: each holds a file on disk and a buffer of some hundred KiB.
pub const UPLOADS_MAX: usize = 64;
