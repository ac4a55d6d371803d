//! The one spelling of a value: what is typed differently and means the same has the same tag.

use std::cell::Cell;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::Entity;

/// Calls `take` with a value as it goes into its tag.
pub(super) fn canonical<T>(entity: Entity, value: &str, take: impl FnOnce(&str) -> T) -> T {
    let mut room = ROOM.try_with(Cell::take).unwrap_or_default();
    room.clear();
    let is_written = spell(entity, value, &mut room);
    let taken = take(if is_written { &room } else { value });
    if room.capacity() <= ROOM_KEPT {
        let _ = ROOM.try_with(|kept| kept.set(room));
    }
    taken
}

thread_local! {
    /// Room for the spelling of one value. It is taken while in use.
    static ROOM: Cell<String> = const { Cell::new(String::new()) };
}

const ROOM_KEPT: usize = 64 << 10;

/// Writes the spelling of a value, unless the value is it.
fn spell(entity: Entity, value: &str, out: &mut String) -> bool {
    let mut keep = |keep: fn(&char) -> bool| out.extend(value.chars().filter(keep));
    match entity {
        Entity::Email => {
            if !value.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return false;
            }
            out.push_str(value);
            out.make_ascii_lowercase();
        }
        Entity::UsSsn | Entity::CreditCard => keep(char::is_ascii_digit),
        Entity::Iban => {
            keep(char::is_ascii_alphanumeric);
            out.make_ascii_uppercase();
        }
        Entity::Mac => {
            keep(char::is_ascii_hexdigit);
            out.make_ascii_lowercase();
        }
        Entity::Ip => {
            // A network is spelled by its first part too.
            let (address, network) = value.split_at(value.find('/').unwrap_or(value.len()));
            let Ok(address) = address.parse::<IpAddr>() else {
                return false;
            };
            // Writing to a string does not fail.
            let _ = write!(out, "{}{network}", address.to_canonical());
        }
        Entity::Crypto if value.starts_with("0x") || value.starts_with("BC1") => {
            out.push_str(value);
            out.make_ascii_lowercase();
        }
        Entity::Phone => phone(value, out),
        Entity::PrivateKey => {
            // The lines of a key may be broken anywhere, also by escapes.
            let lines = value.split("\\n").flat_map(|lines| lines.split("\\r"));
            out.extend(lines.flat_map(str::split_whitespace));
        }
        Entity::Crypto | Entity::Jwt | Entity::Secret | Entity::UrlCred => return false,
    }
    true
}

/// The digits in international form, as far as they say the country: `+44 (0)20 7946 0018`,
/// `0044…` and, for North America, `(212) 555-0187`. Without the extension.
fn phone(value: &str, out: &mut String) {
    let number = value.split(['x', 'X', 'e', 'E']).next().unwrap_or(value);
    let is_international = number.starts_with('+');
    let (country, rest) = match number.split_once("(0)") {
        Some(parts) if is_international => parts,
        _ => (number, ""),
    };
    let digits = || country.chars().chain(rest.chars()).filter(char::is_ascii_digit);
    let count = digits().count();
    let is_north_american = || count == 10 && !number.trim_start_matches('(').starts_with(['0', '1']);
    if !is_international && count > 10 && number.starts_with("00") {
        return out.extend(digits().skip(2));
    }
    if !is_international && is_north_american() {
        out.push('1');
    }
    out.extend(digits());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_spelled_the_same() {
        for (entity, spellings) in [
            (Entity::Email, &["Ann@Example.com", "ann@example.COM"][..]),
            (Entity::Phone, &["(212) 555-0187", "+1 212 555 0187", "212.555.0187 x12", "001-212-555-0187"]),
            (Entity::Phone, &["+44 (0)20 7946 0018", "+44 20 7946 0018", "0044 20 79460018"]),
            (Entity::CreditCard, &["4111-1111 11111111", "4111111111111111"]),
            (Entity::Iban, &["de89 3704 0044 0532 0130 00", "DE89370400440532013000"]),
            (Entity::Ip, &["2001:DB8:0:0::1", "2001:db8::1"]),
            (Entity::Ip, &["::ffff:192.0.2.1", "192.0.2.1"]),
            (Entity::Mac, &["AA-BB-CC-DD-EE-01", "aabb.ccdd.ee01"]),
            (Entity::PrivateKey, &["-----BEGIN\\nab\\ncd", "-----BEGIN\nab\r\n  cd"]),
        ] {
            let spelled = |spelling: &str| canonical(entity, spelling, str::to_owned);
            for spelling in spellings {
                assert_eq!(spelled(spelling), spelled(spellings[0]), "{spelling}");
            }
        }
    }
}
