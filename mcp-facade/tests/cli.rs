//! The binary from outside: every command in a process of its own, alone and beside a running server.

/// Definitions and directories checked without a data directory.
#[path = "cli/check.rs"]
mod check;
/// The example organisation: kept between runs with its tokens, never over other data.
#[path = "cli/demo.rs"]
mod demo;
/// Directories and versions as an operator keeps them.
#[path = "cli/directories.rs"]
mod directories;
/// Import, tokens, migration: what an operator changes.
#[path = "cli/operate.rs"]
mod operate;
/// Directories and files that are out of reach, or are something else.
#[path = "cli/out_of_reach.rs"]
mod out_of_reach;
/// Processes, temporary directories, calls over HTTP.
#[path = "cli/process.rs"]
mod process;
/// Start, stop, settings, stdio.
#[path = "cli/serve.rs"]
mod serve;
/// SIGINT and SIGTERM, and the exit codes after them.
#[path = "cli/signals.rs"]
mod signals;
/// All example workflows over stdio.
#[path = "cli/stdio_life.rs"]
mod stdio_life;
/// Export, restore, verify.
#[path = "cli/whole_log.rs"]
mod whole_log;
