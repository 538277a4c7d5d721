//! Which values a field takes, by its type (semantics: values).
//!
//! Not here: whether it may be written or must be there (`ticket::field_rules`). An empty value passes every type.

use rust_decimal::Decimal;

use super::component::file_name;
use super::{Component, ComponentKind, Form, NumberRule};
use crate::account::directory::Directory;
use crate::id::{DeptId, FieldKey, UserId};
use crate::limits::{
    self, LINK_CHARS_MAX, LONG_TEXT_CHARS_MAX, MARKUP_DEPTH_MAX, PARTS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX,
    VALUE_DEPTH_MAX,
};
use crate::text::is_blank;
use crate::time::Timestamp;
use crate::value::Value;

/// Why a field does not take a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueProblem {
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub allowed: String,
}

impl Form {
    /// Checks a value by the field's type and returns what to store: rich text cleaned of scripts, anything else as
    /// it was sent.
    ///
    /// # Errors
    /// What is wrong with it, and what the field takes.
    pub fn check_value(&self, key: &FieldKey, value: &Value, directory: &Directory) -> Result<Value, ValueProblem> {
        let Some(component) = self.component(key) else {
            return Err(problem("is no field of this form", "a key of the form"));
        };
        if !is_shallow(value, VALUE_DEPTH_MAX) {
            return Err(problem(
                "is nested too deeply",
                format!("at most {VALUE_DEPTH_MAX} levels"),
            ));
        }
        if value.is_empty() {
            return Ok(value.clone());
        }
        match component.kind {
            ComponentKind::Title => text(value, TITLE_CHARS_MAX)?,
            ComponentKind::Text => text(value, TEXT_CHARS_MAX)?,
            ComponentKind::Textarea => text(value, LONG_TEXT_CHARS_MAX)?,
            ComponentKind::Richtext => return rich_text(value),
            ComponentKind::Number => number(&component.number, value)?,
            ComponentKind::Select | ComponentKind::Radio | ComponentKind::Checkbox => options(component, value)?,
            ComponentKind::Date | ComponentKind::Datetime => instant(component.kind, value, directory)?,
            ComponentKind::Time => time_of_day(value)?,
            ComponentKind::User => users(component, value, directory)?,
            ComponentKind::Department => depts(component, value, directory)?,
            ComponentKind::File => files(component, value)?,
            ComponentKind::Link => link(value)?,
            ComponentKind::Externaldata
            | ComponentKind::CreatorInfo
            | ComponentKind::CreatedAt
            | ComponentKind::ActState
            | ComponentKind::WorkflowInfo
            | ComponentKind::CurrentAssigneeInfos
            | ComponentKind::TicketNodeInfos => {
                return Err(problem("is shown, never written", "leave it out"));
            }
        }
        Ok(value.clone())
    }
}

fn problem(problem: impl Into<String>, allowed: impl Into<String>) -> ValueProblem {
    ValueProblem {
        problem: problem.into(),
        allowed: allowed.into(),
    }
}

/// What kind of JSON a value is, for sentences.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "an object",
    }
}

/// Whether nesting ends within so many levels; the walk itself goes no deeper than that.
fn is_shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => true,
        Value::List(items) => levels > 0 && items.iter().all(|item| is_shallow(item, levels - 1)),
        Value::Map(entries) => levels > 0 && entries.values().all(|item| is_shallow(item, levels - 1)),
    }
}

fn text(value: &Value, chars_max: usize) -> Result<(), ValueProblem> {
    let allowed = || format!("a text of at most {chars_max} characters");
    let Some(text) = value.as_text() else {
        return Err(problem(format!("is {}, not a text", kind_of(value)), allowed()));
    };
    match text.chars().count() {
        count if count > chars_max => Err(problem(format!("has {count} characters"), allowed())),
        _ => Ok(()),
    }
}

/// Cleaned by an allow-list of elements and attributes. The cleaned text must fit as well: people send back what they
/// were given.
fn rich_text(value: &Value) -> Result<Value, ValueProblem> {
    text(value, LONG_TEXT_CHARS_MAX)?;
    let sent = value.as_text().unwrap_or_default();
    if is_nested_too_deeply(sent) {
        return Err(problem(
            "is nested too deeply",
            format!("at most {MARKUP_DEPTH_MAX} elements one inside the other"),
        ));
    }
    // A parser would find nothing to do.
    if sent.chars().all(is_plain) {
        return Ok(value.clone());
    }
    let cleaned = Value::Text(cleaned(sent)?);
    text(&cleaned, LONG_TEXT_CHARS_MAX)?;
    Ok(cleaned)
}

#[cfg(feature = "richtext")]
#[expect(clippy::unnecessary_wraps, reason = "a build that cannot clean refuses")]
fn cleaned(sent: &str) -> Result<String, ValueProblem> {
    Ok(ammonia::clean(sent))
}

/// What cannot be cleaned is not stored: it would be shown to others.
#[cfg(not(feature = "richtext"))]
fn cleaned(_sent: &str) -> Result<String, ValueProblem> {
    let expected = "a text without `<`, `>` and `&`: this program cleans no mark-up".to_owned();
    Err(problem("has mark-up", expected))
}

/// Whether a character stays what it is wherever it stands in a text without markup.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || c == '\n' || (c.is_ascii_punctuation() && !matches!(c, '<' | '>' | '&'))
}

/// Elements without content.
const VOID_ELEMENTS: [&str; 9] = ["br", "hr", "img", "wbr", "col", "input", "area", "source", "track"];
/// Elements that the next of the same group ends.
const SIBLINGS: [&[&str]; 5] = [&["p"], &["li"], &["dt", "dd"], &["td", "th"], &["option"]];

/// Whether more elements are open at once than may be. No parser: an end tag ends the last element of its name and no
/// other, so the count is never below what a parser would come to for long.
fn is_nested_too_deeply(markup: &str) -> bool {
    let mut open: Vec<String> = Vec::new();
    for tag in markup.split('<').skip(1) {
        let (is_end, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).take(16).collect();
        let name = name.to_ascii_lowercase();
        if name.is_empty() || VOID_ELEMENTS.contains(&name.as_str()) {
            continue;
        }
        if is_end {
            if let Some(place) = open.iter().rposition(|one| *one == name) {
                open.remove(place);
            }
            continue;
        }
        let are_siblings = |last: &String| {
            SIBLINGS
                .iter()
                .any(|group| group.contains(&name.as_str()) && group.contains(&last.as_str()))
        };
        if open.last().is_some_and(are_siblings) {
            open.pop();
        }
        open.push(name);
        if open.len() > MARKUP_DEPTH_MAX {
            return true;
        }
    }
    false
}

/// A decimal from a JSON number or its text; `None` for what is none or has more than 28 digits.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    // The library takes `1_000`, which is no number to anybody who reads the value later.
    if text.contains('_') {
        return None;
    }
    Decimal::from_str_exact(text)
        .ok()
        .or_else(|| Decimal::from_scientific(text).ok())
}

fn number(rule: &NumberRule, value: &Value) -> Result<(), ValueProblem> {
    let allowed = || rule.to_string();
    let text = match value {
        Value::Number(text) | Value::Text(text) => text,
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
            return Err(problem(format!("is {}, not a number", kind_of(value)), allowed()));
        }
    };
    let Some(number) = decimal(text) else {
        return Err(problem("is not a number of at most 28 digits", allowed()));
    };
    if rule.min.is_some_and(|min| number < min) {
        return Err(problem("is too small", allowed()));
    }
    if rule.max.is_some_and(|max| number > max) {
        return Err(problem("is too large", allowed()));
    }
    if !rule.allow_negative && number < Decimal::ZERO {
        return Err(problem("is negative", allowed()));
    }
    if rule
        .decimals_max
        .is_some_and(|decimals_max| number.normalize().scale() > decimals_max)
    {
        return Err(problem("has too many decimals", allowed()));
    }
    Ok(())
}

impl std::fmt::Display for NumberRule {
    /// What is allowed, as a phrase: `a number from 0.5 to 60 with at most 1 decimals`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.decimals_max == Some(0) {
            "a whole number"
        } else {
            "a number"
        })?;
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, " from {min} to {max}")?,
            (Some(min), None) => write!(f, " of at least {min}")?,
            (None, Some(max)) => write!(f, " of at most {max}")?,
            (None, None) => {}
        }
        if !self.allow_negative && self.min.is_none_or(|min| min < Decimal::ZERO) {
            f.write_str(", not negative")?;
        }
        match self.decimals_max {
            Some(decimals_max) if decimals_max > 0 => write!(f, " with at most {decimals_max} decimals"),
            Some(_) | None => Ok(()),
        }
    }
}

/// The parts of a value that may be a text or a list of texts, checked for shape and count.
fn parts(component: &Component, value: &Value, allowed: &str) -> Result<Vec<String>, ValueProblem> {
    if let Value::List(items) = value
        && let Some(odd) = items
            .iter()
            .find(|item| matches!(item, Value::Null | Value::List(_) | Value::Map(_)))
    {
        return Err(problem(format!("has {} in its list", kind_of(odd)), allowed));
    }
    if let Value::Map(_) = value {
        return Err(problem("is an object", allowed));
    }
    let parts = component.values_up_to(value, PARTS_MAX + 1);
    match parts.len() {
        0 => Err(problem("names nothing", allowed)),
        1 => Ok(parts),
        _ if !component.multiple => Err(problem("names several", format!("{allowed}, only one"))),
        count if count > PARTS_MAX => Err(problem(
            format!("names more than {PARTS_MAX}"),
            format!("at most {PARTS_MAX}"),
        )),
        _ => Ok(parts),
    }
}

fn options(component: &Component, value: &Value) -> Result<(), ValueProblem> {
    let listed = limits::listed(component.options.iter().map(|choice| &choice.key));
    let allowed = format!(
        "{} {}",
        if component.multiple { "any of" } else { "one of" },
        listed.unwrap_or_default()
    );
    match parts(component, value, &allowed)?
        .iter()
        .find(|key| component.choice(key).is_none())
    {
        Some(unknown) => Err(problem(format!("has no option `{}`", shortened(unknown)), allowed)),
        None => Ok(()),
    }
}

fn users(component: &Component, value: &Value, directory: &Directory) -> Result<(), ValueProblem> {
    let allowed = if component.multiple {
        "ids of active users, as `user_list` tells them"
    } else {
        "the id of an active user, as `user_list` tells it"
    };
    for id in parts(component, value, allowed)? {
        match directory.user(&UserId::from(id.as_str())) {
            None if id.contains('@') => {
                return Err(problem(
                    format!("has the e-mail address `{}`, not an id", shortened(&id)),
                    allowed,
                ));
            }
            None => return Err(problem(format!("has no user `{}`", shortened(&id)), allowed)),
            Some(user) if !user.is_active => {
                return Err(problem(
                    format!("names the user `{}`, who is no longer active", shortened(&id)),
                    allowed,
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn depts(component: &Component, value: &Value, directory: &Directory) -> Result<(), ValueProblem> {
    let allowed = if component.multiple {
        "ids of departments, as `dept_info_list` in `user_list` tells them"
    } else {
        "the id of a department, as `dept_info_list` in `user_list` tells it"
    };
    let parts = parts(component, value, allowed)?;
    match parts
        .iter()
        .find(|id| !directory.depts.contains_key(&DeptId::from(id.as_str())))
    {
        Some(unknown) => Err(problem(format!("has no department `{}`", shortened(unknown)), allowed)),
        None => Ok(()),
    }
}

fn instant(kind: ComponentKind, value: &Value, directory: &Directory) -> Result<(), ValueProblem> {
    let allowed = if kind == ComponentKind::Date {
        "a date as `YYYY-MM-DD` or ISO 8601"
    } else {
        "`YYYY-MM-DD HH:MM:SS`, `YYYY-MM-DD` or ISO 8601"
    };
    match value.as_text() {
        None => Err(problem(format!("is {}, not a text", kind_of(value)), allowed)),
        Some(text) if Timestamp::parse(text, directory.zone()).is_none() => Err(problem("is no date", allowed)),
        Some(_) => Ok(()),
    }
}

/// A time of day from `HH:MM`, `HH:MM:SS` or with fractions of a second.
pub(crate) fn parse_time(text: &str) -> Option<jiff::civil::Time> {
    let text = text.trim();
    let is_plain = text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | ','));
    is_plain.then(|| text.parse().ok()).flatten()
}

fn time_of_day(value: &Value) -> Result<(), ValueProblem> {
    let allowed = "a time of day as `HH:MM` or `HH:MM:SS`";
    match value.as_text() {
        None => Err(problem(format!("is {}, not a text", kind_of(value)), allowed)),
        Some(text) if parse_time(text).is_none() => Err(problem("is no time of day", allowed)),
        Some(_) => Ok(()),
    }
}

fn link(value: &Value) -> Result<(), ValueProblem> {
    let allowed = format!("an http or https address of at most {LINK_CHARS_MAX} characters");
    let Some(text) = value.as_text() else {
        return Err(problem(format!("is {}, not a text", kind_of(value)), allowed));
    };
    let is_link = text.chars().count() <= LINK_CHARS_MAX
        && url::Url::parse(text.trim()).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_link {
        Ok(())
    } else {
        Err(problem("is no such address", allowed))
    }
}

/// Ids of files, or their descriptors as answers show them. Which files there are and may be named is asked later, of the
/// ticket and of whoever acts (`ticket::file`).
fn files(component: &Component, value: &Value) -> Result<(), ValueProblem> {
    let allowed = if component.multiple {
        format!("a list of at most {PARTS_MAX} ids of files")
    } else {
        "the id of a file".to_owned()
    };
    let n_files = match value {
        Value::List(items) => items.len(),
        Value::Text(_) => value.parts_up_to(PARTS_MAX + 1).len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Map(_) => 1,
    };
    if n_files > if component.multiple { PARTS_MAX } else { 1 } {
        return Err(problem(format!("has {n_files} files"), allowed));
    }
    let entries = match value {
        Value::List(items) => items.as_slice(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => std::slice::from_ref(value),
    };
    for entry in entries {
        match entry {
            Value::Text(text) if !is_blank(text) => {}
            Value::Map(entries) if file_name(entry).is_some() => {
                if entries.len() > PARTS_MAX || entries.values().any(|entry| !is_short(entry)) {
                    return Err(problem("is a descriptor that is too large", allowed));
                }
            }
            Value::Map(_) | Value::Text(_) => return Err(problem("does not say which file it means", allowed)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
                return Err(problem(format!("is {}, not the id of a file", kind_of(entry)), allowed));
            }
        }
    }
    Ok(())
}

/// Whether every text within is as short as a text field's.
fn is_short(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(text) | Value::Text(text) => text.chars().count() <= TEXT_CHARS_MAX,
        Value::List(items) => items.len() <= PARTS_MAX && items.iter().all(is_short),
        Value::Map(entries) => entries.len() <= PARTS_MAX && entries.values().all(is_short),
    }
}

/// The beginning of a text that came from outside, for a sentence.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
