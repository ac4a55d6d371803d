use std::net::IpAddr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

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

/// Who may say where a request comes from, and in which header.
#[derive(Clone, Debug)]
pub(super) struct Proxies {
    pub(super) networks: Vec<Network>,
    pub(super) header: HeaderName,
}

/// Where a request comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: Option<IpAddr>,
    /// Why the address may be another one than the client's.
    pub(super) problems: Vec<String>,
}

impl Proxies {
    /// The client's address: the peer's, unless the peer is a trusted proxy. Then it is the one that the proxy reports
    /// in its header. No other header counts, because the client may have written it. If one that proxies use names
    /// another client, that is a problem.
    pub(super) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Client {
        let mut problems = Vec::new();
        let peer = peer.map(|peer| peer.to_canonical());
        let Some(proxy) = peer.filter(|peer| self.trusts(*peer)) else {
            return Client {
                address: peer,
                problems,
            };
        };
        let header = &self.header;
        let reported = self.reported(proxy, headers, header);
        let address = reported.unwrap_or_else(|nearest| nearest);
        if reported.is_err() {
            problems.push(format!(
                "{header} holds no address where a proxy reports its client's; user_ip is the proxy's own"
            ));
        }
        for other in [FORWARDED, HeaderName::from_static("x-forwarded-for")] {
            let is_there = headers.get_all(&other).iter().any(|line| !line.is_empty());
            if other != *header && is_there && self.reported(proxy, headers, &other) != Ok(address)
            {
                problems.push(format!(
                    "{other} does not name the client that user_ip names; only {header} counts"
                ));
            }
        }
        Client {
            address: Some(address),
            problems,
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let mut networks = self.networks.iter();
        networks.any(|network| network.contains(address))
    }

    /// The client that a header names. It is read from its end, where the proxy writes: the first address that is no
    /// trusted proxy's is the client's, who may have written all that comes before it.
    ///
    /// # Errors
    ///
    /// A trusted proxy reports no address. The error is the proxy's own.
    fn reported(
        &self,
        proxy: IpAddr,
        headers: &HeaderMap,
        name: &HeaderName,
    ) -> Result<IpAddr, IpAddr> {
        let parse = match *name == FORWARDED {
            true => forwarded_for,
            false => address,
        };
        let mut client = proxy;
        let lines = headers.get_all(name).iter().rev();
        let hops = lines.flat_map(|line| parts(line.as_bytes(), b','));
        for hop in hops.filter(|hop| !hop.trim_ascii().is_empty()) {
            client = parse(hop).ok_or(client)?;
            if !self.trusts(client) {
                break;
            }
        }
        Ok(client)
    }
}

/// What stands between separators, the last part first. A separator in a quoted string is none.
///
/// Quotes are counted from the end, too: those of a client, which come before what a proxy adds, must not change how
/// the proxy's part is read.
fn parts(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut is_quoted = false;
        let place = (0..text.len()).rev().find(|&at| {
            if text[at] == b'"' {
                let before = text[..at].iter().rev();
                let is_escaped = before.take_while(|byte| **byte == b'\\').count() % 2 == 1;
                is_quoted = !is_quoted || is_escaped;
            }
            text[at] == separator && !is_quoted
        });
        rest = place.map(|at| &text[..at]);
        Some(&text[place.map_or(0, |at| at + 1)..])
    })
}

/// The address in an element of `Forwarded`: `by=203.0.113.9;for=192.0.2.1`. `None`: it has none, or several.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let mut nodes = parts(element, b';').filter_map(|parameter| {
        let (name, node) = parameter.split_at(parameter.iter().position(|byte| *byte == b'=')?);
        let is_for = name.trim_ascii().eq_ignore_ascii_case(b"for");
        is_for.then_some(&node[1..])
    });
    let node = nodes.next()?;
    nodes.next().is_none().then(|| address(node))?
}

/// `192.0.2.1`, `192.0.2.1:80`, `"[2001:db8::1%eth0]:80"`.
fn address(node: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(node).ok()?.trim().trim_matches('"');
    let host = match (text.strip_prefix('['), text.split_once(':')) {
        (Some(inside), _) => {
            let (host, port) = inside.split_once(']')?;
            (port.is_empty() || port.starts_with(':')).then_some(host)?
        }
        (None, Some((host, port))) if !port.contains(':') => host,
        _ => text,
    };
    // A zone means something only to the proxy.
    let host = host.split_once('%').map_or(host, |(host, _)| host);
    Some(host.parse::<IpAddr>().ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn proxies(header: &'static str, networks: &[&str]) -> Proxies {
        let networks = networks.iter();
        Proxies {
            networks: networks
                .map(|text| Network::parse(text).expect("a network"))
                .collect(),
            header: HeaderName::from_static(header),
        }
    }

    /// The address that is recorded, and how many problems.
    fn seen(proxies: &Proxies, peer: &str, headers: &[(&'static str, &[u8])]) -> (String, usize) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).expect("a value"));
        }
        let client = proxies.client(peer.parse().ok(), &map);
        let address = client.address.map(|address| address.to_string());
        (address.unwrap_or_default(), client.problems.len())
    }

    #[test]
    fn only_proxies_that_are_trusted_are_believed() {
        let nobody = proxies("x-forwarded-for", &[]);
        let ours = proxies("x-forwarded-for", &["10.0.0.0/8", "fe80::/10"]);
        let headers: &[(_, &[u8])] = &[("x-forwarded-for", b"203.0.113.9, 198.51.100.7")];
        let forged: &[(_, &[u8])] = &[("x-forwarded-for", b"x"), ("forwarded", b"for=1.2.3.4")];
        for (proxies, peer, headers, expected) in [
            (&nobody, "198.51.100.1", headers, "198.51.100.1"),
            (&nobody, PROXY, headers, PROXY),
            (&ours, "198.51.100.1", forged, "198.51.100.1"),
            (&ours, PROXY, headers, "198.51.100.7"),
            (&ours, "fe80::1", headers, "198.51.100.7"),
            (&ours, "", headers, ""),
            (&ours, PROXY, &[], PROXY),
            (&ours, PROXY, &[("x-forwarded-for", b"")], PROXY),
            // A socket for IPv4 and IPv6 shows IPv4 addresses as IPv6.
            (&ours, "::ffff:10.0.0.1", headers, "198.51.100.7"),
            (&ours, "::ffff:198.51.100.1", headers, "198.51.100.1"),
        ] {
            let seen = seen(proxies, peer, headers);
            assert_eq!(seen, (expected.to_owned(), 0), "{peer} {headers:?}");
        }
    }

    #[test]
    fn each_list_of_proxies_has_one_client() {
        let ours = proxies("x-forwarded-for", &["10.0.0.0/8", "2001:db8::/32"]);
        let cases: &[(&[&[u8]], &str, usize)] = &[
            (&[b"203.0.113.9, 198.51.100.7, 10.2.3.4"], "198.51.100.7", 0),
            (&[b"203.0.113.9", b"198.51.100.7"], "198.51.100.7", 0),
            (&[b"198.51.100.7", b"10.2.3.4"], "198.51.100.7", 0),
            (&[b"198.51.100.7, ,"], "198.51.100.7", 0),
            // Only proxies: the first of them.
            (&[b"10.9.9.9, 10.2.3.4"], "10.9.9.9", 0),
            // What a client wrote that is no address changes nothing.
            (&[b"\xff, 198.51.100.7"], "198.51.100.7", 0),
            (&[b"\xff", b"198.51.100.7"], "198.51.100.7", 0),
            (&[b"\", 198.51.100.7"], "198.51.100.7", 0),
            (&[b"unknown, 198.51.100.7"], "198.51.100.7", 0),
            // A proxy that reports no address: nothing before it is believed.
            (&[b"203.0.113.9, unknown, 10.2.3.4"], "10.2.3.4", 1),
            (&[b"203.0.113.9, unix:"], PROXY, 1),
            (&[b"203.0.113.9, \xff"], PROXY, 1),
            (&[b"203.0.113.9", b"x"], PROXY, 1),
            (&[b"198.51.100.07"], PROXY, 1),
            // With and without a port, brackets and zone, and always in one spelling.
            (&[b"198.51.100.7:4711"], "198.51.100.7", 0),
            (&[b"2001:DB9:0::7"], "2001:db9::7", 0),
            (&[b"[2001:db9::7]"], "2001:db9::7", 0),
            (&[b"[2001:db9::7]:4711"], "2001:db9::7", 0),
            (&[b"fe80::7%eth0"], "fe80::7", 0),
            (&[b"::ffff:198.51.100.7"], "198.51.100.7", 0),
            (&[b"203.0.113.9, ::ffff:10.2.3.4"], "203.0.113.9", 0),
            (&[b"203.0.113.9, [2001:db8::7]:1"], "203.0.113.9", 0),
            (&[b"[2001:db9::7"], PROXY, 1),
            (&[b"[2001:db9::7]x"], PROXY, 1),
        ];
        for (lines, expected, problems) in cases {
            let headers: Vec<_> = lines
                .iter()
                .map(|line| ("x-forwarded-for", *line))
                .collect();
            let seen = seen(&ours, PROXY, &headers);
            assert_eq!(seen, ((*expected).to_owned(), *problems), "{headers:?}");
        }
    }

    #[test]
    fn each_element_of_the_standard_header_has_one_client() {
        let ours = proxies("forwarded", &["10.0.0.0/8"]);
        let cases: &[(&[u8], &str, usize)] = &[
            (
                b"for=203.0.113.9, for=198.51.100.7;by=10.0.0.1",
                "198.51.100.7",
                0,
            ),
            (b"by=203.0.113.9;for=198.51.100.7", "198.51.100.7", 0),
            (
                b"proto=https; For = 198.51.100.7 ;by=10.0.0.2",
                "198.51.100.7",
                0,
            ),
            (b"for=\"198.51.100.7:4711\"", "198.51.100.7", 0),
            (b"for=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7", 0),
            // A client's quotes, and a host of its choice, change nothing about what the proxy reports.
            (b"for=\"x, for=198.51.100.7", "198.51.100.7", 0),
            (b"for=\"x, for=198.51.100.7;host=\"h\"", "198.51.100.7", 0),
            (
                b"for=198.51.100.7;host=\"h,for=203.0.113.9\"",
                "198.51.100.7",
                0,
            ),
            (
                b"for=198.51.100.7;host=\"h;for=203.0.113.9\"",
                "198.51.100.7",
                0,
            ),
            (
                b"for=198.51.100.7;host=\"\\\",for=203.0.113.9\"",
                "198.51.100.7",
                0,
            ),
            (b"\xff, for=198.51.100.7", "198.51.100.7", 0),
            // No address, or one of several.
            (b"for=203.0.113.9, for=unknown, for=10.2.3.4", "10.2.3.4", 1),
            (b"for=203.0.113.9, by=198.51.100.7", PROXY, 1),
            (b"for=203.0.113.9;for=198.51.100.7", PROXY, 1),
            (b"for=_hidden", PROXY, 1),
            (b"for=unknown", PROXY, 1),
            (b"for", PROXY, 1),
            (b"x", PROXY, 1),
        ];
        for (line, expected, problems) in cases {
            let seen = seen(&ours, PROXY, &[("forwarded", line)]);
            let line = line.escape_ascii();
            assert_eq!(seen, ((*expected).to_owned(), *problems), "{line}");
        }
    }

    #[test]
    fn a_header_that_the_proxy_does_not_set_never_counts_and_a_conflict_is_a_problem() {
        let usual: (_, &[u8]) = ("x-forwarded-for", b"198.51.100.7");
        let standard: (_, &[u8]) = ("forwarded", b"for=198.51.100.7");
        let real: (_, &[u8]) = ("x-real-ip", b"198.51.100.7");
        for (set, name, forged) in [
            (usual, "forwarded", &b"for=203.0.113.9"[..]),
            (usual, "forwarded", b"for=unknown"),
            (usual, "forwarded", b"x"),
            (usual, "forwarded", b"\xff"),
            (
                usual,
                "forwarded",
                b"for=198.51.100.7, for=10.0.0.1;host=\"",
            ),
            (standard, "x-forwarded-for", b"203.0.113.9"),
            (standard, "x-forwarded-for", b"\xff"),
            (real, "x-forwarded-for", b"203.0.113.9"),
            (real, "forwarded", b"for=203.0.113.9"),
        ] {
            let proxies = proxies(set.0, &["10.0.0.0/8"]);
            let seen = seen(&proxies, PROXY, &[(name, forged), set]);
            let forged = forged.escape_ascii();
            assert_eq!(seen, ("198.51.100.7".to_owned(), 1), "{name}: {forged}");
        }
        // Where both name the same client, or one is empty, nothing is in conflict.
        let proxies = proxies("x-forwarded-for", &["10.0.0.0/8"]);
        for other in [standard, ("forwarded", b"")] {
            let seen = seen(&proxies, PROXY, &[other, usual]);
            assert_eq!(seen, ("198.51.100.7".to_owned(), 0), "{other:?}");
        }
        // The proxy has set none: the other header still does not count.
        let seen = seen(&proxies, PROXY, &[("forwarded", b"for=203.0.113.9")]);
        assert_eq!(seen, (PROXY.to_owned(), 1));
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
