//! Where one page of a list stands among the others; its rows are beside it, under the list's own key.

use loonflow_engine::runtime::Page;
use serde::Serialize;

/// The keys that every list has (contract: paging).
#[derive(Debug, Clone, Serialize)]
pub struct Paging {
    /// Rows of a full page.
    pub per_page: u32,
    /// Which page this is.
    pub page: u32,
    /// Rows of all pages.
    pub total: u64,
    /// Whether a page follows.
    pub has_more: bool,
}

impl<T> From<&Page<T>> for Paging {
    fn from(page: &Page<T>) -> Self {
        Self {
            per_page: page.per_page,
            page: page.page,
            total: page.total,
            has_more: page.has_more,
        }
    }
}
