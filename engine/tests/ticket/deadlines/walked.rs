//! Whole stories beside a second count, which walks every minute: pauses, other holders, stays that carry, changes of the
//! clock, holidays.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use loonflow_engine::account::directory::Directory;
use loonflow_engine::define::{Hours, People};
use loonflow_engine::test_util::{directory_of, flow};
use loonflow_engine::ticket::{Command, EffectOutcome, Event};
use loonflow_engine::time::Timestamp;
use proptest::prelude::*;

use crate::play::Play;

const MINUTE_MS: i64 = 60_000;
/// Minutes of the deadline, of its first step before it, and of what a reminder comes again after.
const AFTER: i64 = 480;
const BEFORE: i64 = 60;
const EVERY: i64 = 90;
const TIMES: i64 = 4;

#[derive(Clone, Copy, Debug)]
enum Deed {
    Wait(i64),
    Consult,
    Answer,
    Forward,
    Back,
    Again,
    SetBack(i64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (1..3_000_i64).prop_map(Deed::Wait),
        2 => Just(Deed::Consult),
        2 => Just(Deed::Answer),
        1 => Just(Deed::Forward),
        1 => Just(Deed::Back),
        2 => Just(Deed::Again),
        1 => (1..500_i64).prop_map(Deed::SetBack),
    ]
}

/// Working time of Berlin, 22:00 to 24:00 and 00:00 to 06:00 too, so that both changes of its clock lie in it.
fn people() -> Arc<Directory> {
    let days = ["mon", "tue", "wed", "sat", "sun"];
    let hours = Hours::of("nights").zone("Europe/Berlin");
    let hours = hours.on(days, &["00:00-03:30", "09:15-12:00", "23:00-24:00"]);
    let hours = hours.on_date("2026-03-30", &[]).on_date("2026-10-23", &["02:00-04:00"]);
    let people = People::of("t", "x.example").user("ann").user("bob").user("eve");
    directory_of(&people.calendar(hours))
}

/// The same hours once more, in other words.
fn is_working(at: i64) -> bool {
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let local = jiff::Timestamp::from_millisecond(at)
        .expect("an instant")
        .to_zoned_datetime(zone);
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    match (local.month(), local.day(), local.weekday()) {
        (3, 30, _) => false,
        (10, 23, _) => (120..240).contains(&minute),
        (_, _, Weekday::Thursday | Weekday::Friday) => false,
        _ => minute < 210 || (555..720).contains(&minute) || minute >= 1_380,
    }
}

/// What the second count knows of a stay.
struct Count {
    spent: i64,
    runs: bool,
    passed: Option<i64>,
    /// By step: how many times it was due.
    done: BTreeMap<u32, i64>,
}

impl Count {
    fn of_stay(spent: i64, now: i64) -> Self {
        Self {
            spent,
            runs: true,
            passed: (spent >= AFTER).then_some(now),
            done: BTreeMap::new(),
        }
    }

    fn walk(&mut self, from: i64, minutes: i64) {
        for minute in 0..minutes {
            let at = from + minute * MINUTE_MS;
            if self.runs && is_working(at) {
                self.spent += 1;
                if self.spent == AFTER && self.passed.is_none() {
                    self.passed = Some(at + MINUTE_MS);
                }
            }
        }
    }

    fn due(&self, now: i64) -> Option<i64> {
        if self.passed.is_some() || !self.runs {
            return self.passed.filter(|_| self.runs);
        }
        let mut at = now;
        let mut left = AFTER - self.spent;
        while left > 0 {
            left -= i64::from(is_working(at));
            at += MINUTE_MS;
        }
        Some(at)
    }

    /// How many times a step should have been due by now.
    fn reached(&self, step: u32) -> i64 {
        match step {
            0 => i64::from(self.spent >= AFTER - BEFORE),
            _ if self.spent < AFTER => 0,
            _ => ((self.spent - AFTER) / EVERY + 1).min(TIMES),
        }
    }
}

/// Fires all that is due, and sees that it is what should be.
fn fire(play: &mut Play, count: &mut Count) {
    loop {
        let due = play.ticket.effects.iter().filter_map(|(id, open)| {
            let (_, step, due) = open.work.step()?;
            (due <= play.now).then_some((due, id, step))
        });
        let Some((_, effect, step)) = due.min() else { break };
        let outcome = EffectOutcome::CameDue;
        play.command(&Command::CloseEffect { effect, outcome }).unwrap();
        let Some(Event::DeadlineReached { nth, missed, .. }) = play.events.first() else {
            panic!("{:?}", play.events)
        };
        let before = count.done.get(&step).copied().unwrap_or(0);
        assert_eq!(i64::from(*nth), before);
        assert_eq!(before + i64::from(*missed) + 1, count.reached(step));
        count.done.insert(step, count.reached(step));
    }
    if count.runs {
        for step in 0..2 {
            let done = count.done.get(&step).copied().unwrap_or(0);
            assert_eq!(done, count.reached(step), "step {step} was due and did not fire");
        }
    }
}

fn tell(begin: &str, deeds: &[Deed]) {
    let workflow = flow(
        "node z normal users:ann
         node a normal users:ann deadline:PT8H calendar:nights carry at:-PT1H/remind at:PT0S/remind/PT90M/4
         edge submit agree start -> z
         edge go agree z -> a
         edge back reject a -> z
         edge yes agree a -> end",
    );
    let mut play = Play::submit(&workflow);
    play.directory = people();
    play.now = Timestamp::parse(begin, &TimeZone::UTC).unwrap();
    play.act("ann", "go");
    let mut count = Count::of_stay(0, play.now.0);
    let (mut holder, mut is_there) = ("ann", true);
    for deed in deeds {
        match deed {
            Deed::Wait(minutes) => {
                if is_there {
                    count.walk(play.now.0, *minutes);
                }
                play.now = play.now.plus_ms(minutes * MINUTE_MS);
            }
            Deed::Consult if is_there && count.runs => {
                play.to(holder, "consult", "eve").unwrap();
                count.runs = false;
            }
            Deed::Answer if is_there && !count.runs => {
                play.act("eve", "consult_submit");
                count.runs = true;
            }
            Deed::Forward if is_there && count.runs => {
                let to = if holder == "ann" { "bob" } else { "ann" };
                play.to(holder, "forward", to).unwrap();
                holder = to;
            }
            Deed::Back if is_there && count.runs => {
                play.act(holder, "back");
                (holder, is_there) = ("ann", false);
            }
            Deed::Again if !is_there => {
                play.act("ann", "go");
                (count, is_there) = (Count::of_stay(count.spent, play.now.0), true);
            }
            // What fires by a clock that was set back is late, and nothing else: a commit is never earlier than one before.
            Deed::SetBack(minutes) => {
                let kept = play.now;
                play.now = play.now.plus_ms(-minutes * MINUTE_MS);
                let now = play.now;
                let alarms = play.ticket.effects.iter();
                let early = alarms.filter(|(_, open)| open.work.due().is_some_and(|due| due > now));
                let early: Vec<_> = early.map(|(effect, _)| effect).collect();
                for effect in early {
                    let outcome = EffectOutcome::CameDue;
                    let early = play.command(&Command::CloseEffect { effect, outcome });
                    assert_eq!(early.unwrap_err().code(), "not_waiting");
                }
                play.now = kept;
            }
            Deed::Consult | Deed::Answer | Deed::Forward | Deed::Back | Deed::Again => continue,
        }
        if is_there {
            fire(&mut play, &mut count);
            assert_eq!(
                play.ticket.clocks.due().map(|due| due.0),
                count.due(play.now.0),
                "{deed:?}"
            );
        } else {
            assert_eq!(play.alarms(), "");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_clock_is_what_walking_every_minute_gives(
        begin in prop_oneof![
            Just("2026-03-27 08:00:00"),
            Just("2026-10-22 20:00:00"),
            Just("2026-06-01 00:00:00"),
        ],
        deeds in prop::collection::vec(deed(), 1..25),
    ) {
        tell(begin, &deeds);
    }
}
