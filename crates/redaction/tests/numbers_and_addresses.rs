//! Numbers that are nobody's stay, at a rate near zero over ten thousand of each kind; those that are somebody's are
//! still found. Mail addresses of all alphabets are found whole.

use stinger_audit_redaction::{Redactor, Rules};

const EACH: u64 = 10_000;

fn redactor() -> Redactor {
    Redactor::new(Rules::new(), None)
}

/// A number below `limit`, the same for each place at each run.
fn random(place: u64, limit: u64) -> u64 {
    let mixed = (place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 32) % limit
}

/// How many of the texts are touched, and the first of them.
fn touched(texts: impl Iterator<Item = String>) -> (usize, Option<String>) {
    let redactor = redactor();
    let mut touched = texts.filter(|text| redactor.redact(text).text != *text);
    let first = touched.next();
    (usize::from(first.is_some()) + touched.count(), first)
}

/// Digits and the check digit of EAN and GTIN: weights 3 and 1 from the right.
fn with_check_digit(digits: &str) -> String {
    let weighted = digits.bytes().rev().enumerate();
    let sum: u32 = weighted
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[test]
fn numbers_of_articles_and_posts_are_no_cards() {
    let articles = |heads: &'static [&str], length: usize, said: &'static str| {
        (0..EACH).map(move |place| {
            let head = heads[place as usize % heads.len()];
            let left = length - 1 - head.len();
            let rest = random(place, 10_u64.pow(left as u32));
            format!(
                "{said}{}",
                with_check_digit(&format!("{head}{rest:0left$}"))
            )
        })
    };
    let ean = &[
        "400", "401", "412", "425", "440", "50", "57", "64", "60", "62",
    ];
    assert_eq!(touched(articles(ean, 13, "EAN ")), (0, None));
    assert_eq!(touched(articles(ean, 13, "")), (0, None));
    assert_eq!(
        touched(articles(&["6", "50", "57", "64"], 12, "code ")),
        (0, None)
    );
    assert_eq!(
        touched(articles(&["36", "38", "305", "4", "5"], 14, "GTIN ")),
        (0, None)
    );
    let ids = |head: u64, length: u32, said: &'static str| {
        let tens = 10_u64.pow(length - 1);
        (0..EACH).map(move |place| format!("{said} {}", head * tens + random(place, tens)))
    };
    for (head, length, said) in [
        (6, 18, "id"),
        (5, 18, "tweet"),
        (6, 17, "id"),
        (4, 18, "post"),
        (6, 19, "id"),
        (4, 19, "id"),
        (6, 15, "id"),
    ] {
        assert_eq!(
            touched(ids(head, length, said)),
            (0, None),
            "{head}, {length}"
        );
    }
}

#[test]
fn versions_of_four_parts_are_no_addresses() {
    let names = [
        "LibreOffice/",
        "Newtonsoft.Json ",
        "System.Text.Json ",
        "Chrome/",
        "version ",
        "v",
        "Assembly==",
    ];
    let versions = (0..EACH).map(|place| {
        let part = |number: u64, limit: u64| random(place * 4 + number, limit);
        let name = names[place as usize % names.len()];
        format!(
            "{name}{}.{}.{}.{}",
            1 + part(0, 40),
            part(1, 40),
            part(2, 100),
            part(3, 256)
        )
    });
    assert_eq!(touched(versions), (0, None));
    let small = (0..EACH).map(|place| {
        let part = |number: u64| 1 + random(place * 4 + number, 9);
        let name = ["nginx/", "Firefox ", "curl/", "OpenSSL "][place as usize % 4];
        format!("{name}{}.{}.{}.0", part(0), part(1), part(2))
    });
    assert_eq!(touched(small), (0, None));
}

#[test]
fn moments_are_no_hardware_addresses() {
    let moments = (0..EACH).map(|place| {
        let part = |number: u64, limit: u64| random(place * 6 + number, limit);
        let separator = if place % 2 == 0 { '-' } else { ':' };
        let parts = [
            20 + part(0, 10),
            1 + part(1, 12),
            1 + part(2, 28),
            part(3, 24),
            part(4, 60),
            part(5, 60),
        ];
        let parts = parts.map(|part| format!("{part:02}"));
        format!("backup {}", parts.join(&separator.to_string()))
    });
    assert_eq!(touched(moments), (0, None));
}

#[test]
fn cards_and_addresses_are_still_found_beside_those_numbers() {
    let redactor = redactor();
    for (text, expected) in [
        ("4111111111111111", "[CREDIT_CARD]"),
        ("order 5105105105105100", "order [CREDIT_CARD]"),
        ("card 4006381330060", "card [CREDIT_CARD]"),
        ("card 4222222222222", "card [CREDIT_CARD]"),
        ("my visa: 4222222222222", "my visa: [CREDIT_CARD]"),
        ("30569309025904", "[CREDIT_CARD]"),
        ("6759649826438453", "[CREDIT_CARD]"),
        ("cc 675984103431", "cc [CREDIT_CARD]"),
        ("4131 0342 8245 8809 939", "[CREDIT_CARD]"),
        (
            "{\"card\": \"4681213007136497584\"}",
            "{\"card\": \"[CREDIT_CARD]\"}",
        ),
        ("from 24.8.4.2 to", "from [IP] to"),
        (
            "Server 10.0.0.5 and Host 13.0.1.7",
            "Server [IP] and Host [IP]",
        ),
        ("web-41/203.0.113.7:8030", "web-41/[IP]:8030"),
        (
            "http://24.8.4.2/x and tcp/24.8.4.2",
            "http://[IP]/x and tcp/[IP]",
        ),
        ("Berlin 203.0.113.7", "Berlin [IP]"),
        ("Cloudflare 1.1.1.1, 13.0.1.0/24", "Cloudflare [IP], [IP]"),
        ("24-01-15-10-30-5f", "[MAC]"),
        ("mac 24-01-15-10-30-59", "mac [MAC]"),
        ("24:71:15:90:30:59", "[MAC]"),
    ] {
        assert_eq!(redactor.redact(text).text, expected, "{text}");
    }
}

#[test]
fn mail_addresses_of_all_alphabets_are_found_whole() {
    let redactor = redactor();
    for address in [
        "\u{430}lice@example.com",
        "alic\u{435}@example.com",
        "почта@пример.рф",
        "почта@example.com",
        "jose\u{301}@example.com",
        "josé@exämple.com",
        "ann@exa\u{308}mple.com",
        "χρήστης@παράδειγμα.ελ",
        "दोस्त@उदाहरण.भारत",
        "用户@例子.广告",
        "משתמש@דוגמה.ישראל",
        "مستخدم@مثال.السعودية",
        "ann@xn--e1afmkfd.xn--p1ai",
        "ann@beispiel.vermögensberatung",
        "ім'я.прізвище+x@приклад.укр",
    ] {
        assert_eq!(redactor.redact(address).text, "[EMAIL]", "{address}");
        let text = format!("write to {address}, please");
        assert_eq!(
            redactor.redact(&text).text,
            "write to [EMAIL], please",
            "{address}"
        );
    }
}

#[test]
fn words_beside_a_mail_address_stay() {
    let redactor = redactor();
    for (text, expected) in [
        ("我的邮箱是ann@example.com请回复", "我的邮箱是[EMAIL]请回复"),
        ("メールはann@example.comに", "メールは[EMAIL]に"),
        ("ann@example.com으로 보내", "[EMAIL]으로 보내"),
        ("邮箱123456@example.com。", "邮箱[EMAIL]。"),
        (
            "пишите на ann@example.com, спасибо",
            "пишите на [EMAIL], спасибо",
        ),
        (
            "café @ home, цена@ 5, @пример",
            "café @ home, цена@ 5, @пример",
        ),
    ] {
        assert_eq!(redactor.redact(text).text, expected, "{text}");
    }
}
