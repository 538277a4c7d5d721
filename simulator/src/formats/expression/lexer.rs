//! Cuts an expression into tokens.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name of a field or function.
    Name(String),
    /// A word of the languages: `and`, `or`, `not`, `in`, `between`, `empty`, `null`, `true`, `false`.
    Word(&'static str),
    /// A number, as written.
    Number(String),
    /// A text without its quotes.
    Text(String),
    /// A comparison, in the definition's spelling.
    Compare(&'static str),
    /// Any of `( ) [ ] , .` and `..`.
    Mark(&'static str),
}

/// Words that are no names, with what they mean; Java's spell comparisons and junctions too.
const WORDS: [(&str, Token); 15] = [
    ("and", Token::Word("and")),
    ("or", Token::Word("or")),
    ("not", Token::Word("not")),
    ("in", Token::Word("in")),
    ("between", Token::Word("between")),
    ("empty", Token::Word("empty")),
    ("null", Token::Word("null")),
    ("true", Token::Word("true")),
    ("false", Token::Word("false")),
    ("eq", Token::Compare("==")),
    ("ne", Token::Compare("!=")),
    ("gt", Token::Compare(">")),
    ("ge", Token::Compare(">=")),
    ("lt", Token::Compare("<")),
    ("le", Token::Compare("<=")),
];

/// Longest first, so that no mark hides a longer one.
const MARKS: [(&str, Token); 17] = [
    ("&&", Token::Word("and")),
    ("||", Token::Word("or")),
    ("==", Token::Compare("==")),
    ("!=", Token::Compare("!=")),
    (">=", Token::Compare(">=")),
    ("<=", Token::Compare("<=")),
    ("..", Token::Mark("..")),
    (">", Token::Compare(">")),
    ("<", Token::Compare("<")),
    ("=", Token::Compare("==")),
    ("!", Token::Word("not")),
    ("(", Token::Mark("(")),
    (")", Token::Mark(")")),
    ("[", Token::Mark("[")),
    ("]", Token::Mark("]")),
    (",", Token::Mark(",")),
    (".", Token::Mark(".")),
];

/// Whether a text is one name.
pub(super) fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(begins_name) && text.chars().all(continues_name)
}

/// Whether a name means something else to the languages.
pub(super) fn is_word(text: &str) -> bool {
    WORDS.iter().any(|(word, _)| *word == text) || matches!(text, "list" | "contains")
}

/// Whether a text is a number that both languages write alike.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    are_digits(whole) && are_digits(part)
}

fn begins_name(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn continues_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// All tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if begins_name(first) {
            let length = rest.find(|c| !continues_name(c)).unwrap_or(rest.len());
            (word(&rest[..length]), length)
        } else if first == '`' {
            let end = rest[1..].find('`').ok_or("has a name that its backtick does not end")?;
            (Token::Name(rest[1..=end].to_owned()), end + 2)
        } else if first == '"' || first == '\'' {
            quoted(rest, first)?
        } else if first.is_ascii_digit() || (first == '-' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            number(rest)
        } else {
            let mark = MARKS.iter().find(|(mark, _)| rest.starts_with(mark));
            let (mark, token) = mark.ok_or_else(|| format!("has a `{first}` that is not understood"))?;
            (token.clone(), mark.len())
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

fn word(text: &str) -> Token {
    let known = WORDS.iter().find(|(word, _)| *word == text);
    known.map_or_else(|| Token::Name(text.to_owned()), |(_, token)| token.clone())
}

fn number(text: &str) -> (Token, usize) {
    let mut length = usize::from(text.starts_with('-'));
    let mut has_point = false;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(length) {
        let is_part = *byte == b'.' && !has_point && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
        if !byte.is_ascii_digit() && !is_part {
            break;
        }
        has_point |= is_part;
        length += 1;
    }
    (Token::Number(text[..length].to_owned()), length)
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), String> {
    let mut found = String::new();
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if is_escaped {
            found.push(match c {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return Ok((Token::Text(found), at + 1));
        } else {
            found.push(c);
        }
    }
    Err(format!("has a text that its {quote} does not end"))
}
