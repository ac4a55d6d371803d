//! The one spelling of a value: what is typed differently and means the same has the same tag.

use std::borrow::Cow;
use std::net::IpAddr;

use super::Entity;

/// A value as it goes into its tag.
pub(super) fn canonical(entity: Entity, value: &str) -> Cow<'_, str> {
    let kept = |keep: fn(&char) -> bool| value.chars().filter(keep).collect::<String>();
    match entity {
        Entity::Email => match value.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(value.to_ascii_lowercase()),
            false => Cow::Borrowed(value),
        },
        Entity::UsSsn | Entity::CreditCard => Cow::Owned(kept(char::is_ascii_digit)),
        Entity::Iban => Cow::Owned(kept(char::is_ascii_alphanumeric).to_ascii_uppercase()),
        Entity::Mac => Cow::Owned(kept(char::is_ascii_hexdigit).to_ascii_lowercase()),
        Entity::Ip => match value.parse::<IpAddr>() {
            Ok(address) => Cow::Owned(address.to_canonical().to_string()),
            Err(_) => Cow::Borrowed(value),
        },
        Entity::Crypto if value.starts_with("0x") || value.starts_with("BC1") => {
            Cow::Owned(value.to_ascii_lowercase())
        }
        Entity::Phone => Cow::Owned(phone(value)),
        // The lines of a key may be broken anywhere, also by escapes.
        Entity::PrivateKey => Cow::Owned(value.replace("\\n", "").replace("\\r", "").split_whitespace().collect()),
        Entity::Crypto | Entity::Jwt | Entity::Secret | Entity::UrlCred => Cow::Borrowed(value),
    }
}

/// The digits in international form, as far as they say the country: `+44 (0)20 7946 0018`,
/// `0044…` and, for North America, `(212) 555-0187`. Without the extension.
fn phone(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    let number = lower.split(['x', 'e']).next().unwrap_or_default();
    let is_international = number.trim_start().starts_with('+');
    let number = match is_international {
        true => number.replace("(0)", ""),
        false => number.to_owned(),
    };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix("00") {
        _ if is_international => digits,
        Some(international) if digits.len() > 10 => international.to_owned(),
        _ if digits.len() == 10 && !digits.starts_with(['0', '1']) => format!("1{digits}"),
        _ => digits,
    }
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
            let first = canonical(entity, spellings[0]);
            for spelling in spellings {
                assert_eq!(canonical(entity, spelling), first, "{spelling}");
            }
        }
    }
}
