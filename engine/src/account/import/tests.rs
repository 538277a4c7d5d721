//! One change to a valid file, one problem.

use serde_json::json;

use super::*;

fn problems_of(pointer: &str, value: Json, foreign: &Foreign) -> Vec<&'static str> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/directory/acme.json");
    let mut json: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (folder, name) = pointer.rsplit_once('/').unwrap();
    let entry = json.pointer_mut(folder).unwrap();
    match name.parse::<usize>() {
        Ok(position) => entry[position] = value,
        Err(_) => entry[name] = value,
    }
    let problems = match DirectoryFile::parse(&json) {
        Ok(file) => check(
            &file,
            &Directory::empty("00000000-0000-7000-8000-000000000001".into()),
            foreign,
        ),
        Err(problems) => problems,
    };
    problems.into_iter().map(|problem| problem.code).collect()
}

#[test]
fn one_change_one_problem() {
    let acme = "00000000-0000-7000-8000-000000000201";
    let platform = "00000000-0000-7000-8000-000000000203";
    for (pointer, value, expected) in [
        ("/tenant/name", json!("Acme"), &[][..]),
        ("/tenant/id", json!("other"), &["tenant_mismatch"]),
        ("/tenant/id", json!(null), &["missing"]),
        ("/tenant/time_zone", json!("Europe/Nowhere"), &["unknown_time_zone"]),
        ("/tenant/domain", json!(" ElseWhere.example "), &["duplicate_domain"]),
        ("/users/13/id", json!("CN=Lia,OU=Yard"), &["bad_id"]),
        ("/users/13/id", json!(" u-lia"), &["bad_id"]),
        ("/applications/1/name", json!("bot, too"), &["bad_id"]),
        ("/tenant/time_zone", json!(""), &[]),
        ("/tenant/calendars", json!({}), &["wrong_type"]),
        ("/tenant/calendars", json!([]), &[]),
        (
            "/tenant/calendars",
            json!([{"id": "a"}, {"id": "a"}]),
            &["duplicate_id"],
        ),
        ("/tenant/calendars", json!([{"id": "a, b"}]), &["bad_id"]),
        ("/tenant/calendars", json!([{"day": "PT8H"}]), &["missing"]),
        (
            "/tenant/calendars",
            json!([{"id": "a", "zone": "X", "day": "X"}, 1]),
            &["bad_calendar", "bad_calendar", "bad_calendar"],
        ),
        (
            "/tenant/calendars",
            json!(vec![json!({"id": "a"}); 101]),
            &["bad_calendar"],
        ),
        ("/users/0/id", json!(7), &["wrong_type"]),
        ("/users/0/type", json!("boss"), &["bad_type"]),
        ("/users/1/email", json!("ADA@acme.example"), &["duplicate_email"]),
        ("/users/1/email", json!("nowhere"), &["bad_email"]),
        ("/users/1/email", json!("Taken@Elsewhere.example"), &["duplicate_email"]),
        (
            "/users/1/id",
            json!("00000000-0000-7000-8000-000000000103"),
            &["duplicate_id"],
        ),
        ("/users/1/depts/0/dept_id", json!("x"), &["unknown_dept"]),
        ("/users/1/depts/0/is_primary", json!(false), &["primary_dept_missing"]),
        ("/users/1/depts", json!([]), &[]),
        (
            "/users/1/depts",
            json!([{"dept_id": acme, "is_primary": true}, {"dept_id": acme}]),
            &["duplicate_membership"],
        ),
        (
            "/users/1/depts",
            json!([{"dept_id": acme, "is_primary": true}, {"dept_id": platform, "is_primary": true}]),
            &["several_primary_depts"],
        ),
        ("/users/1/roles", json!(["x"]), &["unknown_role"]),
        ("/users/1/roles", json!("x"), &["wrong_type"]),
        ("/users/1/label", json!([]), &["wrong_type"]),
        ("/users/1/is_active", json!("yes"), &["wrong_type"]),
        ("/users/1/password", json!("x".repeat(2_000)), &["password_too_long"]),
        ("/users/1/password", json!(null), &[]),
        ("/depts/1/leader", json!("x"), &["unknown_user"]),
        (
            "/depts/1/approvers",
            json!(["x", "y"]),
            &["unknown_user", "unknown_user"],
        ),
        ("/depts/1/parent_id", json!("x"), &["unknown_dept"]),
        ("/depts/1/parent_id", json!(platform), &["parent_loop"]),
        ("/roles/0/name", json!(" "), &["missing"]),
        ("/roles/0", json!("hr"), &["wrong_type"]),
        ("/roles", json!({}), &["wrong_type"]),
        ("/applications/1/workflow_ids", json!("incident"), &["wrong_type"]),
        ("/applications/1/workflow_ids", json!(null), &[]),
    ] {
        let foreign = Foreign {
            emails: BTreeSet::from(["taken@elsewhere.example".to_owned()]),
            domains: BTreeSet::from(["elsewhere.example".to_owned()]),
        };
        assert_eq!(
            problems_of(pointer, value.clone(), &foreign),
            expected,
            "{pointer} = {value}"
        );
    }
}

#[test]
fn odd_shapes_are_problems_not_panics() {
    for json in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"users": [1], "depts": 5}),
    ] {
        assert!(DirectoryFile::parse(&json).is_err());
    }
}
