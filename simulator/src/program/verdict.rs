//! How a job ended, as its exit code says it.

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing is wrong: exit code 0.
    Fine,
    /// Something is wrong: exit code 1.
    Defect,
    /// A bound was met before an answer was found: exit code 2.
    Unknown,
}

impl Verdict {
    /// The process's exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Defect => 1,
            Self::Unknown => 2,
        }
    }

    /// The worse of two: a defect counts more than an unknown, an unknown more than nothing.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Defect, _) | (_, Self::Defect) => Self::Defect,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Fine, Self::Fine) => Self::Fine,
        }
    }
}
