//! Expressions as people and tools write them, and what is refused.

use super::*;

fn read_as(text: &str) -> String {
    let one = |one: &Condition| {
        let word = Operator::ALL.iter().find(|(operator, _)| *operator == one.operator);
        let word = word.map_or("", |(_, word)| word);
        format!("{} {word} {}", one.field, one.value.parts().join("+"))
    };
    let group = |group: &Vec<Condition>| group.iter().map(one).collect::<Vec<_>>().join(" & ");
    match read(text) {
        Err(why) => format!("no: {why}"),
        Ok(groups) => groups.iter().map(group).collect::<Vec<_>>().join(" | "),
    }
}

#[test]
fn expressions_of_other_tools_become_groups() {
    for (text, expected) in [
        ("${amount > 5000}", "amount > 5000"),
        (
            "#{ amount gt 5000 and urgent eq 'yes' }",
            "amount > 5000 & urgent == yes",
        ),
        ("${a == 1 && (b == 2 || c == 3)}", "a == 1 & b == 2 | a == 1 & c == 3"),
        (
            "=amount > 10000 or (amount > 5000 and urgent = \"yes\")",
            "amount > 10000 | amount > 5000 & urgent == yes",
        ),
        ("${!(a == 1 && b > 2)}", "a != 1 | b <= 2"),
        ("${approved}", "approved == true"),
        ("${!approved}", "approved != true"),
        ("${approved == false}", "approved == false"),
        ("= 3 < n", "n > 3"),
        ("= n in [1..5]", "n >= 1 & n <= 5"),
        ("= n in ]1.5..5[", "n > 1.5 & n < 5"),
        ("= n between -1 and 5", "n >= -1 & n <= 5"),
        ("= x in (\"a\", \"b\")", "x in a+b"),
        ("= not(x in [\"a\"])", "x not_in a"),
        ("= list contains(systems, \"crm\")", "systems contains crm"),
        ("${name.contains('x')}", "name contains x"),
        ("= x = null", "x is_empty "),
        ("${not empty x}", "x is_not_empty "),
        ("${x != ''}", "x is_not_empty "),
        ("= d >= date(\"2026-01-01\")", "d >= 2026-01-01"),
        ("= `a b` = \"it's\"", "a b == it's"),
        ("= größe > 3", "größe > 3"),
        ("", "no: is empty"),
        ("${a", "no: begins with `${` and does not end with `}`"),
        (
            "= a = b",
            "no: compares the fields `a` and `b`, and a condition compares with a fixed value",
        ),
        ("= true", "no: holds always or never, without a look at a field"),
        ("= a.b = 1", "no: asks for `a.b`, and fields have no parts"),
        ("= count(a) > 1", "no: calls `count`, and a condition calls nothing"),
        (
            "= a = 1 b = 2",
            "no: goes on with `b` where an `and` or `or` should stand",
        ),
        ("= a = \"x", "no: has a text that its \" does not end"),
        ("= a + 1 > 2", "no: has a `+` that is not understood"),
        ("= a >", "no: breaks off where a field or value should stand"),
        ("= a in [[1]]", "no: has a list of something else than fixed values"),
    ] {
        assert_eq!(read_as(text), expected, "{text}");
    }
}

#[test]
fn expressions_have_bounds() {
    let deep = format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(read(&deep).is_err_and(|why| why.contains("nested")));
    assert!(read(&"not ".repeat(5_000)).is_err_and(|why| why.contains("nested")));
    assert!(read(&"[".repeat(5_000)).is_err());
    assert!(read(&"date(".repeat(5_000)).is_err());
    let wide = vec!["(a = 1 or b = 2)"; 30].join(" and ");
    assert!(read(&wide).is_err_and(|why| why.contains("groups")));
    let long = vec!["a = 1"; 80].join(" and ");
    assert!(read(&long).is_err_and(|why| why.contains("64 conditions")));
}

#[test]
fn what_is_written_reads_back() {
    let form = Form::default();
    for (operator, _) in Operator::ALL {
        for field in ["amount", "a b", "and", "list", "contains"] {
            let value = if matches!(operator, Operator::In | Operator::NotIn) {
                Value::List(vec![Value::text("x"), Value::text("y \"z\"\\")])
            } else if operator.takes_value() {
                Value::text("it is \"so\"\n\\")
            } else {
                Value::Null
            };
            let condition = Condition {
                field: field.into(),
                operator,
                value,
            };
            let other = Condition {
                field: "other".into(),
                operator: Operator::Equal,
                value: Value::text("1"),
            };
            let groups = vec![vec![condition, other.clone()], vec![other]];
            let text = write(&groups, &form);
            assert_eq!(read(&text), Ok(groups), "{text}");
        }
    }
}
