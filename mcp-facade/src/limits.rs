//! Every bound of the facade, with its unit and its reason.
//!
//! Not here: bounds of the engine (admission, live tickets, hops), which are the engine's own, and settings that an
//! operator changes (`config`).

use std::time::Duration;

/// Bytes of one HTTP body or one call's arguments over stdio: a form with some full text areas fits many times over.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of one line over stdio. Larger than [`BODY_BYTES_MAX`] so that a call that is too large is still read and
/// gets an answer; only beyond this the line is dropped unread.
pub const STDIO_LINE_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// Bytes of one tool answer as JSON text: clients cut at about a tenth of it, so more is only ever a mistake.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Room that an answer's text begins with: most fit, and none is copied from room to room while it grows.
pub const ANSWER_BYTES_USUAL: usize = 16 * 1024;

/// Time within which a call is answered, if only with `overloaded`.
pub const CALL_DEADLINE: Duration = Duration::from_secs(30);

/// Time for a whole HTTP exchange up to the answer's head, so that a body that trickles in ends too; a little more
/// than [`CALL_DEADLINE`], so that a slow call answers as a tool result and not as a bare HTTP status.
pub const EXCHANGE_DEADLINE: Duration = Duration::from_secs(35);

/// Time that `readyz` waits for the disk: shorter than what asks it would wait.
pub const READINESS_MAX: Duration = Duration::from_secs(2);

/// Open HTTP connections, where the limit of open files allows them ([`crate::descriptors`]). Each costs some ten
/// kilobytes and a descriptor.
pub const CONNECTIONS_MAX: usize = 1024;

/// Connections without which serving makes no sense: a person's assistant and an operator's probes need some.
pub const CONNECTIONS_MIN: usize = 16;

/// Descriptors kept for everything but [`CONNECTIONS_MAX`]: connections over the cap that are told so or are closing,
/// the log's files, the admin socket, the runtime.
pub const DESCRIPTORS_RESERVED: usize = 256;

/// Connections over [`CONNECTIONS_MAX`]: probes on them are answered, everybody else is told `overloaded`.
pub const CONNECTIONS_RESERVED: usize = 64;

/// Connections that have been told to close and are not closed yet, in addition: so many at once that the accept loop
/// never waits for them, and few enough for [`DESCRIPTORS_RESERVED`].
pub const CONNECTIONS_CLOSING_MAX: usize = 64;

/// Time a new connection has to send its first request's head: far more than a slow line needs.
pub const FIRST_HEAD_MAX: Duration = Duration::from_secs(10);

/// The same for one over the cap: what comes there is a probe, or is told to come again.
pub const RESERVE_HEAD_MAX: Duration = Duration::from_secs(2);

/// Time a connection may stay idle between two requests: longer than proxies keep theirs, so that they close first.
pub const IDLE_MAX: Duration = Duration::from_secs(75);

/// Bytes of a body below which it is nobody's burden: what assistants send. Times [`CONNECTIONS_MAX`], some megabytes.
pub const BODY_BYTES_FREE: usize = 4 * 1024;

/// Bytes of all larger bodies on their way or being answered, of those with a good token in a header.
pub const BODIES_BYTES_MAX: usize = 32 * BODY_BYTES_MAX;

/// The same of those without one, apart, so that nobody without a token keeps anybody with one waiting.
pub const BODIES_ANONYMOUS_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

/// Part of either that is parsed and carried out at once: as values the bytes of a body take some thirty times the room.
pub const BODIES_PARSED_SHARE: usize = 4;

/// Time in which a body has to bring [`BODY_PROGRESS_BYTES_MIN`].
pub const BODY_PROGRESS_MAX: Duration = Duration::from_secs(5);

/// Bytes that a body brings in [`BODY_PROGRESS_MAX`], or it is given up: 4 KiB a second, as over the slowest of lines.
pub const BODY_PROGRESS_BYTES_MIN: usize = 20 * 1024;

/// Bytes of an answer below which it is not counted: it is in the system's buffers at once.
pub const ANSWER_BYTES_FREE: usize = 16 * 1024;

/// Bytes of all larger answers that wait for their clients.
pub const ANSWERS_UNSENT_BYTES_MAX: usize = 64 * ANSWER_BYTES_MAX;

/// Time in which a client has to take some more of its answer.
pub const ANSWER_STALLED_MAX: Duration = Duration::from_secs(20);

/// Bytes of a request's head: tokens are long, but not this long.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a credential: longer ones are refused unread.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Bytes of the JWT key below which a key is refused at start: HS256 wants as many as its digest has.
pub const JWT_SECRET_BYTES_MIN: usize = 32;

/// Entries of the problem list of one refusal: enough to mend any real form in one go.
pub const PROBLEMS_MAX: usize = 64;

/// Characters of a wrong value shown back in an error.
pub const SHOWN_VALUE_CHARS_MAX: usize = 60;

/// Bytes of the whole tools/list result: assistants pay for it in every conversation.
pub const TOOLS_LIST_BYTES_MAX: usize = 24 * 1024;

/// Rows of a page.
pub const PER_PAGE_MAX: u32 = 100;

/// Time from a stop signal to the exit.
pub const STOP_MAX: Duration = Duration::from_secs(10);

/// Time that calls in flight have of [`STOP_MAX`]; the rest is for flushing the log.
pub const DRAIN_MAX: Duration = Duration::from_secs(7);

/// Users, or addresses, whose rate is remembered at once; beyond it those with a full allowance are forgotten first.
pub const RATE_LIMITED_MAX: usize = 10_000;

/// Calls per second of one user where other machines can connect and the operator says nothing: more than an assistant
/// makes, less than a loop that nobody looks after. Whoever can connect to a loopback address is at the machine anyway.
pub const RATE_OF_USER_USUAL: u32 = 200;

/// The same for requests of one address, behind which there may be an office.
pub const RATE_OF_ADDRESS_USUAL: u32 = 1_000;

/// Bytes of a body of the REST interface or of a form: they hold no tickets yet.
pub const FORM_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a call-back's body: it says that something went well, or why not.
pub const CALL_BACK_BYTES_MAX: usize = 64 * 1024;

/// Call-backs a minute at one address: a hook that says the same again and again is broken.
pub const CALL_BACKS_PER_MINUTE: u32 = 60;

/// Passwords that are checked at once, each with some 20 MiB and a core to itself.
pub const PASSWORDS_AT_ONCE: usize = 2;

/// Those that wait for it: half a second's work.
pub const PASSWORDS_WAITING_MAX: usize = 16;

/// Failed tries of one e-mail address from one place after which the next has to wait.
pub const PASSWORD_TRIES_OF_PLACE: u32 = 5;

/// The same of one e-mail address from everywhere.
pub const PASSWORD_TRIES_OF_EMAIL: u32 = 20;

/// The same of one place, behind which there may be an office.
pub const PASSWORD_TRIES_OF_ADDRESS: u32 = 50;

/// Longest wait for an e-mail address or a place: whoever is meant can still sign in from elsewhere, or a minute later.
pub const PASSWORD_WAIT_MAX: Duration = Duration::from_secs(60);

/// Longest wait for an e-mail address from one place that can be told from others: some three hundred guesses a day.
pub const PASSWORD_WAIT_OF_PLACE_MAX: Duration = Duration::from_secs(300);

/// Life of a JWT that `login` answers. It cannot be taken back by itself, so it is short: a working day.
pub const JWT_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// Characters of a token's label: a place, not a story.
pub const TOKEN_LABEL_CHARS_MAX: usize = 200;

/// Forms whose second sending is recognised.
pub const FORMS_REMEMBERED_MAX: usize = 10_000;

/// Bytes of one request on the admin socket: a directory of a hundred thousand users fits, each with 1,300 bytes.
pub const ADMIN_LINE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Requests on the admin socket that are answered at once: one operator at one keyboard.
pub const ADMIN_CONNECTIONS_MAX: usize = 8;

/// Connections on the admin socket that have not sent their request yet.
pub const ADMIN_UNREAD_MAX: usize = 16;

/// Time for a request on the admin socket to come in: it is sent as soon as there is a connection, by this machine.
pub const ADMIN_REQUEST_MAX: Duration = Duration::from_secs(5);

/// Bytes of a file that is sent to `POST /files`: the engine's own bound, known before a byte more is written.
pub const UPLOAD_BYTES_MAX: u64 = loonflow_engine::limits::FILE_BYTES_MAX;
/// Bytes beyond it that are still read and thrown away, so that the client sees the answer.
pub const UPLOAD_DISCARD_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How long an upload may take: a file of the largest size over a line of a megabit a second.
pub const UPLOAD_DEADLINE: Duration = Duration::from_secs(600);
/// Bytes of an upload that may lie unread, before the file, in its head or behind it.
pub const FILE_UNREAD_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of the name that a file is sent with.
pub const FILE_NAME_BYTES_MAX: usize = 4 * 1024;
/// Bytes of base64 in a call of `file_upload`: half of what a body may have.
pub const FILE_BASE64_BYTES_MAX: usize = 512 * 1024;
/// Files that an answer links to.
pub const FILES_LINKED_MAX: usize = 20;
