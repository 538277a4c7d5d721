//! XML as the open formats need it: a small tree with resolved namespaces to read into, and a writer whose output
//! depends on nothing but what is written.
//!
//! Reading is bounded and expands nothing: a document type declaration is refused, so no entity but the five that XML
//! itself knows can be there. Not here: what elements mean (`import`, `export`).

use std::fmt::Write as _;

mod read;
mod write;

pub use read::{Bounds, parse};
pub use write::XmlWriter;

/// An element with everything in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its name without a prefix.
    pub name: String,
    /// Its attributes in the order of the text, without those that declare namespaces.
    pub attributes: Vec<Attribute>,
    /// Elements in it, in order.
    pub children: Vec<Element>,
    /// All text directly in it, pieced together.
    pub text: String,
}

/// An attribute of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its namespace; empty where it has no prefix, as is usual.
    pub namespace: String,
    /// Its name without a prefix.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Element {
    /// Whether it has this namespace and name.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// The value of an attribute without a prefix.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_in("", name)
    }

    /// The value of an attribute of a namespace.
    #[must_use]
    pub fn attribute_in(&self, namespace: &str, name: &str) -> Option<&str> {
        let mut found = self.attributes.iter();
        let found = found.find(|one| one.namespace == namespace && one.name == name);
        found.map(|one| one.value.as_str())
    }

    /// The first element directly in it of this namespace and name.
    #[must_use]
    pub fn child(&self, namespace: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|one| one.is(namespace, name))
    }

    /// The elements directly in it of this namespace and name.
    pub fn children_named<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |one| one.is(namespace, name))
    }
}

/// A text in which every character that XML 1.0 cannot carry is U+FFFD.
#[must_use]
pub fn cleaned(text: &str) -> String {
    text.chars()
        .map(|c| if may_stand_in_xml(c) { c } else { '\u{FFFD}' })
        .collect()
}

fn may_stand_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Text with its markup as references, and so many of its spaces that it reads back as it was: from an attribute all
/// line breaks and tabs, between tags only what line ends are made into.
fn escaped(text: &str, is_attribute: bool) -> String {
    let mut done = String::with_capacity(text.len());
    for c in cleaned(text).chars() {
        match c {
            '<' => done.push_str("&lt;"),
            '>' => done.push_str("&gt;"),
            '&' => done.push_str("&amp;"),
            '"' if is_attribute => done.push_str("&quot;"),
            '\t' | '\n' if !is_attribute => done.push(c),
            '\t' | '\n' | '\r' => {
                // Writing to a text cannot fail.
                let _ = write!(done, "&#{};", u32::from(c));
            }
            c => done.push(c),
        }
    }
    done
}

/// Whether a text is an XML name without a colon, as `xsd:ID` asks for.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let begins = |c: char| c == '_' || c.is_ascii_alphabetic();
    let goes_on = |c: char| begins(c) || c == '-' || c == '.' || c.is_ascii_digit();
    text.chars().next().is_some_and(begins) && text.chars().all(goes_on)
}

#[cfg(test)]
mod tests;
