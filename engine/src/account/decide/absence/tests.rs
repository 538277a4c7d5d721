//! Absences: what may be set, and who acts for whom.

use super::*;
use crate::account::command::{Command, Context, Foreign};
use crate::account::delegate::{follow, known};
use crate::account::import::DirectoryFile;
use crate::account::{apply, decide, import};
use crate::limits::DELEGATES_MAX;

/// People of one letter in Berlin, the last of them not active; `A` is an admin.
fn directory() -> Directory {
    let user = |id: &str| {
        let kind = if id == "A" { "admin" } else { "normal" };
        serde_json::json!({
            "id": id, "name": id, "email": format!("{id}@t.example"), "type": kind, "is_active": id != "off",
        })
    };
    let users: Vec<_> = ["A", "x", "y", "z", "off"].into_iter().map(user).collect();
    let tenant = serde_json::json!({"id": "t", "name": "T", "domain": "t.example", "time_zone": "Europe/Berlin"});
    let file = DirectoryFile::parse(&serde_json::json!({"tenant": tenant, "users": users})).unwrap();
    let command = Command::Import {
        file: Box::new(file),
        hashes: Default::default(),
    };
    let empty = Directory::empty("t".into());
    run(&empty, &command, at("2026-12-01")).unwrap().1
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text, &crate::time::zone_named("Europe/Berlin").unwrap()).unwrap()
}

fn run(directory: &Directory, command: &Command, now: Timestamp) -> Result<(Vec<Event>, Directory), Refusal> {
    let foreign = Foreign::default();
    let context = Context { now, foreign: &foreign };
    let events = decide::decide(directory, command, &context)?;
    let after = events.iter().fold(directory.clone(), apply::apply);
    Ok((events, after))
}

/// `x to y 2026-12-21..2027-01-04 leave,buy`
fn wanted(text: &str) -> SetAbsence {
    let words: Vec<&str> = text.split(' ').collect();
    let (from, to) = words[3].split_once("..").unwrap();
    SetAbsence {
        id: text.replace(' ', "-").into(),
        by: Some(words[0].into()),
        user: words[0].into(),
        delegate: words[2].into(),
        from: from.to_owned(),
        to: to.to_owned(),
        workflows: words
            .get(4)
            .map_or_else(Vec::new, |ids| ids.split(',').map(Into::into).collect()),
        must_run: false,
    }
}

fn set_all(texts: &[&str]) -> Directory {
    texts.iter().fold(directory(), |directory, text| {
        let command = Command::SetAbsence(Box::new(wanted(text)));
        run(&directory, &command, at("2026-12-01")).unwrap().1
    })
}

#[test]
fn a_day_as_the_end_is_within_it() {
    for (from, to, expected) in [
        (
            "2026-12-21",
            "2027-01-04",
            Ok(("2026-12-21 00:00:00", "2027-01-05 00:00:00")),
        ),
        (
            "2026-12-21",
            "2026-12-21",
            Ok(("2026-12-21 00:00:00", "2026-12-22 00:00:00")),
        ),
        (
            "2026-12-21 09:00:00",
            "2026-12-21 17:00:00",
            Ok(("2026-12-21 09:00:00", "2026-12-21 17:00:00")),
        ),
        (
            "2026-12-21T09:00:00Z",
            "2026-12-22",
            Ok(("2026-12-21 10:00:00", "2026-12-23 00:00:00")),
        ),
        // A leap year is 366 days, however many hours its days have.
        (
            "2028-01-01",
            "2028-12-31",
            Ok(("2028-01-01 00:00:00", "2029-01-01 00:00:00")),
        ),
        (
            "2027-10-31",
            "2028-10-30",
            Ok(("2027-10-31 00:00:00", "2028-10-31 00:00:00")),
        ),
        ("2027-10-31", "2028-10-31", Err("366 days")),
        ("2026-12-21", "2026-12-20", Err("not after")),
        ("2026-12-21 09:00:00", "2026-12-21 09:00:00", Err("not after")),
        ("soon", "2026-12-20", Err("`from` is `soon`")),
        ("2026-12-21", "2026-13-01", Err("`to` is `2026-13-01`")),
    ] {
        let zone = crate::time::zone_named("Europe/Berlin").unwrap();
        match (period(from, to, &zone), expected) {
            (Ok(found), Ok((begin, end))) => assert_eq!(found, (at(begin), at(end)), "{from}..{to}"),
            (Err(problem), Err(part)) => assert!(problem.contains(part), "{problem}"),
            (found, expected) => panic!("{from}..{to}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn what_contradicts_is_refused_and_the_same_is_nothing_new() {
    let directory = set_all(&[
        "x to y 2026-12-21..2027-01-04",
        "x to z 2026-12-21..2027-01-04 leave,buy",
    ]);
    let code = |text: &str| {
        let command = Command::SetAbsence(Box::new(wanted(text)));
        run(&directory, &command, at("2026-12-01"))
            .map(|(events, _)| events.len())
            .map_err(|refusal| refusal.code())
    };
    for (text, expected) in [
        ("x to z 2027-01-04..2027-01-10", Err("absence_overlaps")),
        ("x to z 2027-01-05..2027-01-10", Ok(1)),
        ("x to y 2026-12-01..2026-12-20", Ok(1)),
        ("x to y 2026-12-30..2026-12-30 buy,hire", Err("absence_overlaps")),
        ("x to y 2026-12-30..2026-12-30 hire", Ok(1)),
        ("y to x 2026-12-21..2027-01-04", Ok(1)),
        ("x to z 2026-12-21..2027-01-04 buy,leave,buy", Ok(0)),
        ("x to x 2027-02-01..2027-02-02", Err("invalid_argument")),
        ("x to off 2027-02-01..2027-02-02", Err("user_not_found")),
        ("x to stranger 2027-02-01..2027-02-02", Err("user_not_found")),
        ("off to x 2027-02-01..2027-02-02", Err("permission_denied")),
        ("x to y 2026-11-01..2026-11-30", Err("invalid_argument")),
    ] {
        assert_eq!(code(text), expected, "{text}");
    }
    let known = known(&directory, &wanted("x to z 2026-12-21..2027-01-04 leave,buy")).unwrap();
    assert_eq!(known.delegate, "z".into());
}

#[test]
fn whose_it_is_and_admins_set_and_clear() {
    let directory = set_all(&["x to y 2026-12-21..2027-01-04"]);
    let id = directory.absences_of(&"x".into())[0].id.clone();
    let now = at("2026-12-22");
    for (by, may) in [
        (Some("x"), true),
        (Some("A"), true),
        (None, true),
        (Some("y"), false),
        (Some("off"), false),
    ] {
        let by = by.map(UserId::from);
        let set = SetAbsence {
            by: by.clone(),
            ..wanted("x to z 2027-02-01..2027-02-02")
        };
        let set = run(&directory, &Command::SetAbsence(Box::new(set)), now).map_err(|refusal| refusal.code());
        assert_eq!(
            set.as_ref().err().copied(),
            (!may).then_some("permission_denied"),
            "{by:?}"
        );
        let clear = Command::ClearAbsence {
            id: id.clone(),
            by: by.clone(),
        };
        let cleared = run(&directory, &clear, now).map_err(|refusal| refusal.code());
        assert_eq!(
            cleared.as_ref().err().copied(),
            (!may).then_some("invalid_argument"),
            "{by:?}"
        );
        if let Ok((_, after)) = cleared {
            assert_eq!(after.absences().count(), 0);
            assert_eq!(run(&after, &clear, now).unwrap_err().code(), "invalid_argument");
        }
    }
    let over = Command::ClearAbsence { id, by: None };
    assert_eq!(
        run(&directory, &over, at("2027-01-05")).unwrap_err().code(),
        "invalid_argument"
    );
}

#[test]
fn what_is_handed_over_must_be_of_an_absence_that_runs() {
    let directory = directory();
    let request = |from: &str| {
        let wanted = SetAbsence {
            must_run: true,
            ..wanted(&format!("x to y {from}..2027-01-04"))
        };
        run(
            &directory,
            &Command::SetAbsence(Box::new(wanted)),
            at("2026-12-21 12:00:00"),
        )
    };
    assert!(request("2026-12-21").is_ok());
    assert_eq!(request("2026-12-22").unwrap_err().code(), "invalid_argument");
}

#[test]
fn those_that_are_over_go_with_the_next_and_an_import_keeps_the_others() {
    let directory = set_all(&["x to y 2026-12-02..2026-12-03", "x to y 2026-12-21..2027-01-04"]);
    let next = Command::SetAbsence(Box::new(wanted("x to z 2027-02-01..2027-02-02")));
    let (_, after) = run(&directory, &next, at("2026-12-10")).unwrap();
    assert_eq!(after.absences_of(&"x".into()).len(), 2);

    // A file says nothing of absences, so it takes none away; not even from somebody who goes.
    let mut gone = crate::account::User::clone(after.user(&"x".into()).unwrap());
    gone.is_active = false;
    let file = Command::Import {
        file: Box::new(import::DirectoryFile::of_user(&after, gone)),
        hashes: Default::default(),
    };
    let (events, imported) = run(&after, &file, at("2026-12-10")).unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(imported.absences_of(&"x".into()), after.absences_of(&"x".into()));
}

#[test]
fn so_many_of_one_user() {
    let mut directory = directory();
    for n in 0..ABSENCES_OF_USER_MAX {
        let text = format!("x to y 2026-12-21..2027-01-04 w{n}");
        directory = run(
            &directory,
            &Command::SetAbsence(Box::new(wanted(&text))),
            at("2026-12-01"),
        )
        .unwrap()
        .1;
    }
    let more = || Command::SetAbsence(Box::new(wanted("x to y 2026-12-21..2027-01-04 more")));
    assert_eq!(
        run(&directory, &more(), at("2026-12-01")).unwrap_err().code(),
        "invalid_argument"
    );
    assert!(run(&directory, &more(), at("2027-01-05")).is_err(), "it is over itself");
    let wide: Vec<String> = (0..=ABSENCE_WORKFLOWS_MAX).map(|n| format!("w{n}")).collect();
    let wide = wanted(&format!("y to x 2026-12-21..2027-01-04 {}", wide.join(",")));
    let refused = run(&directory, &Command::SetAbsence(Box::new(wide)), at("2026-12-01"));
    assert_eq!(refused.unwrap_err().code(), "invalid_argument");
}

/// Who acts for `x` in the workflow `leave` over Christmas.
fn acts(absences: &[&str], may_act: fn(&UserId) -> bool) -> UserId {
    follow(
        &set_all(absences),
        &"x".into(),
        at("2026-12-25"),
        &"leave".into(),
        may_act,
    )
}

#[test]
fn from_one_who_is_absent_to_the_next() {
    const ALL: fn(&UserId) -> bool = |_| true;
    let period = "2026-12-21..2027-01-04";
    let text = |rest: &str| rest.replace("xmas", period);
    for (absences, expected) in [
        (&[][..], "x"),
        (&["x to y xmas"], "y"),
        (&["x to y xmas leave"], "y"),
        (&["x to y xmas buy"], "x"),
        (&["x to y xmas", "x to z xmas leave"], "z"),
        (&["x to y xmas", "x to z xmas buy"], "y"),
        (&["x to y 2026-12-26..2026-12-27"], "x"),
        (&["x to y xmas", "y to z xmas"], "z"),
        // A circle ends at the last who was not met before.
        (&["x to y xmas", "y to x xmas"], "y"),
        (&["x to y xmas", "y to z xmas", "z to x xmas"], "z"),
        (&["x to y xmas", "y to z xmas", "z to y xmas"], "z"),
    ] {
        let absences: Vec<String> = absences.iter().map(|one| text(one)).collect();
        let absences: Vec<&str> = absences.iter().map(String::as_str).collect();
        assert_eq!(acts(&absences, ALL), expected.into(), "{absences:?}");
    }
    let chain = [text("x to y xmas"), text("y to z xmas")];
    let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
    assert_eq!(acts(&chain, |user| user.as_str() != "z"), "y".into());
    assert_eq!(
        acts(&chain, |user| user.as_str() != "y"),
        "x".into(),
        "nobody is passed over"
    );

    let mut directory = set_all(&chain);
    let mut gone = crate::account::User::clone(directory.user(&"y".into()).unwrap());
    gone.is_active = false;
    directory = apply::apply(directory, &Event::UserPut(Box::new(gone)));
    let acts = follow(&directory, &"x".into(), at("2026-12-25"), &"leave".into(), ALL);
    assert_eq!(acts, "x".into(), "one who has left stands in for nobody");
}

#[test]
fn so_many_steps_and_no_more() {
    let n = DELEGATES_MAX + 3;
    let id = |n: usize| UserId::from(format!("u{n}"));
    let mut directory = directory();
    let like = crate::account::User::clone(directory.user(&"x".into()).unwrap());
    for one in 0..=n {
        let user = crate::account::User {
            id: id(one),
            email: String::new(),
            ..like.clone()
        };
        directory = apply::apply(directory, &Event::UserPut(Box::new(user)));
        let absence = of(
            &SetAbsence {
                user: id(one),
                delegate: id(one + 1),
                ..wanted("x to y 2026-12-21..2027-01-04")
            },
            (at("2026-12-21"), at("2027-01-05")),
            at("2026-12-01"),
        );
        directory = apply::apply(directory, &Event::AbsenceSet(absence));
    }
    let acts = follow(&directory, &id(0), at("2026-12-25"), &"leave".into(), |_| true);
    assert_eq!(acts, id(DELEGATES_MAX));
}
