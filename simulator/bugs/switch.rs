//! Bugs on purpose, in this copy of the engine alone: `.ci/bugs` put them in, see `simulator/examples/bugs/main.rs`.
//!
//! At most one is on, for the whole process, as an engine's actors run on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// `wrong` while the bug is on, else `right`.
macro_rules! switch {
    ($bug:ident, $wrong:expr, $right:expr) => {
        if $crate::bugs::is_on($crate::bugs::Bug::$bug) {
            $wrong
        } else {
            $right
        }
    };
}
pub(crate) use switch;

macro_rules! bugs {
    ($($name:ident)*) => {
        pub(crate) enum Bug {
            $($name,)*
        }

        const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

bugs! { NAMES }

/// One more than the place of the bug that is on; 0 for none.
static ON: AtomicUsize = AtomicUsize::new(0);

/// Switches one bug on, and every other off.
pub fn switch_on(name: Option<&str>) {
    let on = name.map_or(0, |name| {
        let idx = NAMES.iter().position(|one| *one == name);
        idx.unwrap_or_else(|| panic!("no bug is called `{name}`")) + 1
    });
    ON.store(on, Ordering::SeqCst);
}

pub(crate) fn is_on(bug: Bug) -> bool {
    ON.load(Ordering::Relaxed) == bug as usize + 1
}
