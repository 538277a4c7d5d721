//! Conditions as expressions of other tools: written in FEEL, read in FEEL and in the expression language of Java
//! (`${amount > 5000 && urgent == 'yes'}`).
//!
//! Read are comparisons of one field with literals, joined by and, or, not and parentheses; they are brought into the
//! or-ed groups of and-ed conditions that a definition has. What cannot be expressed so is an error in words. Not
//! here: what conditions mean (`loonflow_engine::workflow::condition`).

use loonflow_engine::id::FieldKey;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::condition::{Condition, Operator};
use loonflow_engine::workflow::{ComponentKind, Form};

mod lexer;
mod parser;

/// Groups that one expression may come to: distributing `and` over `or` multiplies them.
pub const GROUPS_MAX: usize = 64;

/// Reads an expression into or-ed groups of and-ed conditions. Numbers become texts, as definitions have them.
///
/// # Errors
/// What it says that a definition cannot, in words.
pub fn read(text: &str) -> Result<Vec<Vec<Condition>>, String> {
    let text = text.trim();
    let inside = if let Some(java) = text.strip_prefix("${").or_else(|| text.strip_prefix("#{")) {
        let inside = java.strip_suffix('}');
        inside.ok_or_else(|| "begins with `${` and does not end with `}`".to_owned())?
    } else {
        text.strip_prefix('=').unwrap_or(text)
    };
    parser::read(inside)
}

/// Writes conditions as FEEL, with the `=` in front that tells an expression from a text.
#[must_use]
pub fn write(groups: &[Vec<Condition>], form: &Form) -> String {
    let texts: Vec<String> = groups
        .iter()
        .map(|group| {
            let parts: Vec<String> = group.iter().map(|one| write_one(one, form)).collect();
            if parts.len() > 1 && groups.len() > 1 {
                format!("({})", parts.join(" and "))
            } else {
                parts.join(" and ")
            }
        })
        .collect();
    format!("={}", texts.join(" or "))
}

fn write_one(condition: &Condition, form: &Form) -> String {
    let field = name(&condition.field);
    let component = form.component(&condition.field);
    let is_number = component.is_some_and(|one| one.kind == ComponentKind::Number);
    let is_list = component.is_some_and(|one| one.multiple);
    let value = literal(&condition.value, is_number);
    let list = || {
        let parts: Vec<String> = condition
            .value
            .parts()
            .iter()
            .map(|part| scalar(part, is_number))
            .collect();
        format!("[{}]", parts.join(", "))
    };
    let contains = if is_list { "list contains" } else { "contains" };
    match condition.operator {
        Operator::Equal => format!("{field} = {value}"),
        Operator::NotEqual => format!("{field} != {value}"),
        Operator::Greater => format!("{field} > {value}"),
        Operator::GreaterOrEqual => format!("{field} >= {value}"),
        Operator::Less => format!("{field} < {value}"),
        Operator::LessOrEqual => format!("{field} <= {value}"),
        Operator::Contains => format!("{contains}({field}, {value})"),
        Operator::NotContains => format!("not({contains}({field}, {value}))"),
        Operator::In => format!("{field} in {}", list()),
        Operator::NotIn => format!("not({field} in {})", list()),
        Operator::IsEmpty => format!("{field} = null"),
        Operator::IsNotEmpty => format!("{field} != null"),
    }
}

/// A field's key as FEEL names it; a name with other characters stands between backticks.
#[must_use]
pub fn name(field: &FieldKey) -> String {
    let text = field.as_str();
    let is_plain = lexer::is_name(text) && !lexer::is_word(text);
    if is_plain {
        text.to_owned()
    } else {
        format!("`{}`", text.replace('`', "'"))
    }
}

/// A text as a FEEL literal.
#[must_use]
pub fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn literal(value: &Value, is_number: bool) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(text) => scalar(text, is_number),
        Value::List(_) | Value::Map(_) => {
            let parts: Vec<String> = value.parts().iter().map(|part| scalar(part, is_number)).collect();
            format!("[{}]", parts.join(", "))
        }
    }
}

fn scalar(text: &str, is_number: bool) -> String {
    let trimmed = text.trim();
    if is_number && lexer::is_number(trimmed) {
        trimmed.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests;
