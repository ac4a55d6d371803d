//! National identifiers, whose checksums hold.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::detect::bytes::{digits, luhn, number};
use super::entity::kinds;

macro_rules! national {
    ($($(#[$doc:meta])* $variant:ident $name:literal $regex:literal $check:expr;)*) => {
        kinds! {
            /// A national identifier, for [`Rules::national`](super::Rules::national).
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            National { $($(#[$doc])* $variant $name;)* }
        }

        impl National {
            /// The regular expression that finds it, and what must hold of a finding besides.
            pub(super) fn expression(self) -> (&'static str, fn(&str) -> bool) {
                match self {
                    $(National::$variant => ($regex, $check)),*
                }
            }
        }
    };
}

national! {
    /// Australian business number.
    AuAbn "AU_ABN" r"\b[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b" |text| {
        // One is taken from the first digit.
        (weighted(text, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 == 0
    };
    /// Australian tax file number.
    AuTfn "AU_TFN" r"\b[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b" |text| {
        weighted(text, &[1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0
    };
    /// Brazilian register of natural persons.
    BrCpf "BR_CPF" r"\b[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}\b" |text| {
        let number = number(text.as_bytes()) as i64;
        let check = |weights: &[i64]| weighted(text, weights) * 10 % 11 % 10;
        let is_one_digit = number % 11_111_111_111 == 0;
        !is_one_digit
            && number / 10 % 10 == check(&[10, 9, 8, 7, 6, 5, 4, 3, 2])
            && number % 10 == check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
    };
    /// Canadian social insurance number.
    CaSin "CA_SIN" r"\b[1-79][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}\b" |text| luhn(text.as_bytes());
    /// German tax identification number.
    DeTaxId "DE_TAX_ID" r"\b[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}\b" |text| {
        mod_11_10(digits(text.as_bytes()))
    };
    /// Spanish tax number of a foreigner.
    EsNie "ES_NIE" r"\b[XYZ]-?[0-9]{7}-?[A-Z]\b" |text| {
        let first = match text.as_bytes()[0] {
            b'X' => 0,
            b'Y' => 1,
            _ => 2,
        };
        spanish_letter(first * 10_000_000 + number(text.as_bytes()), text)
    };
    /// Spanish tax number.
    EsNif "ES_NIF" r"\b[0-9]{8}-?[A-Z]\b" |text| {
        spanish_letter(number(text.as_bytes()), text)
    };
    /// Finnish personal identity code.
    FiPic "FI_PIC" r"\b[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]\b" |text| {
        const LETTERS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
        let (rest, check) = text.split_at(text.len() - 1);
        LETTERS[(number(rest.as_bytes()) % 31) as usize] == check.as_bytes()[0]
    };
    /// French social security number.
    FrNir "FR_NIR" r"\b[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b" |text| {
        let number = number(text.as_bytes());
        97 - number / 100 % 97 == number % 100
    };
    /// Indian Aadhaar number.
    InAadhaar "IN_AADHAAR" r"\b[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}\b" verhoeff;
    /// Italian fiscal code.
    ItFiscalCode "IT_FISCAL_CODE" r"\b(?i:[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z])\b" italian_letter;
    /// Dutch citizen service number.
    NlBsn "NL_BSN" r"\b[0-9]{9}\b" |text| {
        weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0 && number(text.as_bytes()) != 0
    };
    /// Polish personal number.
    PlPesel "PL_PESEL" r"\b[0-9]{11}\b" |text| {
        let month = number(text.as_bytes()) / 10_000_000 % 100 % 20;
        (1..=12).contains(&month) && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 == 0
    };
    /// Swedish personal number.
    SePnr "SE_PNR" r"\b(?:[12][0-9])?[0-9]{2}[01][0-9][0-9]{2}[-+]?[0-9]{4}\b" |text| {
        let all: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
        luhn(&all[all.len() - 10..])
    };
    /// Number of the National Health Service of the United Kingdom.
    UkNhs "UK_NHS" r"\b[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}\b" |text| {
        weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0
    };
    /// National insurance number of the United Kingdom. It has no checksum.
    UkNino "UK_NINO" r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b" |text| {
        !matches!(&text[..2], "BG" | "GB" | "NK" | "KN" | "TN" | "NT" | "ZZ")
    };
    /// South African identity number.
    ZaId "ZA_ID" r"\b[0-9]{2}[01][0-9][0-3][0-9]{5}[01][89][0-9]\b" |text| luhn(text.as_bytes());
}

/// The sum of the digits, each times its weight.
fn weighted(text: &str, weights: &[i64]) -> i64 {
    let weighted = digits(text.as_bytes()).zip(weights);
    weighted
        .map(|(digit, weight)| i64::from(digit) * weight)
        .sum()
}

/// ISO 7064, MOD 11,10.
fn mod_11_10(digits: impl Iterator<Item = u32>) -> bool {
    let digits: Vec<u32> = digits.collect();
    let (check, rest) = digits.split_last().unwrap_or((&0, &[]));
    let product = rest.iter().fold(10, |product, digit| {
        let sum = match (digit + product) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    (11 - product) % 10 == *check
}

fn verhoeff(text: &str) -> bool {
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let places = digits(text.as_bytes()).rev().enumerate();
    let sum = places.fold(0, |sum, (place, digit)| {
        // The digit at each place is permuted as often as there are places behind it.
        let permuted = (0..place % 8).fold(digit, |digit, _| PERMUTATION[digit as usize]);
        dihedral_product(sum, permuted)
    });
    sum == 0
}

/// The product in the dihedral group of order ten: 0 to 4 turn a pentagon, 5 to 9 turn and flip it.
fn dihedral_product(a: u32, b: u32) -> u32 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

fn spanish_letter(number: u64, text: &str) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    text.as_bytes().last() == Some(&LETTERS[(number % 23) as usize])
}

fn italian_letter(text: &str) -> bool {
    /// The values of `0` to `9` and of `A` to `J` in odd places; further letters follow.
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let upper = text.to_ascii_uppercase();
    let (check, rest) = upper.as_bytes().split_last().unwrap_or((&b' ', &[]));
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        letter => u32::from(letter - b'A'),
    };
    let sum: u32 = rest
        .iter()
        .enumerate()
        .map(|(place, byte)| match place % 2 {
            0 => ODD[value(*byte) as usize],
            _ => value(*byte),
        })
        .sum();
    u32::from(check - b'A') == sum % 26
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Redactor, Rules};

    #[test]
    fn numbers_whose_checksums_hold_are_found_and_others_are_not() {
        for (kind, valid, invalid) in [
            (National::AuAbn, "51 824 753 556", "51 824 753 557"),
            (National::AuTfn, "876 543 210", "876 543 211"),
            (National::BrCpf, "529.982.247-25", "529.982.247-26"),
            (National::CaSin, "130 692 544", "130 692 545"),
            (National::DeTaxId, "86095742719", "86095742718"),
            (National::EsNie, "X2482300W", "X2482300A"),
            (National::EsNif, "12345678Z", "12345678A"),
            (National::FiPic, "131052-308T", "131052-308A"),
            (
                National::FrNir,
                "2 55 08 14 168 025 38",
                "2 55 08 14 168 025 39",
            ),
            (National::InAadhaar, "2345 6789 0124", "2345 6789 0123"),
            (
                National::ItFiscalCode,
                "RSSMRA85T10A562S",
                "RSSMRA85T10A562T",
            ),
            (National::NlBsn, "111222333", "111222334"),
            (National::PlPesel, "44051401359", "44051401358"),
            (National::SePnr, "811218-9876", "811218-9875"),
            (National::UkNhs, "943 476 5919", "943 476 5918"),
            (National::UkNino, "AB 12 34 56 C", "ZZ 12 34 56 C"),
            (National::ZaId, "8001015009087", "8001015009088"),
        ] {
            let redactor = Redactor::new(Rules::new().national([kind]), None);
            let redacted = |text: &str| {
                redactor
                    .redact(&format!("it is {text}, yes"))
                    .text
                    .into_owned()
            };
            assert_eq!(redacted(valid), format!("it is [{kind}], yes"));
            let other = redacted(invalid);
            assert!(!other.contains(kind.as_str()), "{kind}: {other}");
        }
        assert_eq!(National::ALL.len(), 17);
    }
}
