//! The people of stories.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account;
use crate::account::directory::Directory;
use crate::account::import::DirectoryFile;
use crate::define::{People, Person};
use crate::time::Timestamp;

/// Ann, bob, cat, dan (normal; ann and bob have the role `crew`, cat is in the department `sub` below `top`, which dan
/// leads and bob approves for), adm (the tenant's admin), wad, dis and vie (a flow's admin, dispatcher and viewer), out
/// (nobody's), off (inactive, and of the crew). These are inactive.
#[must_use]
pub fn directory(inactive: &[&str]) -> Arc<Directory> {
    let mut people = People::of("t", "x.example")
        .named("T")
        .dept("top", None, Some("dan"), ["bob"])
        .dept("sub", Some("top"), None, [] as [&str; 0])
        .dept("far", None, None, [] as [&str; 0])
        .role("crew")
        .role("empty");
    for id in ["ann", "bob", "cat", "dan", "adm", "wad", "dis", "vie", "out", "off"] {
        let mut person = Person::new(id)
            .named(format!("{}.", id.to_uppercase()))
            .dept(if id == "cat" { "sub" } else { "top" });
        if ["ann", "bob", "off"].contains(&id) {
            person = person.roles(["crew"]);
        }
        if id == "adm" {
            person = person.admin();
        }
        if inactive.contains(&id) {
            person = person.inactive();
        }
        people = people.person(person);
    }
    directory_of(&people)
}

/// The same while somebody is absent, a day before stories begin until a month later, and another stands in for them.
///
/// # Panics
/// Where they are not there, or the absence is refused.
#[must_use]
pub fn absent(directory: &Directory, user: &str, delegate: &str) -> Arc<Directory> {
    let wanted = account::absence::SetAbsence {
        id: format!("{user}-{delegate}").into(),
        by: None,
        user: user.into(),
        delegate: delegate.into(),
        from: "2025-12-31".to_owned(),
        to: "2026-01-31".to_owned(),
        workflows: Vec::new(),
        must_run: false,
    };
    changed(directory, &account::command::Command::SetAbsence(Box::new(wanted)))
}

/// The directory after a command.
///
/// # Panics
/// Where it is refused.
fn changed(directory: &Directory, command: &account::command::Command) -> Arc<Directory> {
    let foreign = Default::default();
    let context = account::command::Context {
        now: Timestamp(0),
        foreign: &foreign,
    };
    let events = account::decide::decide(directory, command, &context)
        .unwrap_or_else(|refusal| panic!("the directory is refused: {refusal}"));
    Arc::new(events.iter().fold(directory.clone(), account::apply::apply))
}

/// The directory that people make, as an import of them into a new tenant does.
///
/// # Panics
/// On people who do not go together.
#[must_use]
pub fn directory_of(people: &People) -> Arc<Directory> {
    let file = DirectoryFile::parse(&people.directory()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let directory = Directory::new(file.tenant.clone());
    let command = account::command::Command::Import {
        file: Box::new(file),
        hashes: BTreeMap::new(),
    };
    changed(&directory, &command)
}
