//! Numbers in the arguments of a call that a JSON reader would change: on the way in each is carried as
//! `engine::value::number` says, so that no digit is lost and `1e400` is told by the name of its argument.
//!
//! Over HTTP the whole body passes here, over stdio every byte. Not here: which numbers are meant, and what a field
//! takes. Invariant: a message without such a number passes unchanged, byte for byte.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use loonflow_engine::value::number::{Numbers, Step, carried, survives};
use serde_json::Value;
use tokio::io::{AsyncRead, ReadBuf};

/// Objects around an argument of a call: the message and its `params`. What stands further out (the message's id) is
/// the protocol's and is left alone.
const DEPTH_OF_ARGUMENTS: usize = 3;

/// A message becomes no longer than so many times what it was: six bytes, `1e400,`, become twenty.
pub(crate) const GROWTH_MAX: usize = 4;

/// Bytes read at once from a stream.
const CHUNK_BYTES: usize = 16 * 1024;

/// A message's bytes with the numbers in its arguments carried.
#[must_use]
pub(crate) fn in_message(bytes: &[u8]) -> Vec<u8> {
    rewritten(bytes, DEPTH_OF_ARGUMENTS)
}

/// Reads JSON that came as the text of an argument.
///
/// # Errors
/// Where it is no JSON.
pub(crate) fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_slice(&rewritten(text.as_bytes(), 0))
}

fn rewritten(bytes: &[u8], depth: usize) -> Vec<u8> {
    let mut into = Vec::with_capacity(bytes.len());
    let mut rewriter = Rewriter::from_depth(depth);
    for byte in bytes {
        rewriter.take(*byte, &mut into);
    }
    rewriter.end(&mut into);
    into
}

struct Rewriter {
    numbers: Numbers,
    depth: usize,
}

impl Rewriter {
    fn from_depth(depth: usize) -> Self {
        Self {
            numbers: Numbers::default(),
            depth,
        }
    }

    fn take(&mut self, byte: u8, into: &mut Vec<u8>) {
        // Before a bracket behind the number is counted.
        let depth = self.numbers.depth();
        match self.numbers.next(byte) {
            Step::Within => return,
            Step::After(literal) => self.put(&literal, depth, into),
            Step::Other => {}
        }
        into.push(byte);
    }

    fn end(&mut self, into: &mut Vec<u8>) {
        if let Some(literal) = self.numbers.end() {
            self.put(&literal, self.numbers.depth(), into);
        }
    }

    fn put(&self, literal: &str, depth: usize, into: &mut Vec<u8>) {
        if depth < self.depth || survives(literal) {
            into.extend_from_slice(literal.as_bytes());
        } else {
            into.extend_from_slice(carried(literal).to_string().as_bytes());
        }
    }
}

/// A stream of messages, each as [`in_message`].
pub(crate) struct Stream<R> {
    from: R,
    rewriter: Rewriter,
    /// What is ready to be read, and how much of it was.
    ready: Vec<u8>,
    n_read: usize,
}

impl<R> Stream<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            rewriter: Rewriter::from_depth(DEPTH_OF_ARGUMENTS),
            ready: Vec::new(),
            n_read: 0,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Stream<R> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.n_read == this.ready.len() {
            this.ready.clear();
            this.n_read = 0;
            let mut chunk = [0; CHUNK_BYTES];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.from).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                this.rewriter.end(&mut this.ready);
                break;
            }
            for byte in read.filled() {
                // A message is a line: one that never closes what it opens does not reach into the next.
                if *byte == b'\n' {
                    this.rewriter.end(&mut this.ready);
                    this.rewriter.numbers = Numbers::default();
                }
                this.rewriter.take(*byte, &mut this.ready);
            }
        }
        let rest = &this.ready[this.n_read..];
        let n_bytes = rest.len().min(into.remaining());
        into.put_slice(&rest[..n_bytes]);
        this.n_read += n_bytes;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    const SENT: &str = r#"{"id":18446744073709551617,"params":{"arguments":{"n":0.12345678901234567890,"t":"1e400","m":[1e400,-1.5]}}}"#;
    const TAKEN: &str = r#"{"id":18446744073709551617,"params":{"arguments":{"n":{"$number":"0.12345678901234567890"},"t":"1e400","m":[{"$number":"1e400"},-1.5]}}}"#;

    #[test]
    fn only_what_would_change_is_carried() {
        assert_eq!(String::from_utf8(in_message(SENT.as_bytes())).unwrap(), TAKEN);
        for text in [
            "",
            "{",
            r#"{"a\\\"":[1,2.50,true],"b":"1e400\"1e400"} x"#,
            "\u{feff}é{}",
            "[[[[-",
        ] {
            let changed = String::from_utf8(in_message(text.as_bytes())).unwrap();
            if text != "[[[[-" {
                assert_eq!(changed, text);
            }
        }
        assert_eq!(parse("1e400").unwrap(), carried("1e400"));
    }

    #[test]
    fn an_argument_itself_may_be_one() {
        let sent = br#"{"params":{"arguments":{"page":1e400}}}"#;
        let taken = r#"{"params":{"arguments":{"page":{"$number":"1e400"}}}}"#;
        assert_eq!(String::from_utf8(in_message(sent)).unwrap(), taken);
    }

    #[tokio::test]
    async fn a_stream_is_taken_as_its_lines_are() {
        let sent = format!("{{{{{{\n{SENT}\n{SENT}");
        let mut read = String::new();
        let mut stream = Stream::new(sent.as_bytes());
        stream.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, format!("{{{{{{\n{TAKEN}\n{TAKEN}"));
    }
}
