//! Reads XML into a tree, within bounds.

use anyhow::{Context as _, bail};
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::{Attribute, Element, may_stand_in_xml};

/// How much is read at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of the text.
    pub n_bytes: usize,
    /// Elements one in the other: a tree is walked and dropped by recursion.
    pub depth: usize,
    /// Elements in all.
    pub n_elements: usize,
    /// Attributes of one element: their names are compared pairwise.
    pub n_attributes: usize,
}

/// Parses a document into its root element.
///
/// # Errors
/// A sentence with the place in the text: too large, not UTF-8, not well formed, a document type declaration.
pub fn parse(bytes: &[u8], bounds: Bounds) -> anyhow::Result<Element> {
    if bytes.len() > bounds.n_bytes {
        bail!(
            "it has {} bytes, and at most {} are read: split it, or remove what no process needs",
            bytes.len(),
            bounds.n_bytes
        );
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{FEFF}').unwrap_or(text),
        Err(error) => bail!("byte {} is no UTF-8: save it as UTF-8", error.valid_up_to()),
    };
    let mut reader = NsReader::from_str(text);
    let mut tree = Tree {
        open: Vec::new(),
        root: None,
        n_elements: 0,
        bounds,
    };
    loop {
        let event = reader.read_event();
        let at = reader.buffer_position();
        match event.with_context(|| format!("it is not well formed at byte {at}"))? {
            Event::Start(start) => {
                let element = element(&reader, &start, bounds).with_context(|| format!("at byte {at}"))?;
                tree.open(element)?;
            }
            Event::Empty(start) => {
                let element = element(&reader, &start, bounds).with_context(|| format!("at byte {at}"))?;
                tree.open(element)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let found = match reference.resolve_char_ref().with_context(|| format!("at byte {at}"))? {
                    Some(c) if may_stand_in_xml(c) => c.to_string(),
                    Some(_) => bail!(
                        "the reference `&{};` at byte {at} names no character of XML",
                        &*reference
                    ),
                    None => match resolve_predefined_entity(&reference) {
                        Some(text) => text.to_owned(),
                        None => bail!(
                            "the entity `&{};` at byte {at} is unknown: write the text itself",
                            &*reference
                        ),
                    },
                };
                tree.text(&found)?;
            }
            Event::DocType(_) => bail!("it has a document type declaration at byte {at}: remove it, nothing needs it"),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    n_elements: usize,
    bounds: Bounds,
}

impl Tree {
    fn open(&mut self, element: Element) -> anyhow::Result<()> {
        self.n_elements += 1;
        if self.n_elements > self.bounds.n_elements {
            bail!("it has more than {} elements: split it", self.bounds.n_elements);
        }
        if self.open.len() >= self.bounds.depth {
            bail!("its elements are nested deeper than {} levels", self.bounds.depth);
        }
        if self.root.is_some() {
            bail!("it has a second root element `{}`: keep one", element.name);
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> anyhow::Result<()> {
        let Some(element) = self.open.pop() else {
            bail!("an element ends that never began");
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> anyhow::Result<()> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => bail!("there is text outside of its root element"),
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<Element> {
        if let Some(element) = self.open.last() {
            bail!("it breaks off inside the element `{}`", element.name);
        }
        self.root.context("it has no element at all")
    }
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, bounds: Bounds) -> anyhow::Result<Element> {
    let (namespace, name) = reader.resolver().resolve_element(start.name());
    let mut element = Element {
        namespace: bound(namespace)?,
        name: name.into_inner().to_owned(),
        ..Element::default()
    };
    for (idx, attribute) in start.attributes().enumerate() {
        if idx >= bounds.n_attributes {
            bail!(
                "element `{}` has more than {} attributes",
                element.name,
                bounds.n_attributes
            );
        }
        let attribute =
            attribute.with_context(|| format!("an attribute of element `{}` is malformed", element.name))?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .with_context(|| format!("attribute `{}` of element `{}`", name.into_inner(), element.name))?;
        element.attributes.push(Attribute {
            namespace: bound(namespace)?,
            name: name.into_inner().to_owned(),
            value: value.into_owned(),
        });
    }
    Ok(element)
}

fn bound(result: ResolveResult<'_>) -> anyhow::Result<String> {
    match result {
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Bound(namespace) => Ok(namespace.into_inner().to_owned()),
        ResolveResult::Unknown(prefix) => bail!("the prefix `{prefix}` is declared nowhere: add its `xmlns:{prefix}`"),
    }
}
