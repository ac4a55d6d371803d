//! Forgeries that look like something that honest writers do: none of them passes for it.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stinger_audit::read::{TamperingKind as Kind, Trail, Verified, Verify};
use stinger_audit::{Rotation, prompt};

mod common;
use common::small::{Forger, Small, bytes, files, verify, write_on};

const TIME: &str = "2026-11-24T10:00:00.000001Z";

fn has(verified: &Verified, kind: Kind) -> bool {
    verified.findings.iter().any(|found| found.kind == kind)
}

/// Behind which record nothing is proven.
fn proven_to(verified: &Verified) -> u64 {
    verified.proven.last().map_or(0, |(_, to)| *to)
}

fn is_seal(line: &[u8]) -> bool {
    let record: Value = serde_json::from_slice(line).expect("JSON");
    record["event_type"] == "trail_sealed"
}

fn append(path: &Path, line: &str) {
    let mut text = fs::read_to_string(path).expect("readable");
    text.push_str(line);
    text.push('\n');
    fs::write(path, text).expect("written");
}

fn own(seq: u64, event_type: &str, fields: &Value) -> String {
    let fields = serde_json::to_string(fields).expect("JSON");
    format!(
        "{{\"seq\":{seq},\"timestamp\":\"{TIME}\",\"event_type\":\"{event_type}\",{}",
        &fields[1..]
    )
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
    let told = own(end, "trail_recovered", &torn);
    let mut first = small.files[0].1.clone();
    first.insert(3, forged.clone().into_bytes());
    let mut last = small.files[3].1.clone();
    last.push(told.into_bytes());
    let verified = small.with(&[(0, first.clone()), (3, last.clone())], || small.verify());
    assert!(has(&verified, Kind::Inserted), "{verified:#?}");

    // Nor does it pass among the lines of a stream, where other lines are nobody's business.
    let stream = [
        bytes(&first),
        bytes(&small.files[1].1),
        bytes(&small.files[2].1),
        bytes(&last),
    ]
    .concat();
    let verified = Trail::verify_lines(Cursor::new(stream), &Verify::new()).expect("sealed");
    assert!(has(&verified, Kind::Inserted), "{verified:#?}");

    // A line that is no record and stands under seals is not told of by what no seal covers.
    let garbage = b"{\"seq\":4,\"time".to_vec();
    let hash = Sha256::digest(&garbage);
    let hash = HEXLOWER.encode(&hash);
    let torn = json!({ "torn": [{ "file": "audit.log", "bytes": 14, "sha256": hash }] });
    first[3] = garbage;
    *last.last_mut().expect("lines") = own(end, "trail_recovered", &torn).into_bytes();
    let verified = small.with(&[(0, first), (3, last)], || small.verify());
    assert!(has(&verified, Kind::Inserted), "{verified:#?}");
}

#[test]
fn only_a_pruning_that_was_sealed_before_it_happened_excuses_what_is_gone() {
    let small = Small::new();
    let whole = small.lines().len() as u64;
    let gone = (small.files[0].1.len() + small.files[1].1.len()) as u64;
    let pruned =
        json!({ "retain": "2 files", "files": [{ "first_seq": 0, "last_seq": gone - 1 }] });
    let mut last = small.files[3].1.clone();
    last.push(own(whole, "trail_pruned", &pruned).into_bytes());
    let changed = [(0, Vec::new()), (1, Vec::new()), (3, last)];
    let verified = small.with(&changed, || small.verify());
    assert!(has(&verified, Kind::Removed), "{verified:#?}");

    // The next writer seals it with what it finds, and it is not believed all the same.
    small.with(&changed, || {
        write_on(&small.path(), Rotation::DAILY);
        let verified = small.verify();
        assert!(has(&verified, Kind::Removed), "{verified:#?}");
    });
}

#[test]
fn what_stands_behind_the_seal_that_closed_the_trail_is_told_by_the_next_writer() {
    let small = Small::new();
    let end = small.lines().len() as u64;
    let path = &small.files[3].0;
    append(
        path,
        &own(end, "llm_response", &json!({ "response": "forged" })),
    );
    write_on(&small.path(), Rotation::DAILY);
    let verified = small.verify();
    let found = verified
        .findings
        .iter()
        .find(|found| found.kind == Kind::Inserted);
    assert_eq!(found.expect("a finding").seq, Some(end), "{verified:#?}");
}

/// A trail whose oldest two files retention has removed, and the checkpoint from before that.
fn pruned() -> (Small, String) {
    let small = Small::new();
    let kept = fs::read_to_string(small.checkpoint()).expect("a checkpoint");
    small.prune();
    (small, kept)
}

#[test]
fn what_cannot_be_compared_is_not_passed_over() {
    let identity = {
        let small = Small::new();
        let key = small.verify().key.expect("a key");
        let early = small.files[0].1.iter().rev().find(|line| is_seal(line));
        let record: Value = serde_json::from_slice(early.expect("a seal")).expect("JSON");
        let early = record["checkpoint"].as_str().expect("a note").to_owned();
        small.prune();
        let trail = Trail::open(small.path()).expect("a trail");

        // A checkpoint from before what is left: nothing that is left shows that it was of this trail.
        let against = Verify::new().against(&early).expect("a checkpoint");
        let verified = trail.verify(&against).expect("verified");
        assert!(verified.findings.is_empty(), "{verified:#?}");
        assert_eq!(verified.unchecked.len(), 1, "{verified:#?}");
        assert!(!verified.is_intact());

        // The first key is right, and leads to no seal that is left.
        let by_key = Verify::new().key(&key).expect("a key");
        let verified = trail.verify(&by_key).expect("verified");
        assert!(verified.findings.is_empty(), "{verified:#?}");
        assert_eq!(verified.unchecked.len(), 1, "{verified:#?}");

        // With a checkpoint that was kept since, it does.
        let now = fs::read_to_string(small.checkpoint()).expect("a checkpoint");
        let both = by_key.against(&now).expect("a checkpoint");
        let verified = trail.verify(&both).expect("verified");
        assert!(verified.is_intact(), "{verified:#?}");
        key
    };
    // Another trail's key is a finding all the same.
    let (small, kept) = pruned();
    let trail = Trail::open(small.path()).expect("a trail");
    let other = Verify::new().key(&identity).expect("a key");
    let verified = trail.verify(&other).expect("verified");
    assert!(has(&verified, Kind::KeyReplaced), "{verified:#?}");
    let against = Verify::new().against(&kept).expect("a checkpoint");
    let verified = trail.verify(&against).expect("verified");
    assert!(verified.is_intact(), "{verified:#?}");
    // So is another trail's checkpoint, and no record is said to have been changed.
    let others = fs::read_to_string(Small::new().checkpoint()).expect("a checkpoint");
    let against = Verify::new().against(&others).expect("a checkpoint");
    let verified = trail.verify(&against).expect("verified");
    let kinds: Vec<_> = verified.findings.iter().map(|found| found.kind).collect();
    assert_eq!(kinds, [Kind::KeyReplaced], "{verified:#?}");
}

#[test]
fn records_in_front_of_the_first_seal_that_is_left_are_not_proven() {
    let (small, _) = pruned();
    let left = files(small.dir.path());
    let (path, lines) = &left[0];
    let first = lines.iter().position(|line| is_seal(line)).expect("a seal");
    assert!(first > 0, "records stand in front of it");
    let verified = small.verify();
    let size = common::small::seq(&lines[first]);
    assert!(verified.proven[0].0 >= size, "{verified:#?}");
    assert!(path.exists());
}

#[test]
fn what_is_left_of_a_beginning_that_is_gone_was_not_inserted() {
    let small = Small::new();
    let left = small.files[0].1[3].clone();
    let behind = small.seq((2, 0));
    let verified = small.with(&[(0, vec![left]), (1, Vec::new())], || small.verify());
    let found = &verified.findings;
    let gaps: Vec<_> = found.iter().map(|found| (found.kind, found.seq)).collect();
    assert_eq!(gaps.len(), 2, "{verified:#?}");
    assert!(gaps.contains(&(Kind::Removed, Some(0))), "{verified:#?}");
    assert!(gaps.contains(&(Kind::Removed, Some(4))), "{verified:#?}");
    let detail = format!("records 4 to {} are missing: {}", behind - 1, behind - 4);
    assert!(
        found.iter().any(|found| found.detail == detail),
        "{verified:#?}"
    );
    assert!(proven_to(&verified) > behind);
    assert!(
        verified.proven[0].0 >= behind,
        "the one that is left is not proven"
    );
}

#[test]
fn a_checkpoint_beside_the_trail_proves_only_with_the_key_that_the_last_seal_names() {
    let small = Small::new();
    let lines = small.whole();
    let last = lines.len() - 1;
    let mut forged = lines.clone();
    let changed = (0..last).rev().find(|place| {
        let line = String::from_utf8_lossy(&forged[*place]).into_owned();
        forged[*place] = line.replace("prompt", "pr0mpt").into_bytes();
        line.contains("\"prompt\":")
    });
    let changed = changed.expect("a prompt") as u64;
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
    assert!(proven_to(&verified) <= changed, "{verified:#?}");
}

#[test]
fn an_end_that_was_cut_off_behind_a_lost_key_is_missed() {
    let small = Small::new();
    fs::remove_file(small.dir.path().join("audit.log.sealkey")).expect("removed");
    write_on(&small.path(), Rotation::DAILY);
    assert!(has(&small.verify(), Kind::KeyReplaced));
    // Back to what the first key has sealed, with the checkpoint of the second beside it.
    fs::write(&small.files[3].0, bytes(&small.files[3].1)).expect("written");
    let verified = small.verify();
    assert!(has(&verified, Kind::Cut), "{verified:#?}");
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
    assert!(has(&verified, Kind::Changed), "{verified:#?}");
    assert_eq!(proven_to(&verified), lines.len() as u64, "{verified:#?}");

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
    assert!(proven_to(&verified) <= damaged as u64, "{verified:#?}");
}

#[test]
fn a_seal_key_that_is_taken_away_is_put_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let key = dir.path().join("audit.log.sealkey");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .open()
        .expect("a trail");
    fs::remove_file(&key).expect("removed");
    for text in ["one", "two"] {
        audit.log(prompt(text)).expect("recorded");
        audit.confirm().expect("on the medium");
    }
    audit.close().expect("closed");
    assert!(key.exists());
    write_on(&path, Rotation::DAILY);
    let verified = verify(&path);
    assert!(verified.is_intact(), "{verified:#?}");
}

#[test]
fn a_key_that_is_looked_for_elsewhere_is_no_lost_key() {
    let small = Small::new();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let opened = stinger_audit::to(small.path())
        .redact_pii(false)
        .seal_keys(elsewhere.path())
        .open();
    let Err(error) = opened else {
        panic!("another key would break the chain of seals");
    };
    let error = error.to_string();
    let beside = small.dir.path().join("audit.log.sealkey");
    assert!(error.contains(&beside.display().to_string()), "{error}");
    assert!(small.verify().is_intact());
    // Moved, it goes on.
    fs::rename(&beside, elsewhere.path().join("audit.log.sealkey")).expect("moved");
    let audit = stinger_audit::to(small.path())
        .redact_pii(false)
        .rotation(Rotation::DAILY)
        .seal_keys(elsewhere.path())
        .open()
        .expect("a trail");
    audit.close().expect("closed");
    let verified = small.verify();
    assert!(verified.is_intact(), "{verified:#?}");
}

#[test]
fn many_hostile_lines_take_no_more_time_than_many_lines() {
    let small = Small::new();
    let end = small.lines().len() as u64;
    // Lines that are no records in front of one with a hole before it.
    let mut lines = small.files[3].1.clone();
    lines.extend(std::iter::repeat_n(b"x".to_vec(), 200_000));
    lines.push(own(end + 1_000_000, "e", &json!({})).into_bytes());
    let verified = small.with(&[(3, lines)], || small.verify());
    assert!(verified.findings.len() > 200_000);

    // Records that belong behind the seal that they stand in front of.
    let mut lines = small.files[3].1.clone();
    let seal = lines.len() - 1;
    let early = (0..100_000).map(|number| own(end + 10 + number, "e", &json!({})).into_bytes());
    lines.splice(seal..seal, early);
    let verified = small.with(&[(3, lines)], || small.verify());
    assert!(verified.findings.len() > 100_000);
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
        let evidence = stinger_audit::read::Evidence::read(&evidence).expect("evidence");
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
    forged.push(
        own(
            last as u64,
            "llm_response",
            &json!({ "response": "forged" }),
        )
        .into_bytes(),
    );
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
    let against = Verify::new().against(&kept).expect("a checkpoint");
    let verified = trail.verify(&against).expect("verified");
    let of_kept = verified
        .findings
        .iter()
        .filter(|found| found.kind == Kind::ReSigned);
    let details: Vec<_> = of_kept.map(|found| found.detail.as_str()).collect();
    assert!(
        details
            .iter()
            .any(|detail| detail.contains("does not stand the seal")),
        "{details:?}: {verified:#?}"
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
    last.push(own(end, "trail_sync_failed", &told).into_bytes());
    let verified = small.with(&[(2, third), (3, last)], || small.verify());
    assert!(has(&verified, Kind::Doubled), "{verified:#?}");
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
