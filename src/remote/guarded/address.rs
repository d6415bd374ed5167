//! Which addresses are those of the public internet: what the IANA registries of special-purpose addresses (RFC 6890) leave,
//! and what only looks public but is answered by the machine's own surroundings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are not public.
const SPECIAL_IPV4: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Behind the translators of providers (RFC 6598).
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Azure answers a machine's questions about itself here.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Link-local; clouds answer such questions at 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // The relays of 6to4 (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, and what was never given out, with the broadcast address.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// All that is given out of IPv6. The mapped and translated forms of IPv4 addresses, the local ones and multicast are
/// outside of it.
const GIVEN_OUT: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public within it.
const SPECIAL_IPV6: [(Ipv6Addr, u32); 4] = [
    // Protocols of their own, of which Teredo carries IPv4 addresses.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, which carries IPv4 addresses too.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Says whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_IPV4.iter().any(|network| is_within_ipv4(address, *network)),
        IpAddr::V6(address) => {
            is_within_ipv6(address, GIVEN_OUT) && !SPECIAL_IPV6.iter().any(|network| is_within_ipv6(address, *network))
        }
    }
}

fn is_within_ipv4(address: Ipv4Addr, (network, length): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
}

fn is_within_ipv6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_special_network_is_refused_to_its_last_address_and_its_neighbours_are_not() {
        // INV-12: the first and the last address of each, and those just outside of it.
        for (network, length) in SPECIAL_IPV4 {
            let first = network.to_bits();
            let last = first | u32::MAX.checked_shr(length).unwrap_or(0);
            for inside in [first, first | 1, last] {
                if is_within_ipv4(Ipv4Addr::from_bits(inside), (network, length)) {
                    assert!(!is_public(Ipv4Addr::from_bits(inside).into()), "{}", Ipv4Addr::from_bits(inside));
                }
            }
        }
        for public in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2003::",
            "2620:fe::fe",
            "3ffe:ffff::",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "::",
            "::1",
            "::9.9.9.9",
            "::ffff:9.9.9.9",
            "::ffff:127.0.0.1",
            "64:ff9b::9.9.9.9",
            "64:ff9b:1::1",
            "100::1",
            "1fff:ffff::",
            "2001::1",
            "2001:20::1",
            "2001:1ff:ffff::",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:909:909::1",
            "3fff::1",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "255.255.255.255",
            "169.254.169.254",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    proptest! {
        #[test]
        fn no_address_of_this_machine_or_its_surroundings_is_public(bits in any::<u32>(), high in any::<u64>()) {
            let address = Ipv4Addr::from_bits(bits);
            let is_local = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_broadcast() || address.is_documentation() || address.is_unspecified();
            prop_assert!(!is_local || !is_public(address.into()));
            // However an IPv4 address is written into an IPv6 one, nothing is reached by it.
            prop_assert!(!is_public(address.to_ipv6_mapped().into()));
            prop_assert!(!is_public(address.to_ipv6_compatible().into()));
            let bits = u128::from(bits);
            prop_assert!(!is_public(Ipv6Addr::from_bits(0x64_ff9b << 96 | bits).into()), "NAT64");
            prop_assert!(!is_public(Ipv6Addr::from_bits(0x2002 << 112 | bits << 80 | u128::from(high)).into()), "6to4");
            prop_assert!(!is_public(Ipv6Addr::from_bits(0x2001_0000 << 96 | u128::from(high)).into()), "Teredo");
            let address = Ipv6Addr::from_bits(u128::from(high) << 64 | bits);
            let is_local = address.is_loopback() || address.is_multicast() || address.is_unique_local()
                || address.is_unicast_link_local() || address.is_unspecified();
            prop_assert!(!is_local || !is_public(address.into()));
        }

        #[test]
        fn most_of_the_internet_is_public(a in 1u8..=9, b in any::<u8>(), c in any::<u8>(), d in any::<u8>()) {
            prop_assert!(is_public(Ipv4Addr::new(a, b, c, d).into()));
        }
    }
}
