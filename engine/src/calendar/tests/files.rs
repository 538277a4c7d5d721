//! What files may say, and what is told of those that say something else.

use serde_json::{Value as Json, json};

use super::*;

/// The only problem of a calendar.
fn problem(json: &Json) -> String {
    match Calendar::read(json) {
        Ok(calendar) => panic!("{calendar:?} is right"),
        Err(problems) => {
            assert_eq!(problems.len(), 1, "{json}: {problems:?}");
            problems.concat()
        }
    }
}

#[test]
fn every_problem_names_key_value_and_way_out() {
    let many = vec![json!("09:00-10:00"); 25];
    for (json, words) in [
        (json!("office"), ["`office`", "no object", "write `{"]),
        (json!({"id": 5}), ["`id`", "`5`", "write a text"]),
        (
            json!({"zone": "Europe/Nowhere"}),
            ["`zone`", "`Europe/Nowhere`", "IANA"],
        ),
        (json!({"zone": ["UTC"]}), ["`zone`", "UTC", "write a text"]),
        (json!({"day": "P1D"}), ["`day`", "`P1D`", "`PT8H`"]),
        (json!({"day": "PT0S"}), ["`day`", "`PT0S`", "`PT8H`"]),
        (json!({"day": "PT24H1S"}), ["`day`", "`PT24H1S`", "`PT8H`"]),
        (json!({"day": 8}), ["`day`", "`8`", "write a text"]),
        (
            json!({"timezone": "UTC"}),
            ["`timezone`", "nothing reads", "did you mean"],
        ),
        (json!({"opening": []}), ["`opening`", "nothing reads", "`week`"]),
        (json!({"week": []}), ["`week`", "`[]`", "`mon` to `sun`"]),
        (
            json!({"week": {"monday": []}}),
            ["`monday`", "`week`", "did you mean `mon`"],
        ),
        (
            json!({"week": {"mon": "09:00-17:00"}}),
            ["`week.mon`", "`09:00-17:00`", "write a list"],
        ),
        (
            json!({"week": {"mon": null}}),
            ["`week.mon`", "`null`", "`[]` for a day off"],
        ),
        (
            json!({"week": {"mon": ["9-12"]}}),
            ["`week.mon`", "`9-12`", "`HH:MM-HH:MM`"],
        ),
        (json!({"week": {"mon": [9]}}), ["`week.mon`", "`9`", "`HH:MM-HH:MM`"]),
        (
            json!({"week": {"mon": ["09:00-09:60"]}}),
            ["`week.mon`", "`09:00-09:60`", "`24:00`"],
        ),
        (
            json!({"week": {"mon": ["09:00-24:01"]}}),
            ["`week.mon`", "`09:00-24:01`", "`24:00`"],
        ),
        (
            json!({"week": {"mon": ["+9:00-+9:30"]}}),
            ["`week.mon`", "`+9:00-+9:30`", "`HH:MM-HH:MM`"],
        ),
        (
            json!({"week": {"mon": ["22:00-06:00"]}}),
            ["`week.mon`", "`22:00-06:00`", "`24:00`"],
        ),
        (
            json!({"week": {"mon": ["09:00-09:00"]}}),
            ["`week.mon`", "`09:00-09:00`", "earlier time first"],
        ),
        (
            json!({"week": {"mon": ["12:00-14:00", "09:00-12:01"]}}),
            ["`09:00-12:01`", "`12:00-14:00`", "overlap"],
        ),
        (json!({"week": {"mon": many}}), ["25 spans", "`week.mon`", "at most 24"]),
        (json!({"special": "none"}), ["`special`", "`none`", "`YYYY-MM-DD`"]),
        (
            json!({"special": {"24.12.2026": []}}),
            ["`special`", "`24.12.2026`", "`2026-12-24`"],
        ),
        (
            json!({"special": {"2026-02-29": []}}),
            ["`special`", "`2026-02-29`", "is no date"],
        ),
        (
            json!({"special": {"2026-W52-4": []}}),
            ["`special`", "`2026-W52-4`", "is no date"],
        ),
        (
            json!({"special": {"2026-12-24": ["x"]}}),
            ["`special.2026-12-24`", "`x`", "`HH:MM-HH:MM`"],
        ),
    ] {
        let problem = problem(&json);
        assert!(words.iter().all(|word| problem.contains(word)), "{json}: {problem}");
    }
}

#[test]
fn dates_have_a_bound() {
    let first = jiff::civil::date(2000, 1, 1);
    let of = |n: i64| -> Json {
        let dates = (0..n).map(|day| {
            (
                (first + jiff::SignedDuration::from_hours(24 * day)).to_string(),
                json!([]),
            )
        });
        json!({ "special": dates.collect::<serde_json::Map<_, _>>() })
    };
    assert_eq!(Calendar::read(&of(1_000)).unwrap().special.len(), 1_000);
    assert!(problem(&of(1_001)).contains("1001 dates in `special`: at most 1000"));
}

#[test]
fn all_problems_are_told_at_once() {
    let json = json!({"zone": "X", "day": "Y", "week": {"mon": ["Z", "5"], "tue": 1}, "special": {"": []}, "weeks": 1});
    assert_eq!(Calendar::read(&json).unwrap_err().len(), 7);
}

#[test]
fn hours_that_touch_are_right() {
    let touching = calendar(r#"{"week":{"mon":["09:00-12:00","12:00-13:00"]},"special":{"_note":1,"label":[]}}"#);
    assert_eq!(touching.week[0].spans().len(), 2);
    assert_eq!(Span::new(5, 5), None);
    assert_eq!(Span::new(5, 1_441), None);
}
