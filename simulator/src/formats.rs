//! Open formats: definitions, logs and findings are written for other tools, and definitions of other tools are read.
//!
//! [`export`] writes, `import` reads; [`expression`] are conditions as text, `xml` the form that most of it has.

pub mod export;
pub mod expression;
pub mod import;
pub mod xml;
