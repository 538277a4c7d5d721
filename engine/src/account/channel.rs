//! Channels over which a tenant's people are told, and what each of them has chosen of it (semantics: notices).
//!
//! Not here: what is told (`notice`), reading them from a file (`account::import`), how bytes reach a relay or an address
//! (whoever implements the runtime's port).
//!
//! Passwords, keys and the addresses of chats, which are keys themselves, are [`Secret`]s: `Debug` shows none of them.

use serde::{Deserialize, Serialize};

use crate::account::notice_event::NoticeEvent;
use crate::account::token::Secret;
use crate::id::{ChannelId, UserId};

/// A way to tell people something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id, by which definitions name it.
    pub id: ChannelId,
    /// Where it leads.
    pub route: Route,
}

/// Where a channel leads. Stored by position: only ever append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    /// Mail, over a relay.
    Mail(Relay),
    /// A post to an address.
    Post(Posting),
}

/// A relay for mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is spoken to over TLS.
    pub tls: MailTls,
    /// Who signs in; empty for nobody.
    pub user: String,
    /// The password of whoever signs in.
    pub password: Secret,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
}

/// Whether a relay is spoken to over TLS. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailTls {
    /// Not at all: a relay on the same machine.
    None,
    /// From `STARTTLS` on, without which nothing is sent.
    StartTls,
    /// From the first byte.
    Tls,
}

impl MailTls {
    /// All, in the order in which sentences list them.
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Tls, Self::None];

    /// The file's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Tls => "tls",
        }
    }

    /// The port that relays listen at for it.
    #[must_use]
    pub fn usual_port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

/// An address that is posted to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Who listens there.
    pub kind: PostKind,
    /// The address: whoever knows that of a chat may write into it.
    pub url: Secret,
    /// Key of the signature; empty for none.
    pub secret: Secret,
}

/// Who listens at an address. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostKind {
    /// A program.
    Webhook,
    /// A Slack channel.
    Slack,
    /// A Teams channel.
    Teams,
    /// A Feishu group.
    Feishu,
    /// A DingTalk group.
    DingTalk,
    /// A WeCom group.
    WeCom,
}

impl PostKind {
    /// All, in the order in which sentences list them.
    pub const ALL: [Self; 6] = [
        Self::Webhook,
        Self::Slack,
        Self::Teams,
        Self::Feishu,
        Self::DingTalk,
        Self::WeCom,
    ];

    /// The file's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Feishu => "feishu",
            Self::DingTalk => "dingtalk",
            Self::WeCom => "wecom",
        }
    }
}

impl Route {
    /// The file's word of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mail(_) => "smtp",
            Self::Post(posting) => posting.kind.word(),
        }
    }

    /// Whether each person gets a message of their own; else one message is for a whole group.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        match self {
            Self::Mail(_) => true,
            Self::Post(posting) => posting.kind == PostKind::Webhook,
        }
    }

    /// Host and port, and nothing else of where it leads; empty where there is none to be read.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Mail(relay) => format!("{}:{}", relay.host, relay.port),
            Self::Post(posting) => url::Url::parse(posting.url.expose().trim()).map_or_else(
                |_| String::new(),
                |url| {
                    let port = url.port_or_known_default().unwrap_or_default();
                    format!("{}:{port}", url.host_str().unwrap_or_default())
                },
            ),
        }
    }
}

/// How often a person wants to be told. Stored by position: only ever append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Digest {
    /// At once.
    #[default]
    None,
    /// At every full hour, of all at once.
    Hourly,
    /// At eight in the morning, of all at once.
    Daily,
}

impl Digest {
    /// All, in the order in which sentences list them.
    pub const ALL: [Self; 3] = [Self::None, Self::Hourly, Self::Daily];

    /// The file's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
        }
    }
}

/// What a person has chosen to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeChoice {
    /// What they do not want to be told.
    pub off: Vec<NoticeEvent>,
    /// How often they want to be told the rest.
    pub digest: Digest,
}

/// A choice with whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenNotices {
    /// Whose.
    pub user: UserId,
    /// What they chose.
    pub choice: NoticeChoice,
}

/// The name and the address of a sender, `Name <address>` or an address alone; `None` where it is neither.
#[must_use]
pub fn sender(text: &str) -> Option<(&str, &str)> {
    let (name, address) = match text.trim().strip_suffix('>').map(|rest| rest.rsplit_once('<')) {
        Some(parts) => parts?,
        None => ("", text),
    };
    let (name, address) = (name.trim().trim_matches('"'), address.trim());
    let is_text = !name.chars().any(char::is_control);
    (is_text && is_address(address)).then_some((name, address))
}

/// Whether mail can be sent to an address: one that no header or command of the protocol can be smuggled into.
#[must_use]
pub fn is_address(address: &str) -> bool {
    let odd =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"' | '\\' | '(' | ')');
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            !local.is_empty() && !domain.is_empty() && !address.contains(odd) && !local.contains('@')
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_addresses_with_or_without_a_name() {
        for (text, expected) in [
            ("tickets@acme.example", Some(("", "tickets@acme.example"))),
            (
                "Tickets <tickets@acme.example>",
                Some(("Tickets", "tickets@acme.example")),
            ),
            (
                "\"Tickets, Acme\" <t@acme.example> ",
                Some(("Tickets, Acme", "t@acme.example")),
            ),
            ("tickets", None),
            ("@acme.example", None),
            ("a@b@c", None),
            ("A <a@b", None),
            ("a b@c", None),
            ("A\r\nBcc: x <a@b>", None),
            ("a@b\r\nRCPT TO:<x@y>", None),
        ] {
            assert_eq!(sender(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let channel = Channel {
            id: "mail".into(),
            route: Route::Mail(Relay {
                host: "relay.example".into(),
                port: 587,
                tls: MailTls::StartTls,
                user: "tickets".into(),
                password: Secret::new("hush-password"),
                from: "tickets@acme.example".into(),
            }),
        };
        let chat = Route::Post(Posting {
            kind: PostKind::Feishu,
            url: Secret::new("https://chat.example/hook/hush-path"),
            secret: Secret::new("hush-key"),
        });
        let shown = format!("{channel:?} {chat:?} {}", chat.host());
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.ends_with("chat.example:443"), "{shown}");
    }
}
