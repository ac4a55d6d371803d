//! Notes, keys, and trails that there is nothing to verify in.

use std::fs;
use std::io::Cursor;

use stinger_audit::emit::prompt;
use stinger_audit::read::{Trail, VerifyOptions};

use crate::common::small::{Small, findings};
use crate::common::test_trail::{TestTrail, assert_unverifiable, key, origin, sign, verifier_key};

#[test]
fn a_trail_without_seals_is_not_called_intact() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .sealing(false)
        .open()
        .expect("a trail");
    audit.log(prompt("one")).expect("recorded");
    audit.close().expect("closed");
    let trail = Trail::open(&path).expect("a trail");
    assert_unverifiable(trail.verify(&VerifyOptions::new()));
    assert_unverifiable(trail.checkpoint());
    let lines = fs::read(&path).expect("readable");
    assert!(!lines.is_empty());
    assert_unverifiable(Trail::verify_lines(
        Cursor::new(lines),
        &VerifyOptions::new(),
    ));
    // A checkpoint beside it shows that it had seals.
    let kept = Small::new();
    fs::copy(kept.checkpoint(), dir.path().join("audit.log.checkpoint")).expect("copied");
    let verified = trail.verify(&VerifyOptions::new()).expect("it had seals");
    assert_eq!(findings(&verified), ["cut 3 -"], "{verified:#?}");
    assert_eq!((verified.records, verified.proven), (3, Vec::new()));
}

#[test]
fn a_note_is_read_in_the_one_way_in_which_it_is_written() {
    let trail = TestTrail::closed();
    let note = trail.checkpoint.clone().expect("a note");
    let (text, signature) = note.split_once("\n\n").expect("a note");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7);
    let against = |note: &str| VerifyOptions::new().checkpoint(note);
    let verified = trail.verify_against(&against(&note).expect("it is sound"));
    assert!(verified.expect("sealed").is_intact());
    let put = |line: usize, changed: &str| {
        let mut lines = lines.clone();
        lines[line] = changed;
        lines.join("\n")
    };
    // Not even who has the key can have them read.
    let wrong = [
        put(1, "010"),
        put(1, "+10"),
        put(1, "10 "),
        put(1, "10\r"),
        put(1, "9007199254740992"),
        put(2, &lines[2].replace('=', "")),
        put(3, &format!("{}+00:00", lines[3].trim_end_matches('Z'))),
        put(3, &lines[3].replace('T', "t")),
        put(3, &lines[3].replace('T', " ")),
        put(3, "time 2026-01-01T11:00:00.000001+01:00"),
        put(3, "time 2026-01-01T10:00:00.0000010Z"),
        put(3, "time  2026-01-01T10:00:00.000001Z"),
        put(4, "seal 03 closed"),
        put(4, "seal +3 closed"),
        put(4, "seal 3"),
        put(5, &lines[5].replace("key ", "KEY ")),
        put(6, &format!("{} ", lines[6])),
        put(6, &format!("{}\r", lines[6])),
        format!("{text}\none line more"),
        format!("{text}\n"),
        lines[..6].join("\n"),
    ];
    for changed in wrong {
        for note in [
            format!("{changed}\n\n{signature}"),
            sign(&format!("{changed}\n"), 4),
        ] {
            assert!(against(&note).is_err(), "{note}");
        }
    }
    // What is written so is read, where it is signed.
    for changed in [put(1, "11"), put(4, "seal 4 closed"), put(4, "seal 3 busy")] {
        let note = format!("{changed}\n\n{signature}");
        assert!(against(&note).is_err(), "{note}");
        let note = sign(&format!("{changed}\n"), 4);
        assert!(against(&note).is_ok(), "{note}");
    }
    let (name, blob) = signature
        .strip_prefix("\u{2014} ")
        .and_then(|line| line.trim_end().split_once(' '))
        .expect("a signature");
    // The last digit in front of the padding has two bits that mean nothing.
    let digit = blob.as_bytes()[blob.len() - 2];
    let other = format!("{}{}=", &blob[..blob.len() - 2], char::from(digit + 1));
    let signatures = [
        format!("\u{2014} {name} {other}\n"),
        format!("\u{2014} {name} {}\n", blob.trim_end_matches('=')),
        format!("\u{2014} {name} {blob}"),
        format!("\u{2014} {name} {blob}\n\n"),
        format!("\u{2014} {name} {blob}\n\u{2014} {name} {blob}\n"),
        format!("\u{2014} {name}  {blob}\n"),
        format!("\u{2014} {} {blob}\n", origin(2)),
        format!("- {name} {blob}\n"),
        String::new(),
    ];
    for changed in signatures {
        let note = format!("{text}\n\n{changed}");
        assert!(against(&note).is_err(), "{note}");
    }
    // By a key that the note does not name.
    let strangers = sign(&format!("{text}\n"), 9);
    assert!(against(&strangers).is_err(), "{strangers}");
}

#[test]
fn a_key_is_taken_with_its_own_id_and_kind_alone() {
    let name = origin(1);
    let public = key(1).verifying_key().to_bytes();
    let good = verifier_key(&name, 1, &public);
    for same in [good.clone(), format!(" {good}\n")] {
        let verify = VerifyOptions::new().key(&same).expect("a key");
        let verified = TestTrail::closed().verify_against(&verify);
        let verified = verified.expect("sealed");
        assert!(verified.is_intact() && verified.unknown.is_empty());
        assert_eq!(verified.key.as_ref(), Some(&good));
    }
    let (head, typed) = good.rsplit_once('+').expect("a key");
    let (_, id) = head.rsplit_once('+').expect("an id");
    let wrong = [
        format!("{name}+00000000+{typed}"),
        format!("{name}+{id}0+{typed}"),
        format!("{}+{id}+{typed}", origin(2)),
        format!("{name}+{id}"),
        format!("{name}+{typed}"),
        format!("{good}+"),
        format!("{good}="),
        verifier_key(&name, 2, &public),
        verifier_key(&name, 0, &public),
        format!(
            "{name}+{id}+{}",
            verifier_key(&name, 2, &public)
                .rsplit_once('+')
                .expect("a key")
                .1
        ),
        verifier_key(&name, 1, &public[..31]),
        verifier_key(&name, 1, &[&public[..], &[0]].concat()),
        format!("{name}+{id}+"),
        String::new(),
    ];
    for wrong in wrong {
        assert!(VerifyOptions::new().key(&wrong).is_err(), "{wrong}");
    }
}
