//! Mail to a relay that answers as it is told: with TLS and without, signed in, full, broken off, and not allowed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loonflow_engine::account::channel::{MailTls, Relay};
use loonflow_engine::account::token::Secret;
use loonflow_engine::notice::Mail;
use loonflow_engine::runtime::{Message, NotSent, Outside, Sending, Sent};
use loonflow_engine::time::Timestamp;
use loonflow_outbound::{AllowList, Authorities, HttpOutside, Settings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How a relay behaves.
#[derive(Clone, Default)]
struct Script {
    /// Offers STARTTLS.
    starttls: bool,
    /// Speaks TLS from the first byte.
    tls: bool,
    /// Answers a command that begins so with this; `None` hangs up.
    instead: Vec<(&'static str, Option<&'static str>)>,
}

/// A relay on a loopback address.
struct TestRelay {
    port: u16,
    certificate: Vec<u8>,
    /// Every line that came, `TLS` where it began, and the message's lines behind a `|`.
    lines: Arc<Mutex<Vec<String>>>,
}

impl TestRelay {
    async fn start(script: Script) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = lines.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, script, seen) = (acceptor.clone(), script.clone(), seen.clone());
                tokio::spawn(async move {
                    if script.tls {
                        let Ok(stream) = acceptor.accept(stream).await else {
                            return;
                        };
                        seen.lock().unwrap().push("TLS".into());
                        talk(stream, &script, &seen, true, true).await;
                    } else if let Some(stream) = talk(stream, &script, &seen, true, false).await
                        && let Ok(stream) = acceptor.accept(stream).await
                    {
                        seen.lock().unwrap().push("TLS".into());
                        talk(stream, &script, &seen, false, true).await;
                    }
                });
            }
        });
        Self {
            port,
            certificate: cert.der().to_vec(),
            lines,
        }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn relay(&self, tls: MailTls) -> Relay {
        Relay {
            host: "localhost".into(),
            port: self.port,
            tls,
            user: "tickets".into(),
            password: Secret::new("hush-hush"),
            from: "Tickets <tickets@acme.example>".into(),
        }
    }

    async fn send(&self, relay: Relay) -> Result<Sent, NotSent> {
        let client = HttpOutside::new(Settings {
            allow: AllowList::parse(["localhost"]).unwrap(),
            authorities: Authorities::These(vec![self.certificate.clone()]),
            ..Settings::default()
        });
        client.send(message(relay)).await
    }
}

fn message(relay: Relay) -> Message {
    Message {
        id: "msg_1_2_0".into(),
        at: Timestamp(1_790_000_000_000),
        timeout: Duration::from_secs(10),
        sending: Sending::Mail {
            relay,
            to: vec!["ada@acme.example".into()],
            mail: Mail {
                subject: "To do: Leave".into(),
                text: "Text\n.\nafter a dot".into(),
                html: "<p>Text</p>".into(),
            },
        },
    }
}

/// Talks to a client; gives the stream back where TLS is to begin.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: &Script,
    seen: &Mutex<Vec<String>>,
    greets: bool,
    is_secure: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if greets {
        stream.write_all(b"220 relay.example ESMTP\r\n").await.ok()?;
        stream.flush().await.ok()?;
    }
    let mut is_data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        if is_data && line != "." {
            seen.lock().unwrap().push(format!("|{line}"));
            continue;
        }
        seen.lock().unwrap().push(line.clone());
        let instead = script.instead.iter().find(|(begin, _)| line.starts_with(begin));
        let (reply, goes_on) = match instead {
            Some((_, None)) => return None,
            Some((_, Some(reply))) => ((*reply).to_owned(), false),
            None if is_data => ("250 queued as 42".to_owned(), false),
            None if line.starts_with("EHLO") && script.starttls && !is_secure => {
                ("250-relay.example\r\n250 STARTTLS".to_owned(), false)
            }
            None if line.starts_with("EHLO") => ("250-relay.example\r\n250 AUTH PLAIN LOGIN".to_owned(), false),
            None if line == "STARTTLS" => ("220 go on".to_owned(), true),
            None if line.starts_with("AUTH") => ("235 welcome".to_owned(), false),
            None if line == "DATA" => ("354 go on".to_owned(), false),
            None if line == "QUIT" => ("221 bye".to_owned(), false),
            None => ("250 ok".to_owned(), false),
        };
        is_data = line == "DATA" && reply.starts_with("354");
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        if goes_on {
            return Some(stream.into_inner());
        }
    }
}

fn plain() -> String {
    format!("AUTH PLAIN {}", STANDARD.encode("\0tickets\0hush-hush"))
}

#[tokio::test]
async fn a_mail_goes_over_starttls_and_the_password_only_then() {
    let relay = TestRelay::start(Script {
        starttls: true,
        ..Script::default()
    })
    .await;
    let sent = relay.send(relay.relay(MailTls::StartTls)).await.unwrap();
    assert_eq!(
        (sent.status, sent.note.as_str()),
        (Some(250), "status 250 queued as 42")
    );
    let lines = relay.lines();
    let commands: Vec<&String> = lines.iter().filter(|line| !line.starts_with('|')).collect();
    assert_eq!(
        commands,
        [
            "EHLO acme.example",
            "STARTTLS",
            "TLS",
            "EHLO acme.example",
            &plain(),
            "MAIL FROM:<tickets@acme.example>",
            "RCPT TO:<ada@acme.example>",
            "DATA",
            ".",
            "QUIT"
        ]
    );
    for line in [
        "|Subject: To do: Leave",
        "|Message-ID: <msg_1_2_0@acme.example>",
        "|..",
        "|after a dot",
        "|<p>Text</p>",
    ] {
        assert!(lines.iter().any(|one| one == line), "{line}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_mail_goes_over_tls_from_the_first_byte() {
    let relay = TestRelay::start(Script {
        tls: true,
        ..Script::default()
    })
    .await;
    assert_eq!(relay.send(relay.relay(MailTls::Tls)).await.unwrap().status, Some(250));
    assert_eq!(
        relay.lines()[..3],
        ["TLS".to_owned(), "EHLO acme.example".to_owned(), plain()]
    );
}

#[tokio::test]
async fn without_the_tls_that_was_asked_for_nothing_is_said() {
    let relay = TestRelay::start(Script::default()).await;
    let not = relay.send(relay.relay(MailTls::StartTls)).await.unwrap_err();
    assert_eq!(not.why, "`localhost` offers no STARTTLS, and the channel asks for it");
    assert!(!not.is_final);
    let not = relay.send(relay.relay(MailTls::None)).await.unwrap_err();
    assert_eq!(
        (not.why.as_str(), not.is_final),
        ("the channel has a password, and no TLS to send it over", true)
    );
    assert!(
        relay
            .lines()
            .iter()
            .all(|line| line.starts_with("EHLO") || line == "QUIT"),
        "{:?}",
        relay.lines()
    );
    // Whoever has another certificate is not the relay.
    let relay = TestRelay::start(Script {
        starttls: true,
        ..Script::default()
    })
    .await;
    let client = HttpOutside::new(Settings {
        allow: AllowList::parse(["localhost"]).unwrap(),
        authorities: Authorities::These(vec![TestRelay::start(Script::default()).await.certificate]),
        ..Settings::default()
    });
    let not = client.send(message(relay.relay(MailTls::StartTls))).await.unwrap_err();
    assert!(
        !not.is_final && !relay.lines().iter().any(|line| line.starts_with("AUTH")),
        "{not:?}"
    );
}

#[tokio::test]
async fn what_a_relay_refuses_for_good_is_final_and_what_it_refuses_for_now_is_not() {
    for (begin, reply, is_final, status) in [
        ("RCPT", Some("550 5.1.1 no such user"), true, Some(550)),
        ("RCPT", Some("452 4.2.2 mailbox full"), false, Some(452)),
        (".", Some("552 5.2.2 mailbox full"), true, Some(552)),
        (".", Some("451 4.3.0 try later"), false, Some(451)),
        ("MAIL", Some("421 4.7.0 too many"), false, Some(421)),
        ("AUTH", Some("535 5.7.8 who are you"), true, Some(535)),
        ("DATA", None, false, None),
        ("EHLO", Some("nonsense"), false, None),
    ] {
        let relay = TestRelay::start(Script {
            tls: true,
            instead: vec![(begin, reply)],
            ..Script::default()
        })
        .await;
        let not = relay.send(relay.relay(MailTls::Tls)).await.unwrap_err();
        assert_eq!((not.is_final, not.status), (is_final, status), "{begin}: {not:?}");
        assert!(
            not.why.starts_with("`localhost`") && !not.why.contains("hush"),
            "{not:?}"
        );
    }
}

#[tokio::test]
async fn a_relay_is_called_only_where_it_may_be() {
    let relay = TestRelay::start(Script::default()).await;
    let open = Relay {
        user: String::new(),
        password: Secret::default(),
        ..relay.relay(MailTls::None)
    };
    let client = HttpOutside::new(Settings::default());
    for host in ["localhost", "127.0.0.1", "0x7f.1", "[::1]"] {
        let host = host.to_owned();
        let not = client.send(message(Relay { host, ..open.clone() })).await.unwrap_err();
        assert!(not.is_final && not.why.contains("of the public internet"), "{not:?}");
    }
    assert_eq!(relay.lines(), [] as [&str; 0]);
    assert_eq!(relay.send(open).await.unwrap().status, Some(250));
    // Nobody listens any more.
    let gone = TestRelay {
        port: 1,
        certificate: relay.certificate.clone(),
        lines: Arc::default(),
    };
    let not = gone.send(gone.relay(MailTls::StartTls)).await.unwrap_err();
    assert!(!not.is_final, "{not:?}");
}

#[tokio::test]
async fn a_relay_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = TestRelay {
        port,
        certificate: vec![],
        lines: Arc::default(),
    };
    let client = HttpOutside::new(Settings {
        allow: AllowList::parse(["localhost"]).unwrap(),
        ..Settings::default()
    });
    let mut message = message(silent.relay(MailTls::StartTls));
    message.timeout = Duration::from_millis(300);
    let not = client.send(message).await.unwrap_err();
    assert_eq!(not.why, "`localhost` has not taken it on within 0 s");
}
