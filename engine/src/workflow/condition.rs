//! Conditions on an edge: or-ed groups of and-ed comparisons, by the field's type (semantics: conditions).
//!
//! How values compare, by the form's type (a condition's own `field_type` is ignored):
//!
//! | type | `==` `!=` | `>` `>=` `<` `<=` | `contains` | `in` |
//! |---|---|---|---|---|
//! | title, text, textarea, richtext, link | as texts | by code points | the value is a part of the text | is one of the values |
//! | number | as decimals | as decimals | as `==` | equals one of the values |
//! | date | as days | as days | as `==` | is one of the days |
//! | datetime | as instants; a day alone is its first | as instants | as `==` | is one of the instants |
//! | time | as times of day | as times of day | as `==` | is one of the times |
//! | select, radio, checkbox, user, department | as sets of keys or ids | by code points, one value only | all of the values are in the field | all of the field are among the values |
//! | file | no | no | no | no |
//!
//! `not_contains` and `not_in` are the opposites of `contains` and `in`. A value that is missing or empty makes every
//! operator false but `!=`, `not_contains`, `not_in` and `is_empty`; one that its type cannot read counts as missing.
//!
//! Not here: reading conditions from JSON (`definition`), which of them make no sense (`validate`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::id::FieldKey;
use crate::time::Timestamp;
use crate::value::Value;
use crate::workflow::form::check::{decimal, parse_time};
use crate::workflow::form::{Component, ComponentKind, Form};

/// All conditions of an edge. Without any, nothing can fail: see `holds`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConditionGroups {
    /// Or-ed; none of them is empty.
    groups: Vec<Vec<Condition>>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field it looks at.
    pub field: FieldKey,
    /// How it compares.
    pub operator: Operator,
    /// What it compares with.
    pub value: Value,
}

/// Operators of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `contains`
    Contains,
    /// `not_contains`
    NotContains,
    /// `in`
    In,
    /// `not_in`
    NotIn,
    /// `is_empty`
    IsEmpty,
    /// `is_not_empty`
    IsNotEmpty,
}

impl Operator {
    /// All, with their words.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Equal, "=="),
        (Self::NotEqual, "!="),
        (Self::Greater, ">"),
        (Self::GreaterOrEqual, ">="),
        (Self::Less, "<"),
        (Self::LessOrEqual, "<="),
        (Self::Contains, "contains"),
        (Self::NotContains, "not_contains"),
        (Self::In, "in"),
        (Self::NotIn, "not_in"),
        (Self::IsEmpty, "is_empty"),
        (Self::IsNotEmpty, "is_not_empty"),
    ];

    /// The definition's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(operator, _)| *operator == self);
        found.map_or("", |(_, word)| word)
    }

    /// Reads the definition's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, spelt)| *spelt == word)
            .map(|(operator, _)| *operator)
    }

    /// Whether it asks for an order, which sets and files have not.
    #[must_use]
    pub fn is_order(self) -> bool {
        matches!(
            self,
            Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual
        )
    }

    /// Whether it looks at the value it is given.
    #[must_use]
    pub fn takes_value(self) -> bool {
        !matches!(self, Self::IsEmpty | Self::IsNotEmpty)
    }

    /// What it says about a missing value.
    #[must_use]
    pub fn holds_for_missing(self) -> bool {
        matches!(self, Self::NotEqual | Self::NotContains | Self::NotIn | Self::IsEmpty)
    }
}

impl ConditionGroups {
    /// Groups of conditions; empty groups ask nothing and are left out.
    #[must_use]
    pub fn new(groups: Vec<Vec<Condition>>) -> Self {
        Self {
            groups: groups.into_iter().filter(|group| !group.is_empty()).collect(),
        }
    }

    /// Whether there is no condition at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The or-ed groups, none of them empty.
    #[must_use]
    pub fn groups(&self) -> &[Vec<Condition>] {
        &self.groups
    }

    /// All conditions, group after group.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.groups.iter().flatten()
    }

    /// Whether one group holds as a whole. Without any condition this is true: ask `is_empty` first where an edge
    /// without conditions is a default branch.
    ///
    /// `value_of` gives the value sent with the command, else the stored one; days and instants without an offset are
    /// in `zone`.
    #[must_use]
    pub fn holds<'v>(
        &self,
        form: &Form,
        zone: &TimeZone,
        value_of: &dyn Fn(&FieldKey) -> Option<Cow<'v, Value>>,
    ) -> bool {
        self.is_empty()
            || self
                .groups
                .iter()
                .any(|group| group.iter().all(|condition| condition.holds(form, zone, value_of)))
    }
}

impl Condition {
    /// Whether this one holds; a field that the form does not have is missing.
    #[must_use]
    pub fn holds<'v>(
        &self,
        form: &Form,
        zone: &TimeZone,
        value_of: &dyn Fn(&FieldKey) -> Option<Cow<'v, Value>>,
    ) -> bool {
        let held = form.component(&self.field).and_then(|component| {
            let value = value_of(&self.field).filter(|value| !component.is_blank(value))?;
            self.compare(component, &value, zone)
        });
        held.unwrap_or_else(|| self.operator.holds_for_missing())
    }

    /// Whether the type can read what this compares with. An operator that takes no value is always satisfied.
    #[must_use]
    pub fn reads_value(&self, component: &Component, zone: &TimeZone) -> bool {
        !self.operator.takes_value() || {
            let parts = if self.is_of_several() {
                self.value.parts()
            } else {
                vec![single(&self.value)]
            };
            !parts.is_empty()
                && parts
                    .iter()
                    .all(|part| Scalar::read(component.kind, part, zone).is_some())
        }
    }

    fn is_of_several(&self) -> bool {
        matches!(self.operator, Operator::In | Operator::NotIn)
    }

    /// `None` where a side cannot be read.
    fn compare(&self, component: &Component, value: &Value, zone: &TimeZone) -> Option<bool> {
        match self.operator {
            Operator::IsEmpty => return Some(false),
            Operator::IsNotEmpty => return Some(true),
            Operator::Equal
            | Operator::NotEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Contains
            | Operator::NotContains
            | Operator::In
            | Operator::NotIn => {}
        }
        match component.kind {
            ComponentKind::Select
            | ComponentKind::Radio
            | ComponentKind::Checkbox
            | ComponentKind::User
            | ComponentKind::Department => {
                let left: BTreeSet<String> = component.values(value).into_iter().collect();
                let right: BTreeSet<String> = component.values(&self.value).into_iter().collect();
                Some(compare_sets(self.operator, &left, &right))
            }
            ComponentKind::Title
            | ComponentKind::Text
            | ComponentKind::Textarea
            | ComponentKind::Richtext
            | ComponentKind::Link
            | ComponentKind::Number
            | ComponentKind::Date
            | ComponentKind::Time
            | ComponentKind::Datetime => self.compare_scalar(component.kind, value, zone),
            ComponentKind::File
            | ComponentKind::Externaldata
            | ComponentKind::CreatorInfo
            | ComponentKind::CreatedAt
            | ComponentKind::ActState
            | ComponentKind::WorkflowInfo
            | ComponentKind::CurrentAssigneeInfos
            | ComponentKind::TicketNodeInfos => None,
        }
    }

    fn compare_scalar(&self, kind: ComponentKind, value: &Value, zone: &TimeZone) -> Option<bool> {
        let left_text = single(value);
        let left = Scalar::read(kind, &left_text, zone)?;
        if self.is_of_several() {
            let is_in = self
                .value
                .parts()
                .iter()
                .any(|part| Scalar::read(kind, part, zone).as_ref() == Some(&left));
            return Some(is_in == (self.operator == Operator::In));
        }
        let right_text = single(&self.value);
        let right = Scalar::read(kind, &right_text, zone)?;
        let contains = || {
            if let Scalar::Text(text) = &left {
                text.contains(&right_text)
            } else {
                left == right
            }
        };
        Some(match self.operator {
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
            Operator::Greater => left > right,
            Operator::GreaterOrEqual => left >= right,
            Operator::Less => left < right,
            Operator::LessOrEqual => left <= right,
            Operator::Contains => contains(),
            Operator::NotContains => !contains(),
            Operator::In | Operator::NotIn | Operator::IsEmpty | Operator::IsNotEmpty => return None,
        })
    }
}

fn compare_sets(operator: Operator, left: &BTreeSet<String>, right: &BTreeSet<String>) -> bool {
    // There is no order among several.
    let order = (left.len() == 1 && right.len() == 1).then(|| left.first().cmp(&right.first()));
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Greater => order.is_some_and(Ordering::is_gt),
        Operator::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        Operator::Less => order.is_some_and(Ordering::is_lt),
        Operator::LessOrEqual => order.is_some_and(Ordering::is_le),
        Operator::Contains => left.is_superset(right),
        Operator::NotContains => !left.is_superset(right),
        Operator::In => left.is_subset(right),
        Operator::NotIn => !left.is_subset(right),
        Operator::IsEmpty => left.is_empty(),
        Operator::IsNotEmpty => !left.is_empty(),
    }
}

/// A single value as text: texts as they are, a list of one as its element.
fn single(value: &Value) -> String {
    value.as_text().map_or_else(|| value.parts().join(","), str::to_owned)
}

/// A single value in the form in which its type compares.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Scalar {
    Text(String),
    Number(rust_decimal::Decimal),
    Day(jiff::civil::Date),
    Instant(Timestamp),
    Time(jiff::civil::Time),
}

impl Scalar {
    fn read(kind: ComponentKind, text: &str, zone: &TimeZone) -> Option<Self> {
        match kind {
            ComponentKind::Number => decimal(text).map(Self::Number),
            ComponentKind::Date => Timestamp::parse(text, zone).map(|instant| Self::Day(instant.day_in(zone))),
            ComponentKind::Datetime => Timestamp::parse(text, zone).map(Self::Instant),
            ComponentKind::Time => parse_time(text).map(Self::Time),
            ComponentKind::Title
            | ComponentKind::Text
            | ComponentKind::Textarea
            | ComponentKind::Richtext
            | ComponentKind::Link
            | ComponentKind::Select
            | ComponentKind::Radio
            | ComponentKind::Checkbox
            | ComponentKind::User
            | ComponentKind::Department
            | ComponentKind::File
            | ComponentKind::Externaldata
            | ComponentKind::CreatorInfo
            | ComponentKind::CreatedAt
            | ComponentKind::ActState
            | ComponentKind::WorkflowInfo
            | ComponentKind::CurrentAssigneeInfos
            | ComponentKind::TicketNodeInfos => Some(Self::Text(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
