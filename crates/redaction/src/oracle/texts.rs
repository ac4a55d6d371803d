//! Random texts of values and of what stands around them.

/// A xorshift generator.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Values and what stands around them.
const PIECES: [&str; 113] = [
    "ann@example.com",
    "Ann.Lee+x@mail.example.co.uk",
    "a@b",
    "@",
    "x@2x.png",
    "o'neil@ex-ample.org",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "378282246310005",
    "5105105105105100",
    "6011000990139424",
    "2221 2914 1777 6311",
    "2720291417776317",
    "4291417776318",
    "213129141777631",
    "180029141777632",
    "3530-2914-1777-6315",
    "36291417776310",
    "30529141777633",
    "6202 9141 7776 3179",
    "672914177767",
    "67291417776318291413",
    "123-45-6789",
    "078 05 1120",
    "123456789",
    "SSN ",
    "social security number: ",
    "DE89370400440532013000",
    "GB29 NWBK 6016 1331 9268 19",
    "NO9386011117947",
    "de89 3704 0044 0532 0130 00",
    "192.0.2.17",
    "10.0.0.1/8",
    "255.255.255.255",
    "1.2.3.4.5",
    "v1.2.3.4",
    "Chrome/120.0.0.0 ",
    "2001:db8::1",
    "::1",
    "fe80::1%eth0",
    "10:15:00",
    "a::b",
    "0a:21:c4:75:5a:df",
    "AA-BB-CC-DD-EE-01",
    "1e6a.fe71.a32c",
    "00:00:00:00:00:00",
    "+1 212 555 0187",
    "(212) 555-0187",
    "0131 496 0504",
    "call 5550187",
    "2026-11-24",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "sk-proj-AroYwiWVCHTEnt8SHRkthfoeHfg3OKWAYoxuRdb26j1Z5dkEbr7aMEWE",
    "AKIAIOSFODNN7EXAMPLE",
    "AKIA",
    "password=Tr0ub4dor&3",
    "api_key: 'a1b2c3d4e5f6g7h8'",
    "token",
    "= ",
    ": ",
    "postgres://user:s3cret@db.example.com/x",
    "://",
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----",
    "\\n",
    "\"",
    "\\\"",
    "\\u0040",
    " ",
    ", ",
    ".",
    "-",
    "é",
    "日本",
    "the quick brown fox ",
    "card ",
    "EAN ",
    "mac ",
    "123429141777634",
    "567890123456780007",
    "24-01-15-10-30-59",
    "536 90 4399",
    "number is ",
    "LibreOffice/",
    "Newtonsoft.Json ",
    "24.8.4.2",
    "%eth0",
    "\u{430}lice@example.com",
    "почта@пример.рф",
    "jose\u{301}@example.com",
    "the password is ",
    "the password for the db was changed to ",
    "hunter2-not-real",
    "S3cr3tPass99",
    "\"swordfish\"",
    "as my password.",
    "sshpass -p ",
    "docker login -u ci -p ",
    "curl -u user:pass ",
    "mysql -p",
    "--password ",
    "htpasswd -b file ops ",
    "machine a login ci password ",
    "db:5432:app:ci:",
    "Cookie: a=b; session=",
    "Authorization: Basic dXNlcjpwYXNz",
    "apikey: 123e4567-e89b-12d3-a456-426614174000",
    "?sv=2025-01-05&sig=aBcD%2FefGh1JkLmNoPqRsTuVwXyZ",
    "postgres://app:p/w#9x@db.example/m",
    "jwt_token: eyabc.eydef.sig",
    "eyabc.eydef.sig",
];

/// A text of some pieces, and then a few changes of single bytes.
pub(super) fn text(random: &mut Random) -> String {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(6) {
        bytes.extend_from_slice(random.pick(&PIECES).as_bytes());
        if random.below(3) > 0 {
            bytes.push(*random.pick(b" ,.:;-_@/=\"'()\n0a"));
        }
    }
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => {
                bytes.remove(at);
            }
            1 => bytes.insert(at, *random.pick(b" 0123456789abcABC.-:@=_+/")),
            _ => bytes[at] = *random.pick(b" 0123456789abcABC.-:@=_+/"),
        }
        if bytes.is_empty() {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many texts: `STINGER_TEST_TEXTS`, or as many as an unoptimised build tries in some seconds.
pub(super) fn texts() -> usize {
    std::env::var("STINGER_TEST_TEXTS").map_or(8_000, |texts| {
        texts.parse().expect("STINGER_TEST_TEXTS is a number")
    })
}
