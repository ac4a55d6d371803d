use super::*;

/// A sync of this fails.
#[cfg(unix)]
fn unsyncable() -> Arc<File> {
    Arc::new(File::open("/dev/null").expect("a device"))
}

#[cfg(unix)]
#[test]
fn the_error_of_a_sync_that_runs_while_a_file_is_restored_is_not_forgotten() {
    for happened in ["lock removed", "cut"] {
        let dir = tempfile::tempdir().expect("a directory");
        let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
        let (mut files, _) = Files::open(&name, Period::Never).expect("files");
        files.write(b"one\n").expect("written");
        files.sync().expect("on the medium");
        files.write(b"two\n").expect("written");
        let file = std::mem::replace(&mut files.file, unsyncable());
        assert!(files.begin_sync(None).is_ok());
        files.file = file;
        match happened {
            "cut" => {
                let live = File::options().write(true).open(name.path());
                live.and_then(|live| live.set_len(2)).expect("cut");
            }
            _ => fs::remove_file(name.lock()).expect("removed"),
        }
        files.restore().expect("restored");
        files.write(b"three\n").expect("written");
        assert!(files.sync().is_err(), "{happened}: the error is known");
        files.distrust().expect("written again");
        files.sync().expect("on the medium");
        // What was not known to be on the medium stands there again.
        let anew = fs::read_to_string(name.path()).expect("readable");
        let expected = match happened {
            "cut" => "\nthree\n",
            _ => "two\nthree\n",
        };
        assert_eq!(anew, expected, "{happened}");
    }
}

#[cfg(unix)]
#[test]
fn lines_after_a_cut_are_written_again_where_the_medium_refuses_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
    let (mut files, _) = Files::open(&name, Period::Never).expect("files");
    files.write(b"a long line\n").expect("written");
    files.sync().expect("on the medium");
    let live = File::options().write(true).open(name.path());
    live.and_then(|live| live.set_len(0)).expect("cut");
    files.restore().expect("restored");
    files.write(b"new\n").expect("written");
    files.distrust().expect("written again");
    let anew = fs::read_to_string(name.path()).expect("readable");
    assert_eq!(anew, "new\n");
}

#[test]
fn each_time_that_lines_are_written_again_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
    let (mut files, _) = Files::open(&name, Period::Never).expect("files");
    let line = b"{\"seq\":0,\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\"}\n";
    files.write(line).expect("written");
    for _ in 0..2 {
        files.distrusted = Some(0);
        files.distrust().expect("written again");
    }
    let told = files.take_rewrites();
    let bytes: Vec<_> = told.iter().map(|told| told.rewritten_bytes).collect();
    assert_eq!(bytes, [Some(line.len() as u64); 2]);
    assert!(files.take_rewrites().is_empty());
    assert_eq!(name.files().expect("readable").len(), 3);
}

#[test]
fn behind_a_cut_line_that_is_written_again_a_line_begins() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
    let (mut files, _) = Files::open(&name, Period::Never).expect("files");
    let line = b"{\"seq\":0,\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\"}\n";
    files.write(&line[..20]).expect("written");
    fs::remove_file(name.path()).expect("removed");
    let told = files.restore().expect("restored");
    assert_eq!(told.restored_bytes, Some(20));
    files.write(line).expect("written");
    let written = fs::read(name.path()).expect("readable");
    assert_eq!(written, [&line[..20], b"\n", &line[..]].concat());
    assert!(files.is_in_place());
}

#[test]
fn a_file_in_whose_time_no_line_came_is_removed_at_the_roll() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
    let (mut files, _) = Files::open(&name, Period::Minutely).expect("files");
    let old = "audit.2020-01-01-00-00.log";
    fs::rename(dir.path().join(&files.live), dir.path().join(old)).expect("renamed");
    files.point(old.to_owned());
    files.roll().expect("rolled");
    assert!(!dir.path().join(old).exists());
    assert_eq!(name.files().expect("readable").len(), 1);
}

#[test]
fn lines_go_to_the_same_file_until_a_new_one_is_begun() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
    let (mut files, _) = Files::open(&name, Period::Minutely).expect("files");
    files.write(b"one\n").expect("written");
    // Its minute is long over.
    let old = "audit.2020-01-01-00-00.log";
    fs::rename(dir.path().join(&files.live), dir.path().join(old)).expect("renamed");
    files.point(old.to_owned());
    assert!(files.rolls());
    files.write(b"two\n").expect("written");
    files.roll().expect("rolled");
    assert!(!files.rolls());
    files.roll().expect("there is nothing to do");
    files.write(b"three\n").expect("written");
    let read = |file: &str| fs::read_to_string(dir.path().join(file)).expect("readable");
    assert_eq!(read(old), "one\ntwo\n");
    assert_eq!(read(&files.live), "three\n");
    assert_eq!(fs::read(name.path()).expect("a link"), b"three\n");
}

#[test]
fn a_file_that_was_made_when_the_clock_was_ahead_is_not_written_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
    let line = |seq: u64| {
        format!("{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\"}}\n")
    };
    let ahead = dir.path().join("audit.2100-01-01.log");
    fs::write(&ahead, line(0)).expect("written");
    let (files, found) = Files::open(&name, Period::Daily).expect("files");
    assert_eq!(found.last.map(|last| last.seq), Some(0));
    files.set_aside("audit.2100-01-01.log").expect("set aside");
    assert!(!ahead.exists(), "its name is free");
    let kept = name.files().expect("readable").into_iter();
    let kept = kept.filter(|path| fs::read(path).is_ok_and(|bytes| bytes == line(0).as_bytes()));
    assert_eq!(kept.count(), 1, "its records are still the trail's");
}
