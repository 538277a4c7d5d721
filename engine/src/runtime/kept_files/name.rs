//! What a file is called, from whatever its sender called it (semantics: files).

use icu_normalizer::ComposingNormalizer;

/// Bytes of a name: file systems take 255, and whoever saves a file puts a number behind it.
const NAME_BYTES_MAX: usize = 200;
/// Bytes of an ending that is kept where a name is cut; what is longer is none.
const ENDING_BYTES_MAX: usize = 20;
/// What a file is called of whose name nothing is left.
const NAMELESS: &str = "file";

/// The last part of a path, composed (NFC), without control and direction marks, without full stops at its beginning,
/// cut in front of its ending.
pub(super) fn cleaned(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let seen: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_direction_mark(*c))
        .collect();
    let composed = ComposingNormalizer::new_nfc().normalize(&seen).into_owned();
    let name = composed.trim_start_matches(|c: char| c == '.' || c.is_whitespace());
    let name = cut(name.trim_end());
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}

/// Whether it turns the direction of what follows: `evil<U+202E>fdp.exe` reads as `evilexe.pdf`.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn cut(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |at| &name[at..]);
    let ending = if ending.len() <= ENDING_BYTES_MAX { ending } else { "" };
    let mut end = NAME_BYTES_MAX - ending.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", name[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_cleaned() {
        let long = "ä".repeat(150);
        for (sent, name) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\plan.txt", "plan.txt"),
            ("evil\u{202e}fdp.exe", "evilfdp.exe"),
            ("a\r\nSet-Cookie: b.txt", "aSet-Cookie: b.txt"),
            ("u\u{308}ber.txt", "über.txt"),
            (" ..htaccess ", "htaccess"),
            ("...", "file"),
            ("dir/", "file"),
            ("", "file"),
            (&format!("{long}.pdf"), &format!("{}.pdf", "ä".repeat(98))),
            (&format!("a.{long}"), &format!("a.{}", "ä".repeat(99))),
        ] {
            assert_eq!(cleaned(sent), name, "{sent:?}");
        }
    }

    proptest! {
        #[test]
        fn a_cleaned_name_is_clean(sent in "[./ \\PC\u{202e}\u{308}a\n]{0,300}") {
            let name = cleaned(&sent);
            prop_assert_eq!(&cleaned(&name), &name);
            prop_assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.starts_with('.'));
            prop_assert!(!name.contains(['/', '\\']) && !name.contains(|c: char| c.is_control() || is_direction_mark(c)));
        }
    }
}
