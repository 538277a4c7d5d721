//! Mail over a relay: one connection, one message, never a second try (semantics: notices).
//!
//! The relay's name is resolved here and its addresses pass the same guard as every post's; one of those very addresses is
//! connected to. Where TLS is asked for nothing is said before it, the password least of all: a relay that offers none is
//! left. "Sent" means that the relay has taken the message on.
//!
//! Not here: what a mail says (the engine), when it is tried again (the engine too). Nothing of this is logged: the protocol
//! carries the password.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, client};
use lettre::{Address, Message};
use loonflow_engine::account::channel::{MailTls, Relay, sender};
use loonflow_engine::notice::Mail;
use loonflow_engine::runtime::{NotSent, Sent};
use loonflow_engine::time::Timestamp;
use rustls::RootCertStore;
use tokio::time::{Instant, timeout};
use url::Host;

use crate::allow::AllowList;
use crate::connect::{ConnectProblem, admitted};
use crate::limits::{ADDRESSES_TRIED_MAX, CONNECT_MAX, QUIT_MAX, WORDS_MAX};
use crate::resolve::Resolve;
use crate::tls::{self, Authorities};

/// Sends mail.
pub(crate) struct Mailer {
    allow: AllowList,
    resolver: Arc<dyn Resolve>,
    authorities: Authorities,
}

/// One mail.
pub(crate) struct Letter<'m> {
    pub(crate) relay: &'m Relay,
    pub(crate) to: &'m [String],
    pub(crate) mail: &'m Mail,
    /// The same in every try: mail programs drop what they have had.
    pub(crate) id: &'m str,
    pub(crate) at: Timestamp,
}

impl Mailer {
    pub(crate) fn new(allow: AllowList, resolver: Arc<dyn Resolve>, authorities: Authorities) -> Self {
        Self {
            allow,
            resolver,
            authorities,
        }
    }

    /// Sends a mail within a time.
    ///
    /// # Errors
    /// Why the relay has not taken it on.
    pub(crate) async fn send(&self, letter: Letter<'_>, within: Duration) -> Result<Sent, NotSent> {
        let host = letter.relay.host.clone();
        let sent = timeout(within, self.send_once(letter)).await;
        sent.unwrap_or_else(|_| {
            Err(NotSent::failed(format!(
                "`{host}` has not taken it on within {} s",
                within.as_secs()
            )))
        })
    }

    async fn send_once(&self, letter: Letter<'_>) -> Result<Sent, NotSent> {
        let relay = letter.relay;
        let (envelope, message, own_domain) = written(&letter)?;
        let hello = ClientId::Domain(own_domain);
        let mut connection = self.connect(relay, &hello).await?;
        let failed = |error: Error| of_smtp(relay, &error);
        if relay.tls == MailTls::StartTls {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(NotSent::failed(format!(
                    "`{}` offers no STARTTLS, and the channel asks for it",
                    relay.host
                )));
            }
            connection.starttls(self.tls(relay)?, &hello).await.map_err(failed)?;
        }
        if !relay.password.is_empty() {
            // A channel with a password has TLS; a relay that was imported by another program may say otherwise.
            if !connection.is_encrypted() {
                connection.abort().await;
                return Err(NotSent::refused(
                    "the channel has a password, and no TLS to send it over",
                ));
            }
            let credentials = Credentials::new(relay.user.clone(), relay.password.expose().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, &credentials).await.map_err(failed)?;
        }
        let response = connection.send(&envelope, &message).await.map_err(failed)?;
        let code = u16::from(response.code());
        // It has been taken on; whether the relay says goodbye changes nothing of that.
        let _ = timeout(QUIT_MAX, connection.quit()).await;
        let words = short(response.first_line().unwrap_or_default());
        Ok(Sent {
            status: Some(code),
            note: format!("status {code} {words}").trim_end().to_owned(),
        })
    }

    /// Connects to one of the relay's addresses, over TLS from the first byte where the channel says so.
    async fn connect(&self, relay: &Relay, hello: &ClientId) -> Result<AsyncSmtpConnection, NotSent> {
        let host = Host::parse(&relay.host).map_err(|_| NotSent::refused("the channel's host is none"))?;
        let end = Instant::now() + CONNECT_MAX;
        let admitted = timeout(CONNECT_MAX, admitted(&self.allow, &*self.resolver, &host, relay.port)).await;
        let admitted = match admitted.unwrap_or(Err(ConnectProblem::TooSlow)) {
            Ok(admitted) => admitted,
            Err(ConnectProblem::NotAllowed(refused)) => return Err(NotSent::refused(refused.to_string())),
            Err(problem) => return Err(NotSent::failed(format!("`{}` {problem}", relay.host))),
        };
        let mut problem = NotSent::failed(format!("`{}` cannot be resolved", relay.host));
        for address in admitted.iter().take(ADDRESSES_TRIED_MAX) {
            let tls = match relay.tls {
                MailTls::Tls => Some(self.tls(relay)?),
                MailTls::None | MailTls::StartTls => None,
            };
            let left = end.saturating_duration_since(Instant::now());
            match AsyncSmtpConnection::connect_tokio1(*address, Some(left), hello, tls, None).await {
                Ok(connection) => return Ok(connection),
                Err(error) => problem = of_smtp(relay, &error),
            }
        }
        Err(problem)
    }

    /// Whom to believe that they are the relay.
    fn tls(&self, relay: &Relay) -> Result<TlsParameters, NotSent> {
        let mut builder = TlsParameters::builder(relay.host.clone()).certificate_store(CertificateStore::None);
        let mut n_believed = 0;
        for certificate in tls::certificates(&self.authorities) {
            // One that cannot be read must not keep the others from being believed.
            if RootCertStore::empty().add(certificate.clone()).is_ok()
                && let Ok(certificate) = Certificate::from_der(certificate.to_vec())
            {
                builder = builder.add_root_certificate(certificate);
                n_believed += 1;
            }
        }
        if n_believed == 0 {
            return Err(NotSent::failed(format!(
                "`{}` {}",
                relay.host,
                ConnectProblem::NoAuthorities
            )));
        }
        let builder = builder.set_min_tls_version(client::TlsVersion::Tlsv12);
        builder
            .build_rustls()
            .map_err(|_| NotSent::failed("TLS cannot be set up"))
    }
}

/// The message as bytes, with its envelope, and the domain of whoever sends it.
fn written(letter: &Letter<'_>) -> Result<(Envelope, Vec<u8>, String), NotSent> {
    let refused = |what: &str| NotSent::refused(format!("the mail has {what}"));
    let (name, from) = sender(&letter.relay.from).ok_or_else(|| refused("a sender that is none"))?;
    let from: Address = from.parse().map_err(|_| refused("a sender that is none"))?;
    let domain = from.domain().to_owned();
    let name = Some(name.to_owned()).filter(|name| !name.is_empty());
    let to: Result<Vec<Address>, _> = letter.to.iter().map(|to| to.parse()).collect();
    let to: Vec<Address> = to.map_err(|_| refused("an address that is none"))?;
    let envelope = Envelope::new(Some(from.clone()), to.clone()).map_err(|_| refused("no address"))?;
    let ms = u64::try_from(letter.at.0).unwrap_or(0);
    let mut builder = Message::builder()
        .from(Mailbox::new(name, from))
        .subject(letter.mail.subject.clone())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(ms))
        .message_id(Some(format!("<{}@{domain}>", letter.id)))
        .envelope(envelope.clone());
    // Out-of-office notes answer no such mail.
    let auto = HeaderName::new_from_ascii("Auto-Submitted".to_owned()).map_err(|_| refused("a header that is none"))?;
    builder = builder.raw_header(HeaderValue::new(auto, "auto-generated".to_owned()));
    for to in to {
        builder = builder.to(Mailbox::new(None, to));
    }
    // The same bytes in every try.
    let parts = MultiPart::alternative().boundary(format!("part-{}", letter.id));
    let parts = parts
        .singlepart(SinglePart::plain(letter.mail.text.clone()))
        .singlepart(SinglePart::html(letter.mail.html.clone()));
    let message = builder.multipart(parts).map_err(|_| refused("a part that is none"))?;
    Ok((envelope, message.formatted(), domain))
}

/// Why a relay has not taken a mail on. What it says for good (5xx) is not tried again, what it says for now (4xx) is.
fn of_smtp(relay: &Relay, error: &Error) -> NotSent {
    let words = short(&error.to_string());
    let why = format!("`{}`: {words}", relay.host);
    NotSent {
        is_final: error.is_permanent() || error.is_client(),
        status: error.status().map(u16::from),
        ..NotSent::failed(why)
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use loonflow_engine::account::token::Secret;

    use super::*;

    #[test]
    fn a_mail_is_the_same_bytes_in_every_try() {
        let relay = Relay {
            host: "relay.example".into(),
            port: 25,
            tls: MailTls::None,
            user: String::new(),
            password: Secret::default(),
            from: "Tickets <tickets@acme.example>".into(),
        };
        let mail = Mail {
            subject: "待处理: Leave of three days, which takes more than one line of a header, as long as it is".into(),
            text: "A line\n.\nand a dot".into(),
            html: "<p>A line</p>".into(),
        };
        let to = ["ada@acme.example".to_owned()];
        let letter = || Letter {
            relay: &relay,
            to: &to,
            mail: &mail,
            id: "msg_1_2_0",
            at: Timestamp(1_790_000_000_000),
        };
        let (envelope, bytes, domain) = written(&letter()).unwrap();
        assert_eq!((envelope.to().len(), domain.as_str()), (1, "acme.example"));
        assert_eq!(written(&letter()).unwrap().1, bytes);
        let text = String::from_utf8(bytes).unwrap();
        let expected = "From: Tickets <tickets@acme.example>\r\n\
            Subject: =?utf-8?b?5b6F5aSE55CGOg==?= Leave of three days, which takes more\r\n than one line of a header, as long as it is\r\n\
            Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n\
            Message-ID: <msg_1_2_0@acme.example>\r\n\
            Auto-Submitted: auto-generated\r\n\
            To: ada@acme.example\r\n\
            MIME-Version: 1.0\r\n\
            Content-Type: multipart/alternative; boundary=\"part-msg_1_2_0\"\r\n\r\n\
            --part-msg_1_2_0\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: 7bit\r\n\r\n\
            A line\r\n.\r\nand a dot\r\n\
            --part-msg_1_2_0\r\n\
            Content-Type: text/html; charset=utf-8\r\n\
            Content-Transfer-Encoding: 7bit\r\n\r\n\
            <p>A line</p>\r\n\
            --part-msg_1_2_0--\r\n";
        assert_eq!(text, expected);
    }
}
