//! The engine against the naive model. After every step both must have given the same answer and have the same ticket;
//! on a sample, the same offers and the same view for every user.

mod forms;
mod migrations;
mod pair;
mod small;
mod stories;
mod text;
mod walks;
