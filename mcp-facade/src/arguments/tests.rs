//! Every spelling that is taken and every one that is refused, as one table per type.

use serde_json::{Value, json};

use super::*;

fn arguments(value: Value) -> Arguments {
    let Value::Object(sent) = json!({ "a": value }) else {
        unreachable!("an object")
    };
    Arguments::new(sent, &["a"]).expect("`a` is known")
}

fn text<T>(result: Result<T, ApiError>) -> String {
    result.err().expect("refused").to_string()
}

#[test]
fn integers_come_in_three_spellings() {
    for (sent, expected) in [
        (json!(5), 5),
        (json!(5.0), 5),
        (json!("5"), 5),
        (json!(" 5 "), 5),
        (json!(-3), -3),
        (json!("-3"), -3),
        (json!(null), 7),
        (json!(9_007_199_254_740_992.0), 9_007_199_254_740_992),
    ] {
        assert_eq!(
            arguments(sent.clone()).integer("a", 7, i64::MIN..=i64::MAX),
            Ok(expected),
            "{sent}"
        );
    }
    for sent in [
        json!(5.5),
        json!("5.5"),
        json!("five"),
        json!(""),
        json!(true),
        json!([5]),
        json!({}),
        json!(1e300),
    ] {
        let error = arguments(sent.clone())
            .integer("a", 7, i64::MIN..=i64::MAX)
            .expect_err("wrong type");
        assert!(
            error.message.starts_with("argument `a` must be an integer, got "),
            "{sent}: {error}"
        );
    }
}

#[test]
fn integers_have_ranges() {
    insta::assert_snapshot!(
        text(arguments(json!(0)).integer("a", 1, 1..=100)),
        @"invalid_argument: argument `a` must be from 1 to 100, got `0`. Mend the argument and call again."
    );
    insta::assert_snapshot!(
        text(arguments(json!("-1")).integer("a", 1, 1..=i64::MAX)),
        @"invalid_argument: argument `a` must be 1 or more, got `-1`. Mend the argument and call again."
    );
}

#[test]
fn booleans_come_in_two_spellings() {
    for (sent, expected) in [
        (json!(true), true),
        (json!("true"), true),
        (json!("False"), false),
        (json!(false), false),
        (json!(null), true),
    ] {
        assert_eq!(arguments(sent.clone()).boolean("a", true), Ok(expected), "{sent}");
    }
    for sent in [json!(1), json!("yes"), json!(""), json!([]), json!({})] {
        assert!(arguments(sent.clone()).boolean("a", true).is_err(), "{sent}");
    }
}

#[test]
fn objects_come_in_two_spellings() {
    let expected = json!({ "x": null, "y": [1] });
    for sent in [expected.clone(), json!(expected.to_string())] {
        assert_eq!(arguments(sent).object("a").map(Value::Object), Ok(expected.clone()));
    }
    assert_eq!(arguments(json!(null)).object("a"), Ok(Map::new()));
    for sent in [json!("x"), json!("[1]"), json!(""), json!([]), json!(1), json!(true)] {
        assert!(arguments(sent.clone()).object("a").is_err(), "{sent}");
    }
}

#[test]
fn strings_are_strings() {
    assert_eq!(arguments(json!(" x ")).string("a", ""), Ok(" x ".to_owned()));
    assert_eq!(arguments(json!(" x ")).required_string("a"), Ok("x".to_owned()));
    assert_eq!(arguments(json!(null)).string("a", "d"), Ok("d".to_owned()));
    assert_eq!(arguments(json!(" ")).optional_string("a"), Ok(None));
    insta::assert_snapshot!(
        text(arguments(json!(5)).string("a", "")),
        @"invalid_argument: argument `a` must be a string, got the number `5`. Send `a` as a string."
    );
    insta::assert_snapshot!(
        text(arguments(json!("")).required_string("a")),
        @"invalid_argument: argument `a` is required. Send `a` as a string."
    );
}

#[test]
fn lists_are_comma_separated() {
    assert_eq!(
        arguments(json!(" x, y,,x ,z,")).comma_separated("a"),
        Ok(vec!["x".to_owned(), "y".to_owned(), "z".to_owned()])
    );
    assert_eq!(arguments(json!("")).comma_separated("a"), Ok(vec![]));
    assert!(arguments(json!(["x"])).comma_separated("a").is_err());
    for sent in [json!(["x", " y", "x", ""]), json!("x,y")] {
        assert_eq!(arguments(sent).texts("a"), Ok(vec!["x".to_owned(), "y".to_owned()]));
    }
    assert!(arguments(json!(["x", 1])).texts("a").is_err());
}

#[test]
fn words_of_a_closed_set_are_listed() {
    insta::assert_snapshot!(
        text(arguments(json!("dutty")).one_of("a", "duty", &["duty", "owner"])),
        @"invalid_argument: argument `a` must be one of `duty`, `owner`, got `dutty`. Send one of `duty`, `owner`."
    );
    assert_eq!(
        arguments(json!("")).one_of("a", "duty", &["duty"]),
        Ok("duty".to_owned())
    );
}

#[test]
fn a_wrong_value_is_shown_shortened_and_a_token_never() {
    let long = "é".repeat(500);
    let error = arguments(json!([long])).string("a", "").expect_err("an array");
    assert!(error.message.chars().count() < 120, "{error}");
    let error = arguments(json!({ "token": "lfpat.a.b" }))
        .secret("a")
        .expect_err("an object");
    assert!(!format!("{error} {}", error.details).contains("lfpat"), "{error}");
}

#[test]
fn an_unknown_argument_gets_the_nearest_name() {
    let known = ["ticket_id", "fields", "action_props", "access_token"];
    let refuse = |name: &str| {
        let Value::Object(sent) = json!({ name: 1 }) else {
            unreachable!("an object")
        };
        text(Arguments::new(sent, &known))
    };
    insta::assert_snapshot!(refuse("tiket_id"), @"invalid_argument: there is no argument `tiket_id`. Did you mean `ticket_id`? if so send that, else leave it out; there are `ticket_id`, `fields`, `action_props`, `access_token`.");
    insta::assert_snapshot!(refuse("ticketId"), @"invalid_argument: there is no argument `ticketId`. Use `ticket_id` instead.");
    insta::assert_snapshot!(refuse("acess-token"), @"invalid_argument: there is no argument `acess-token`. Did you mean `access_token`? if so send that, else leave it out; there are `ticket_id`, `fields`, `action_props`, `access_token`.");
    insta::assert_snapshot!(refuse("qqq"), @"invalid_argument: there is no argument `qqq`. Leave it out; there are `ticket_id`, `fields`, `action_props`, `access_token`.");
    assert!(refuse(&"x".repeat(100_000)).len() < 300);
}

#[test]
fn an_unknown_argument_that_is_null_was_not_sent() {
    let Value::Object(sent) = json!({ "b": null }) else {
        unreachable!("an object")
    };
    assert!(Arguments::new(sent, &["a"]).is_ok());
}

#[test]
fn pages_have_bounds() {
    let page = |sent: Value| {
        let Value::Object(sent) = sent else {
            unreachable!("an object")
        };
        Arguments::new(sent, &["page", "per_page"]).expect("known").page()
    };
    assert_eq!(page(json!({})), Ok(Page { page: 1, per_page: 10 }));
    assert_eq!(
        page(json!({ "page": "3", "per_page": 100.0 })),
        Ok(Page { page: 3, per_page: 100 })
    );
    // As the server does that we stand in for.
    for (sent, page_of, rows) in [
        (json!({ "page": 0 }), u64::MAX, 10),
        (json!({ "page": -7 }), u64::MAX, 10),
        (json!({ "per_page": 101 }), 1, 100),
        (json!({ "per_page": i64::MAX }), 1, 100),
    ] {
        let expected = Page {
            page: page_of,
            per_page: rows,
        };
        assert_eq!(page(sent.clone()), Ok(expected), "{sent}");
    }
    for sent in [
        json!({ "page": "x" }),
        json!({ "per_page": 0 }),
        json!({ "per_page": -1 }),
    ] {
        assert!(page(sent.clone()).is_err(), "{sent}");
    }
}
