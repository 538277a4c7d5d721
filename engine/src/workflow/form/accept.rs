//! Which files a field takes, by `accept` (semantics: files): what the bytes are, or how the name ends. The second is
//! for formats that bytes do not tell, as texts.

use std::fmt;

/// One entry of `accept`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept {
    /// `application/pdf`.
    Type(String),
    /// `image/*`; here `image/`.
    Family(String),
    /// `.csv`.
    Ending(String),
}

impl Accept {
    /// Reads one; `None` for what names neither a type nor an ending.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let is_word = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
            !text.is_empty() && text.bytes().all(fits)
        };
        if let Some(ending) = text.strip_prefix('.') {
            let is_ending =
                !ending.is_empty() && !ending.contains(['/', '\\', '*']) && !ending.contains(char::is_control);
            return is_ending.then_some(Self::Ending(text));
        }
        let (family, kind) = text.split_once('/')?;
        match kind {
            "*" if is_word(family) => Some(Self::Family(format!("{family}/"))),
            _ if is_word(family) && is_word(kind) => Some(Self::Type(text)),
            _ => None,
        }
    }

    /// Whether it takes a file.
    #[must_use]
    pub fn takes(&self, name: &str, media_type: &str) -> bool {
        match self {
            Self::Type(one) => media_type.eq_ignore_ascii_case(one),
            Self::Family(family) => media_type.to_ascii_lowercase().starts_with(family),
            Self::Ending(ending) => name.to_lowercase().ends_with(ending),
        }
    }
}

impl fmt::Display for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(one) => write!(f, "`{one}`"),
            Self::Family(family) => write!(f, "`{family}*`"),
            Self::Ending(ending) => write!(f, "`{ending}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_families_and_endings_are_read() {
        for (text, name, media_type, takes) in [
            ("application/pdf", "a", "application/pdf", Some(true)),
            ("Application/PDF", "a.pdf", "application/octet-stream", Some(false)),
            (" image/* ", "a", "image/png", Some(true)),
            ("image/*", "a.png", "imagery/png", Some(false)),
            (".csv", "A.CSV", "application/octet-stream", Some(true)),
            (".tar.gz", "a.tar.gz", "application/gzip", Some(true)),
            (".csv", "csv", "text/csv", Some(false)),
            ("pdf", "", "", None),
            ("*/*", "", "", None),
            ("", "", "", None),
            (".", "", "", None),
            ("a/b/c", "", "", None),
            ("image/p*", "", "", None),
        ] {
            let read = Accept::parse(text).map(|accept| accept.takes(name, media_type));
            assert_eq!(read, takes, "{text}");
        }
    }
}
