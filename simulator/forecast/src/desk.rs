//! Work and those who do it: queues by who may take what, and who takes it.
//!
//! Work that several people may take lies in one queue per set of people. Somebody who becomes free takes the most
//! urgent of all queues that are theirs; work that comes while somebody is free is given out at once.
//! Not here: what the work does to a case (`replication`).

use std::collections::{BTreeMap, HashMap};

use rand::RngExt as _;

use super::agenda::CaseKey;
use super::plan::Plan;
use super::random::{Purpose, Streams};
use super::scenario::Dispatch;
use super::timeline::{Instant, NoTimeLeft, Rule, Timeline, merged};

slotmap::new_key_type! {
    /// A piece of work.
    pub struct ItemKey;
}

/// A piece of work: one person's part in one stay of a token at a node.
#[derive(Debug)]
pub struct Item {
    /// Whose.
    pub case: CaseKey,
    /// The case's number, which finds its draws.
    pub number: u64,
    /// The stay it belongs to.
    pub stay: u32,
    /// The node.
    pub node: usize,
    /// Tells its draws from those of other visits and other people's parts.
    pub turn: u32,
    /// Who may take it.
    pub group: usize,
    /// Where it stands in the queue.
    pub rank: Rank,
    /// Whether it has to be accepted first.
    pub is_offered: bool,
    /// Since when it can be done.
    pub ready: Instant,
    /// Who does it, and since when.
    pub taken: Option<(usize, Instant)>,
}

/// Order in a queue: urgency, order of arrival as the scenario says, order of coming.
pub type Rank = (usize, i64, u64);

/// People who may take the same work, and the work.
#[derive(Debug)]
pub struct Group {
    /// Positions of people, sorted.
    pub members: Vec<usize>,
    /// When any of them works.
    pub line: Timeline,
    /// When one of them is away, or has a holiday: sorted, none touching another.
    absences: Vec<(Instant, Instant)>,
    queue: BTreeMap<Rank, ItemKey>,
}

impl Group {
    /// Whether one of them was away at some time between two instants.
    #[must_use]
    pub fn misses_one(&self, from: Instant, to: Instant) -> bool {
        let begun = self.absences.partition_point(|(away, _)| *away <= to);
        begun
            .checked_sub(1)
            .and_then(|last| self.absences.get(last))
            .is_some_and(|(_, back)| *back > from)
    }
}

/// Somebody at work.
#[derive(Debug)]
pub struct Person {
    /// When they work.
    pub line: Timeline,
    speed: f64,
    at_once: u32,
    n_taken: u32,
    idle_since: Instant,
    will_wake: bool,
    groups: Vec<usize>,
}

/// Everybody, and all work that waits.
#[derive(Debug)]
pub struct Desk {
    /// By the position of the person in the plan.
    pub people: Vec<Person>,
    /// Sets of people as they were met.
    pub groups: Vec<Group>,
    /// Positions in `groups`. Never iterated.
    group_of: HashMap<Vec<usize>, usize>,
    dispatch: Dispatch,
    origin: Instant,
}

impl Desk {
    /// Everybody free, nothing to do.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let people = plan.people.iter().map(|person| Person {
            line: Timeline::new(vec![person.rule.clone()], plan.start),
            speed: person.speed,
            at_once: person.at_once,
            n_taken: 0,
            idle_since: plan.start,
            will_wake: false,
            groups: Vec::new(),
        });
        Self {
            people: people.collect(),
            groups: Vec::new(),
            group_of: HashMap::new(),
            dispatch: plan.scenario.dispatch,
            origin: plan.start,
        }
    }

    /// The group of some people.
    pub fn group(&mut self, mut members: Vec<usize>, plan: &Plan) -> usize {
        members.sort_unstable();
        members.dedup();
        if let Some(found) = self.group_of.get(&members) {
            return *found;
        }
        let idx = self.groups.len();
        for member in &members {
            self.people[*member].groups.push(idx);
        }
        let mut rules = Vec::new();
        for member in &members {
            let rule = &plan.people[*member].rule;
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        self.groups.push(Group {
            members: members.clone(),
            absences: merged(rules.iter().flat_map(Rule::absences).collect()),
            line: Timeline::new(rules, self.origin),
            queue: BTreeMap::new(),
        });
        self.group_of.insert(members, idx);
        idx
    }

    /// Work waits.
    pub fn enqueue(&mut self, key: ItemKey, item: &Item) {
        self.groups[item.group].queue.insert(item.rank, key);
    }

    /// Work waits no longer.
    pub fn dequeue(&mut self, item: &Item) {
        self.groups[item.group].queue.remove(&item.rank);
    }

    /// What somebody would take next, if they are at work and have a hand free.
    pub fn next_for(&mut self, person: usize, now: Instant) -> Option<ItemKey> {
        if !self.is_free(person, now) {
            return None;
        }
        let groups = self.people[person].groups.iter();
        let heads = groups.filter_map(|group| self.groups[*group].queue.first_key_value());
        heads.min_by_key(|(rank, _)| **rank).map(|(_, key)| *key)
    }

    fn is_free(&mut self, person: usize, now: Instant) -> bool {
        let person = &mut self.people[person];
        person.n_taken < person.at_once && person.line.is_open(now)
    }

    /// Who takes new work among those who are free, `but` some.
    pub fn free_for(&mut self, item: &Item, now: Instant, but: &[usize], streams: &Streams) -> Option<usize> {
        // The members' order decides nothing but among those alike.
        let mut best: Option<usize> = None;
        let mut n_free = 0;
        let mut random = (self.dispatch == Dispatch::Random).then(|| {
            let node = u32::try_from(item.node).unwrap_or(0);
            streams.of(item.number, Purpose::Dispatch, node, item.turn)
        });
        for idx in 0..self.groups[item.group].members.len() {
            let member = self.groups[item.group].members[idx];
            if but.contains(&member) || !self.is_free(member, now) {
                continue;
            }
            n_free += 1;
            let is_better = match (best, &mut random) {
                (None, _) => true,
                // Each of those so far is the one with equal chance (Vitter 1985, algorithm R for one).
                (Some(_), Some(random)) => random.random_range(0..n_free) == 0,
                (Some(best), None) => self.is_rather(member, best),
            };
            if is_better {
                best = Some(member);
            }
        }
        best
    }

    /// Whether somebody free takes work rather than somebody else.
    fn is_rather(&self, one: usize, other: usize) -> bool {
        let (left, right) = (&self.people[one], &self.people[other]);
        match self.dispatch {
            Dispatch::Fastest if left.speed > right.speed => true,
            Dispatch::Fastest if left.speed < right.speed => false,
            Dispatch::Fastest | Dispatch::LongestIdle => (left.idle_since, one) < (right.idle_since, other),
            Dispatch::Random => false,
        }
    }

    /// Those of a group who would take its work when their shift begins and have not been told to, with the instant.
    /// Whoever never comes back is left out.
    pub fn to_wake(&mut self, group: usize, now: Instant) -> Vec<(usize, Instant)> {
        let mut found = Vec::new();
        for idx in 0..self.groups[group].members.len() {
            let member = self.groups[group].members[idx];
            let person = &mut self.people[member];
            if person.will_wake || person.n_taken >= person.at_once || person.line.is_open(now) {
                continue;
            }
            if let Ok(opens) = person.line.next_open(now) {
                person.will_wake = true;
                found.push((member, opens));
            }
        }
        found
    }

    /// As `to_wake`, of one person, where any work waits for them.
    pub fn wakes_at(&mut self, person: usize, now: Instant) -> Option<Instant> {
        let has_work = self.people[person]
            .groups
            .iter()
            .any(|group| !self.groups[*group].queue.is_empty());
        let person = &mut self.people[person];
        if !has_work || person.will_wake || person.n_taken >= person.at_once || person.line.is_open(now) {
            return None;
        }
        let opens = person.line.next_open(now).ok();
        person.will_wake = opens.is_some();
        opens
    }

    /// A shift has begun.
    pub fn awake(&mut self, person: usize) {
        self.people[person].will_wake = false;
    }

    /// Somebody takes work that takes so long at normal speed; when it is done.
    ///
    /// # Errors
    /// Where their calendar has too little time left.
    pub fn take(&mut self, person: usize, now: Instant, work_ms: f64) -> Result<Instant, NoTimeLeft> {
        let person = &mut self.people[person];
        let work_ms = super::quantity::round_ms(work_ms / person.speed);
        person.n_taken += 1;
        person.idle_since = now;
        person.line.after(now, work_ms)
    }

    /// Somebody has a hand free again.
    pub fn release(&mut self, person: usize, now: Instant) {
        let person = &mut self.people[person];
        person.n_taken = person.n_taken.saturating_sub(1);
        person.idle_since = now;
    }

    /// How many things at once.
    #[must_use]
    pub fn hands(&self, person: usize) -> u32 {
        self.people[person].at_once
    }
}
