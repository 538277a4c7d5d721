//! One binary for the tests of the log.

/// Export and import.
mod backup;
/// What every implementation does.
mod contract;
/// Damage below the database.
mod damage;
/// What only the log on disk does: reopening, locks, damage, a full disk.
mod disk;
/// The wrapper that fails on schedule.
mod fault;
/// Small commits and logs to append them to.
mod fixture;
/// Random walks against a vector.
mod model;
