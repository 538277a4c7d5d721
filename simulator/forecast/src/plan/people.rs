//! Who works when, how fast and at how many things; who creates cases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::account::{User, UserType};
use loonflow_engine::id::UserId;
use loonflow_engine::time::zone_named;

use super::{instant, listed};
use crate::scenario::{Day, PersonRule, Scenario};
use crate::timeline::{Rule, Weekly};
use crate::weights::Weights;

/// Somebody who works.
#[derive(Clone, Debug)]
pub struct PersonPlan {
    /// Id.
    pub id: UserId,
    /// Shown to people.
    pub name: String,
    /// When.
    pub rule: Rule,
    /// How fast.
    pub speed: f64,
    /// How many things at once.
    pub at_once: u32,
}

/// Things at once: nobody has more hands.
const AT_ONCE_MAX: u32 = 1_000;

/// The scenario's calendars, read.
pub(super) fn calendars(scenario: &Scenario, zone: &TimeZone) -> anyhow::Result<BTreeMap<String, Rule>> {
    let mut found = BTreeMap::new();
    for (name, rule) in &scenario.calendars {
        let key = format!("calendars.{name}");
        let zone = match &rule.time_zone {
            Some(zone) => zone_named(zone).with_context(|| format!("`{key}.time_zone`: there is no zone `{zone}`"))?,
            None => zone.clone(),
        };
        let mut hours = Vec::new();
        for (idx, span) in rule.hours.iter().enumerate() {
            let key = format!("{key}.hours[{idx}]");
            let (from, from_days) = time(&format!("{key}.from"), &span.from)?;
            let (to, to_days) = time(&format!("{key}.to"), &span.to)?;
            ensure!(from_days == 0, "`{key}.from` is `24:00`: say `00:00` on the next day");
            ensure!(
                (from, 0) != (to, to_days),
                "`{key}` is no time at all: `from` and `to` are alike"
            );
            ensure!(
                !span.days.is_empty(),
                "`{key}.days` is empty: name days, for instance [\"mon\", \"tue\"]"
            );
            // One before `from` is on the next day.
            let n_days = if to_days == 0 && to < from { 1 } else { to_days };
            hours.extend(span.days.iter().map(|day| (weekday(*day), from, to, n_days)));
        }
        ensure!(!hours.is_empty(), "`{key}.hours` is empty: nobody would ever work");
        let holidays = rule.holidays.iter().enumerate().map(|(idx, text)| {
            text.parse::<Date>()
                .map_err(|_| anyhow::anyhow!("`{key}.holidays[{idx}]`: `{text}` is no day, spell it like `2026-12-25`"))
        });
        let mut holidays = holidays.collect::<anyhow::Result<Vec<_>>>()?;
        holidays.sort_unstable();
        let weekly = Some(Arc::new(Weekly { zone, hours, holidays }));
        found.insert(
            name.clone(),
            Rule {
                weekly,
                away: Vec::new(),
            },
        );
    }
    Ok(found)
}

/// A calendar by name.
pub(super) fn calendar(key: &str, name: &str, calendars: &BTreeMap<String, Rule>) -> anyhow::Result<Rule> {
    calendars.get(name).cloned().with_context(|| {
        let known = if calendars.is_empty() {
            "none".to_owned()
        } else {
            listed(calendars.keys().map(String::as_str))
        };
        format!("`{key}`: there is no calendar `{name}`; `calendars` has {known}")
    })
}

/// Everybody who is active, in the order of ids, as the entries of `people` say.
pub(super) fn people(
    scenario: &Scenario,
    directory: &Directory,
    calendars: &BTreeMap<String, Rule>,
    zone: &TimeZone,
) -> anyhow::Result<Vec<PersonPlan>> {
    // General entries first, so that particular ones win.
    let mut entries: Vec<(u8, &String, &PersonRule, Vec<UserId>)> = Vec::new();
    for (who, rule) in &scenario.people {
        let (rank, users) = concerned(who, directory)?;
        entries.push((rank, who, rule, users));
    }
    entries.sort_by_key(|(rank, who, ..)| (*rank, *who));
    let active = directory.users.values().filter(|user| user.is_active);
    let mut people: BTreeMap<UserId, PersonPlan> = active
        .map(|user| {
            let person = PersonPlan {
                id: user.id.clone(),
                name: user.shown_name().to_owned(),
                rule: Rule::default(),
                speed: 1.0,
                at_once: 1,
            };
            (user.id.clone(), person)
        })
        .collect();
    for (_, who, rule, users) in entries {
        let key = format!("people.{who}");
        let speed = rule.speed.unwrap_or(1.0);
        ensure!(
            (0.001..=1_000.0).contains(&speed),
            "`{key}.speed` is {speed}: give 0.001 to 1000, 1 is normal"
        );
        let at_once = rule.at_once.unwrap_or(1);
        ensure!(
            (1..=AT_ONCE_MAX).contains(&at_once),
            "`{key}.at_once` is {at_once}: give 1 to {AT_ONCE_MAX}"
        );
        let weekly = match &rule.calendar {
            Some(name) => Some(calendar(&format!("{key}.calendar"), name, calendars)?),
            None => None,
        };
        let mut away = Vec::new();
        for (idx, one) in rule.away.iter().enumerate() {
            let from = instant(&format!("{key}.away[{idx}].from"), &one.from, zone)?;
            let to = instant(&format!("{key}.away[{idx}].to"), &one.to, zone)?;
            ensure!(from < to, "`{key}.away[{idx}]` ends before it begins");
            away.push((from, to));
        }
        for user in users {
            let Some(person) = people.get_mut(&user) else { continue };
            if rule.speed.is_some() {
                person.speed = speed;
            }
            if rule.at_once.is_some() {
                person.at_once = at_once;
            }
            if let Some(weekly) = &weekly {
                person.rule.weekly.clone_from(&weekly.weekly);
            }
            person.rule.away.extend(&away);
        }
    }
    Ok(people.into_values().collect())
}

/// Who creates cases.
pub(super) fn creators(
    scenario: &Scenario,
    directory: &Directory,
    person_of: &HashMap<UserId, usize>,
) -> anyhow::Result<Weights<usize>> {
    let mut weighted = Vec::new();
    if scenario.creators.is_empty() {
        let normal = directory
            .users
            .values()
            .filter(|user| user.user_type == UserType::Normal);
        weighted.extend(normal.filter_map(|user| person_of.get(&user.id)).map(|idx| (*idx, 1.0)));
    }
    for (who, weight) in &scenario.creators {
        let (_, users) = concerned(who, directory).context("`creators`")?;
        let idxs: Vec<usize> = users.iter().filter_map(|user| person_of.get(user)).copied().collect();
        ensure!(!idxs.is_empty(), "`creators.{who}`: nobody there is active");
        // A group shares its weight.
        let share = weight / idxs.len() as f64;
        weighted.extend(idxs.into_iter().map(|idx| (idx, share)));
    }
    Weights::new(weighted).context("`creators`: nobody can create a case")
}

/// Whom a key of `people` or `creators` means, and how particular it is.
fn concerned(who: &str, directory: &Directory) -> anyhow::Result<(u8, Vec<UserId>)> {
    if who == "everyone" {
        return Ok((0, directory.users.keys().cloned().collect()));
    }
    if let Some(name) = who.strip_prefix("dept:") {
        let dept = directory
            .depts
            .values()
            .find(|dept| dept.id.as_str() == name || dept.name == name);
        let dept = dept.with_context(|| {
            format!("`{who}`: there is no such department; there are {}", {
                listed(directory.depts.values().map(|dept| dept.name.as_str()))
            })
        })?;
        return Ok((1, directory.active_members(&dept.id).into_iter().collect()));
    }
    if let Some(name) = who.strip_prefix("role:") {
        let role = directory
            .roles
            .values()
            .find(|role| role.id.as_str() == name || role.name == name);
        let role = role.with_context(|| {
            format!("`{who}`: there is no such role; there are {}", {
                listed(directory.roles.values().map(|role| role.name.as_str()))
            })
        })?;
        return Ok((2, directory.active_role_members(&role.id).cloned().collect()));
    }
    Ok((3, vec![user(who, directory)?.id.clone()]))
}

/// A user by id, name or e-mail address.
pub(super) fn user<'a>(who: &str, directory: &'a Directory) -> anyhow::Result<&'a User> {
    let by_id = directory.user(&UserId::from(who)).map(Arc::as_ref);
    let by_name = || {
        let mut named = directory.users.values().filter(|user| user.name == who);
        named.next().filter(|_| named.next().is_none()).map(Arc::as_ref)
    };
    let found = by_id
        .or_else(|| directory.user_by_email(who).map(Arc::as_ref))
        .or_else(by_name);
    let Some(found) = found else {
        bail!(
            "there is no one user `{who}`: give an id, a name that is unique, an e-mail address, `everyone`, \
             `dept:NAME` or `role:NAME`; there are {}",
            listed(directory.users.values().map(|user| user.name.as_str()))
        )
    };
    Ok(found)
}

/// A time of day and the days it is later: `24:00` is the next day's first instant.
fn time(key: &str, text: &str) -> anyhow::Result<(Time, i64)> {
    if text == "24:00" {
        return Ok((Time::midnight(), 1));
    }
    let parsed = text.parse::<Time>();
    let parsed = parsed.map_err(|_| anyhow::anyhow!("`{key}`: `{text}` is no time of day, spell it like `09:00`"))?;
    Ok((parsed, 0))
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}
