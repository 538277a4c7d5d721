//! Forms that were carried out, so that one which is sent again is not: a browser that loads the answer of a form once more
//! sends the form once more.
//!
//! Each form that makes something carries a mark, which is its user's own. In memory and bounded: a restart, or ten thousand
//! forms later, a form that is sent again is carried out again, and what it made is in a list.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use loonflow_engine::runtime::Caller;
use sha2::{Digest, Sha256};

use crate::limits::FORMS_REMEMBERED_MAX;

/// See the module.
#[derive(Default)]
pub struct Forms(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    marks: HashSet<[u8; 32]>,
    /// The oldest first.
    order: VecDeque<[u8; 32]>,
}

impl Forms {
    /// Whether a user's form is to be carried out: it has no mark, or one that was not seen.
    pub fn take(&self, user: &Caller, mark: &str) -> bool {
        if mark.is_empty() {
            return true;
        }
        let key = key(user, mark);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.marks.insert(key) {
            return false;
        }
        seen.order.push_back(key);
        if seen.order.len() > FORMS_REMEMBERED_MAX
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.marks.remove(&oldest);
        }
        true
    }

    /// The form was not carried out after all.
    pub fn give_back(&self, user: &Caller, mark: &str) {
        let key = key(user, mark);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.marks.remove(&key) {
            seen.order.retain(|one| *one != key);
        }
    }
}

fn key(user: &Caller, mark: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [user.tenant_id.as_str(), user.user_id.as_str(), mark] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Caller {
        Caller {
            tenant_id: "t".into(),
            user_id: name.into(),
            app: "loonflow".into(),
            access_token: None,
        }
    }

    #[test]
    fn a_form_is_carried_out_once_by_each() {
        let forms = Forms::default();
        let (ada, erin) = (user("ada"), user("erin"));
        assert!(forms.take(&ada, "1") && !forms.take(&ada, "1"));
        assert!(forms.take(&erin, "1"), "a mark is its user's own");
        assert!(forms.take(&ada, "") && forms.take(&ada, ""));
        forms.give_back(&ada, "1");
        assert!(forms.take(&ada, "1") && !forms.take(&ada, "1"));
        for n in 0..FORMS_REMEMBERED_MAX {
            assert!(forms.take(&erin, &format!("more {n}")));
        }
        assert_eq!(forms.0.lock().expect("not poisoned").marks.len(), FORMS_REMEMBERED_MAX);
        assert!(forms.take(&ada, "1"), "long ago");
    }
}
