//! Forgeries that look like something that honest writers do: none of them passes for it.

use std::fs;
use std::io::Cursor;

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stinger_audit::read::{Trail, VerifyOptions};

#[path = "forgery/chain.rs"]
mod chain;
mod common;
#[path = "forgery/fragments.rs"]
mod fragments;
#[path = "forgery/keys.rs"]
mod keys;
#[path = "forgery/notes.rs"]
mod notes;

use common::small::{Forger, Small, bytes, files, findings, write_on};
use common::test_trail::line;

const TIME: &str = "2026-11-24T10:00:00.000001Z";

fn is_seal(line: &[u8]) -> bool {
    let record: Value = serde_json::from_slice(line).expect("JSON");
    record["event_type"] == "trail_sealed"
}

#[test]
fn a_record_in_another_hand_is_no_torn_line() {
    let small = Small::new();
    let end = small.lines().len() as u64;
    let forged = format!(
        "{{\"timestamp\":\"{TIME}\",\"seq\":4,\"event_type\":\"llm_response\",\"response\":\"forged\"}}"
    );
    let hash = Sha256::digest(forged.as_bytes());
    let hash = HEXLOWER.encode(&hash);
    let torn = json!({
        "replayed": 0,
        "torn": [{ "file": "audit.log", "bytes": forged.len(), "sha256": hash }],
    });
    let told = line(end, "trail_recovered", &torn);
    let mut first = small.files[0].1.clone();
    first.insert(3, forged.clone().into_bytes());
    let mut last = small.files[3].1.clone();
    last.push(told);
    let verified = small.with(&[(0, first.clone()), (3, last.clone())], || small.verify());
    assert_eq!(findings(&verified), ["inserted - 1:4"], "{verified:#?}");
    assert_eq!(verified.proven, [(0, 24)]);

    // Nor does it pass among the lines of a stream, where other lines are nobody's business.
    let stream = [
        bytes(&first),
        bytes(&small.files[1].1),
        bytes(&small.files[2].1),
        bytes(&last),
    ]
    .concat();
    let verified = Trail::verify_lines(Cursor::new(stream), &VerifyOptions::new()).expect("sealed");
    assert_eq!(
        findings(&verified),
        ["inserted - standard input:4"],
        "{verified:#?}"
    );
    assert_eq!(verified.proven, [(0, 24)]);

    // A line that is no record and stands under seals is not told of by what no seal covers.
    let garbage = b"{\"seq\":4,\"time".to_vec();
    let hash = Sha256::digest(&garbage);
    let hash = HEXLOWER.encode(&hash);
    let torn = json!({ "torn": [{ "file": "audit.log", "bytes": 14, "sha256": hash }] });
    first[3] = garbage;
    *last.last_mut().expect("lines") = line(end, "trail_recovered", &torn);
    let verified = small.with(&[(0, first), (3, last)], || small.verify());
    assert_eq!(findings(&verified), ["inserted - 1:4"], "{verified:#?}");
    assert_eq!(verified.proven, [(0, 24)]);
}

#[test]
fn only_a_pruning_that_was_sealed_before_it_happened_excuses_what_is_gone() {
    let small = Small::new();
    let whole = small.lines().len() as u64;
    let gone = (small.files[0].1.len() + small.files[1].1.len()) as u64;
    let pruned =
        json!({ "retention": "2 files", "files": [{ "first_seq": 0, "last_seq": gone - 1 }] });
    let mut last = small.files[3].1.clone();
    last.push(line(whole, "trail_pruned", &pruned));
    let changed = [(0, Vec::new()), (1, Vec::new()), (3, last)];
    let verified = small.with(&changed, || small.verify());
    assert_eq!(findings(&verified), ["removed 0 3:1"], "{verified:#?}");
    assert_eq!(verified.proven, [(13, 24)]);

    // The next writer seals it with what it finds, and it is not believed all the same.
    small.with(&changed, || {
        write_on(&small.path());
        let verified = small.verify();
        assert_eq!(
            findings(&verified),
            ["inserted 24 -", "removed 0 3:1"],
            "{verified:#?}"
        );
    });
}

#[test]
fn what_stands_behind_the_seal_that_closed_the_trail_is_told_by_the_next_writer() {
    let small = Small::new();
    let end = small.lines().len() as u64;
    let path = &small.files[3].0;
    let mut lines = small.files[3].1.clone();
    lines.push(line(end, "llm_response", &json!({ "response": "forged" })));
    fs::write(path, bytes(&lines)).expect("written");
    write_on(&small.path());
    let verified = small.verify();
    assert_eq!(findings(&verified), ["inserted 24 -"], "{verified:#?}");
}

#[test]
fn what_cannot_be_compared_is_not_passed_over() {
    let identity = {
        let (small, _) = Small::pruned();
        let note = |line: usize| {
            let record: Value = serde_json::from_slice(&small.files[0].1[line]).expect("JSON");
            record["checkpoint"].as_str().expect("a note").to_owned()
        };
        let early = note(5);
        // The fields of `trail_opened` have the trail's first key.
        let opened: Value = serde_json::from_slice(&small.files[0].1[0]).expect("JSON");
        let key = opened["identity"].as_str().expect("a key").to_owned();
        let trail = Trail::open(small.path()).expect("a trail");

        // A checkpoint from before what is left: nothing that is left shows that it was of this trail.
        let against = VerifyOptions::new()
            .checkpoint(&early)
            .expect("a checkpoint");
        let verified = trail.verify(&against).expect("verified");
        assert!(verified.findings.is_empty(), "{verified:#?}");
        let [unchecked] = &verified.unchecked[..] else {
            panic!("{verified:#?}");
        };
        assert!(
            unchecked.starts_with("the checkpoint that was kept, over 5 records,"),
            "{unchecked}"
        );
        assert!(!verified.is_intact());

        // The first key is right, and leads to no seal that is left.
        let by_key = VerifyOptions::new().key(&key).expect("a key");
        let verified = trail.verify(&by_key).expect("verified");
        assert!(verified.findings.is_empty(), "{verified:#?}");
        let [unchecked] = &verified.unchecked[..] else {
            panic!("{verified:#?}");
        };
        assert!(
            unchecked.starts_with("whether the key that was given leads"),
            "{unchecked}"
        );

        // With a checkpoint that was kept since, it does.
        let now = fs::read_to_string(small.checkpoint()).expect("a checkpoint");
        let both = by_key.checkpoint(&now).expect("a checkpoint");
        let verified = trail.verify(&both).expect("verified");
        assert!(verified.is_intact(), "{verified:#?}");
        key
    };
    // Another trail's key is a finding all the same.
    let (small, kept) = Small::pruned();
    let trail = Trail::open(small.path()).expect("a trail");
    let other = VerifyOptions::new().key(&identity).expect("a key");
    let verified = trail.verify(&other).expect("verified");
    assert_eq!(findings(&verified), ["key replaced 0 -"], "{verified:#?}");
    let against = VerifyOptions::new()
        .checkpoint(&kept)
        .expect("a checkpoint");
    let verified = trail.verify(&against).expect("verified");
    assert!(verified.is_intact(), "{verified:#?}");
    // So is another trail's checkpoint, and no record is said to have been changed.
    let others = fs::read_to_string(Small::new().checkpoint()).expect("a checkpoint");
    let against = VerifyOptions::new()
        .checkpoint(&others)
        .expect("a checkpoint");
    let verified = trail.verify(&against).expect("verified");
    assert_eq!(findings(&verified), ["key replaced 0 -"], "{verified:#?}");
}

#[test]
fn records_in_front_of_the_first_seal_that_is_left_are_not_proven() {
    let (small, _) = Small::pruned();
    let left = files(small.dir.path());
    assert_eq!(left[0].1, small.files[2].1);
    // Its records are 12 and, the first seal, 13.
    let verified = small.verify();
    let [(13, _)] = verified.proven[..] else {
        panic!("{verified:#?}");
    };
    let unproven = "whether records 12 to 12 are what was written";
    assert!(
        verified
            .unknown
            .iter()
            .any(|unknown| unknown.starts_with(unproven)),
        "{verified:#?}"
    );
}

#[test]
fn what_is_left_of_a_beginning_that_is_gone_was_not_inserted() {
    let small = Small::new();
    let left = small.files[0].1[3].clone();
    let verified = small.with(&[(0, vec![left]), (1, Vec::new())], || small.verify());
    assert_eq!(
        findings(&verified),
        ["removed 4 3:1", "removed 0 1:1"],
        "{verified:#?}"
    );
    let details: Vec<_> = verified
        .findings
        .iter()
        .map(|found| &found.detail)
        .collect();
    assert_eq!(
        details,
        [
            "records 4 to 11 are missing: 8",
            "records 0 to 2 are missing: 3"
        ]
    );
    // The one that is left is not proven.
    assert_eq!(verified.proven, [(13, 24)]);
}

#[test]
fn a_checkpoint_beside_the_trail_proves_only_with_the_key_that_the_last_seal_names() {
    let small = Small::new();
    let lines = small.whole();
    let last = lines.len() - 1;
    let mut forged = lines.clone();
    let prompt = String::from_utf8_lossy(&forged[last - 2]).into_owned();
    assert!(prompt.contains("\"prompt\":"));
    forged[last - 2] = prompt.replace("prompt", "pr0mpt").into_bytes();
    let forger = Forger {
        key: SigningKey::from_bytes(&[9; 32]),
    };
    let seal = forger.sign(&forged, last).pop().expect("a seal");
    let record: Value = serde_json::from_slice(&seal).expect("JSON");
    let note = record["checkpoint"].as_str().expect("a note");
    let begin = last + 1 - small.files[3].1.len();
    fs::write(&small.files[3].0, bytes(&forged[begin..last])).expect("written");
    fs::write(small.checkpoint(), note).expect("written");
    let verified = small.verify();
    assert_eq!(findings(&verified), ["cut 23 -"], "{verified:#?}");
    // Up to the last seal that is left, and not to the changed prompt, record 21.
    assert_eq!(verified.proven, [(0, 20)]);
}

#[test]
fn an_end_that_was_cut_off_behind_a_lost_key_is_missed() {
    let small = Small::new();
    fs::remove_file(small.dir.path().join("audit.log.sealkey")).expect("removed");
    write_on(&small.path());
    let verified = small.verify();
    assert_eq!(
        findings(&verified),
        ["key replaced 26 audit:9"],
        "{verified:#?}"
    );
    // Back to what the first key has sealed, with the checkpoint of the second beside it.
    fs::write(&small.files[3].0, bytes(&small.files[3].1)).expect("written");
    let verified = small.verify();
    assert_eq!(findings(&verified), ["cut 24 -"], "{verified:#?}");
    assert_eq!(verified.proven, [(0, 24)]);
}

#[test]
fn behind_a_damaged_seal_only_the_key_that_it_names_proves() {
    let small = Small::new();
    let lines = small.whole();
    let seals: Vec<usize> = (0..lines.len())
        .filter(|place| is_seal(&lines[*place]))
        .collect();
    let (damaged, next) = (seals[2], seals[3]);
    let put = |lines: &[Vec<u8>]| {
        let mut rest = lines.iter().cloned();
        let files = small.files.iter().enumerate();
        let changed: Vec<_> = files
            .map(|(file, (_, lines))| (file, rest.by_ref().take(lines.len()).collect::<Vec<_>>()))
            .collect();
        small.with(&changed, || small.verify())
    };
    let flip = |place: usize, lines: &mut Vec<Vec<u8>>, what: &str| {
        let text = String::from_utf8(lines[place].clone()).expect("UTF-8");
        let at = text.find(what).expect("it is there") + what.len();
        let old = lines[place][at];
        lines[place][at] = if old == b'0' { b'1' } else { b'0' };
    };
    // What was signed is whole: it still names the next key.
    let mut changed = lines.clone();
    flip(damaged, &mut changed, "\"leaves\":\"");
    let verified = put(&changed);
    assert_eq!(findings(&verified), ["changed 7 2:2"], "{verified:#?}");
    assert_eq!(verified.proven, [(0, 5), (11, 24)]);

    // It is not: whoever signs what follows may be anybody.
    let mut changed = lines.clone();
    flip(damaged, &mut changed, "\\nleaves ");
    let text = String::from_utf8(changed[next + 2].clone()).expect("UTF-8");
    changed[next + 2] = text.replace("prompt", "pr0mpt").into_bytes();
    let forger = Forger {
        key: SigningKey::from_bytes(&[9; 32]),
    };
    let forged = forger.sign(&changed, next);
    let verified = put(&forged);
    assert_eq!(findings(&verified), ["changed 7 2:2"], "{verified:#?}");
    assert_eq!(verified.proven, [(0, 5)]);
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_is_no_small_file_is_not_read() {
    let small = Small::new();
    fs::remove_file(small.checkpoint()).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", small.checkpoint()).expect("a link");
    let verified = small.verify();
    assert!(verified.is_intact(), "{verified:#?}");
    assert!(
        verified
            .unknown
            .iter()
            .any(|unknown| unknown.contains("checkpoint")),
        "{verified:#?}"
    );
}

#[test]
fn damage_in_front_takes_no_evidence_from_what_is_behind_a_seal() {
    let small = Small::new();
    let mut first = small.files[0].1.clone();
    let text = String::from_utf8(first[3].clone()).expect("UTF-8");
    first[3] = text.replace("prompt", "pr0mpt").into_bytes();
    small.with(&[(0, first)], || {
        let trail = Trail::open(small.path()).expect("a trail");
        trail.prove(&[3]).expect_err("it is not what was sealed");
        let seq = small.seq((2, 3));
        let evidence = trail.prove(&[seq]).expect("proven").to_string();
        let evidence = stinger_audit::read::InclusionProof::read(&evidence).expect("evidence");
        assert_eq!(evidence.records().expect("records")[0].seq, seq);
    });
}

#[test]
fn the_seal_of_a_kept_checkpoint_stands_where_it_stood() {
    let small = Small::new();
    let lines = small.whole();
    let last = lines.len() - 1;
    let record: Value = serde_json::from_slice(&lines[last]).expect("JSON");
    let kept = record["checkpoint"].as_str().expect("a note").to_owned();
    // Whoever has the key of that seal puts a record in its place, and signs behind it.
    let mut forged = lines[..last].to_vec();
    forged.push(line(
        last as u64,
        "llm_response",
        &json!({ "response": "forged" }),
    ));
    let mut text = String::from_utf8(lines[last].clone()).expect("UTF-8");
    text = text.replacen(
        &format!("{{\"seq\":{last},"),
        &format!("{{\"seq\":{},", last + 1),
        1,
    );
    text = text.replace(&format!("\\n{last}\\n"), &format!("\\n{}\\n", last + 1));
    forged.push(text.into_bytes());
    let forger = Forger {
        key: SigningKey::from_bytes(&[9; 32]),
    };
    let forged = forger.sign(&forged, last + 1);
    let begin = last + 1 - small.files[3].1.len();
    fs::write(&small.files[3].0, bytes(&forged[begin..])).expect("written");
    let trail = Trail::open(small.path()).expect("a trail");
    let against = VerifyOptions::new()
        .checkpoint(&kept)
        .expect("a checkpoint");
    let verified = trail.verify(&against).expect("verified");
    assert_eq!(
        findings(&verified),
        ["re-signed 0 -", "re-signed 24 audit:7"],
        "{verified:#?}"
    );
    assert!(
        verified.findings[0]
            .detail
            .starts_with("behind the first 23 records does not stand the seal"),
        "{verified:#?}"
    );
}

#[test]
fn lines_that_stand_there_again_are_excused_by_what_is_sealed_alone() {
    let small = Small::new();
    let end = small.lines().len() as u64;
    let again = &small.files[1].1[..3];
    let mut third = again.to_vec();
    third.extend_from_slice(&small.files[2].1);
    let bytes_again: usize = again.iter().map(|line| line.len() + 1).sum();
    let mut last = small.files[3].1.clone();
    let told = json!({ "file": "audit.log", "rewritten_bytes": bytes_again });
    last.push(line(end, "trail_sync_failed", &told));
    let verified = small.with(&[(2, third), (3, last)], || small.verify());
    assert_eq!(findings(&verified), ["duplicated 6 3:1"], "{verified:#?}");
}

#[test]
fn a_torn_line_with_the_next_number_takes_no_evidence() {
    let small = Small::new();
    let mut first = small.files[0].1.clone();
    let torn = first[2][..first[2].len() / 2].to_vec();
    first.insert(2, torn);
    small.with(&[(0, first)], || {
        let trail = Trail::open(small.path()).expect("a trail");
        trail.prove(&[2]).expect("proven");
    });
}
