//! Parses tokens into junctions of comparisons, and those into or-ed groups.

use loonflow_engine::id::FieldKey;
use loonflow_engine::value::Value;
use loonflow_engine::workflow::condition::{Condition, Operator};

use super::GROUPS_MAX;
use super::lexer::{Token, tokens};

/// Nesting of one expression: it is parsed by recursion.
const DEPTH_MAX: usize = 64;

/// Conditions of one group; more is no expression that a person wrote.
const CONDITIONS_MAX: usize = 64;

enum Expression {
    One(Condition),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
}

/// Reads an expression without its wrapping.
pub(super) fn read(text: &str) -> Result<Vec<Vec<Condition>>, String> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
    };
    if parser.tokens.is_empty() {
        return Err("is empty".to_owned());
    }
    let whole = parser.any(0)?;
    if let Some(left) = parser.peek() {
        return Err(format!(
            "goes on with {} where an `and` or `or` should stand",
            shown(left)
        ));
    }
    groups(&whole, false)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

enum Operand {
    Field(String),
    Literal(Value),
    Nothing,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is_there = self.peek() == Some(token);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, mark: &'static str) -> Result<(), String> {
        if self.takes(&Token::Mark(mark)) {
            Ok(())
        } else {
            Err(format!("lacks a `{mark}`{}", self.place()))
        }
    }

    fn place(&self) -> String {
        let before = |token| format!(" before {}", shown(token));
        self.peek().map_or_else(|| " at its end".to_owned(), before)
    }

    fn any(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.all(depth)?];
        while self.takes(&Token::Word("or")) {
            parts.push(self.all(depth)?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.one(depth)?];
        while self.takes(&Token::Word("and")) {
            parts.push(self.one(depth)?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEPTH_MAX {
            return Err(format!("is nested deeper than {DEPTH_MAX} levels"));
        }
        if self.takes(&Token::Word("not")) {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes(&Token::Mark("(")) {
            let inside = self.any(depth + 1)?;
            self.expect(")")?;
            return Ok(inside);
        }
        if self.takes(&Token::Word("empty")) {
            let field = field_of(self.operand()?)?;
            return Ok(one(&field, Operator::IsEmpty, Value::Null));
        }
        match self.contains()? {
            Some(found) => Ok(found),
            None => self.comparison(),
        }
    }

    /// `contains(field, "x")` and `list contains(field, "x")`.
    fn contains(&mut self) -> Result<Option<Expression>, String> {
        let is = |token: Option<&Token>, text: &str| matches!(token, Some(Token::Name(name)) if name == text);
        let of_list = is(self.peek(), "list") && is(self.tokens.get(self.at + 1), "contains");
        let function = self.at + usize::from(of_list);
        let is_call =
            is(self.tokens.get(function), "contains") && self.tokens.get(function + 1) == Some(&Token::Mark("("));
        if !is_call {
            return Ok(None);
        }
        self.at = function + 2;
        let field = field_of(self.operand()?)?;
        self.expect(",")?;
        let value = self.literal()?;
        self.expect(")")?;
        Ok(Some(one(&field, Operator::Contains, value)))
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.operand()?;
        if self.takes(&Token::Mark(".")) {
            return self.method(left);
        }
        if self.takes(&Token::Word("in")) {
            return self.member(left);
        }
        if self.takes(&Token::Word("between")) {
            let field = field_of(left)?;
            let low = self.literal()?;
            if !self.takes(&Token::Word("and")) {
                return Err(format!("lacks the `and` of a `between`{}", self.place()));
            }
            let high = self.literal()?;
            return Ok(Expression::All(vec![
                one(&field, Operator::GreaterOrEqual, low),
                one(&field, Operator::LessOrEqual, high),
            ]));
        }
        let Some(Token::Compare(word)) = self.peek().cloned() else {
            return match left {
                // A flag by itself.
                Operand::Field(field) => Ok(one(&field, Operator::Equal, Value::text("true"))),
                Operand::Literal(_) | Operand::Nothing => {
                    Err("holds always or never, without a look at a field".into())
                }
            };
        };
        self.at += 1;
        let operator = Operator::parse(word).ok_or_else(|| format!("compares by `{word}`"))?;
        match (left, self.operand()?) {
            (Operand::Field(field), Operand::Literal(value)) => Ok(one(&field, operator, value)),
            (Operand::Literal(value), Operand::Field(field)) => Ok(one(&field, flipped(operator), value)),
            (Operand::Field(field), Operand::Nothing) | (Operand::Nothing, Operand::Field(field)) => {
                if operator == Operator::Equal {
                    Ok(one(&field, Operator::IsEmpty, Value::Null))
                } else if operator == Operator::NotEqual {
                    Ok(one(&field, Operator::IsNotEmpty, Value::Null))
                } else {
                    Err(format!("compares `{field}` with null by `{word}`"))
                }
            }
            (Operand::Field(left), Operand::Field(right)) => Err(format!(
                "compares the fields `{left}` and `{right}`, and a condition compares with a fixed value"
            )),
            (Operand::Literal(_) | Operand::Nothing, Operand::Literal(_) | Operand::Nothing) => {
                Err("compares two fixed values".into())
            }
        }
    }

    /// Java's `field.equals("x")` and `field.contains("x")`.
    fn method(&mut self, left: Operand) -> Result<Expression, String> {
        let field = field_of(left)?;
        let Some(Token::Name(method)) = self.next() else {
            return Err(format!("has a `.` after `{field}` and no name"));
        };
        let operator = match method.as_str() {
            "equals" => Operator::Equal,
            "contains" => Operator::Contains,
            _ => return Err(format!("asks for `{field}.{method}`, and fields have no parts")),
        };
        self.expect("(")?;
        let value = self.literal()?;
        self.expect(")")?;
        Ok(one(&field, operator, value))
    }

    /// `field in ["a", "b"]`, `field in ("a", "b")`, `field in [1..5]`.
    fn member(&mut self, left: Operand) -> Result<Expression, String> {
        let field = field_of(left)?;
        let opens_within = match self.next() {
            Some(Token::Mark("[")) => true,
            Some(Token::Mark("(" | "]")) => false,
            _ => return Err(format!("has an `in` after `{field}` and no list")),
        };
        let first = self.scalar()?;
        if self.takes(&Token::Mark("..")) {
            let high = self.literal()?;
            let closes_within = match self.next() {
                Some(Token::Mark("]")) => true,
                Some(Token::Mark(")" | "[")) => false,
                _ => return Err(format!("has a range after `{field}` that does not end")),
            };
            let low_by = if opens_within {
                Operator::GreaterOrEqual
            } else {
                Operator::Greater
            };
            let high_by = if closes_within {
                Operator::LessOrEqual
            } else {
                Operator::Less
            };
            let low = one(&field, low_by, first);
            return Ok(Expression::All(vec![low, one(&field, high_by, high)]));
        }
        let mut values = vec![first];
        while self.takes(&Token::Mark(",")) {
            values.push(self.scalar()?);
        }
        match self.next() {
            Some(Token::Mark("]" | ")")) => Ok(one(&field, Operator::In, Value::List(values))),
            _ => Err(format!("has a list after `{field}` that does not end")),
        }
    }

    fn literal(&mut self) -> Result<Value, String> {
        match self.operand()? {
            Operand::Literal(value) => Ok(value),
            Operand::Field(field) => Err(format!("has the field `{field}` where a fixed value should stand")),
            Operand::Nothing => Err("has a null where a value should stand".into()),
        }
    }

    fn scalar(&mut self) -> Result<Value, String> {
        let value = self.literal()?;
        if matches!(value, Value::List(_)) {
            return Err("has a list of something else than fixed values".into());
        }
        Ok(value)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.next() {
            Some(Token::Name(name)) => {
                if !self.takes(&Token::Mark("(")) {
                    return Ok(Operand::Field(name));
                }
                // `date("2026-01-01")` and its like are the text they hold.
                if !matches!(name.as_str(), "date" | "time" | "date_and_time" | "string") {
                    return Err(format!("calls `{name}`, and a condition calls nothing"));
                }
                let Some(Token::Text(inside)) = self.next() else {
                    return Err(format!("calls `{name}` with something else than a text"));
                };
                self.expect(")")?;
                Ok(Operand::Literal(Value::text(inside)))
            }
            Some(Token::Number(number)) => Ok(Operand::Literal(Value::text(number))),
            Some(Token::Text(text)) if text.is_empty() => Ok(Operand::Nothing),
            Some(Token::Text(text)) => Ok(Operand::Literal(Value::text(text))),
            Some(Token::Word(word @ ("true" | "false"))) => Ok(Operand::Literal(Value::text(word))),
            Some(Token::Word("null")) => Ok(Operand::Nothing),
            Some(Token::Mark("[")) => self.list(),
            Some(token) => Err(format!("has {} where a field or value should stand", shown(&token))),
            None => Err("breaks off where a field or value should stand".into()),
        }
    }

    /// A list of plain values; lists of lists are none.
    fn list(&mut self) -> Result<Operand, String> {
        let mut values = Vec::new();
        loop {
            match self.next() {
                Some(Token::Number(text) | Token::Text(text)) => values.push(Value::text(text)),
                Some(Token::Word(word @ ("true" | "false"))) => values.push(Value::text(word)),
                _ => return Err("has a list of something else than fixed values".into()),
            }
            if !self.takes(&Token::Mark(",")) {
                self.expect("]")?;
                return Ok(Operand::Literal(Value::List(values)));
            }
        }
    }
}

fn one(field: &str, operator: Operator, value: Value) -> Expression {
    Expression::One(Condition {
        field: FieldKey::from(field),
        operator,
        value,
    })
}

fn field_of(operand: Operand) -> Result<String, String> {
    match operand {
        Operand::Field(field) => Ok(field),
        Operand::Literal(_) | Operand::Nothing => Err("asks something of a fixed value, and only fields change".into()),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(text) | Token::Number(text) | Token::Text(text) => format!("`{text}`"),
        Token::Word(text) | Token::Compare(text) | Token::Mark(text) => format!("`{text}`"),
    }
}

fn flipped(operator: Operator) -> Operator {
    match operator {
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Equal
        | Operator::NotEqual
        | Operator::Contains
        | Operator::NotContains
        | Operator::In
        | Operator::NotIn
        | Operator::IsEmpty
        | Operator::IsNotEmpty => operator,
    }
}

fn opposite(operator: Operator) -> Operator {
    match operator {
        Operator::Equal => Operator::NotEqual,
        Operator::NotEqual => Operator::Equal,
        Operator::Greater => Operator::LessOrEqual,
        Operator::GreaterOrEqual => Operator::Less,
        Operator::Less => Operator::GreaterOrEqual,
        Operator::LessOrEqual => Operator::Greater,
        Operator::Contains => Operator::NotContains,
        Operator::NotContains => Operator::Contains,
        Operator::In => Operator::NotIn,
        Operator::NotIn => Operator::In,
        Operator::IsEmpty => Operator::IsNotEmpty,
        Operator::IsNotEmpty => Operator::IsEmpty,
    }
}

/// Or-ed groups of an expression, or of its opposite.
fn groups(expression: &Expression, is_denied: bool) -> Result<Vec<Vec<Condition>>, String> {
    match (expression, is_denied) {
        (Expression::One(condition), false) => Ok(vec![vec![condition.clone()]]),
        (Expression::One(condition), true) => Ok(vec![vec![Condition {
            operator: opposite(condition.operator),
            ..condition.clone()
        }]]),
        (Expression::Not(inside), is_denied) => groups(inside, !is_denied),
        (Expression::Any(parts), false) | (Expression::All(parts), true) => {
            let mut found = Vec::new();
            for part in parts {
                found.append(&mut groups(part, is_denied)?);
                check_size(found.len())?;
            }
            Ok(found)
        }
        (Expression::All(parts), false) | (Expression::Any(parts), true) => {
            let mut found: Vec<Vec<Condition>> = vec![Vec::new()];
            for part in parts {
                let others = groups(part, is_denied)?;
                check_size(found.len() * others.len())?;
                let pairs = found
                    .iter()
                    .flat_map(|left| others.iter().map(move |right| (left, right)));
                found = pairs.map(|(left, right)| [left.as_slice(), right].concat()).collect();
                if found.iter().any(|group| group.len() > CONDITIONS_MAX) {
                    return Err(format!("joins more than {CONDITIONS_MAX} conditions by `and`"));
                }
            }
            Ok(found)
        }
    }
}

fn check_size(n_groups: usize) -> Result<(), String> {
    if n_groups > GROUPS_MAX {
        return Err(format!(
            "comes to more than {GROUPS_MAX} or-ed groups: make it simpler, or two gateways of it"
        ));
    }
    Ok(())
}
