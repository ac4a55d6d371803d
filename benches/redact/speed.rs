//! What redaction costs, beside the same rules as one multi-pattern regular expression.

use std::hint::black_box;
use std::time::{Duration, Instant};

use regex_automata::meta;
use stinger_audit::redact::{Redactor, patterns};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(20);

pub fn table(redactor: &Redactor) {
    let patterns = patterns();
    let rules: Vec<&str> = patterns
        .iter()
        .map(|pattern| pattern.regex.as_str())
        .collect();
    let meta = meta::Regex::builder()
        .configure(
            meta::Config::new()
                .nfa_size_limit(Some(1 << 30))
                .hybrid_cache_capacity(64 << 20),
        )
        .build_many(&rules)
        .expect("the rules are regular expressions");
    println!(
        "{} rules; medians of {ROUNDS} interleaved rounds\n",
        rules.len()
    );

    let clean = "The quick brown fox jumps over the lazy dog, and nobody minds. ".repeat(13)[..800]
        .to_owned();
    let pii = {
        let values =
            "Write to ann@example.com, call +1 212 555 0187, or charge 4111 1111 1111 1111. ";
        format!(
            "{}{values}{}",
            &clean[..360],
            &clean[..800 - 360 - values.len()]
        )
    };
    println!("{:<22} {:>12} {:>12}", "ns", "ours", "meta");
    for (name, text) in [("redact_clean", &clean), ("redact_pii", &pii)] {
        let (ours, theirs) = interleaved(
            || {
                black_box(redactor.redact(black_box(text)));
            },
            || {
                black_box(replace(&meta, black_box(text)));
            },
        );
        println!("{name:<22} {ours:>12.0} {theirs:>12.0}");
        println!("RATIO {name}_vs_meta {:.3}", ours / theirs);
    }

    println!(
        "\n{:<22} {:>10} {:>10} {:>10}",
        "ns per byte", "10 KB", "100 KB", "1 MB"
    );
    let hostile: [(&str, &str); 19] = [
        ("prose", "The quick brown fox jumps over the lazy dog. "),
        ("a.a.a.…@", "a."),
        ("@@@@", "a@"),
        ("digits", "4"),
        ("digits, spaced", "4 1 "),
        ("PEM headers", "-----BEGIN RSA PRIVATE KEY-----\n"),
        ("colons", ":"),
        ("colons, dots", ":."),
        ("backslashes", "\\"),
        ("quotes", "='\""),
        ("long keys", "sk-proj-aB3dE5gH7jK9-"),
        ("hex and colons", "a:1:"),
        ("keys", "sk-a_"),
        ("assignments", "token=a1b2c3d4e5 "),
        ("announcements", "password is a1b2c3d4 "),
        ("words with digits", "is a1 "),
        ("options", "-p a "),
        ("cookies", "cookie: a=1;"),
        ("URLs", "a://b:c/@"),
    ];
    for (name, unit) in hostile {
        let cost = |size: usize| {
            let mut text = unit.repeat(size / unit.len());
            text.push('@');
            let begun = Instant::now();
            let mut times = 0;
            while times < 3 || begun.elapsed() < ROUND {
                black_box(redactor.redact(black_box(&text)));
                times += 1;
            }
            begun.elapsed().as_nanos() as f64 / f64::from(times) / text.len() as f64
        };
        println!(
            "{name:<22} {:>10.2} {:>10.2} {:>10.2}",
            cost(10_000),
            cost(100_000),
            cost(1_000_000)
        );
    }
}

/// What a user of the regular expression would do with it.
fn replace(meta: &meta::Regex, text: &str) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for found in meta.find_iter(text) {
        out.push_str(&text[copied..found.start()]);
        out.push_str("[REDACTED]");
        copied = found.end();
    }
    out.push_str(&text[copied..]);
    out
}

/// The medians of the times that two ways take, in nanoseconds, in turns.
fn interleaved(mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64) {
    let mut rounds: [Vec<f64>; 2] = Default::default();
    for _ in 0..ROUNDS {
        rounds[0].push(time(&mut ours));
        rounds[1].push(time(&mut theirs));
    }
    let [ours, theirs] = rounds.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    (ours, theirs)
}

fn time(work: &mut impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < ROUND {
        for _ in 0..16 {
            work();
        }
        count += 16;
    }
    begun.elapsed().as_nanos() as f64 / f64::from(count)
}
