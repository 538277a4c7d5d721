//! Posts to servers on loopback addresses, which each test starts and allows.

/// What is answered, well and badly.
mod answers;
/// How long a try takes, and how much it takes.
mod bounds;
/// Messages to chats.
mod chats;
/// Who is called, and who is not.
mod guarding;
/// Mail.
mod mail;
/// What a post looks like on the wire.
mod posts;
/// Nothing goes through a proxy.
mod proxy;
/// What is never shown.
mod secrets;
/// A server that answers as it is told.
mod server;
/// Calls over TLS.
mod tls;
