//! Texts made harmless for where they go: mail, chats, pages (semantics: notices).
//!
//! Whoever fills a form in may write anything; none of it may become mark-up, a header, or a call to everybody.

/// Marks that turn the direction of the text around them, so that it reads as something else.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text without control and direction marks; line breaks of all kinds become `\n`, tabs blanks.
#[must_use]
pub fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\t' => Some(' '),
        c if c.is_control() || is_direction_mark(c) => None,
        c => Some(c),
    });
    kept.collect()
}

/// The text on one line, of so many characters at most.
#[must_use]
pub fn line(text: &str, n_chars: usize) -> String {
    let words = clean(text);
    let words: Vec<&str> = words.split_whitespace().collect();
    cut(&words.join(" "), n_chars)
}

/// The first characters of a text, with a mark where there were more.
#[must_use]
pub fn cut(text: &str, n_chars: usize) -> String {
    if text.chars().count() <= n_chars {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(n_chars.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// For pages and mail in HTML.
#[must_use]
pub fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("<br>\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// For Slack: its mentions and links are in angle brackets.
#[must_use]
pub fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One character for chats that read Markdown, DingTalk and WeCom. Their mentions are in angle brackets.
fn markdown_sign(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '\\' => "\\\\",
        '`' => "\\`",
        '*' => "\\*",
        '_' => "\\_",
        '~' => "\\~",
        '[' => "\\[",
        ']' => "\\]",
        '(' => "\\(",
        ')' => "\\)",
        '#' => "\\#",
        '!' => "\\!",
        '|' => "\\|",
        _ => return None,
    })
}

/// For chats that read Markdown; of so many bytes at most, cut on a whole sign with its escape.
#[must_use]
pub fn markdown(text: &str, n_bytes: usize) -> String {
    const MARK: &str = "…";
    let mut escaped = String::new();
    // How long it was when a mark still fitted behind it.
    let mut with_mark = 0;
    for c in text.chars() {
        let mut one = [0; 4];
        let sign = markdown_sign(c).unwrap_or_else(|| c.encode_utf8(&mut one));
        if escaped.len() + sign.len() > n_bytes {
            escaped.truncate(with_mark);
            if n_bytes >= MARK.len() {
                escaped.push_str(MARK);
            }
            return escaped;
        }
        escaped.push_str(sign);
        if escaped.len() + MARK.len() <= n_bytes {
            with_mark = escaped.len();
        }
    }
    escaped
}

/// What rich text says, without its tags.
#[must_use]
pub fn without_markup(markup: &str) -> String {
    let mut text = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        let name = tag.trim_start_matches('/');
        let breaks = ["p", "br", "li", "div", "tr", "h1", "h2", "h3", "h4", "h5", "h6"];
        let word = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        if breaks.contains(&word) && !text.ends_with('\n') && !text.is_empty() {
            text.push('\n');
        }
        rest = after;
    }
    text.push_str(rest);
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_made_harmless() {
        assert_eq!(line(" a\r\nBcc: x\u{202e}\u{0}\tb ", 200), "a Bcc: x b");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(html("<b>&\"'\n"), "&lt;b&gt;&amp;&quot;&#39;<br>\n");
        assert_eq!(slack("<!channel> & <@U1>"), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
        assert_eq!(
            markdown("[a](b) <@all> *x*", 4_096),
            "\\[a\\]\\(b\\) &lt;@all&gt; \\*x\\*"
        );
        assert_eq!(markdown("ab*", 3), "…");
        assert_eq!(markdown("ab*", 4), "ab\\*");
        assert_eq!(markdown("待处理", 8), "待…");
        assert_eq!(
            without_markup("<p>a &amp; b<br/>c</p><ul><li>d</li></ul>"),
            "a & b\nc\nd"
        );
    }

    proptest! {
        #[test]
        fn markdown_keeps_its_bound_and_whole_signs(text in "[a*<&待_]{0,40}", n_bytes in 0_usize..60) {
            let escaped = markdown(&text, n_bytes);
            prop_assert!(escaped.len() <= n_bytes);
            prop_assert!(!escaped.contains('<'));
            let whole = markdown(&text, usize::MAX);
            prop_assert!(whole.starts_with(escaped.strip_suffix('…').unwrap_or(&escaped)));
            // No escape is torn apart.
            let begun = escaped.strip_suffix('…').unwrap_or(&escaped);
            prop_assert!(!begun.ends_with('\\') && begun.matches('&').count() == begun.matches(';').count());
        }

        #[test]
        fn nothing_unseen_is_kept(text in any::<String>()) {
            let cleaned = clean(&text);
            prop_assert!(!cleaned.chars().any(|c| (c.is_control() && c != '\n') || is_direction_mark(c)));
            prop_assert!(!line(&text, 50).contains('\n'));
        }
    }
}
