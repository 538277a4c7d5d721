//! Templates of titles and messages: text with `{name}` in it (semantics: titles, effects).
//!
//! Not here: what a name stands for; the caller knows.

/// Names that a template may use besides the keys of fields with a value. They mean the ticket's even where a field has
/// such a key.
pub const NOTICE_NAMES: [&str; 14] = [
    "title",
    "creator",
    "created_at",
    "ticket_id",
    "workflow",
    "workflow_name",
    "node_name",
    "act_state",
    "event",
    "actor",
    "comment",
    "waiting_for",
    "due",
    "link",
];

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Copied as it is.
    Text(&'a str),
    /// Replaced by what the name stands for.
    Name(&'a str),
}

/// Splits a template into its pieces, names trimmed.
///
/// # Errors
/// A brace without its partner, a brace within braces, or no name between two: the sentence says which.
pub fn pieces(template: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (text, from_brace) = rest.split_at(at);
        if !text.is_empty() {
            found.push(Piece::Text(text));
        }
        let Some(inside) = from_brace.strip_prefix('{') else {
            return Err("a `}` has no `{` before it".to_owned());
        };
        let Some(end) = inside.find(['{', '}']).filter(|end| inside[*end..].starts_with('}')) else {
            return Err("a `{` has no `}` after it".to_owned());
        };
        let name = inside[..end].trim();
        if name.is_empty() {
            return Err("`{}` names nothing".to_owned());
        }
        found.push(Piece::Name(name));
        rest = &inside[end + 1..];
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    Ok(found)
}

/// Fills a template in; a name without a value becomes nothing. A template that `pieces` refuses is copied as it is.
#[must_use]
pub fn render(template: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let Ok(pieces) = pieces(template) else {
        return template.to_owned();
    };
    pieces.into_iter().fold(String::new(), |mut done, piece| {
        match piece {
            Piece::Text(text) => done.push_str(text),
            Piece::Name(name) => done.push_str(&value_of(name).unwrap_or_default()),
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_names_and_refuses_stray_braces() {
        let value_of = |name: &str| (name == "days").then(|| "3 {x}".to_owned());
        for (template, expected) in [
            ("", ""),
            ("no names", "no names"),
            ("{days}", "3 {x}"),
            ("Leave: { days } d, {gone}!", "Leave: 3 {x} d, !"),
            ("broken {days", "broken {days"),
        ] {
            assert_eq!(render(template, &value_of), expected, "{template}");
        }
        for bad in ["{", "}", "{}", "{ }", "a{b{c}}", "{a}}", "{{a}}"] {
            assert!(pieces(bad).is_err(), "{bad}");
        }
    }
}
