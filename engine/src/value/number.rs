//! Numbers of JSON whose digits do not all fit the type that JSON readers have for them.
//!
//! `serde_json` reads a number with a point, or a very large one, as a 64-bit float: about 17 digits are left, and
//! `1e400` cannot be read at all. Its feature for exact numbers is no way out: it breaks enums that are told apart by
//! their content, as MCP messages are. So a number that would change is carried beside the others, in an object of one
//! entry: `{"$number": "<its digits>"}` ([`carried`]). Where a field's value is read, that is a number again; where
//! anything else is read, an object is refused as one.
//!
//! Not here: finding such numbers in a message (the facade), what a number field takes (`workflow::form`).

use serde_json::Value as Json;

/// The key of a carried number.
const KEY: &str = "$number";

/// A number that [`survives`] does not let through, as JSON that every reader leaves as it is.
#[must_use]
pub fn carried(literal: &str) -> Json {
    Json::Object(
        [(KEY.to_owned(), Json::String(literal.to_owned()))]
            .into_iter()
            .collect(),
    )
}

/// The digits of a carried number.
#[must_use]
pub fn literal(json: &Json) -> Option<&str> {
    let entries = json.as_object().filter(|entries| entries.len() == 1)?;
    entries.get(KEY)?.as_str()
}

/// Whether a number of JSON still has its value when `serde_json` has read it and written it again.
#[must_use]
pub fn survives(literal: &str) -> bool {
    // Fifteen digits and a point always do.
    if literal.len() <= 16 && !literal.contains(['e', 'E']) {
        return true;
    }
    match serde_json::from_str::<serde_json::Number>(literal) {
        Ok(read) => Digits::of(&read.to_string()) == Digits::of(literal),
        Err(_) => false,
    }
}

/// A decimal number in its only form: no zero at either end of the digits, and where the last of them stands.
#[derive(PartialEq, Eq)]
struct Digits {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Digits {
    fn of(literal: &str) -> Option<Self> {
        let (mantissa, exponent) = match literal.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (literal, 0),
        };
        let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let kept = all.trim_end_matches('0');
        let n_cut = i64::try_from(all.len() - kept.len()).ok()?;
        let digits = kept.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Self {
                is_negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Some(Self {
            is_negative,
            digits: digits.to_owned(),
            exponent: exponent.checked_add(n_cut)?,
        })
    }
}

/// Reads the JSON of a file that people wrote: as `serde_json` does, but a number that would lose digits is refused, and
/// the mark that some editors begin a text with is passed over.
///
/// # Errors
/// What is wrong with the file, as a phrase, and for a number or an encoding the way out.
pub fn read_file(bytes: &[u8]) -> Result<Json, String> {
    let bytes = utf8(bytes)?.as_bytes();
    match first_lost(bytes) {
        Some((line, literal)) => Err(format!(
            "has in line {line} the number `{literal}`, of which readers of JSON keep about 17 digits: write it as a \
             text, `\"{literal}\"`"
        )),
        None => serde_json::from_slice(bytes).map_err(|error| format!("is not JSON: {error}")),
    }
}

/// The text of a file that people wrote, without the mark that some editors begin it with, which says nothing.
///
/// # Errors
/// Where it is in another encoding: as a phrase, with the way out.
pub fn utf8(bytes: &[u8]) -> Result<&str, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => Err(format!(
            "is no UTF-8 from byte {} on: save it as UTF-8",
            error.valid_up_to() + 1
        )),
    }
}

/// The first number that does not survive, and its line.
fn first_lost(bytes: &[u8]) -> Option<(usize, String)> {
    let mut lost = None;
    let mut line = 1;
    let mut numbers = Numbers::default();
    let mut find = |literal: Option<&str>, line: usize| {
        if lost.is_none() {
            lost = literal
                .filter(|literal| !survives(literal))
                .map(|one| (line, one.to_owned()));
        }
        lost.is_some()
    };
    for byte in bytes {
        if let Step::After(literal) = numbers.next(*byte)
            && find(Some(&literal), line)
        {
            break;
        }
        line += usize::from(*byte == b'\n');
    }
    find(numbers.end().as_deref(), line);
    lost
}

/// Characters of a number that are kept: far more than any field takes, and too many to be one when cut.
const LITERAL_CHARS_MAX: usize = 256;

/// Finds the numbers in JSON text that comes byte by byte; text that is no JSON is none of its business.
#[derive(Default)]
pub struct Numbers {
    is_in_text: bool,
    is_escaped: bool,
    depth: usize,
    literal: String,
    is_cut: bool,
}

/// What a byte is to [`Numbers`].
pub enum Step {
    /// Part of a number: it is kept here.
    Within,
    /// The first byte behind a number, which is given.
    After(String),
    /// Any other.
    Other,
}

impl Numbers {
    /// Takes the next byte.
    pub fn next(&mut self, byte: u8) -> Step {
        if self.is_in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_in_text = false,
                _ => {}
            }
            return Step::Other;
        }
        let is_begun = !self.literal.is_empty();
        if byte.is_ascii_digit() || byte == b'-' || (is_begun && matches!(byte, b'+' | b'.' | b'e' | b'E')) {
            if self.literal.len() < LITERAL_CHARS_MAX {
                self.literal.push(char::from(byte));
            } else {
                self.is_cut = true;
            }
            return Step::Within;
        }
        match byte {
            b'"' => self.is_in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                let found = self.end();
                let step = found.map_or(Step::Other, Step::After);
                self.depth = self.depth.saturating_sub(1);
                return step;
            }
            _ => {}
        }
        self.end().map_or(Step::Other, Step::After)
    }

    /// The number that the text ended with. One that was cut ends in `…`, and so is no number to anybody.
    pub fn end(&mut self) -> Option<String> {
        let mut literal = std::mem::take(&mut self.literal);
        if std::mem::take(&mut self.is_cut) {
            literal.push('…');
        }
        (!literal.is_empty()).then_some(literal)
    }

    /// How many objects and lists are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_float_keeps_survives() {
        for literal in [
            "0",
            "-0",
            "0.0",
            "1",
            "-1.50",
            "1e2",
            "123456789012345",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "0.30000000000000004",
            "100000000.00000001",
            "1.7976931348623157e308",
            "123.45678901234567",
        ] {
            assert!(survives(literal), "{literal}");
        }
        for literal in [
            "18446744073709551617",
            "12345678901234567890123",
            "0.1234567890123456789",
            "100000000.0000000001",
            "1e400",
            "-1e400",
            "1e-400",
            "1e99999999999999999999",
        ] {
            assert!(!survives(literal), "{literal}");
        }
    }

    #[test]
    fn a_file_with_a_number_that_would_change_is_refused() {
        assert!(read_file(br#"{"a": [1, 2.5], "t": "1e400 \" 1e400"}"#).is_ok());
        for (text, line) in [
            ("{\n\"a\": 0.12345678901234567890}", 2),
            ("[1,\n2,\n1e400\n]", 3),
            ("1e400", 1),
        ] {
            let problem = read_file(text.as_bytes()).unwrap_err();
            assert!(
                problem.starts_with(&format!("has in line {line} the number")),
                "{problem}"
            );
        }
        assert!(read_file(b"{").unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_file_is_read_past_its_mark_and_in_one_encoding() {
        assert_eq!(read_file(b"\xef\xbb\xbf[1]"), Ok(serde_json::json!([1])));
        // As Windows writes "Unicode" and "ANSI"; a mark twice is no JSON.
        for (bytes, phrase) in [
            (&b"\xff\xfe[\x001\x00]\x00"[..], "is no UTF-8 from byte 1 on"),
            (b"[\"M\xfcnchen\"]", "is no UTF-8 from byte 4 on"),
            (b"\xef\xbb\xbf\xef\xbb\xbf[1]", "is not JSON"),
        ] {
            assert!(read_file(bytes).unwrap_err().starts_with(phrase), "{bytes:?}");
        }
    }

    #[test]
    fn a_number_is_bounded() {
        let text = format!("[{}]", "1".repeat(10_000));
        assert!(read_file(text.as_bytes()).unwrap_err().len() < 1_000);
    }
}
