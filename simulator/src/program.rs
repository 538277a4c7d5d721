//! The program `loonflow-simulate`: its command line ([`cli`]), what each subcommand does ([`commands`]), and where results
//! go ([`output`]).

pub mod cli;
pub mod commands;
pub mod output;
