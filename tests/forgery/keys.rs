//! The chain of keys: which seal may follow which.

use std::fs;

use serde_json::json;
use stinger_audit::config::Rotation;
use stinger_audit::emit::prompt;

use crate::common::small::{Small, findings, verify, write_on};
use crate::common::test_trail::{TestTrail, key, origin, verifier_key};

const CLOSED_BY_ANOTHER: &str = "whether the trail was opened again behind record";
const NOT_CLOSED: &str = "whether anything was written behind record";
const OWN_KEY: &str = "whether seal";

/// Its first seal is record 1, its second, which the test may change, record 4, and its last record 7.
fn with_second(change: impl FnOnce(&mut TestTrail)) -> TestTrail {
    let mut trail = TestTrail::new();
    trail.opened();
    trail.seal("opened");
    trail.prompts(2);
    change(&mut trail);
    trail.seal("busy");
    trail.prompts(2);
    trail.seal("closed");
    trail
}

#[test]
fn the_first_seal_is_number_0_by_the_key_that_the_trail_is_named_after() {
    let first = |change: &dyn Fn(&mut TestTrail)| {
        let mut trail = TestTrail::new();
        change(&mut trail);
        trail.opened();
        trail.seal("opened");
        trail.prompts(1);
        trail.seal("closed");
        trail
    };
    let by_key = |trail: &TestTrail| findings(&trail.verify_by_key());
    let own = first(&|_| {});
    own.expect("its own", &[], &[(0, 4)], &[]);
    assert!(by_key(&own).is_empty());
    let replaced = ["key replaced 1 audit:2"];
    let number_1 = first(&|trail| trail.next.number = 1);
    number_1.expect("number 1", &replaced, &[(0, 4)], &[]);
    assert_eq!(by_key(&number_1), replaced);
    // By another key, in the trail's name.
    let other = first(&|trail| (trail.next.signer, trail.next.names) = (7, 8));
    other.expect("another's", &replaced, &[(0, 4)], &[]);
    assert_eq!(by_key(&other), [replaced[0], "key replaced 0 -"]);
    for trail in [number_1, other] {
        let detail = &trail.verify().findings[0].detail;
        assert!(
            detail.contains("does not begin with the trail's first key"),
            "{detail}"
        );
    }
    // Another trail is in order, but not the one whose key was given.
    let strangers = first(&|trail| {
        trail.next.origin = origin(7);
        (trail.next.signer, trail.next.names) = (7, 8);
    });
    strangers.expect("a stranger's", &[], &[(0, 4)], &[]);
    assert_eq!(by_key(&strangers), [replaced[0], "key replaced 0 -"]);
    let key = verifier_key(&origin(7), 1, &key(7).verifying_key().to_bytes());
    assert_eq!(strangers.verify().key, Some(key));
}

#[test]
fn a_first_seal_is_not_asked_for_its_number_where_those_before_it_are_gone() {
    // Damaged: what follows is in order, as far as can be seen.
    let mut damaged = TestTrail::closed();
    damaged.damage_note(1);
    damaged.expect("damaged", &["changed 1 1:2"], &[(4, 11)], &[]);
    // Removed, with the beginning.
    let mut gone = TestTrail::closed();
    gone.files.remove(0);
    let unproven = ["whether records 5 to 6 are what was written"];
    gone.expect("gone", &["removed 0 audit:1"], &[(7, 11)], &unproven);
    // Removed by retention.
    let mut pruned = TestTrail::closed();
    let removed = json!({ "files": [{ "first_seq": 0, "last_seq": 4 }] });
    pruned.opened();
    pruned.own("trail_pruned", &removed);
    pruned.seal("pruned");
    pruned.own("trail_closed", &json!({}));
    pruned.seal("closed");
    pruned.files.remove(0);
    pruned.expect("pruned", &[], &[(7, 16)], &unproven);
}

#[test]
fn each_seal_is_the_one_that_the_seal_before_it_announces() {
    with_second(|_| {}).expect("untouched", &[], &[(0, 8)], &[]);
    let proven = [(0, 1)];
    // Another key, and what that key announces from there on.
    let re_signed = with_second(|trail| trail.next.signer = 7);
    re_signed.expect("another key", &["re-signed 4 audit:5"], &proven, &[]);
    // Another key with a name of its own.
    let replaced = with_second(|trail| {
        trail.next.origin = origin(7);
        (trail.next.signer, trail.next.names, trail.next.number) = (7, 8, 0);
    });
    replaced.expect("another name", &["key replaced 4 audit:5"], &proven, &[]);
    // By the key that was announced, and with the number of the seal before, or one before that.
    let rolled_back = with_second(|trail| trail.next.number = 0);
    rolled_back.expect("the number again", &["rolled back 4 audit:5"], &proven, &[]);
    // A seal that the writer has made between them is not there, with nothing missing in front of it: the
    // end was cut off, and what follows was written behind that.
    for (number, signer, detail) in [
        (2, 3, "seals 1 to 1 are missing"),
        (9, 7, "seals 1 to 8 are missing"),
        // It may be the key that was announced.
        (3, 2, "seals 1 to 2 are missing"),
    ] {
        let cut = with_second(|trail| {
            (trail.next.number, trail.next.signer, trail.next.names) = (number, signer, signer + 1);
        });
        cut.expect("cut", &["cut 2 audit:5"], &proven, &[]);
        let verified = cut.verify();
        let found = &verified.findings[0].detail;
        let end = "the end was cut off behind record 1, and writing went on";
        assert_eq!(*found, format!("{detail}: {end}"));
    }
}

/// A key signs more than one seal, as where a writer cannot keep the next one: seals 4 and 7, and
/// another key seal 10.
fn one_key_for_two() -> TestTrail {
    let mut trail = TestTrail::new();
    trail.opened();
    trail.seal("opened");
    trail.prompts(2);
    trail.next.names = 2;
    trail.seal("busy");
    trail.prompts(2);
    trail.seal("busy");
    trail.prompts(2);
    trail.seal("closed");
    trail
}

#[test]
fn behind_a_seal_that_is_missing_only_the_key_that_was_announced_proves() {
    one_key_for_two().expect("untouched", &[], &[(0, 11)], &[]);
    // The seal behind it is by the key that the seal before it announces.
    let mut trail = one_key_for_two();
    trail.remove(4);
    trail.expect("announced", &["removed 4 audit:5"], &[(0, 1), (7, 11)], &[]);
    // By a key that only the missing seal has announced: who made it is open, whatever comes behind.
    let mut trail = TestTrail::closed();
    trail.remove(4);
    trail.expect("unknown", &["removed 4 audit:1"], &[(0, 1)], &[OWN_KEY]);
    let unknown = &trail.verify().unknown[0];
    let by = "whether seal 2, record 7, is by the trail's own key";
    assert!(unknown.starts_with(by), "{unknown}");
    // It is damaged, and what was signed of it too.
    let mut trail = TestTrail::closed();
    trail.damage_note(4);
    trail.expect("damaged", &["changed 4 1:5"], &[(0, 1)], &[OWN_KEY]);
}

#[test]
fn a_damaged_seal_announces_a_key_as_long_as_what_was_signed_of_it_is_whole() {
    let mut trail = TestTrail::closed();
    trail.damage_leaves(4);
    trail.expect("one", &["changed 4 1:5"], &[(0, 1), (7, 11)], &[]);
    // Two in a row: seal 10 lists the records from 7 on, and those of seal 7 are not proven.
    let mut trail = TestTrail::closed();
    trail.opened();
    trail.seal("opened");
    trail.damage_leaves(4);
    trail.damage_leaves(7);
    let found = ["changed 4 1:5", "changed 7 audit:3"];
    trail.expect("two", &found, &[(0, 1), (10, 13)], &[NOT_CLOSED]);

    // A note that is not the next one announces nothing. By each, a forger who goes on with a key of his
    // own would have it taken for the trail's.
    type Change = fn(&mut TestTrail);
    let damaged = "changed 4 audit:5";
    let forged: [(&str, Change, &[&str], &[&str]); 4] = [
        (
            "another key",
            |trail| trail.next.signer = 7,
            &[damaged],
            &[OWN_KEY],
        ),
        (
            "another name",
            |trail| trail.next.origin = origin(2),
            &[damaged, "key replaced 7 audit:8"],
            &[],
        ),
        (
            "a number left out",
            |trail| trail.next.number = 2,
            &[damaged],
            &[OWN_KEY],
        ),
        // The seal behind it has the number that is due.
        (
            "the number again",
            |trail| trail.next.number = 0,
            &[damaged, "re-signed 7 audit:8"],
            &[],
        ),
    ];
    for (what, change, found, unknown) in forged {
        let mut trail = with_second(|trail| {
            change(trail);
            trail.next.names = 8;
        });
        trail.damage_leaves(4);
        trail.expect(what, found, &[(0, 1)], unknown);
    }
    // Nor one that is over no more records than the seal before it, put in its place.
    let mut trail = with_second(|_| {});
    let mut forged = TestTrail::new();
    forged.opened();
    forged.seal("opened");
    forged.next.names = 3;
    let note = forged.note("busy", 1, &[0; 32], "");
    let seal = trail.line_of(4);
    let mut record: serde_json::Value = serde_json::from_slice(seal).expect("JSON");
    record["checkpoint"] = note.into();
    *seal = format!(
        "{{\"seq\":4,\"timestamp\":\"2026-01-01T10:00:00.000001Z\",\"event_type\":\"trail_sealed\",\"reason\":\"busy\",\
         \"checkpoint\":{}}}\n",
        record["checkpoint"]
    )
    .into_bytes();
    trail.expect(
        "no more records",
        &["changed 4 audit:5"],
        &[(0, 1)],
        &[OWN_KEY],
    );
}

#[test]
fn whether_a_closed_trail_was_opened_again_is_known_by_the_checkpoint_beside_it() {
    let mut trail = TestTrail::closed();
    let early = {
        let mut early = TestTrail::new();
        early.opened();
        early.seal("opened");
        early.checkpoint
    };
    for beside in [None, early] {
        trail.checkpoint = beside;
        trail.expect("no checkpoint", &[], &[(0, 11)], &[CLOSED_BY_ANOTHER]);
        let unknown = trail.verify().unknown.remove(0);
        assert!(unknown.starts_with("whether the trail was opened again behind record 10:"));
    }
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
    write_on(&path);
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
        .rotation(Rotation::NEVER)
        .seal_keys(elsewhere.path())
        .open()
        .expect("a trail");
    audit.close().expect("closed");
    let verified = small.verify();
    assert!(verified.is_intact(), "{verified:#?}");
}
