//! What is written reads back; what is hostile ends in a sentence.

use super::*;

const SMALL: Bounds = Bounds {
    n_bytes: 4_096,
    depth: 8,
    n_elements: 32,
    n_attributes: 8,
};

#[test]
fn what_is_written_reads_back() {
    let odd = "a<b>&\"'\n\tä\u{1F600} ]]> ";
    let mut writer = XmlWriter::new();
    writer.open("x:a", &[("xmlns:x", "urn:x"), ("k", odd), ("x:l", "m")]);
    writer.text("b", &[], odd);
    writer.empty("x:c", &[]);
    let root = parse(writer.finish().as_bytes(), SMALL).expect("well formed");
    assert!(root.is("urn:x", "a"));
    assert_eq!(root.attribute("k"), Some(odd));
    assert_eq!(root.attribute_in("urn:x", "l"), Some("m"));
    assert_eq!(root.child("", "b").map(|b| b.text.as_str()), Some(odd));
    assert!(root.child("urn:x", "c").is_some());
}

#[test]
fn characters_that_xml_cannot_carry_are_replaced() {
    let mut writer = XmlWriter::new();
    writer.empty("a", &[("k", "\u{1}\u{FFFE}\u{0}")]);
    let root = parse(writer.finish().as_bytes(), SMALL).expect("well formed");
    assert_eq!(root.attribute("k"), Some("\u{FFFD}\u{FFFD}\u{FFFD}"));
}

#[test]
fn hostile_documents_end_in_a_sentence() {
    let deep = "<a>".repeat(9);
    let wide = format!("<a>{}</a>", "<b/>".repeat(40));
    let attributes: String = (0..20).map(|n| format!(" a{n}=''")).collect();
    for (text, expected) in [
        ("", "no element"),
        ("hello", "text outside"),
        ("<a>", "breaks off"),
        ("<a></b>", "not well formed"),
        ("<a/><b/>", "second root"),
        ("<a x='1' x='2'/>", "malformed"),
        ("<a x/>", "malformed"),
        ("<p:a/>", "declared nowhere"),
        ("<a>&boom;</a>", "unknown"),
        ("<a k='&boom;'/>", "attribute `k`"),
        ("<a>&#0;</a>", "at byte"),
        ("<a>&#1;</a>", "no character of XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "document type"),
        (deep.as_str(), "nested deeper"),
        (wide.as_str(), "more than 32 elements"),
        (format!("<a{attributes}/>").as_str(), "more than 8 attributes"),
        ("x".repeat(5_000).as_str(), "5000 bytes"),
    ] {
        let error = format!("{:#}", parse(text.as_bytes(), SMALL).expect_err(text));
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(parse(b"<a>\xFF</a>", SMALL).is_err());
}
