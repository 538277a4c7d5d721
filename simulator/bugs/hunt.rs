//! Hunts one bug, in a copy of the workspace alone: `.ci/bugs` put it there, see `simulator/examples/bugs/main.rs`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    loonflow_simulator::program::hunter::main(loonflow_engine::bugs::switch_on)
}
