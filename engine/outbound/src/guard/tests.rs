//! Spellings of addresses that are not public: refused, unless the address that each stands for is listed.

use super::*;
use crate::target::{Target, host_and_port};

/// A spelling, and the address that it stands for, as an operator lists it.
const SPELLINGS: &[(&str, &str)] = &[
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1.", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("127.0.1", "127.0.0.1"),
    ("127.1.", "127.0.0.1"),
    ("2130706433", "127.0.0.1"),
    ("2130706433.", "127.0.0.1"),
    ("0x7f000001", "127.0.0.1"),
    ("0X7F000001", "127.0.0.1"),
    ("0x7f.1", "127.0.0.1"),
    ("0x7f.0.0.1", "127.0.0.1"),
    ("0x7f.0x0.0x0.0x1", "127.0.0.1"),
    ("0177.0.0.1", "127.0.0.1"),
    ("0177.0.0.01", "127.0.0.1"),
    ("017700000001", "127.0.0.1"),
    ("0000000000000000000000177.1", "127.0.0.1"),
    ("0177.0x0.1", "127.0.0.1"),
    ("%31%32%37.0.0.1", "127.0.0.1"),
    ("127%2e0%2e0%2e1", "127.0.0.1"),
    ("127。0。0。1", "127.0.0.1"),
    ("127．0．0．1", "127.0.0.1"),
    ("１２７.0.0.1", "127.0.0.1"),
    ("①②⑦.0.0.1", "127.0.0.1"),
    ("127.255.255.254", "127.0.0.0/8"),
    ("0", "0.0.0.0"),
    ("0.0.0.0", "0.0.0.0"),
    ("0x0", "0.0.0.0"),
    ("00", "0.0.0.0"),
    ("0.1.2.3", "0.0.0.0/8"),
    ("10.0.0.1", "10.0.0.0/8"),
    ("10.1", "10.0.0.1"),
    ("0xa.1", "10.0.0.1"),
    ("012.0.0.1", "10.0.0.1"),
    ("167772161", "10.0.0.1"),
    ("0x0a000001", "10.0.0.1"),
    ("100.64.0.1", "100.64.0.0/10"),
    ("169.254.169.254", "169.254.169.254"),
    ("169.254.43518", "169.254.169.254"),
    ("2852039166", "169.254.169.254"),
    ("0xa9fea9fe", "169.254.169.254"),
    ("0xa9.0xfe.0xa9.0xfe", "169.254.169.254"),
    ("0251.0376.0251.0376", "169.254.169.254"),
    ("172.16.0.1", "172.16.0.0/12"),
    ("172.31.255.255", "172.16.0.0/12"),
    ("192.0.0.1", "192.0.0.0/24"),
    ("192.0.2.1", "192.0.2.0/24"),
    ("192.168.0.1", "192.168.0.0/16"),
    ("192.168.257", "192.168.1.1"),
    ("0xc0a80101", "192.168.1.1"),
    ("198.18.0.1", "198.18.0.0/15"),
    ("198.19.255.255", "198.18.0.0/15"),
    ("224.0.0.1", "224.0.0.0/4"),
    ("240.0.0.1", "240.0.0.0/4"),
    ("255.255.255.255", "255.255.255.255"),
    ("0xffffffff", "255.255.255.255"),
    ("4294967295", "255.255.255.255"),
    ("[::1]", "::1"),
    ("[0:0:0:0:0:0:0:1]", "::1"),
    ("[0000:0000:0000:0000:0000:0000:0000:0001]", "[::1]"),
    ("[::0.0.0.1]", "::1"),
    ("[::]", "::"),
    ("[::ffff:127.0.0.1]", "127.0.0.1"),
    ("[::ffff:7f00:1]", "127.0.0.1"),
    ("[::FFFF:7F00:0001]", "127.0.0.1"),
    ("[0:0:0:0:0:ffff:127.0.0.1]", "127.0.0.1"),
    ("[::ffff:10.0.0.1]", "10.0.0.0/8"),
    ("[::ffff:a9fe:a9fe]", "169.254.169.254"),
    ("[::127.0.0.1]", "::7f00:1"),
    ("[::ffff:0:127.0.0.1]", "::ffff:0:0:0/80"),
    ("[64:ff9b::127.0.0.1]", "64:ff9b::/96"),
    ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1"),
    ("[64:ff9b::a9fe:a9fe]", "64:ff9b::/96"),
    ("[64:ff9b:1::1]", "64:ff9b:1::/48"),
    ("[2002:7f00:1::]", "2002::/16"),
    ("[2002:a9fe:a9fe::1]", "2002::/16"),
    ("[2001::1]", "2001::/32"),
    ("[2001:db8::1]", "2001:db8::/32"),
    ("[fc00::1]", "fc00::/7"),
    ("[fd12:3456:789a::1]", "fd00::/8"),
    ("[fe80::1]", "fe80::/10"),
    ("[febf::1]", "fe80::/10"),
    ("[fec0::1]", "fec0::/10"),
    ("[ff02::1]", "ff00::/8"),
    ("[100::1]", "100::/64"),
    ("[5f00::1]", "5f00::/16"),
];

fn judge(allow: &AllowList, url: &str) -> Result<Vec<SocketAddr>, NotAllowed> {
    let target = Target::read(url).unwrap_or_else(|told| panic!("{url}: {told}"));
    let (host, port) = host_and_port(&target.uri).unwrap_or_else(|| panic!("{url} has no host"));
    let address = match &host {
        Host::Domain(_) => panic!("{url} is a name"),
        Host::Ipv4(address) => IpAddr::from(*address),
        Host::Ipv6(address) => IpAddr::from(*address),
    };
    admit(allow, &host, port, &[address])
}

#[test]
fn every_spelling_is_refused_unless_its_address_is_listed() {
    assert!(SPELLINGS.len() >= 60);
    for (spelling, listed) in SPELLINGS {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://user@{spelling}/path");
            judge(&AllowList::default(), &url).expect_err(&url);
            // Neither another address nor another port.
            judge(&AllowList::parse(["192.0.2.77", "*.example"]).unwrap(), &url).expect_err(&url);
            let bare = listed.trim_matches(['[', ']']);
            let bracketed = if bare.contains(':') {
                format!("[{bare}]:1")
            } else {
                format!("{bare}:1")
            };
            judge(&AllowList::parse([bracketed.as_str()]).unwrap(), &url).expect_err(&url);
            let admitted = judge(&AllowList::parse([*listed]).unwrap(), &url);
            assert_eq!(admitted.map(|addresses| addresses.len()), Ok(1), "{url} by `{listed}`");
        }
    }
}

#[test]
fn public_addresses_need_no_list() {
    for url in [
        "http://8.8.8.8/",
        "http://134744072/",
        "http://[2606:4700::1111]/",
        "http://[::ffff:8.8.8.8]:81/",
    ] {
        let admitted = judge(&AllowList::default(), url).expect(url);
        assert!(
            admitted
                .iter()
                .all(|address| address.ip() == address.ip().to_canonical()),
            "{url}"
        );
    }
}

#[test]
fn a_name_is_as_good_as_its_worst_address() {
    let name = Host::Domain("hooks.example".to_owned());
    let addresses = |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    let ask = |listed: &str, texts: &[&str]| {
        let allow = AllowList::parse([listed]).unwrap();
        admit(&allow, &name, 443, &addresses(texts)).map(|admitted| admitted.len())
    };
    assert_eq!(ask("", &["8.8.8.8", "2606:4700::1111"]), Ok(2));
    for mixed in [
        ["8.8.8.8", "10.0.0.1"],
        ["10.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "::1"],
        ["::ffff:10.0.0.1", "8.8.8.8"],
    ] {
        let told = ask("", &mixed).unwrap_err().to_string();
        assert!(told.contains("`hooks.example`") && !told.contains("10."), "{told}");
    }
    assert_eq!(ask("10.0.0.0/8", &["8.8.8.8", "10.0.0.1"]), Ok(2));
    assert_eq!(ask("10.0.0.0/8:443", &["10.0.0.1"]), Ok(1));
    ask("10.0.0.0/8:80", &["10.0.0.1"]).unwrap_err();
    ask("10.0.0.0/8", &["10.0.0.1", "192.168.0.1"]).unwrap_err();
    // A name that the operator trusts leads wherever it leads.
    assert_eq!(ask("hooks.example:443", &["10.0.0.1", "::1"]), Ok(2));
    ask("hooks.example:444", &["10.0.0.1"]).unwrap_err();
}
