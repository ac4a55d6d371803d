//! The command.

use std::fs;

use crate::common::small::{Small, bytes};

#[test]
fn the_command_tells_by_its_exit_code() {
    let small = Small::new();
    let command = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_stinger-audit"))
            .args(arguments)
            .current_dir(small.dir.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        let talk = String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), said, talk)
    };
    let (code, said, _) = command(&["verify", "audit.log"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.ends_with("\nintact\n") && said.contains("proven: records 0 to 23"),
        "{said}"
    );
    let (code, note, _) = command(&["checkpoint", "audit.log"]);
    assert_eq!(code, Some(0));
    fs::write(small.dir.path().join("kept"), &note).expect("written");
    let (code, said, _) = command(&["verify", "audit.log", "--checkpoint", "kept"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, _, talk) = command(&["prove", "audit.log", "--seq", "3", "-o", "evidence"]);
    assert_eq!(code, Some(0), "{talk}");
    let page = fs::read_to_string(small.dir.path().join("evidence.md")).expect("a page");
    assert!(
        page.contains("| 3 |") && page.contains("does not show"),
        "{page}"
    );
    let (code, said, _) = command(&["verify", "evidence"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said, _) = command(&["verify", "evidence", "--checkpoint", "kept"]);
    assert_eq!(code, Some(0), "{said}");
    // The first key has not signed it, and what follows from the first key it does not show.
    let first = small.verify().key.expect("a key");
    let (code, said, _) = command(&["verify", "evidence", "--key", &first]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("could not be checked"), "{said}");
    // What exists is replaced only where that was said, and what is a trail's never.
    let again = ["prove", "audit.log", "--seq", "3", "-o", "evidence"];
    assert_eq!(command(&again).0, Some(2));
    assert_eq!(command(&[&again[..], &["--force"]].concat()).0, Some(0));
    let over = ["prove", "audit.log", "--seq", "4", "--force", "-o"];
    for name in ["audit.log", "audit.log.checkpoint", "audit.log.sealkey"] {
        let (code, _, talk) = command(&[&over[..], &[name]].concat());
        assert_eq!(code, Some(2), "{name}: {talk}");
    }
    assert!(small.verify().is_intact());
    let evidence = fs::read_to_string(small.dir.path().join("evidence")).expect("evidence");
    fs::write(
        small.dir.path().join("evidence"),
        evidence.replace("prompt", "pr0mpt"),
    )
    .expect("written");
    assert_eq!(command(&["verify", "evidence"]).0, Some(1));

    let (path, lines) = &small.files[1];
    let mut bad = bytes(lines);
    let at = bad.len() / 2;
    bad[at] ^= 1;
    fs::write(path, bad).expect("written");
    let (code, said, _) = command(&["verify", "audit.log"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("changed  ") && said.contains("NOT intact"),
        "{said}"
    );
    for wrong in [
        &["verify", "nowhere.log"][..],
        &["verify", "audit.log", "--key", "nonsense"],
        &["verify", "audit.log", "--checkpoint", "nowhere"],
        &["prove", "audit.log", "--seq", "99"],
    ] {
        let (code, said, talk) = command(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        assert!(!talk.is_empty(), "{wrong:?}");
    }
}
