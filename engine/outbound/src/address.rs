//! Which addresses are of the public internet.
//!
//! Not here: the operator's exceptions (`allow`). What is not known to be public is not: of IPv6 only the space from
//! which public addresses are given out, less what is something else in it. Addresses that carry another one inside (NAT64,
//! 6to4, Teredo) are refused as a whole, for where they lead depends on the network; IPv4 written as IPv6 is IPv4.
//!
//! Source: IANA's registries of special-purpose addresses, of IPv4 and of IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are not public, by address and length of the prefix.
const SPECIAL_V4: &[([u8; 4], u8)] = &[
    // This network, and this host.
    ([0, 0, 0, 0], 8),
    // Private.
    ([10, 0, 0, 0], 8),
    // Behind a provider's NAT.
    ([100, 64, 0, 0], 10),
    // Loopback.
    ([127, 0, 0, 0], 8),
    // Link-local; the metadata of clouds is there.
    ([169, 254, 0, 0], 16),
    // Private.
    ([172, 16, 0, 0], 12),
    // Protocols.
    ([192, 0, 0, 0], 24),
    // Examples.
    ([192, 0, 2, 0], 24),
    // Relays of 6to4.
    ([192, 88, 99, 0], 24),
    // Private.
    ([192, 168, 0, 0], 16),
    // Measurements.
    ([198, 18, 0, 0], 15),
    // Examples.
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast.
    ([224, 0, 0, 0], 4),
    // Reserved, and broadcast.
    ([240, 0, 0, 0], 4),
];

/// The space of IPv6 from which public addresses are given out.
const PUBLIC_V6: ([u16; 8], u8) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Networks in it that are something else.
const SPECIAL_V6: &[([u16; 8], u8)] = &[
    // Protocols: Teredo, ORCHID, benchmarks, anycast services.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Examples.
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    // 6to4, which carries an address of IPv4.
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    // Examples.
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Whether an address is of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4
            .iter()
            .any(|(network, prefix)| Network::v4(*network, *prefix).contains(address.into())),
        IpAddr::V6(address) => {
            let lies_in = |(network, prefix): &([u16; 8], u8)| Network::v6(*network, *prefix).contains(address.into());
            lies_in(&PUBLIC_V6) && !SPECIAL_V6.iter().any(lies_in)
        }
    }
}

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// The first; not IPv4 written as IPv6.
    first: IpAddr,
    /// Bits that are the same in all.
    prefix: u8,
}

impl Network {
    /// A network by any of its addresses. `None` where the prefix is longer than the address.
    pub(crate) fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let (n_bits, bits) = bits(address);
        if u32::from(prefix) > n_bits {
            return None;
        }
        let first = bits & mask(n_bits, prefix);
        let first = match address {
            // What was taken from 32 bits fits into them.
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(first).unwrap_or_default())),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(first)),
        };
        Some(Self { first, prefix }.canonical())
    }

    fn v4(address: [u8; 4], prefix: u8) -> Self {
        let first = IpAddr::from(address);
        Self { first, prefix }
    }

    fn v6(address: [u16; 8], prefix: u8) -> Self {
        let first = IpAddr::from(address);
        Self { first, prefix }
    }

    /// A network of IPv4 that is written as one of IPv6.
    fn canonical(self) -> Self {
        match (self.first, self.first.to_canonical(), self.prefix.checked_sub(96)) {
            (IpAddr::V6(_), first @ IpAddr::V4(_), Some(prefix)) => Self { first, prefix },
            _ => self,
        }
    }

    /// Its first address.
    pub(crate) fn first(self) -> IpAddr {
        self.first
    }

    /// Its length.
    pub(crate) fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether an address is in it; IPv4 written as IPv6 is IPv4.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let ((n_bits, first), (n_bits_of_it, bits)) = (bits(self.first), bits(address));
        n_bits == n_bits_of_it && (first ^ bits) & mask(n_bits, self.prefix) == 0
    }
}

/// How many bits an address has, and which.
fn bits(address: IpAddr) -> (u32, u128) {
    match address {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    }
}

/// The first bits of so many.
fn mask(n_bits: u32, prefix: u8) -> u128 {
    let all = u128::MAX >> (128 - n_bits);
    let rest = all.checked_shr(u32::from(prefix)).unwrap_or_default();
    all & !rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(public: bool, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    /// The last address before a network and the first behind it, too: `(before, first, last, behind)`.
    #[test]
    fn special_networks_end_where_they_end() {
        for (before, first, last, behind) in [
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
            (
                "2001:200::",
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                "2001:db9::",
            ),
            (
                "2001:ffff::",
                "2002::",
                "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "2003::",
            ),
            (
                "3ffe::",
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                "3fff:1000::",
            ),
        ] {
            check(true, &[before, behind]);
            check(false, &[first, last]);
        }
        check(true, &["1.0.0.0", "223.255.255.255", "8.8.8.8", "::ffff:8.8.8.8"]);
        check(
            false,
            &[
                "0.0.0.0",
                "0.255.255.255",
                "224.0.0.0",
                "239.255.255.255",
                "255.255.255.255",
            ],
        );
        check(true, &["2000::", "2606:4700::1111", "3fff:ffff::"]);
        check(
            false,
            &[
                "::",
                "::1",
                "::7f00:1",
                "64:ff9b::808:808",
                "64:ff9b:1::1",
                "100::1",
                "1fff::",
                "2001::1",
                "2001:1ff::",
            ],
        );
        check(
            false,
            &[
                "4000::",
                "5f00::1",
                "fc00::",
                "fdff::1",
                "fe80::1",
                "fec0::1",
                "ff02::1",
                "::ffff:10.0.0.1",
            ],
        );
    }

    #[test]
    fn networks_hold_what_begins_like_them() {
        let network = |address: &str, prefix| Network::new(address.parse().unwrap(), prefix);
        let holds =
            |address: &str, prefix, other: &str| network(address, prefix).unwrap().contains(other.parse().unwrap());
        assert!(holds("10.1.2.3", 8, "10.200.0.1") && !holds("10.1.2.3", 32, "10.1.2.4"));
        assert!(holds("0.0.0.0", 0, "255.1.2.3") && !holds("0.0.0.0", 0, "2000::1"));
        assert!(holds("::", 0, "2000::1") && !holds("::", 0, "10.0.0.1"));
        assert!(holds("fd00::", 8, "fdff::1") && !holds("fd00::", 8, "fe00::1"));
        assert!(holds("fd00::1", 128, "fd00::1") && !holds("fd00::1", 128, "fd00::2"));
        // One written as the other.
        assert!(holds("::ffff:10.0.0.0", 104, "10.9.9.9") && holds("10.0.0.0", 8, "::ffff:10.9.9.9"));
        assert_eq!(network("10.0.0.0", 33), None);
        assert_eq!(network("10.1.2.3", 8).unwrap().first(), IpAddr::from([10, 0, 0, 0]));
    }
}
