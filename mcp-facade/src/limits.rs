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

/// Open HTTP connections. Each costs some ten kilobytes and a descriptor; the next one is told `overloaded`.
pub const CONNECTIONS_MAX: usize = 1024;

/// Connections over [`CONNECTIONS_MAX`] that are told so at the same time; the rest is closed without a word.
pub const CONNECTIONS_REFUSED_AT_ONCE_MAX: usize = 64;

/// Time a connection may take to send a request's head, or stay idle between two requests.
pub const HEAD_READ_MAX: Duration = Duration::from_secs(75);

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

/// Tokens whose rate is remembered at once; beyond it those with a full allowance are forgotten first.
pub const RATE_LIMITED_TOKENS_MAX: usize = 10_000;

/// Bytes of one request on the admin socket: a directory of a hundred thousand users fits, each with 1,300 bytes.
pub const ADMIN_LINE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Connections on the admin socket: one operator at one keyboard.
pub const ADMIN_CONNECTIONS_MAX: usize = 8;
