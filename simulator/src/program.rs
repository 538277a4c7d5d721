//! The program `loonflow-simulate`: its command line ([`cli`]), what each subcommand does ([`commands`]), where results go
//! ([`output`]) and how a job ends ([`verdict`]); and the program that hunts a bug in a copy of the engine ([`hunter`]).

pub mod cli;
pub mod commands;
pub mod hunter;
pub mod output;
pub mod verdict;
