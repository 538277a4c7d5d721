//! A person as shown beside an id.

use crate::account::directory::Directory;
use crate::id::UserId;

/// A person as shown beside an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Account name; empty for a user that is gone.
    pub name: String,
    /// Name shown to people.
    pub alias: String,
}

impl Person {
    /// Looks a user up; the id alone where it is unknown.
    #[must_use]
    pub fn of(id: &UserId, directory: &Directory) -> Self {
        match directory.user(id) {
            Some(user) => Self {
                id: id.clone(),
                name: user.name.clone(),
                alias: user.alias.clone(),
            },
            None => Self {
                id: id.clone(),
                name: String::new(),
                alias: String::new(),
            },
        }
    }

    /// Alias, else name, else id.
    #[must_use]
    pub fn shown(&self) -> &str {
        [&self.alias, &self.name]
            .into_iter()
            .find(|one| !one.is_empty())
            .map_or(self.id.as_str(), |one| one.as_str())
    }
}
