//! International bank account numbers, found where two letters are followed by two digits.

use super::Detector;
use super::bytes::{is_alnum, mod97};
use crate::Entity;

pub(crate) const REGEX: &str = r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}";

impl Detector<'_> {
    pub(super) fn iban(&mut self, start: usize) {
        if is_alnum(self.before(start)) {
            return;
        }
        let is_country = |known: &&&str| {
            self.bytes[start..start + 2].eq_ignore_ascii_case(&known.as_bytes()[..2])
        };
        let Some(length) = LENGTHS.iter().find(is_country).map(|known| &known[2..]) else {
            return;
        };
        // A country's numbers have one length: the candidate is cut there.
        let length = length
            .parse()
            .expect("invariant: a test parses each length");
        let (mut count, mut end) = (4, start + 4);
        while count < length {
            if matches!(self.at(end), b' ' | b'-') {
                end += 1;
            }
            if !is_alnum(self.at(end)) {
                return;
            }
            count += 1;
            end += 1;
        }
        let (head, rest) = self.bytes[start..end].split_at(4);
        if mod97(rest.iter().chain(head)) && !is_alnum(self.at(end)) {
            self.found(Entity::Iban, start, end);
        }
    }
}

/// Countries with the lengths of their numbers, as the registry publishes them.
pub(crate) const LENGTHS: [&str; 89] = [
    "AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BI27", "BR29", "BY28",
    "CH21", "CR22", "CY28", "CZ24", "DE22", "DJ27", "DK18", "DO28", "EE20", "EG29", "ES24", "FI18",
    "FK18", "FO18", "FR27", "GB22", "GE22", "GI23", "GL18", "GR27", "GT28", "HN28", "HR21", "HU28",
    "IE22", "IL23", "IQ23", "IR26", "IS26", "IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21",
    "LT20", "LU20", "LV21", "LY25", "MC27", "MD24", "ME22", "MK19", "MN20", "MR27", "MT31", "MU30",
    "NI28", "NL18", "NO15", "OM23", "PK24", "PL28", "PS29", "PT25", "QA29", "RO24", "RS22", "RU33",
    "SA24", "SC31", "SD18", "SE24", "SI19", "SK24", "SM27", "SO23", "ST25", "SV28", "TL23", "TN24",
    "TR26", "UA29", "VA22", "VG24", "XK20",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_country_is_there_once_and_has_a_length() {
        assert!(LENGTHS.is_sorted_by(|one, next| one[..2] < next[..2]));
        for known in LENGTHS {
            let length: usize = known[2..].parse().expect("a number");
            assert!((15..=34).contains(&length), "{known}");
        }
    }
}
