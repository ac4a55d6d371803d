//! What somebody signs who has a key: of his own, or one of the trail's.

use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use stinger_audit::read::{Trail, VerifyOptions};

use crate::assert_found;
use crate::common::small::{
    Forger, RECORDS, Small, bytes, files, findings, key_of, verify, write_on,
};

#[test]
fn a_tail_that_is_written_and_signed_anew_is_caught() {
    // The key of yesterday is a copy of the file from before the last two processes.
    let mut small = Small::of(1);
    let key = small.dir.path().join("audit.log.sealkey");
    let yesterdays = key_of(&key);
    let first = small.whole().len();
    for older in ["audit.2026-01-01.log", "audit.2026-01-02.log"] {
        fs::rename(small.path(), small.dir.path().join(older)).expect("renamed");
        write_on(&small.path());
    }
    let todays = key_of(&key);
    small.files = files(small.dir.path());
    let whole = small.whole();
    let kept = fs::read_to_string(small.checkpoint()).expect("a checkpoint");
    let against = VerifyOptions::new()
        .checkpoint(&kept)
        .expect("a checkpoint");

    let forge = |key: &SigningKey, from: usize| {
        let mut lines = whole.clone();
        let text = String::from_utf8(lines[from].clone()).expect("UTF-8");
        lines[from] = text.replace("prompt", "pr0mpt").into_bytes();
        let forger = Forger { key: key.clone() };
        let mut forged = forger.sign(&lines, from).into_iter();
        let changed: Vec<_> = small
            .files
            .iter()
            .enumerate()
            .map(|(file, (_, lines))| (file, forged.by_ref().take(lines.len()).collect::<Vec<_>>()))
            .collect();
        small.with(&changed, || {
            let trail = Trail::open(small.path()).expect("a trail");
            let alone = trail.verify(&VerifyOptions::new()).expect("verified");
            (alone, trail.verify(&against).expect("verified"))
        })
    };
    let strangers = SigningKey::from_bytes(&[7; 32]);
    let prompts: Vec<usize> = (0..whole.len())
        .filter(|place| String::from_utf8_lossy(&whole[*place]).contains("\"prompt\":"))
        .collect();
    assert_eq!(prompts.len(), 3 * RECORDS);
    for from in prompts {
        for key in [&strangers, &todays, &yesterdays] {
            let (alone, against) = forge(key, from);
            // At the next seal: the key is not the one that was named.
            let (seal, place) = match from {
                2 | 3 => (5, "1:6"),
                8 | 9 => (11, "2:6"),
                _ => (17, "audit:6"),
            };
            let re_signed = format!("re-signed {seal} {place}");
            assert_found(&alone, &[&re_signed], &format!("from {from}"));
            let mut found = findings(&against);
            found.sort();
            assert_eq!(found, ["re-signed 0 -", &re_signed], "{against:#?}");
            // Up to the seal in front of it, and nothing behind that.
            assert_eq!(alone.proven, [(0, seal - 4)], "from {from}: {alone:#?}");
        }
    }

    // Who has yesterday's key and signs with it the very next seal, and what follows with keys of his
    // own, makes a trail that agrees with itself. A checkpoint that was kept tells.
    let mut lines = whole.clone();
    let text = String::from_utf8(lines[first + 2].clone()).expect("UTF-8");
    lines[first + 2] = text.replace("prompt", "pr0mpt").into_bytes();
    let forged = Forger { key: yesterdays }.sign(&lines, first);
    let mut forged = forged.into_iter();
    let changed: Vec<_> = small
        .files
        .iter()
        .enumerate()
        .map(|(file, (_, lines))| (file, forged.by_ref().take(lines.len()).collect::<Vec<_>>()))
        .collect();
    small.with(&changed, || {
        let trail = Trail::open(small.path()).expect("a trail");
        let verified = trail.verify(&against).expect("verified");
        assert_found(&verified, &["re-signed 0 -"], "a chain of his own");
    });
}

#[test]
fn a_forged_seal_over_any_number_of_records_is_a_finding_and_holds_nobody_up() {
    let small = Small::new();
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key().to_bytes();
    let origin = "stinger-audit/8f3c1d20a7b94e65";
    let (size, root) = (1_u64 << 52, BASE64.encode(&[1; 32]));
    let public64 = BASE64.encode(&public);
    let time = "2026-11-24T10:00:00.000000Z";
    let leaves = BASE64.encode(&Sha256::digest(""));
    let body = format!(
        "{origin}\n{size}\n{root}\ntime {time}\nseal 9 busy\nkey {public64} {public64}\nleaves {leaves}\n"
    );
    // The id of a key in a signed note (C2SP): what its name, a line feed, the algorithm and the key hash to.
    let id = Sha256::digest([origin.as_bytes(), b"\n\x01", &public].concat());
    let signature = key.sign(body.as_bytes()).to_bytes();
    let blob = BASE64.encode(&[&id[..4], &signature].concat());
    let note = serde_json::to_string(&format!("{body}\n\u{2014} {origin} {blob}\n"));
    let line = format!(
        "{{\"seq\":{size},\"timestamp\":\"{time}\",\"event_type\":\"trail_sealed\",\"reason\":\"busy\",\"checkpoint\":{},\"frontier\":[\"{root}\"],\"leaves\":\"\"}}",
        note.expect("JSON")
    );
    let mut lines = small.files[3].1.clone();
    lines.push(line.into_bytes());
    let begun = Instant::now();
    small.verify();
    // What goes through all of them takes years.
    let patience = 1_000 * begun.elapsed() + Duration::from_secs(10);
    let (done, outcome) = mpsc::channel();
    let path = small.path();
    let verified = small.with(&[(3, lines)], || {
        thread::spawn(move || done.send(verify(&path)).ok());
        outcome.recv_timeout(patience).expect("it holds nobody up")
    });
    assert_eq!(verified.seals, 9, "as a seal it is sound");
    let found = [
        "removed 24 audit:7",
        &format!("key replaced {size} audit:7"),
    ];
    assert_found(&verified, &found, "forged");
    assert_eq!(verified.proven, [(0, 23)]);
}

#[test]
fn a_key_that_is_lost_or_exchanged_is_a_finding_and_no_crash() {
    let small = Small::new();
    let key = small.dir.path().join("audit.log.sealkey");
    let checkpoint = fs::read(small.checkpoint()).expect("a checkpoint");
    fs::remove_file(&key).expect("removed");
    write_on(&small.path());
    let verified = small.verify();
    assert_found(&verified, &["key replaced 26 audit:9"], "lost");
    let text = fs::read_to_string(&small.files[3].0).expect("readable");
    assert!(text.contains("the key is lost"), "the writer tells of it");
    fs::write(&small.files[3].0, bytes(&small.files[3].1)).expect("written");
    fs::write(small.checkpoint(), &checkpoint).expect("written");
    let trail = Trail::open(small.path()).expect("a trail");
    let other = Small::new().verify().key.expect("a key");
    let verified = trail
        .verify(&VerifyOptions::new().key(&other).expect("a key"))
        .expect("verified");
    assert_found(
        &verified,
        &["key replaced 1 1:2", "key replaced 0 -"],
        "another's",
    );
}
