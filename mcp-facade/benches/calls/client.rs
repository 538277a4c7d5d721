//! HTTP/1.1 as far as one keep-alive connection to one server needs it, so that the client costs little.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects to a port of this machine.
    pub(crate) async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
        }
    }

    /// Sends a request and gives the body of the answer, which must be a success of a tool.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).await.expect("sends");
        self.buffer.clear();
        let body = loop {
            let n_read = self.stream.read_buf(&mut self.buffer).await.expect("reads");
            assert_ne!(n_read, 0, "the connection was closed: {}", self.text());
            if let Some(body) = self.body()
                && self.buffer.len() >= body.end
            {
                break body;
            }
        };
        let answer = &self.buffer[body];
        let end = &answer[answer.len().saturating_sub(80)..];
        let is_success = end.windows(15).any(|text| text == br#""isError":false"#);
        assert!(is_success, "{}", self.text());
        answer
    }

    /// Where the body is, once the head is there.
    fn body(&self) -> Option<std::ops::Range<usize>> {
        let start = self.buffer.windows(4).position(|text| text == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&self.buffer[..start]).expect("a head is text");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("an answer says its length").parse().expect("a number");
        Some(start..start + length)
    }

    fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.buffer)
    }
}

/// A call of a tool as bytes.
pub(crate) fn request(token: &str, tool: &str, arguments: &str) -> Vec<u8> {
    let (before, middle) = (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""#,
        r#"","arguments":"#,
    );
    let length = before.len() + tool.len() + middle.len() + arguments.len() + 2;
    format!(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\ncontent-length: {length}\r\n\
         \r\n{before}{tool}{middle}{arguments}}}}}"
    )
    .into_bytes()
}
