//! The engine against the naive model. After every step both must have given the same answer and have the same ticket;
//! on a sample, the same offers and the same view for every user.

#[path = "model/forms.rs"]
mod forms;
#[path = "model/migrations.rs"]
mod migrations;
#[path = "model/pair.rs"]
mod pair;
#[path = "model/small.rs"]
mod small;
#[path = "model/stories.rs"]
mod stories;
#[path = "model/text.rs"]
mod text;
#[path = "model/walks.rs"]
mod walks;
