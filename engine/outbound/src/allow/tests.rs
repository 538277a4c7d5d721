//! Every kind of entry, what it lets through, and the sentence of a bad one.

use super::*;

fn list(entry: &str) -> AllowList {
    AllowList::parse([entry]).unwrap_or_else(|bad| panic!("{bad}"))
}

/// Whether an entry has a name or an address at a port.
fn has(entry: &str, host: &str, port: u16) -> bool {
    let list = list(entry);
    match host.parse() {
        Ok(address) => list.has_address(address, port),
        Err(_) => list.has_name(host, port),
    }
}

#[test]
fn entries_let_through_what_they_name() {
    for (entry, host, port) in [
        ("hooks.example", "hooks.example", 443),
        ("Hooks.Example.", "hooks.example", 80),
        ("hooks.example", "hooks.example.", 80),
        ("hooks.example:8443", "hooks.example", 8443),
        ("bücher.example", "xn--bcher-kva.example", 443),
        ("localhost", "localhost", 80),
        ("*.example", "a.example", 443),
        ("*.example", "a.b.example.", 443),
        ("*.Example:81", "a.example", 81),
        ("10.1.2.3", "10.1.2.3", 80),
        ("10.1.2.3", "::ffff:10.1.2.3", 80),
        ("::ffff:10.1.2.3", "10.1.2.3", 80),
        ("10.1.2.3:8080", "10.1.2.3", 8080),
        ("10.0.0.0/8", "10.200.0.1", 1),
        ("10.0.0.0/8:443", "10.200.0.1", 443),
        ("0.0.0.0/0", "127.0.0.1", 443),
        ("::1", "::1", 443),
        ("[::1]", "::1", 443),
        ("[::1]:8443", "::1", 8443),
        ("fd00::/8", "fd12::1", 443),
        ("[fd00::]/8", "fd12::1", 443),
        ("[fd00::]/8:443", "fd12::1", 443),
        ("[fd00::/8]", "fd12::1", 443),
        ("[fd00::/8]:443", "fd12::1", 443),
        ("64:ff9b::/96", "64:ff9b::7f00:1", 443),
        ("::ffff:10.0.0.0/104", "10.9.9.9", 443),
    ] {
        assert!(has(entry, host, port), "{entry}: {host}:{port}");
    }
}

#[test]
fn entries_let_nothing_else_through() {
    for (entry, host, port) in [
        ("hooks.example", "example", 443),
        ("hooks.example", "a.hooks.example", 443),
        ("hooks.example", "hooks.example.evil", 443),
        ("hooks.example:8443", "hooks.example", 443),
        ("*.example", "example", 443),
        ("*.example", "aexample", 443),
        ("*.example", "a.example.evil", 443),
        ("10.1.2.3", "10.1.2.4", 80),
        ("10.1.2.3:8080", "10.1.2.3", 80),
        ("10.0.0.0/8", "11.0.0.1", 80),
        ("0.0.0.0/0", "::1", 80),
        // A name is no address, and what it resolves to is asked for by itself.
        ("10.0.0.0/8", "hooks.example", 80),
        ("localhost", "127.0.0.1", 80),
        ("::1", "::2", 80),
        ("10.1.2.3", "64:ff9b::a01:203", 80),
    ] {
        assert!(!has(entry, host, port), "{entry}: {host}:{port}");
    }
}

#[test]
fn blank_entries_are_none() {
    let list = AllowList::parse(["", " ", " a.example "]).expect("reads");
    assert_eq!(list.to_string(), "a.example");
    assert!(AllowList::parse([" "]).expect("reads").is_empty());
}

/// What is written out is read as the same.
#[test]
fn entries_are_written_as_they_are_read() {
    for (entry, shown) in [
        ("A.example:1", "a.example:1"),
        ("*.example", "*.example"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("[fd00::]/8:443", "[fd00::]/8:443"),
        ("::1", "[::1]/128"),
    ] {
        assert_eq!(list(entry).to_string(), shown);
        assert_eq!(list(shown), list(entry));
    }
}

#[test]
fn a_bad_entry_tells_the_way_out() {
    for (entry, told) in [
        ("*", "would allow every address; write `0.0.0.0/0`"),
        ("https://a.example/x", "is a whole address; write its host alone"),
        ("a b", "write a name, an address or a network"),
        ("user@a.example", "write a name, an address or a network"),
        ("a.example:", "has the port ``; write a number from 1 to 65535"),
        ("a.example:0", "has the port `0`"),
        ("a.example:+1", "has the port `+1`"),
        ("a.example:65536", "has the port `65536`"),
        ("a.*.example", "has a `*` that is not in front"),
        ("*a.example", "has a `*` that is not in front"),
        ("*.10.0.0.1", "has an address behind its `*.`"),
        ("a..example", "is no name"),
        ("*.", "is none"),
        (
            "10.1.2.3/8",
            "write `10.0.0.0/8` for the network, or `10.1.2.3` for the one address",
        ),
        ("fd00::1/8", "write `fd00::/8` for the network"),
        ("10.0.0.0/33", "has the prefix `33`; write a number from 0 to 32"),
        ("10.0.0.0/", "has the prefix ``"),
        ("10.0.0.0/+8", "has the prefix `+8`"),
        ("fd00::/129", "write a number from 0 to 128"),
        ("a.example/8", "`a.example` is no address"),
        ("010.0.0.1", "is an unusual spelling; write `8.0.0.1`"),
        ("127.1", "is an unusual spelling; write `127.0.0.1`"),
        ("2130706433", "write `127.0.0.1`"),
        ("[fd00::1", "has no `]`"),
        ("[fd00::zz]", "is none"),
        ("fe80::1%eth0", "is none"),
    ] {
        let bad = AllowList::parse(["ok.example", entry]).expect_err(entry).to_string();
        assert!(bad.starts_with(&format!("`{entry}` ")) && bad.contains(told), "{bad}");
    }
}
