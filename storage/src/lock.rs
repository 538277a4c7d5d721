//! Locks that go on after a panic of another thread.
//!
//! Every lock of this crate protects data that is whole between two statements, so a poisoned one is usable.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
