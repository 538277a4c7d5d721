//! One page of a list: its rows under the list's own key, and where it stands among the others.

use loonflow_engine::runtime::Page;
use serde_json::Value;

use super::object;

/// `<key>`, `per_page`, `page`, `total`, `has_more`.
pub(crate) fn page<T>(key: &str, page: &Page<T>, row: impl FnMut(&T) -> Value) -> Value {
    object([
        (key, page.rows.iter().map(row).collect()),
        ("per_page", page.per_page.into()),
        ("page", page.page.into()),
        ("total", page.total.into()),
        ("has_more", page.has_more.into()),
    ])
}
