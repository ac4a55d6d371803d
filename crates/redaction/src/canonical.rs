//! The one spelling of a value: what is typed differently and means the same has the same tag.

use std::net::IpAddr;

use super::Entity;

/// A value as it goes into its tag.
pub(super) fn canonical(entity: Entity, value: &str) -> String {
    match entity {
        Entity::Email => value.to_lowercase(),
        Entity::UsSsn | Entity::CreditCard => keep(value, |character| character.is_ascii_digit()),
        Entity::Iban => {
            keep(value, |character| character.is_ascii_alphanumeric()).to_ascii_uppercase()
        }
        Entity::Mac => keep(value, |character| character.is_ascii_hexdigit()).to_ascii_lowercase(),
        Entity::Ip => {
            // A zone and a network are spelled as they are.
            let (address, network) = value.split_at(value.find(['%', '/']).unwrap_or(value.len()));
            match address.parse::<IpAddr>() {
                Ok(address) => format!("{}{network}", address.to_canonical()),
                Err(_) => value.to_owned(),
            }
        }
        Entity::Crypto => match value.get(..2) {
            Some("0x" | "BC" | "TB") => value.to_ascii_lowercase(),
            _ => value.to_owned(),
        },
        Entity::Phone => phone(value),
        Entity::PrivateKey => {
            // The lines of a key may be broken anywhere, also by escapes.
            let mut is_escaped = false;
            keep(value, |character| {
                let is_letter = is_escaped && matches!(character, 'n' | 'r');
                is_escaped = character == '\\';
                !is_escaped && !is_letter && !character.is_ascii_whitespace()
            })
        }
        Entity::Jwt | Entity::Secret | Entity::UrlCred => value.to_owned(),
    }
}

fn keep(value: &str, class: impl FnMut(char) -> bool) -> String {
    let mut kept = value.to_owned();
    kept.retain(class);
    kept
}

/// The digits in international form, as far as they say the country: `+44 (0)20 7946 0018`,
/// `0044…` and, for North America, `(212) 555-0187`. Without the extension.
fn phone(value: &str) -> String {
    let is_international = value.starts_with('+');
    let number = value.split(['x', 'X', 'e', 'E']).next().unwrap_or_default();
    let is_digit = |character: char| character.is_ascii_digit();
    let digits = match is_international && number.contains('(') {
        true => keep(&number.replace("(0)", ""), is_digit),
        false => keep(number, is_digit),
    };
    match digits.len() {
        11.. if !is_international && digits.starts_with("00") => digits[2..].to_owned(),
        10 if !is_international && !digits.starts_with(['0', '1']) => format!("1{digits}"),
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
            (Entity::Email, &["Почта@Пример.рф", "почта@пример.РФ"][..]),
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
            (Entity::Ip, &["FE80:0::1%eth0", "fe80::1%eth0"]),
            (Entity::Ip, &["::ffff:192.0.2.1", "192.0.2.1"]),
            (Entity::Mac, &["AA-BB-CC-DD-EE-01", "aabb.ccdd.ee01"]),
            (
                Entity::PrivateKey,
                &["-----BEGIN\\nab\\ncd", "-----BEGIN\nab\r\n  cd"],
            ),
        ] {
            for spelling in spellings {
                assert_eq!(
                    canonical(entity, spelling),
                    canonical(entity, spellings[0]),
                    "{spelling}"
                );
            }
        }
    }
}
