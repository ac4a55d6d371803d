//! Keys of the tags.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use stinger_audit::emit::prompt;
use stinger_audit::read::{Query, Trail};
use stinger_audit::redact::Keys;

use crate::common::records;

#[test]
fn one_person_has_one_tag_in_all_records_and_processes_until_the_key_rotates() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let keys = dir.path().join("redaction.keys");
    let run = || {
        let audit = stinger_audit::to(&path)
            .redact_pii(true)
            .open()
            .expect("a trail");
        let entry = prompt("Ann@Example.com or +1 (212) 555-0187, that is 212.555.0187");
        audit.log(entry).expect("recorded");
        audit.close().expect("closed");
    };
    run();
    run();
    stinger_audit::config::rotate_redaction_keys(&keys).expect("rotated");
    run();
    let prompts: Vec<String> = records(&path)
        .into_iter()
        .filter_map(|record| record.prompt)
        .collect();
    assert_eq!(prompts[0], prompts[1]);
    assert_ne!(prompts[1], prompts[2]);
    let known = Keys::read(&keys).expect("keys").tags("ann@example.com");
    let of_ann: Vec<_> = known
        .iter()
        .filter(|tag| tag.starts_with("[EMAIL"))
        .collect();
    assert!(
        prompts[0].contains(of_ann[0]) && prompts[2].contains(of_ann[1]),
        "{prompts:?} {known:?}"
    );
    let phones: BTreeSet<&str> = prompts[0]
        .match_indices("[PHONE:")
        .map(|(at, _)| &prompts[0][at..at + 23])
        .collect();
    assert_eq!(
        phones.len(),
        1,
        "two spellings of one number: {}",
        prompts[0]
    );
    let opened: Vec<Value> = Trail::open(&path)
        .expect("a trail")
        .query(Query::new().event_type("trail_opened"))
        .map(|record| record.expect("readable").other["redaction_key"].clone())
        .collect();
    assert_eq!(opened, ["k1", "k1", "k2"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&keys).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn keys_that_cannot_be_used_are_an_error_at_start() {
    let dir = tempfile::tempdir().expect("a directory");
    // A trail for each: a process that another test starts holds the locks of this one until it is the other program.
    let trails = std::cell::Cell::new(0);
    let open = |keys: &Path| {
        trails.set(trails.get() + 1);
        let path = dir.path().join(format!("audit-{}.log", trails.get()));
        stinger_audit::to(path)
            .redact_pii(true)
            .redaction_keys(keys)
            .open()
    };
    let keys = dir.path().join("the.keys");
    fs::write(&keys, "nonsense\n").expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).expect("set");
        let error = open(&keys).expect_err("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).expect("set");
    }
    let error = open(&keys).expect_err("refused").to_string();
    assert!(error.contains("line 1 is not a key"), "{error}");
    let error = open(&keys.join("keys")).expect_err("refused").to_string();
    assert!(error.contains("couldn't create the directory"), "{error}");
    for fresh in ["fresh.keys", "no/such/directory/keys"] {
        open(&dir.path().join(fresh))
            .expect("made")
            .close()
            .expect("closed");
        assert!(dir.path().join(fresh).is_file());
    }
}
