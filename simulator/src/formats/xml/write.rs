//! Writes XML: elements open, close and indent; nothing is written twice or forgotten.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::QName;

use super::escaped;

/// Writes a document into memory; names carry their prefixes and are the caller's.
pub struct XmlWriter {
    writer: Writer<Vec<u8>>,
    open: Vec<&'static str>,
}

impl Default for XmlWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl XmlWriter {
    /// A document with its declaration.
    #[must_use]
    pub fn new() -> Self {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        put(&mut writer, Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        Self {
            writer,
            open: Vec::new(),
        }
    }

    /// Opens an element; [`XmlWriter::close`] closes it.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        put(&mut self.writer, Event::Start(start(name, attributes)));
        self.open.push(name);
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            put(&mut self.writer, Event::End(BytesEnd::new(name)));
        }
    }

    /// An element without content.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        put(&mut self.writer, Event::Empty(start(name, attributes)));
    }

    /// An element with nothing but text.
    pub fn text(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) {
        put(&mut self.writer, Event::Start(start(name, attributes)));
        put(
            &mut self.writer,
            Event::Text(BytesText::from_escaped(escaped(text, false))),
        );
        put(&mut self.writer, Event::End(BytesEnd::new(name)));
    }

    /// The whole text; elements still open are closed.
    #[must_use]
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        let mut text = String::from_utf8_lossy(&self.writer.into_inner()).into_owned();
        text.push('\n');
        text
    }
}

/// Into memory, where writing does not fail.
fn put(writer: &mut Writer<Vec<u8>>, event: Event<'_>) {
    let _ = writer.write_event(event);
}

fn start<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute(Attribute {
            key: QName(key),
            value: Cow::Owned(escaped(value, true)),
        });
    }
    start
}
