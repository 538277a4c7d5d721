//! One binary for the tests of the log.

/// Export and import.
#[path = "log/backup.rs"]
mod backup;
/// What every implementation does.
#[path = "log/contract.rs"]
mod contract;
/// Damage below the database.
#[path = "log/damage.rs"]
mod damage;
/// What only the log on disk does: reopening, locks, damage, a full disk.
#[path = "log/disk.rs"]
mod disk;
/// The wrapper that fails on schedule.
#[path = "log/fault.rs"]
mod fault;
/// Small commits and logs to append them to.
#[path = "log/fixture.rs"]
mod fixture;
/// Random walks against a vector.
#[path = "log/model.rs"]
mod model;
