//! Where mail is sent to: a relay on a loopback address without TLS, which takes everything on and remembers it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// See the module. It ends with the test.
#[derive(Clone)]
pub struct Mailbox {
    /// Where it listens.
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
}

/// A mail as it came.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// Who gets it.
    pub to: Vec<String>,
    /// Headers and parts.
    pub text: String,
}

impl Mailbox {
    /// One that listens.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mailbox = Self {
            address: listener.local_addr().expect("a listener has an address"),
            mails: Arc::default(),
        };
        let mails = mailbox.mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, mails.clone()));
            }
        });
        mailbox
    }

    /// What has come, in order.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One conversation; whoever hangs up ends it.
async fn talk(stream: TcpStream, mails: Arc<Mutex<Vec<Mail>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mailbox ESMTP\r\n").await.ok()?;
    let (mut mail, mut is_text) = (Mail::default(), false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end_matches(['\r', '\n']);
        let reply = if is_text && line == "." {
            is_text = false;
            let whole = std::mem::take(&mut mail);
            mails.lock().unwrap_or_else(PoisonError::into_inner).push(whole);
            "250 taken"
        } else if is_text {
            mail.text.push_str(line);
            mail.text.push('\n');
            continue;
        } else if let Some(to) = line.strip_prefix("RCPT TO:") {
            mail.to.push(to.trim_matches(['<', '>']).to_owned());
            "250 ok"
        } else if line == "DATA" {
            is_text = true;
            "354 go on"
        } else {
            "250 ok"
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    }
}
