//! Data directories and files that may not be read or written, are missing, or are something else: each is named, with
//! the way out, and never taken for one that is empty.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::process::{Run, acme, asset, binary_without_rights, done, run, run_as, text};

fn permit(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("may be set");
}

/// Refused, in one line that has all of these.
fn assert_told(run: &Run, words: &[&str]) {
    assert_eq!(run.code, 1, "{} {}", run.out, run.err);
    for word in words {
        assert!(run.err.contains(word), "{word}: {}", run.err);
    }
}

#[test]
fn a_data_directory_that_may_not_be_read_is_no_empty_one() {
    let weak = |data: &Path, arguments: &[&str]| run_as(binary_without_rights(), data, arguments);
    let data = acme(&["leave.json"]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let export = folder.path().join("whole.jsonl");
    done(data.path(), &["export", text(&export)]);
    let leave = asset("leave.json");
    let commands: [&[&str]; 9] = [
        &["verify"],
        &["export"],
        &["token", "list", "--email", "dev@acme.example"],
        &["workflow", "list"],
        &["import", text(&leave)],
        &["restore", text(&export)],
        &["serve", "--port", "0"],
        &["serve", "--transport", "stdio"],
        &["demo", "--port", "0"],
    ];
    for closed in [data.path().to_owned(), data.path().join("log")] {
        permit(&closed, 0o000);
        for arguments in commands {
            let refused = weak(data.path(), arguments);
            // A demo looks for its own mark before it opens anything.
            if arguments[0] != "demo" {
                assert_told(
                    &refused,
                    &["by this user", "run the command as the user of the server", "`--data`"],
                );
            }
            assert_told(&refused, &[text(data.path())]);
            assert!(
                !refused.err.contains("there is no log"),
                "{arguments:?}: {}",
                refused.err
            );
        }
        permit(&closed, 0o700);
    }
    assert!(done(data.path(), &["verify"]).contains("the log is sound"));
}

#[test]
fn a_directory_that_may_not_be_written_is_named() {
    let weak = binary_without_rights();
    let data = acme(&[]);
    let folder = tempfile::tempdir().expect("temporary directory");
    permit(folder.path(), 0o500);
    let place = folder.path().join("data");
    let refused = run_as(weak, &place, &["import", text(&asset("acme.json"))]);
    assert_told(&refused, &[text(&place), "may not be made by this user", "`--data`"]);
    let file = folder.path().join("whole.jsonl");
    let refused = run_as(binary_without_rights(), data.path(), &["export", text(&file)]);
    assert_told(&refused, &[text(&file), "may not write in", "standard output with `-`"]);
    permit(folder.path(), 0o700);
    assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 0);
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let data = acme(&[]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let file = folder.path().join("closed.json");
    std::fs::write(&file, "{}").expect("written");
    permit(&file, 0o000);
    for arguments in [
        &["check", text(&file)][..],
        &["check", text(&asset("leave.json")), "--directory", text(&file)],
        &["import", text(&file)],
        &["export", "--since", text(&file)],
    ] {
        let refused = run_as(binary_without_rights(), data.path(), arguments);
        assert_told(&refused, &[text(&file), "Permission denied"]);
    }
    let other = folder.path().join("data");
    let refused = run_as(binary_without_rights(), &other, &["restore", text(&file)]);
    assert_told(&refused, &[text(&file), "Permission denied"]);
    assert!(!other.exists());
}

#[test]
fn a_file_where_a_directory_should_be_is_named() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (file, export) = (folder.path().join("file"), folder.path().join("whole.jsonl"));
    std::fs::write(&file, "").expect("written");
    done(acme(&[]).path(), &["export", text(&export)]);
    for data in [file.clone(), file.join("below")] {
        for arguments in [
            &["verify"][..],
            &["export"],
            &["token", "list", "--email", "dev@acme.example"],
            &["import", text(&asset("acme.json"))],
            &["restore", text(&export)],
            &["serve", "--port", "0"],
        ] {
            let refused = run(&data, arguments);
            assert_told(
                &refused,
                &[&format!("`{}`", text(&data)), "is not a directory", "`--data`"],
            );
        }
    }
    assert_eq!(std::fs::read(&file).expect("is there"), b"");
}

/// Missing, a directory, another encoding: in every command that reads files.
#[test]
fn a_file_that_is_no_file_of_its_kind_is_named() {
    let data = acme(&[]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let name = |name: &str| text(&folder.path().join(name)).to_owned();
    let (missing, utf16, latin1) = (name("missing"), name("utf16"), name("latin1"));
    let leave = std::fs::read_to_string(asset("leave.json")).expect("is there");
    let units = std::iter::once(0xfeff).chain(leave.encode_utf16());
    std::fs::write(&utf16, units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).expect("written");
    std::fs::write(&latin1, b"{\"basic_info\": {\"name\": \"M\xfcnchen\"}}").expect("written");
    let a_directory = text(folder.path()).to_owned();
    let leave = asset("leave.json");
    for (file, words) in [
        (&missing, "No such file"),
        (&a_directory, "s a directory"),
        (&utf16, "is no UTF-8 from byte 1 on: save it as UTF-8"),
        (&latin1, "is no UTF-8 from byte 27 on: save it as UTF-8"),
    ] {
        for arguments in [
            &["check", file.as_str()][..],
            &["check", text(&leave), "--directory", file.as_str()],
            &["import", file.as_str()],
        ] {
            assert_told(&run(data.path(), arguments), &[file, words]);
        }
        let other = folder.path().join("data");
        let restore_words = if file == &utf16 { "is UTF-16" } else { words };
        let restore_words = if file == &latin1 { "line `1` of" } else { restore_words };
        let refused = run(&other, &["restore", file]);
        assert_told(&refused, &[file, restore_words]);
        assert!(!other.join("log").exists() && !other.join("log.restoring").exists());
    }
    for file in [&missing, &a_directory, &utf16] {
        assert_told(
            &run(data.path(), &["export", "--since", file]),
            &[file, "names neither a position nor the file"],
        );
    }
    let refused = run(data.path(), &["export", &name("none/whole.jsonl")]);
    assert_told(&refused, &[&name("none/whole.jsonl"), "there is no directory"]);
}

#[test]
fn an_export_with_a_byte_order_mark_is_restored() {
    let data = acme(&["leave.json"]);
    let whole = done(data.path(), &["export"]);
    let folder = tempfile::tempdir().expect("temporary directory");
    let (file, place) = (folder.path().join("whole.jsonl"), folder.path().join("data"));
    std::fs::write(&file, format!("\u{feff}{whole}")).expect("written");
    done(&place, &["restore", text(&file)]);
    assert_eq!(done(&place, &["export"]), whole);
}
