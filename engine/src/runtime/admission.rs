//! Who may begin a call that writes, and when: bounds on what is under way, shares of it, and a fair order of starting.
//!
//! ```text
//! enter ─▶ shares (or `Overloaded` at once) ─▶ starts, or waits its turn ─▶ Permit ─▶ actor ─▶ the writer's queue
//!                                                  └─ by turns over tenants, then over a tenant's users
//! ```
//! The writer's queue takes commits as they come, and actors decide as they are woken. Whoever has 512 calls there is
//! served 512 times before the next one. So the order is made in front of both: while several tenants (or several users
//! of one tenant) have been active within [`ACTIVE_FOR`], each runs a few calls at once and the rest wait here. Whoever
//! is alone runs as many as a batch of the log takes, and loses nothing.
//!
//! Not here: the rate of calls (the facade), reads, which wait for nobody.
//!
//! Invariants: what is waiting is counted in `n_calls` and bounded by the options; a permit gives its place back when it
//! is dropped, a caller who goes away while waiting too; no waiting call can start while it stays.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::id::{TenantId, UserId};
use crate::runtime::fault::Fault;

/// Calls running at once: one full batch of the log. More would wait in the writer's queue, in the order they came.
const RUNNING_MAX: usize = 512;
/// Calls of one tenant running at once while other tenants are active: as many as keep two processors at work, few enough
/// that somebody else's call is not behind many.
const RUNNING_OF_TENANT_MAX: usize = 8;
/// The same for a user while other users of the tenant are active.
const RUNNING_OF_USER_MAX: usize = 4;
/// Time for which somebody counts as active after a call began: longer than a person's program pauses between two.
const ACTIVE_FOR: Duration = Duration::from_secs(1);
/// Calls that a tenant may have under way and waiting, however little room there is.
const SHARE_OF_TENANT_MIN: usize = 256;
/// The same for a user.
const SHARE_OF_USER_MIN: usize = 64;

/// See the module.
pub(crate) struct Admission {
    state: Mutex<State>,
    calls_max: usize,
    /// Told when the last call has ended.
    idle: Notify,
}

/// Calls of the operator at the machine count as those of one more user.
type Who = (TenantId, Option<UserId>);

#[derive(Default)]
struct State {
    is_closed: bool,
    counts: Counts,
    next_waiter: u64,
    /// As many as there are tenants.
    tenants: HashMap<TenantId, Tenant>,
    /// Tenants that have calls waiting, whose turn is next in front.
    turns: VecDeque<TenantId>,
    active: Active<TenantId>,
}

#[derive(Default)]
struct Tenant {
    counts: Counts,
    /// Those with calls under way.
    users: HashMap<Option<UserId>, User>,
    /// Users that have calls waiting.
    turns: VecDeque<Option<UserId>>,
    active: Active<Option<UserId>>,
}

#[derive(Default)]
struct User {
    counts: Counts,
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    /// Running and waiting.
    n_calls: usize,
    n_running: usize,
}

/// The two that were active last: enough to know of each whether another one is.
struct Active<T>(Option<(T, Instant)>, Option<(T, Instant)>);

impl<T> Default for Active<T> {
    fn default() -> Self {
        Self(None, None)
    }
}

impl<T: Clone + PartialEq> Active<T> {
    fn note(&mut self, who: &T, now: Instant) {
        if self.0.as_ref().is_none_or(|(last, _)| last != who) {
            self.1 = self.0.take();
        }
        self.0 = Some((who.clone(), now));
    }

    fn others(&self, who: &T, now: Instant) -> bool {
        [&self.0, &self.1]
            .into_iter()
            .flatten()
            .any(|(one, at)| one != who && now.saturating_duration_since(*at) < ACTIVE_FOR)
    }
}

/// A call under way. Dropping it lets the next one start.
pub(crate) struct Permit {
    admission: Arc<Admission>,
    who: Who,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.leave(&self.who, true);
    }
}

/// A call that waits its turn; dropping it leaves the line.
struct Waiting {
    admission: Arc<Admission>,
    /// Taken when the call starts.
    who: Option<Who>,
    id: u64,
    turn: oneshot::Receiver<()>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(who) = self.who.take() else { return };
        // Where it is no longer in the line, it was started while its caller went away.
        let was_waiting = self.admission.lock().leave_line(&who, self.id);
        self.admission.leave(&who, !was_waiting);
    }
}

impl Admission {
    /// `calls_max`: calls running and waiting at once, at least one.
    pub(crate) fn new(calls_max: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            calls_max: calls_max.max(1),
            idle: Notify::new(),
        })
    }

    /// A place among the calls under way, once it is this one's turn. `user`: `None` for the operator.
    ///
    /// # Errors
    /// At once: [`Fault::Overloaded`] where all places or this tenant's or user's share of them are taken,
    /// [`Fault::Closed`].
    pub(crate) async fn enter(self: &Arc<Self>, tenant: &TenantId, user: Option<&UserId>) -> Result<Permit, Fault> {
        let who = (tenant.clone(), user.cloned());
        let waiting = {
            let mut state = self.lock();
            if state.is_closed {
                return Err(Fault::Closed);
            }
            if !state.has_room(&who, self.calls_max) {
                return Err(Fault::Overloaded { retry_after_s: 1 });
            }
            let (id, turn) = state.queue(&who);
            state.start(Instant::now());
            Waiting {
                admission: self.clone(),
                who: Some(who),
                id,
                turn,
            }
        };
        waiting.permit().await
    }

    /// Whether nothing more is let in.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Lets nothing more in; whether something was still let in before.
    pub(crate) fn close(&self) -> bool {
        !std::mem::replace(&mut self.lock().is_closed, true)
    }

    /// Waits until no call is under way.
    pub(crate) async fn drained(&self) {
        loop {
            let told = self.idle.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.lock().counts.n_calls == 0 {
                return;
            }
            told.await;
        }
    }

    fn leave(&self, who: &Who, is_running: bool) {
        let mut state = self.lock();
        state.leave(who, is_running);
        state.start(Instant::now());
        if state.counts.n_calls == 0 {
            self.idle.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    async fn permit(mut self) -> Result<Permit, Fault> {
        // The sender goes only together with its call.
        (&mut self.turn).await.map_err(|_| Fault::Closed)?;
        let who = self.who.take().ok_or(Fault::Closed)?;
        Ok(Permit {
            admission: self.admission.clone(),
            who,
        })
    }
}

impl State {
    /// Shares shrink as room does: a tenant that is alone gets half of the places at most, a user who is alone a third,
    /// the next one such a part of what is left; so there is room for one more as long as there is any.
    fn has_room(&self, (tenant, user): &Who, calls_max: usize) -> bool {
        let of_tenant = self.tenants.get(tenant);
        let n_of_tenant = of_tenant.map_or(0, |tenant| tenant.counts.n_calls);
        let n_of_user = of_tenant
            .and_then(|tenant| tenant.users.get(user))
            .map_or(0, |user| user.counts.n_calls);
        let free = calls_max.saturating_sub(self.counts.n_calls);
        free > 0
            && n_of_tenant < free.max(SHARE_OF_TENANT_MIN)
            && n_of_user < free.saturating_sub(n_of_tenant).max(SHARE_OF_USER_MIN)
    }

    fn queue(&mut self, (tenant_id, user_id): &Who) -> (u64, oneshot::Receiver<()>) {
        let now = Instant::now();
        let id = self.next_waiter;
        self.next_waiter += 1;
        self.counts.n_calls += 1;
        self.active.note(tenant_id, now);
        let tenant = self.tenants.entry(tenant_id.clone()).or_default();
        tenant.counts.n_calls += 1;
        tenant.active.note(user_id, now);
        let user = tenant.users.entry(user_id.clone()).or_default();
        user.counts.n_calls += 1;
        let (start, turn) = oneshot::channel();
        if user.waiting.is_empty() {
            if tenant.turns.is_empty() {
                self.turns.push_back(tenant_id.clone());
            }
            tenant.turns.push_back(user_id.clone());
        }
        user.waiting.push_back((id, start));
        (id, turn)
    }

    /// Takes a call out of its user's line, and the user out of the turns with the last one. Whether it was there.
    fn leave_line(&mut self, (tenant_id, user_id): &Who, id: u64) -> bool {
        let Some(tenant) = self.tenants.get_mut(tenant_id) else {
            return false;
        };
        let Some(user) = tenant.users.get_mut(user_id) else {
            return false;
        };
        let n_before = user.waiting.len();
        user.waiting.retain(|(one, _)| *one != id);
        if user.waiting.len() == n_before {
            return false;
        }
        if user.waiting.is_empty() {
            tenant.turns.retain(|one| one != user_id);
        }
        if tenant.turns.is_empty() {
            self.turns.retain(|one| one != tenant_id);
        }
        true
    }

    fn leave(&mut self, (tenant_id, user_id): &Who, is_running: bool) {
        let n_running = usize::from(is_running);
        self.counts.give_back(n_running);
        let Some(tenant) = self.tenants.get_mut(tenant_id) else {
            return;
        };
        tenant.counts.give_back(n_running);
        let Some(user) = tenant.users.get_mut(user_id) else {
            return;
        };
        user.counts.give_back(n_running);
        if user.counts.n_calls == 0 {
            tenant.users.remove(user_id);
        }
    }

    /// Starts what may start: a call of each tenant in turn, of each of its users in turn.
    fn start(&mut self, now: Instant) {
        let mut n_passed_over = 0;
        while self.counts.n_running < RUNNING_MAX && n_passed_over < self.turns.len() {
            let Some(tenant_id) = self.turns.pop_front() else {
                return;
            };
            let is_contended = self.active.others(&tenant_id, now);
            let Some(tenant) = self.tenants.get_mut(&tenant_id) else {
                continue;
            };
            let cap = if is_contended {
                RUNNING_OF_TENANT_MAX
            } else {
                RUNNING_MAX
            };
            if tenant.counts.n_running < cap && tenant.start_one(now) {
                self.counts.n_running += 1;
                n_passed_over = 0;
            } else {
                n_passed_over += 1;
            }
            if !tenant.turns.is_empty() {
                self.turns.push_back(tenant_id);
            }
        }
    }
}

impl Tenant {
    /// Starts a call of the next user that may run one more.
    fn start_one(&mut self, now: Instant) -> bool {
        for _ in 0..self.turns.len() {
            let Some(user_id) = self.turns.pop_front() else {
                return false;
            };
            let is_contended = self.active.others(&user_id, now);
            let Some(user) = self.users.get_mut(&user_id) else {
                continue;
            };
            let cap = if is_contended { RUNNING_OF_USER_MAX } else { RUNNING_MAX };
            let next = (user.counts.n_running < cap)
                .then(|| user.waiting.pop_front())
                .flatten();
            if next.is_some() {
                user.counts.n_running += 1;
                self.counts.n_running += 1;
            }
            if !user.waiting.is_empty() {
                self.turns.push_back(user_id);
            }
            if let Some((_, start)) = next {
                // Whoever waits takes itself out of the line before it goes away, so it hears this.
                let _ = start.send(());
                return true;
            }
        }
        false
    }
}

impl Counts {
    fn give_back(&mut self, n_running: usize) {
        self.n_calls = self.n_calls.saturating_sub(1);
        self.n_running = self.n_running.saturating_sub(n_running);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.into()
    }

    fn user(name: &str) -> UserId {
        name.into()
    }

    /// Calls of somebody that wait, each in a task of its own; counts those that run.
    fn calls(
        admission: &Arc<Admission>,
        who: (&str, &str),
        n_calls: usize,
    ) -> (Vec<tokio::task::JoinHandle<Permit>>, Arc<AtomicUsize>) {
        let n_running = Arc::new(AtomicUsize::new(0));
        let tasks = (0..n_calls).map(|_| {
            let (admission, n_running) = (admission.clone(), n_running.clone());
            let (tenant, user) = (tenant(who.0), user(who.1));
            tokio::spawn(async move {
                let permit = admission.enter(&tenant, Some(&user)).await.expect("has a share");
                n_running.fetch_add(1, Ordering::Relaxed);
                permit
            })
        });
        (tasks.collect(), n_running)
    }

    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_alone_fills_a_batch() {
        let admission = Admission::new(8_192);
        let (tasks, n_running) = calls(&admission, ("a", "x"), 600);
        settle().await;
        assert_eq!(n_running.load(Ordering::Relaxed), RUNNING_MAX);
        // One after the other, and all of them in the end.
        for task in tasks {
            drop(task.await.expect("runs"));
        }
        assert_eq!(admission.lock().counts.n_calls, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn another_tenant_goes_next_and_each_then_runs_a_few() {
        let admission = Admission::new(8_192);
        let (mut of_a, n_of_a) = calls(&admission, ("a", "x"), 600);
        settle().await;
        let (of_b, n_of_b) = calls(&admission, ("b", "y"), 3);
        settle().await;
        assert_eq!(n_of_b.load(Ordering::Relaxed), 0, "all places are taken");
        // The next places are the other tenant's, however many of the first wait.
        for task in of_a.drain(..3) {
            drop(task.await.expect("runs"));
        }
        settle().await;
        assert_eq!(n_of_b.load(Ordering::Relaxed), 3);
        assert_eq!(n_of_a.load(Ordering::Relaxed), RUNNING_MAX);
        // From now on the first one runs few at once.
        for task in of_a.drain(..RUNNING_MAX - 3) {
            drop(task.await.expect("runs"));
        }
        settle().await;
        assert_eq!(admission.lock().counts.n_running, 3 + RUNNING_OF_TENANT_MAX);
        // Once nobody else has been active for a while, as many as before.
        drop(of_b);
        settle().await;
        tokio::time::advance(ACTIVE_FOR).await;
        drop(admission.enter(&tenant("a"), Some(&user("x"))).await);
        assert_eq!(admission.lock().counts.n_running, of_a.len());
    }

    #[tokio::test(start_paused = true)]
    async fn users_of_a_tenant_take_turns() {
        let admission = Admission::new(8_192);
        let (of_x, _) = calls(&admission, ("a", "x"), 1);
        settle().await;
        let (of_y, n_of_y) = calls(&admission, ("a", "y"), 100);
        settle().await;
        assert_eq!(n_of_y.load(Ordering::Relaxed), RUNNING_OF_USER_MAX);
        let n_more = RUNNING_OF_USER_MAX - 1;
        let (more_of_x, n_of_x) = calls(&admission, ("a", "x"), n_more);
        settle().await;
        assert_eq!(n_of_x.load(Ordering::Relaxed), n_more, "behind none of those that wait");
        drop((of_x, of_y, more_of_x));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_all_places() {
        let admission = Admission::new(3_000);
        let turned_away = Arc::new(AtomicUsize::new(0));
        let enter = |tenant_name: &str, user_name: &str| {
            let (tenant, user) = (tenant(tenant_name), user(user_name));
            let (admission, turned_away) = (admission.clone(), turned_away.clone());
            tokio::spawn(async move {
                // Kept until the task is stopped.
                let _permit = match admission.enter(&tenant, Some(&user)).await {
                    Ok(permit) => permit,
                    Err(fault) => {
                        assert!(matches!(fault, Fault::Overloaded { .. }), "{fault}");
                        turned_away.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                };
                std::future::pending::<()>().await;
            })
        };
        let mut tasks = Vec::new();
        for (who, n_taken, share) in [
            (("a", "x"), 1_000, "a third for a user"),
            (
                ("a", "y"),
                1_334,
                "a third of what is left to the tenant for another user",
            ),
            (
                ("b", "z"),
                1_890,
                "a third of what is left for a user of another tenant",
            ),
        ] {
            tasks.extend((0..3_000).map(|_| enter(who.0, who.1)));
            settle().await;
            assert_eq!(admission.lock().counts.n_calls, n_taken, "{share}");
        }
        assert_eq!(turned_away.load(Ordering::Relaxed), 9_000 - 1_890);
        // Whoever goes away gives the place back, waiting or not.
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
        settle().await;
        let state = admission.lock();
        assert_eq!((state.counts.n_calls, state.counts.n_running), (0, 0));
        assert!(state.turns.is_empty());
        assert!(
            state
                .tenants
                .values()
                .all(|tenant| tenant.users.is_empty() && tenant.turns.is_empty())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_waits_for_those_under_way() {
        let admission = Admission::new(10);
        let permit = admission.enter(&tenant("a"), None).await.expect("has room");
        assert!(admission.close() && !admission.close());
        assert!(matches!(admission.enter(&tenant("a"), None).await, Err(Fault::Closed)));
        let drained = tokio::spawn({
            let admission = admission.clone();
            async move { admission.drained().await }
        });
        settle().await;
        assert!(!drained.is_finished());
        drop(permit);
        drained.await.expect("ends");
    }
}
