//! The one spelling of a value: what is typed differently and means the same has the same tag.

use std::cell::Cell;
use std::io::Write as _;
use std::net::IpAddr;

use super::Entity;

/// Calls `take` with a value as it goes into its tag.
pub(super) fn canonical<T>(entity: Entity, value: &str, take: impl FnOnce(&[u8]) -> T) -> T {
    let mut room = ROOM.try_with(Cell::take).unwrap_or_default();
    room.clear();
    let is_written = spell(entity, value, &mut room);
    let taken = take(if is_written { &room } else { value.as_bytes() });
    if room.capacity() <= ROOM_KEPT {
        let _ = ROOM.try_with(|kept| kept.set(room));
    }
    taken
}

thread_local! {
    /// Room for the spelling of one value. It is taken while in use.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

const ROOM_KEPT: usize = 64 << 10;

/// Writes the spelling of a value, unless the value is it.
fn spell(entity: Entity, value: &str, out: &mut Vec<u8>) -> bool {
    match entity {
        Entity::Email => {
            if !value.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return false;
            }
            out.extend_from_slice(value.as_bytes());
            out.make_ascii_lowercase();
        }
        Entity::UsSsn | Entity::CreditCard => keep(value, u8::is_ascii_digit, out),
        Entity::Iban => {
            keep(value, u8::is_ascii_alphanumeric, out);
            out.make_ascii_uppercase();
        }
        Entity::Mac => {
            keep(value, u8::is_ascii_hexdigit, out);
            out.make_ascii_lowercase();
        }
        Entity::Ip => {
            // A network is spelled by its first part too.
            let (address, network) = value.split_at(value.find('/').unwrap_or(value.len()));
            let Ok(address) = address.parse::<IpAddr>() else {
                return false;
            };
            // Writing to memory does not fail.
            let _ = write!(out, "{}{network}", address.to_canonical());
        }
        Entity::Crypto
            if value.starts_with("0x") || value.starts_with("BC1") || value.starts_with("TB1") =>
        {
            out.extend_from_slice(value.as_bytes());
            out.make_ascii_lowercase();
        }
        Entity::Phone => phone(value, out),
        Entity::PrivateKey => {
            // The lines of a key may be broken anywhere, also by escapes.
            let mut escaped = false;
            for byte in value.bytes() {
                let is_letter = escaped && matches!(byte, b'n' | b'r');
                escaped = byte == b'\\';
                if !escaped && !is_letter && !byte.is_ascii_whitespace() {
                    out.push(byte);
                }
            }
        }
        Entity::Crypto | Entity::Jwt | Entity::Secret | Entity::UrlCred => return false,
    }
    true
}

fn keep(value: &str, class: fn(&u8) -> bool, out: &mut Vec<u8>) {
    out.reserve(value.len());
    out.extend(value.bytes().filter(class));
}

/// The digits in international form, as far as they say the country: `+44 (0)20 7946 0018`,
/// `0044…` and, for North America, `(212) 555-0187`. Without the extension.
fn phone(value: &str, out: &mut Vec<u8>) {
    let is_international = value.starts_with('+');
    let mut digits = [0; LONGEST_PHONE];
    let (mut count, mut rest) = (0, value.as_bytes());
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match byte {
            b'(' if is_international && behind.starts_with(b"0)") => rest = &behind[2..],
            b'0'..=b'9' if count < LONGEST_PHONE => {
                digits[count] = *byte;
                count += 1;
            }
            b'x' | b'X' | b'e' | b'E' => break,
            _ => {}
        }
    }
    match &digits[..count] {
        [b'0', b'0', rest @ ..] if !is_international && count > 10 => out.extend_from_slice(rest),
        [b'2'..=b'9', ..] if !is_international && count == 10 => {
            out.push(b'1');
            out.extend_from_slice(&digits[..count]);
        }
        digits => out.extend_from_slice(digits),
    }
}

/// Digits past these are no phone number's.
const LONGEST_PHONE: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_spelled_the_same() {
        for (entity, spellings) in [
            (Entity::Email, &["Ann@Example.com", "ann@example.COM"][..]),
            (
                Entity::Phone,
                &[
                    "(212) 555-0187",
                    "+1 212 555 0187",
                    "212.555.0187 x12",
                    "001-212-555-0187",
                ],
            ),
            (
                Entity::Phone,
                &[
                    "+44 (0)20 7946 0018",
                    "+44 20 7946 0018",
                    "0044 20 79460018",
                ],
            ),
            (
                Entity::CreditCard,
                &["4111-1111 11111111", "4111111111111111"],
            ),
            (
                Entity::Iban,
                &["de89 3704 0044 0532 0130 00", "DE89370400440532013000"],
            ),
            (Entity::Ip, &["2001:DB8:0:0::1", "2001:db8::1"]),
            (Entity::Ip, &["::ffff:192.0.2.1", "192.0.2.1"]),
            (Entity::Mac, &["AA-BB-CC-DD-EE-01", "aabb.ccdd.ee01"]),
            (
                Entity::PrivateKey,
                &["-----BEGIN\\nab\\ncd", "-----BEGIN\nab\r\n  cd"],
            ),
        ] {
            let spelled = |spelling: &str| canonical(entity, spelling, <[u8]>::to_vec);
            for spelling in spellings {
                assert_eq!(spelled(spelling), spelled(spellings[0]), "{spelling}");
            }
        }
    }
}
