//! The form in which e-mail addresses are kept and compared: one function for import, sign-in, commands and search.
//!
//! ASCII alone is folded and trimmed. Unicode folds other letters onto ASCII ones (U+212A onto `k`) and trims what mail
//! servers keep (U+0085, U+3000), and then the address of one person is the account of another.

/// An address without ASCII blanks around it, its ASCII letters lower-case; everything else as it is.
#[must_use]
pub fn folded(address: &str) -> String {
    address.trim_ascii().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_folded_and_trimmed_and_nothing_else() {
        for (address, kept) in [
            (" Ada@Acme.Example\t\r\n", "ada@acme.example"),
            ("\u{212a}im@acme.example", "\u{212a}im@acme.example"),
            ("\u{130}da@acme.example", "\u{130}da@acme.example"),
            ("\u{85}ada@acme.example", "\u{85}ada@acme.example"),
            ("ada@acme.example\u{3000}", "ada@acme.example\u{3000}"),
            ("J\u{d6}RG@acme.example", "j\u{d6}rg@acme.example"),
        ] {
            assert_eq!(folded(address), kept);
        }
    }
}
