//! Standard output of the commands: what they were asked for, and nothing else.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes one line.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}
