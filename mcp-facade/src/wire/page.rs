//! One page of a list: its rows under the list's own key, and where it stands among the others.

use loonflow_engine::runtime::Page;
use serde_json::{Value, json};

/// `<key>`, `per_page`, `page`, `total`, `has_more`.
pub(crate) fn page<T>(key: &str, page: &Page<T>, row: impl FnMut(&T) -> Value) -> Value {
    json!({
        key: page.rows.iter().map(row).collect::<Vec<Value>>(),
        "per_page": page.per_page,
        "page": page.page,
        "total": page.total,
        "has_more": page.has_more,
    })
}
