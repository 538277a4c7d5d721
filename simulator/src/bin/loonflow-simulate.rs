//! `loonflow-simulate`: finds what is wrong with a workflow, or with the engine, before a person does.
//!
//! Everything is in the library (`program`); an embedding program calls the same functions.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    loonflow_simulator::program::cli::main()
}
