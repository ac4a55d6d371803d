use std::net::IpAddr;

use http::HeaderMap;

/// A network of proxies whose word on the client's address is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u8,
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
        Some(Network { address, prefix })
    }

    fn contains(self, other: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        };
        // Of an IPv4 address the bits stand leftmost, where the prefix counts from.
        let mask = u128::MAX
            .checked_shl(128 - u32::from(self.prefix))
            .unwrap_or(0);
        self.address.is_ipv4() == other.is_ipv4() && (bits(self.address) ^ bits(other)) & mask == 0
    }
}

/// The client's address: the peer's, unless the peer is a trusted proxy. Then the proxies'
/// list is read from its end, and the first address in it that is no trusted proxy is the
/// client: what stands before it the client may have written itself.
pub(super) fn client(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[Network],
) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer?;
    if !is_trusted(peer) {
        return Some(peer);
    }
    let mut client = peer;
    for hop in hops(headers).into_iter().rev() {
        // A hop that is no address ends what can be believed.
        let Some(address) = hop else {
            break;
        };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    Some(client)
}

/// The addresses of `Forwarded`, else of `X-Forwarded-For`, in the order of the hops.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name: &str| {
        let values = headers.get_all(name).into_iter();
        let lists = values.filter_map(|value| value.to_str().ok());
        lists.collect::<Vec<_>>().join(",")
    };
    let forwarded = values("forwarded");
    if !forwarded.is_empty() {
        let parameter = |hop: &str| {
            hop.split(';').find_map(|parameter| {
                let (name, value) = parameter.split_once('=')?;
                name.trim()
                    .eq_ignore_ascii_case("for")
                    .then(|| address(value))?
            })
        };
        return forwarded.split(',').map(parameter).collect();
    }
    let list = values("x-forwarded-for");
    match list.is_empty() {
        true => Vec::new(),
        false => list.split(',').map(address).collect(),
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `"[2001:db8::1]:80"`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
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
    fn networks_are_read_and_compared_by_their_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "203.0.113.1", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ] {
            let network = Network::parse(network).expect("a network");
            assert!(network.contains(inside.parse().expect("an address")));
            assert!(!network.contains(outside.parse().expect("an address")));
        }
        for bad in ["10.0.0.0/33", "10.0.0/8", "", "host"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
