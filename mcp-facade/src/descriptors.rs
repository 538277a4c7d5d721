//! Open files: raises the process's soft limit at the start, and says how many connections fit under it.
//!
//! Not here: what opens them. The log must always find one: a connection that takes the last makes a write fail, and a
//! failed write stops the log.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::{CONNECTIONS_MAX, CONNECTIONS_MIN, DESCRIPTORS_RESERVED};

/// Raises the soft limit as far as the server can use it, and gives the connections that fit.
///
/// # Errors
/// A sentence when fewer than [`CONNECTIONS_MIN`] fit.
pub fn connections_max() -> Result<usize, String> {
    let found = getrlimit(Resource::Nofile);
    let soft = match wanted(found) {
        None => found.current,
        Some(wanted) => match setrlimit(Resource::Nofile, wanted) {
            Ok(()) => wanted.current,
            Err(error) => {
                tracing::warn!(%error, "the limit of open files could not be raised");
                found.current
            }
        },
    };
    let fitting = connections_under(soft);
    if fitting < CONNECTIONS_MIN {
        let needed = DESCRIPTORS_RESERVED + CONNECTIONS_MIN;
        return Err(format!(
            "this process may open {} files at once, and a server needs {needed}; allow more with `ulimit -n`",
            soft.unwrap_or_default()
        ));
    }
    if fitting < CONNECTIONS_MAX {
        tracing::warn!(
            n_connections = fitting,
            "fewer connections are taken than usual: the limit of open files (`ulimit -n`) is low"
        );
    }
    Ok(fitting)
}

/// The limit to set, where the one found is lower than what is needed and may be raised. `None` in a limit is infinity.
fn wanted(found: Rlimit) -> Option<Rlimit> {
    let needed = (CONNECTIONS_MAX + DESCRIPTORS_RESERVED) as u64;
    let allowed = found.maximum.map_or(needed, |hard| hard.min(needed));
    found.current.filter(|soft| *soft < allowed).map(|_| Rlimit {
        current: Some(allowed),
        maximum: found.maximum,
    })
}

/// Connections that a soft limit leaves room for.
fn connections_under(soft: Option<u64>) -> usize {
    let soft = soft.map_or(usize::MAX, |soft| usize::try_from(soft).unwrap_or(usize::MAX));
    soft.saturating_sub(DESCRIPTORS_RESERVED).min(CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_rises_to_what_is_needed_and_no_further() {
        let limit = |current, maximum| Rlimit { current, maximum };
        let needed = Some((CONNECTIONS_MAX + DESCRIPTORS_RESERVED) as u64);
        for (found, wanted_soft) in [
            (limit(Some(256), Some(1_048_576)), Some(needed)),
            (limit(Some(256), None), Some(needed)),
            (limit(Some(256), Some(1024)), Some(Some(1024))),
            (limit(Some(1024), Some(1024)), None),
            (limit(Some(1_048_576), Some(1_048_576)), None),
            (limit(None, None), None),
        ] {
            let wanted = wanted(found);
            assert_eq!(wanted.map(|limit| limit.current), wanted_soft, "{found:?}");
        }
    }

    #[test]
    fn connections_leave_room_for_everything_else() {
        assert_eq!(connections_under(None), CONNECTIONS_MAX);
        assert_eq!(connections_under(Some(1024)), 1024 - DESCRIPTORS_RESERVED);
        assert_eq!(connections_under(Some(64)), 0);
    }
}
