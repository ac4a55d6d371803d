use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

/// A network of proxies whose word on the client's address is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: u128,
    mask: u128,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address.
    pub(super) fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix
                .trim()
                .parse()
                .ok()
                .filter(|prefix| *prefix <= longest)?,
            None => longest,
        };
        let host_bits: u32 = longest - prefix;
        Some(Network {
            address: bits(address),
            mask: u128::MAX.checked_shl(host_bits).unwrap_or(0),
        })
    }

    fn contains(self, other: IpAddr) -> bool {
        (self.address ^ bits(other)) & self.mask == 0
    }
}

/// The address in 128 bits. An IPv4 address is the same as its IPv6 form `::ffff:192.0.2.1`, in which a socket
/// for both shows it.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The client's address: the peer's, unless the peer is a trusted proxy. Then the proxies' list is read from its
/// end, and the first address in it that is no trusted proxy is the client: the client may have written what comes
/// before it.
///
/// Most proxies write one of the two headers and pass the other on as the client sent it. So if both are there and
/// name different clients, neither is believed.
pub(super) fn client(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[Network],
) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer?.to_canonical();
    if !is_trusted(peer) {
        return Some(peer);
    }
    let lists = [
        hops(headers, "forwarded", forwarded_for),
        hops(headers, "x-forwarded-for", address),
    ];
    let mut clients = lists.iter().filter(|hops| !hops.is_empty()).map(|hops| {
        let mut client = peer;
        for hop in hops.iter().rev() {
            // A hop that is no address ends what can be believed.
            let Some(address) = hop else {
                break;
            };
            client = *address;
            if !is_trusted(client) {
                break;
            }
        }
        client
    });
    let client = clients.next().unwrap_or(peer);
    Some(match clients.all(|other| other == client) {
        true => client,
        false => peer,
    })
}

/// The hops that a header lists, in their order. `None`: the hop names no address.
fn hops(
    headers: &HeaderMap,
    name: &str,
    parse: impl Fn(&str) -> Option<IpAddr>,
) -> Vec<Option<IpAddr>> {
    let mut hops = Vec::new();
    for line in headers.get_all(name) {
        // A line with other bytes than ASCII has hops too.
        let line = String::from_utf8_lossy(line.as_bytes());
        let entries = line.split(',').filter(|entry| !entry.trim().is_empty());
        hops.extend(entries.map(&parse));
    }
    hops
}

/// The address in an entry of `Forwarded`: `by=203.0.113.9;for=192.0.2.1`.
fn forwarded_for(entry: &str) -> Option<IpAddr> {
    let mut parameters = entry.split(';').filter_map(|text| text.split_once('='));
    let (_, node) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node)
}

/// `192.0.2.1`, `192.0.2.1:80`, `"[2001:db8::1]:80"`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let address = match text.parse::<SocketAddr>() {
        Ok(socket) => socket.ip(),
        Err(_) => {
            let inside = text
                .strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'));
            inside.unwrap_or(text).parse().ok()?
        }
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        let trusted: Vec<_> = trusted
            .iter()
            .map(|text| Network::parse(text).expect("a network"))
            .collect();
        let peer = peer.parse().ok();
        client(peer, &map, &trusted)
            .map(|address| address.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn only_proxies_that_are_trusted_are_believed() {
        let spoofed = [("x-forwarded-for", "203.0.113.9, 198.51.100.7")];
        assert_eq!(seen("198.51.100.1", &spoofed, &[]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &spoofed, &["10.0.0.0/8"]), "198.51.100.7");
        let through_two = [("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.2.3.4")];
        assert_eq!(
            seen("10.0.0.1", &through_two, &["10.0.0.0/8"]),
            "198.51.100.7"
        );
        let split = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "198.51.100.7"),
        ];
        assert_eq!(seen("10.0.0.1", &split, &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(
            seen("10.0.0.1", &[("x-forwarded-for", "junk")], &["10.0.0.0/8"]),
            "10.0.0.1"
        );
        assert_eq!(seen("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
        let standard = [(
            "forwarded",
            "for=203.0.113.9, for=\"[2001:db8::7]:4711\";proto=https",
        )];
        assert_eq!(seen("::1", &standard, &["::1"]), "2001:db8::7");
        assert_eq!(
            seen("", &spoofed, &["10.0.0.0/8"]),
            "",
            "no peer, no address"
        );
    }

    #[test]
    fn each_form_of_the_headers_gives_exactly_one_client() {
        type Case<'a> = (&'a [(&'static str, &'a str)], &'a str);
        let cases: &[Case<'_>] = &[
            // Nothing before a hop that is no address is believed.
            (
                &[("x-forwarded-for", "203.0.113.9, junk, 10.2.3.4")],
                "10.2.3.4",
            ),
            (&[("x-forwarded-for", "203.0.113.9, junk")], "10.0.0.1"),
            (
                &[("forwarded", "for=203.0.113.9, for=unknown, for=10.2.3.4")],
                "10.2.3.4",
            ),
            (
                &[("forwarded", "for=203.0.113.9, by=198.51.100.7")],
                "10.0.0.1",
            ),
            // Only proxies: the first of them.
            (&[("x-forwarded-for", "10.9.9.9, 10.2.3.4")], "10.9.9.9"),
            // Only the parameter `for` counts, in whatever place and case.
            (
                &[("forwarded", "by=203.0.113.9;for=198.51.100.7")],
                "198.51.100.7",
            ),
            (
                &[("forwarded", "proto=https; For = 198.51.100.7 ;by=10.0.0.2")],
                "198.51.100.7",
            ),
            (&[("forwarded", "for")], "10.0.0.1"),
            (&[("forwarded", "for=_hidden;for=203.0.113.9")], "10.0.0.1"),
            // With and without a port.
            (&[("forwarded", "for=\"[2001:db8::7]\"")], "2001:db8::7"),
            (&[("x-forwarded-for", "[2001:db8::7]")], "2001:db8::7"),
            (&[("x-forwarded-for", "[2001:db8::7]:4711")], "2001:db8::7"),
            (&[("x-forwarded-for", "2001:db8::7")], "2001:db8::7"),
            (
                &[("forwarded", "for=\"198.51.100.7:4711\"")],
                "198.51.100.7",
            ),
            (&[("x-forwarded-for", "198.51.100.7:4711")], "198.51.100.7"),
            // Both headers: one of them may be the client's own.
            (
                &[
                    ("forwarded", "for=203.0.113.9"),
                    ("x-forwarded-for", "198.51.100.7"),
                ],
                "10.0.0.1",
            ),
            (
                &[("forwarded", "junk"), ("x-forwarded-for", "198.51.100.7")],
                "10.0.0.1",
            ),
            (
                &[
                    ("forwarded", "for=203.0.113.9, for=198.51.100.7;by=10.0.0.1"),
                    ("x-forwarded-for", "198.51.100.7"),
                ],
                "198.51.100.7",
            ),
            // An empty header is none, and neither is an empty entry.
            (
                &[("forwarded", ""), ("x-forwarded-for", "198.51.100.7, ,")],
                "198.51.100.7",
            ),
        ];
        for (headers, expected) in cases {
            let seen = seen("10.0.0.1", headers, &["10.0.0.0/8"]);
            assert_eq!(seen, *expected, "{headers:?}");
        }
        // A socket for IPv4 and IPv6 shows IPv4 addresses as IPv6.
        let mapped = [("x-forwarded-for", "::ffff:203.0.113.9")];
        for (peer, expected) in [
            ("::ffff:10.0.0.1", "203.0.113.9"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
        ] {
            assert_eq!(seen(peer, &mapped, &["10.0.0.0/8"]), expected);
        }
    }

    #[test]
    fn bytes_that_are_not_ascii_hide_no_other_hop() {
        let mut headers = HeaderMap::new();
        let line = http::HeaderValue::from_bytes(b"caf\xe9, 198.51.100.7").expect("a value");
        headers.append("x-forwarded-for", line);
        let trusted = [Network::parse("10.0.0.0/8").expect("a network")];
        let client = client("10.0.0.1".parse().ok(), &headers, &trusted);
        assert_eq!(client, "198.51.100.7".parse().ok());
    }

    #[test]
    fn networks_are_read_and_compared_by_their_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.6/31", "192.0.2.7", "192.0.2.5"),
            ("0.0.0.0/0", "203.0.113.1", "::1"),
            ("10.0.0.0/8", "::ffff:10.2.3.4", "::ffff:11.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.2.3.4", "11.0.0.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("2001:db8::7", "2001:db8::7", "2001:db8::6"),
        ] {
            let network = Network::parse(network).expect("a network");
            assert!(network.contains(inside.parse().expect("an address")));
            assert!(!network.contains(outside.parse().expect("an address")));
        }
        for bad in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0/8", "", "host"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
