//! Notes beside a list: which of its filters name something that is not there, and where the right name is found. A list
//! that is empty for that reason looks like one that is empty in truth.
//!
//! Not here: words that a filter does not take, which are refused (`request`). Invariant: of tickets it is only said that
//! there is none that the caller may view, whether there is one or not.

use crate::arguments::shortened;

/// Names of one filter that are told at most: one shows what is wrong with all.
const NAMED_MAX: usize = 5;

/// What is said about each of the first names of a filter that are not there.
pub(super) fn each<'a>(
    ids: impl IntoIterator<Item = &'a String>,
    is_there: impl Fn(&str) -> bool,
    say: impl Fn(&str) -> String,
) -> Vec<String> {
    let missing = ids.into_iter().filter(|id| !is_there(id));
    missing.take(NAMED_MAX).map(|id| say(&shortened(id))).collect()
}

/// About a person who is not there.
pub(super) fn no_user(argument: &str, id: &str) -> String {
    if id.contains('@') {
        format!(
            "`{argument}` takes ids, and `{id}` is an e-mail address: `user_list` with it as `search_value` tells the id"
        )
    } else {
        format!("`{argument}`: there is no user `{id}`; `user_list` finds people and tells their ids")
    }
}
