//! Texts as people see them: whether there is anything to see, and which are the same to whoever searches.
//!
//! Not here: what a field takes (`workflow::form`), e-mail addresses and domains, which are compared as the directory
//! stores them.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Whether nothing of a text is seen: blanks, control characters, and what Unicode lets every font leave out, as the
/// zero width space.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_unseen)
}

fn is_unseen(c: char) -> bool {
    // The braille pattern without dots is no blank to Unicode.
    c.is_whitespace() || c.is_control() || (!c.is_ascii() && (is_ignorable(c) || c == '\u{2800}'))
}

fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a text is an address that the engine would post to.
pub(crate) fn is_http(text: &str) -> bool {
    url::Url::parse(text.trim()).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether nothing of a rich text is seen, as of `<p><br></p>`: no text between its tags, and no picture.
#[must_use]
pub fn is_blank_markup(markup: &str) -> bool {
    let mut rest = markup;
    while let Some((text, after)) = rest.split_once('<') {
        let (tag, after) = tag_of(after);
        if !is_blank_text(text) || is_picture(tag) {
            return false;
        }
        rest = after;
    }
    is_blank_text(rest)
}

/// A tag's inside, and what follows it; a `>` between quotes does not end it.
fn tag_of(after: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in after.char_indices() {
        match (quote, c) {
            (None, '>') => return (&after[..at], &after[at + 1..]),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
    }
    (after, "")
}

fn is_picture(tag: &str) -> bool {
    let is_img = tag.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("img"));
    is_img && tag.contains("src=")
}

/// Cleaned text spells the blank that does not break as an entity.
fn is_blank_text(text: &str) -> bool {
    is_blank(&text.replace("&nbsp;", ""))
}

/// A text in the form in which searches compare it: case folded and forms of the same character made one (NFKC), so that
/// `É` is found as `e` with an accent, `Straße` as `STRASSE` and full-width letters as their own; what is never seen is
/// left out. The dotted and the dotless i of Turkish are one letter here: whoever searches for `istanbul` means
/// `İSTANBUL`.
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let normal = ComposingNormalizer::new_nfkc();
    let case = CaseMapper::new();
    let normalized = normal.normalize(text);
    let folded: Cow<'_, str> = case.fold_string(&normalized);
    let mut letters = String::with_capacity(folded.len());
    for c in folded.chars() {
        match c {
            '\u{307}' if letters.ends_with('i') => {}
            'ı' => letters.push('i'),
            c if !c.is_ascii() && is_ignorable(c) => {}
            c => letters.push(c),
        }
    }
    normal.normalize(&letters).into_owned()
}

/// A text to search for, folded once for all that it is looked for in.
#[derive(Clone, Debug)]
pub struct Needle {
    folded: String,
    is_ascii: bool,
}

impl Needle {
    /// Of a text as somebody sent it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let folded = folded(text);
        let is_ascii = folded.is_ascii();
        Self { folded, is_ascii }
    }

    /// Whether a text holds it, folded as it is; an empty one is in every text. Most names are ASCII, and are looked at
    /// as they stand: a search goes through a whole directory.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let needle = self.folded.as_bytes();
        if needle.is_empty() {
            return true;
        }
        if text.is_ascii() {
            let mut places = text.as_bytes().windows(needle.len());
            return self.is_ascii && places.any(|place| place.eq_ignore_ascii_case(needle));
        }
        folded(text).contains(&self.folded)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The short way through ASCII finds what folding both finds.
        #[test]
        fn a_needle_finds_what_folding_finds(text in "[ -~aAıİßẞéﬁ\u{ad}]{0,8}", needle in "[ -~aAıİßẞéﬁ\u{ad}]{0,3}") {
            prop_assert_eq!(Needle::of(&needle).is_in(&text), folded(&text).contains(&folded(&needle)));
        }
    }

    #[test]
    fn blank_is_what_nobody_sees() {
        for text in [
            "",
            " \t\n",
            "\u{200b}",
            "\u{feff}\u{ad}",
            "\u{a0}\u{3000}",
            "\u{2060}\u{2800}",
            "\u{7}",
            "\u{3164}",
        ] {
            assert!(is_blank(text), "{text:?}");
            assert!(is_blank_markup(text), "{text:?}");
        }
        for text in ["x", "\u{200b}0", "·", "👍", "中"] {
            assert!(!is_blank(text), "{text:?}");
            assert!(!is_blank_markup(text), "{text:?}");
        }
    }

    #[test]
    fn markup_without_content_is_blank() {
        for markup in [
            "<p><br></p>",
            "<p>&nbsp;</p>\n<ul><li></li></ul>",
            r#"<a href="https://x.example/?a>b"></a>"#,
            "<img>",
            "<p",
        ] {
            assert!(is_blank_markup(markup), "{markup}");
        }
        for markup in [
            "<p>x</p>",
            "<p>&lt;</p>",
            r#"<p><img src="https://x.example/y.png"></p>"#,
            "<br>.",
        ] {
            assert!(!is_blank_markup(markup), "{markup}");
        }
    }

    #[test]
    fn what_looks_the_same_is_found() {
        for (text, needle) in [
            ("Cafe\u{301} Noir", "caf\u{e9}"),
            ("CAF\u{c9}", "cafe\u{301}"),
            ("İSTANBUL", "istanbul"),
            ("İSTANBUL", "i̇stan"),
            ("ISPARTA", "ısparta"),
            ("Straße", "STRASSE"),
            ("Straße", "RASSE"),
            ("GROẞE", "große"),
            ("ΟΔΟΣ 5", "οδος"),
            ("οδος", "ΟΔΟΣ"),
            ("ＡＢＣ", "abc"),
            ("ﬁnance", "FIN"),
            ("Koffer\u{ad}raum", "kofferraum"),
            ("Łódź", "łÓDŹ"),
        ] {
            assert!(folded(text).contains(&folded(needle)), "{text} {needle}");
        }
        assert!(!folded("cafe").contains(&folded("café")));
    }
}
