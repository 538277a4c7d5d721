//! Bounds of a post, each with its reason. The bounds of the whole try and of the response's body come with the post.

use std::time::Duration;

/// Resolving, connecting and TLS together; whoever takes longer is not there.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Addresses of one name that are connected to, one after the other; all are checked.
pub(crate) const ADDRESSES_TRIED_MAX: usize = 6;
/// Names that the system resolves at once. Each holds a thread, for longer than anybody waits where no server answers.
pub(crate) const LOOKUPS_MAX: usize = 16;
/// Bytes of a response's head, give or take a read: far more than servers send, far less than hyper's 400 KiB.
pub(crate) const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Headers of a response.
pub(crate) const HEADERS_MAX: usize = 100;
/// Connections to one host that are kept for the next post: as many as there are calls to one at a time.
pub(crate) const IDLE_OF_HOST_MAX: usize = 4;
/// Connections that may be kept, of all hosts together: whoever has names without number fills no table of files.
pub(crate) const KEPT_MAX: usize = 64;
/// How long a connection is kept; many servers close theirs after some seconds.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(15);
/// Secrets of one token, each of which signs the whole body. Two are for a change of secrets.
pub(crate) const SECRETS_MAX: usize = 8;
/// What `Retry-After` may ask for at most; whoever tries again has a smaller bound of its own.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Signs of somebody else's words in an error.
pub(crate) const WORDS_MAX: usize = 160;
/// Bytes of a chat's answer: a code and a sentence.
pub(crate) const CHAT_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a relay may take to say goodbye, which nobody waits for otherwise.
pub(crate) const QUIT_MAX: Duration = Duration::from_secs(2);
