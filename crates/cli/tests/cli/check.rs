//! `check` and the overview of a trail whose end is missing.

use std::fs;

use crate::fixtures::ended;
use crate::process::{piped, run, stderr, stdout};

#[test]
fn check_finds_what_is_missing_at_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let whole = ended(dir.path());
    let file = dir.path().join("audit.log");
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let check = |code: i32, says: &[&str]| {
        let output = run(dir.path(), &["check", "audit.log"]);
        let told = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        for says in says {
            assert!(told.contains(says), "{says}: {told}");
        }
    };
    let overview = || {
        let output = run(dir.path(), &["audit.log"]);
        stdout(&output) + &stderr(&output)
    };
    check(0, &["complete: nothing is missing"]);
    assert!(overview().contains("complete: nothing is missing"));
    // Its last byte, half of its last line, its last lines, all of them.
    fs::write(&file, &whole[..whole.len() - 1]).expect("written");
    check(
        1,
        &[
            "torn line",
            "its last line has no line feed",
            "NOT complete: 1 finding",
        ],
    );
    assert!(overview().contains("NOT complete: 1 finding, see `stinger-audit check audit.log`"));
    fs::write(&file, &whole[..whole.len() - 20]).expect("written");
    check(
        1,
        &["torn line", "the last line has no end", "line 7, byte"],
    );
    for left in [0, 1, 3] {
        fs::write(&file, lines[..left].concat()).expect("written");
        let last = lines.len() - 1;
        let gone = format!("{} records are gone: the checkpoint", last + 1 - left);
        let gone = if left + 1 == last + 1 {
            "1 record is gone".to_owned()
        } else {
            gone
        };
        check(1, &["cut", &gone]);
        assert!(overview().contains("NOT complete"), "{}", overview());
    }
    // The files themselves.
    fs::remove_file(&file).expect("removed");
    let gone = format!("{} records are gone", lines.len());
    check(
        1,
        &[
            "cut",
            &gone,
            "the trail has no file",
            "NOT complete: 1 finding",
        ],
    );
    let asked = run(dir.path(), &["query", "audit.log"]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(stderr(&asked).contains(&gone), "{}", stderr(&asked));
    assert!(overview().contains(&gone));
    fs::remove_file(dir.path().join("audit.log.checkpoint")).expect("removed");
    fs::write(dir.path().join("audit.log.journal"), "x").expect("written");
    check(
        1,
        &[
            "the files of the trail are gone",
            "audit.log.journal is left",
        ],
    );
    fs::remove_file(dir.path().join("audit.log.journal")).expect("removed");
    check(2, &["there is no audit trail"]);
    // A checkpoint that is none.
    fs::write(&file, &whole).expect("written");
    fs::write(dir.path().join("audit.log.checkpoint"), "5\n").expect("written");
    check(1, &["is not the checkpoint that was signed"]);
    // A stream has no writer that could go on.
    let output = piped(dir.path(), &["check", "-"], &whole);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = piped(dir.path(), &["check", "-"], &whole[..whole.len() - 20]);
    assert!(stdout(&output).contains("the last line has no end"));
    let mixed = [b"starting\n", whole.as_slice()].concat();
    let output = piped(dir.path(), &["check", "-"], &mixed);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stderr(&output).contains("skipped 1 line of other programs"));
}
