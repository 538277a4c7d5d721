//! The binary from outside: every command in a process of its own, alone and beside a running server.

/// Definitions and directories checked without a data directory.
mod check;
/// The example organisation: kept between runs with its tokens, never over other data.
mod demo;
/// Directories and versions as an operator keeps them.
mod directories;
/// Timers and hooks: a clock that is moved on, and what became of calls.
mod effects;
/// Files on disk.
mod files;
/// Import, tokens, migration: what an operator changes.
mod operate;
/// Directories and files that are out of reach, or are something else.
mod out_of_reach;
/// Processes, temporary directories, calls over HTTP.
mod process;
/// Start, stop, settings, stdio.
mod serve;
/// SIGINT and SIGTERM, and the exit codes after them.
mod signals;
/// All example workflows over stdio.
mod stdio_life;
/// Export, restore, verify.
mod whole_log;
