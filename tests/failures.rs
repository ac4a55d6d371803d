//! What the trail makes of failures of the disk and of its destinations.

use std::fs;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use stinger_audit::read::{Trail, Verify};
use stinger_audit::record::Record;
use stinger_audit::{Audit, ErrorKind, Rotation, Unreadable};

mod common;
use common::disk::SmallDisk;
use common::{all_records, lines_of, records, skip};

fn open(path: &Path) -> Audit {
    stinger_audit::to(path)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .open()
        .expect("a trail")
}

fn log(audit: &Audit, numbers: std::ops::Range<u64>) {
    for number in numbers {
        audit
            .log(stinger_audit::event("e").field("number", number))
            .expect("recorded");
    }
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records
        .iter()
        .filter_map(|record| record.other.get("number")?.as_u64())
        .collect()
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Takes the live file away, and checks that nothing is lost by it and that the trail says so.
fn taken_away(how: &str, take: impl FnOnce(&Path)) -> (tempfile::TempDir, Vec<Record>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("logs/audit.log");
    let audit = open(&path);
    log(&audit, 0..100);
    audit.flush().expect("written");
    take(&path);
    log(&audit, 100..200);
    audit.close().expect("closed");
    let records = match how {
        // The reader is given the renamed file's records too.
        "renamed" => {
            let aside = all_records(&path.with_file_name("moved.log"));
            [aside, all_records(&path)].concat()
        }
        _ => all_records(&path),
    };
    assert_eq!(numbers(&records), (0..200).collect::<Vec<_>>(), "{how}");
    let told = records
        .iter()
        .find(|record| record.event_type.as_str() == "trail_put_back")
        .expect("the trail says so");
    assert_eq!(told.other["happened"], how);
    (dir, records)
}

#[test]
fn a_live_file_that_is_removed_is_written_again() {
    taken_away("removed", |path| fs::remove_file(path).expect("removed"));
}

#[test]
fn a_live_file_that_is_renamed_is_left_and_a_new_one_begun() {
    taken_away("renamed", |path| {
        fs::rename(path, path.with_file_name("moved.log")).expect("renamed");
    });
}

#[test]
fn a_directory_that_is_removed_is_made_again() {
    taken_away("removed", remove_directory_of);
}

/// The trail may make a file in it while it goes.
fn remove_directory_of(path: &Path) {
    let directory = path.parent().expect("a directory");
    until("it is removed", || fs::remove_dir_all(directory).is_ok());
}

#[test]
fn a_directory_that_is_removed_takes_no_crash_safety_with_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("logs/audit.log");
    let ended = child_command(
        &this_program(),
        "directory removed",
        path.to_str().expect("UTF-8"),
    )
    .args(CHILD)
    .output()
    .expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("EMITTED") && !ended.status.success(),
        "it aborts behind its last event: {said}"
    );
    open(&path).close().expect("opened again");
    assert_eq!(numbers(&all_records(&path)), (0..500).collect::<Vec<_>>());
}

#[cfg(unix)]
#[test]
fn a_forked_child_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open(&path);
    log(&audit, 0..10);
    #[expect(unsafe_code, reason = "the test is about fork")]
    // SAFETY: the child calls only what takes no lock of another thread, and ends by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = audit.log(stinger_audit::event("from the child"));
        let is_forked = matches!(refused, Err(error) if matches!(error.kind(), ErrorKind::Forked));
        #[expect(unsafe_code, reason = "exit handlers are the parent's")]
        // SAFETY: it only ends the process.
        unsafe {
            libc::_exit(i32::from(!is_forked))
        }
    }
    let mut status = 0;
    #[expect(unsafe_code, reason = "the test is about fork")]
    // SAFETY: the pointer is to a local that lives.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((waited, status), (child, 0), "the child was refused");
    log(&audit, 10..20);
    audit.close().expect("closed");
    assert_eq!(numbers(&records(&path)), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_live_file_that_is_replaced_is_written_again_and_the_other_kept() {
    let (dir, records) = taken_away("replaced", |path| {
        let forged = path.with_file_name("forged");
        fs::write(&forged, "{\"seq\":0}\n").expect("written");
        fs::rename(forged, path).expect("replaced");
    });
    let told = records
        .iter()
        .find_map(|record| record.other.get("set_aside")?.as_str())
        .expect("a name");
    let kept = fs::read_to_string(dir.path().join("logs").join(told)).expect("kept");
    assert_eq!(kept, "{\"seq\":0}\n");
}

#[test]
fn a_live_file_that_is_cut_is_told_and_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open(&path);
    log(&audit, 0..100);
    audit.flush().expect("written");
    let half = path.metadata().expect("metadata").len() / 2;
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("opened")
        .set_len(half)
        .expect("cut");
    log(&audit, 100..110);
    audit.close().expect("closed");
    let records: Vec<_> = Trail::open(&path)
        .expect("a trail")
        .records()
        .filter_map(Result::ok)
        .collect();
    let told = records
        .iter()
        .find(|record| record.event_type.as_str() == "trail_put_back")
        .expect("the trail says so");
    assert_eq!(told.other["happened"], "cut");
    assert!(numbers(&records).ends_with(&(100..110).collect::<Vec<_>>()));
}

#[test]
fn a_live_file_that_only_takes_appends_is_written_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open(&path);
    let chattr = |flag: &str| {
        Command::new("chattr")
            .arg(flag)
            .arg(&path)
            .stderr(Stdio::null())
            .status()
    };
    if !chattr("+a").is_ok_and(|status| status.success()) {
        audit.close().expect("closed");
        return skip("chattr is not installed, not allowed, or not known to this file system");
    }
    log(&audit, 0..100);
    let confirmed = audit.confirm();
    let closed = audit.close();
    open(&path).close().expect("opened again");
    chattr("-a").expect("it runs");
    confirmed.and(closed).expect("written");
    assert_eq!(numbers(&all_records(&path)), (0..100).collect::<Vec<_>>());
}

#[test]
fn confirm_returns_when_it_is_on_the_medium_and_waits_for_all_threads() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = open(&path);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (audit, path) = (&audit, &path);
            scope.spawn(move || {
                for round in 0..20 {
                    let number = thread * 1_000 + round;
                    log(audit, number..number + 1);
                    let before = audit.status().accepted;
                    audit.confirm().expect("confirmed");
                    assert!(audit.status().synced >= before);
                    let text = fs::read_to_string(path).expect("readable");
                    assert!(text.contains(&format!("\"number\":{number}}}")));
                }
            });
        }
    });
    assert!(audit.status().last_sync.is_some());
    audit.close().expect("closed");
}

#[test]
fn confirm_returns_behind_a_sync_of_the_file_that_began_behind_the_write() {
    if !common::can_trace() {
        return;
    }
    for role in ["confirm", "confirm_async"] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let shown = path.to_str().expect("UTF-8");
        let trace = dir.path().join("trace");
        let status = child_command("strace", role, shown)
            .args(["-f", "-qq", "-y", "-s", "100000", "-e"])
            .args(["trace=write,writev,pwrite64,fdatasync,fsync", "-o"])
            .arg(&trace)
            .arg(this_program())
            .args(CHILD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("it runs");
        assert!(status.success());
        let trace = fs::read_to_string(&trace).expect("a trace");
        let mut calls = trace.lines();
        for number in 0..CONFIRMED {
            let mut next = |what: &str, is_it: &dyn Fn(&str) -> bool| -> &str {
                let found = calls.find(|call| is_it(call));
                found.unwrap_or_else(|| panic!("{role}: no {what} of record {number}"))
            };
            let record = format!("\\\"number\\\":{number}}}");
            next("write", &|call| {
                call.contains(shown) && call.contains(&record)
            });
            let sync = next("sync", &|call| {
                call.contains("sync(") && call.contains(&format!("{shown}>"))
            });
            if sync.contains("<unfinished") {
                let thread = sync.split_whitespace().next();
                next("end of the sync", &|call| {
                    call.contains("sync resumed>") && call.split_whitespace().next() == thread
                });
            }
            next("return", &|call| {
                call.contains(&format!("\"CONFIRMED {number}"))
            });
        }
    }
}

/// The smallest executor there is: parks the thread until it is woken.
fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    loop {
        match std::pin::Pin::new(&mut future).poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn confirm_async_needs_no_runtime() {
    let dir = tempfile::tempdir().expect("a directory");
    let audit = open(&dir.path().join("audit.log"));
    for number in 0..20 {
        log(&audit, number..number + 1);
        let before = audit.status().accepted;
        block_on(audit.confirm_async()).expect("confirmed");
        assert!(audit.status().synced >= before);
    }
    audit.close().expect("closed");
}

#[test]
fn a_disk_without_room_for_the_journal_is_an_error_that_fills_nothing() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    for _ in 0..2 {
        let error = stinger_audit::to(&path).open().expect_err("no room");
        let says = error.to_string();
        for part in ["audit.log.journal", "8392704 bytes", "buffer(", "make room"] {
            assert!(says.contains(part), "{says}");
        }
        assert!(!disk.path().join("audit.log.journal.new").exists());
    }
    let opened = stinger_audit::to(&path).buffer(128 << 10).open();
    opened.expect("room").close().expect("closed");
}

#[test]
fn an_error_of_the_system_has_its_reason_and_a_remedy_in_one_line_and_only_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a file");
    fs::write(&path, "").expect("written");
    let error = stinger_audit::to(path.join("audit.log"))
        .open()
        .expect_err("no directory");
    let ErrorKind::Io { source, .. } = error.kind() else {
        panic!("{error}");
    };
    let line = error.to_string();
    assert!(line.contains(&source.to_string()), "{line}");
    assert_eq!(format!("{error:?}"), line);
    assert!(std::error::Error::source(&error).is_none());
    let error = stinger_audit::to("/proc/nowhere/audit.log")
        .open()
        .expect_err("no directory")
        .to_string();
    assert!(
        error.ends_with("; create it, or choose another path"),
        "{error}"
    );
}

#[test]
fn a_full_disk_holds_records_back_and_loses_none_that_fit() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .buffer(128 << 10)
        .open()
        .expect("a trail");
    log(&audit, 0..10);
    audit.flush().expect("written");
    let filler = disk.fill();
    log(&audit, 10..500);
    until("the write fails", || !audit.status().writable);
    assert!(
        audit
            .status()
            .last_error
            .is_some_and(|error| error.contains("No space left"))
    );
    assert!(audit.confirm().is_err());
    fs::remove_file(filler).expect("removed");
    until("it is written", || audit.flush().is_ok());
    audit.close().expect("closed");
    let records = all_records(&path);
    assert_eq!(numbers(&records), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_disk_that_stays_full_costs_a_counted_gap() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .buffer(64 << 10)
        .patience(Duration::from_millis(20))
        .open()
        .expect("a trail");
    let filler = disk.fill();
    log(&audit, 0..5_000);
    let lost = audit.status().lost;
    assert!(lost > 0);
    fs::remove_file(filler).expect("removed");
    until("it is written", || audit.flush().is_ok());
    audit.close().expect("closed");
    let records = all_records(&path);
    let counted: u64 = records
        .iter()
        .filter(|record| record.event_type.as_str() == "trail_gap")
        .filter_map(|record| record.other["lost"].as_u64())
        .sum();
    assert_eq!(numbers(&records).len() as u64 + counted, 5_000);
}

#[test]
fn under_fail_safe_a_full_disk_trips_the_trail_and_it_heals_by_itself() {
    let Some(disk) = SmallDisk::mount("1m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .rotation(Rotation::NEVER)
        .buffer(64 << 10)
        .fail_safe(true)
        .open()
        .expect("a trail");
    let filler = disk.fill();
    let try_once = || audit.log(stinger_audit::event("e").field("pad", "x".repeat(500)));
    until("it trips", || try_once().is_err());
    assert!(audit.status().tripped);
    fs::remove_file(filler).expect("removed");
    until("it heals", || !audit.status().tripped);
    try_once().expect("recorded");
    audit.close().expect("closed");
    let types: Vec<_> = all_records(&path)
        .iter()
        .map(|r| r.event_type.to_string())
        .collect();
    let place = |name: &str| types.iter().position(|found| found == name).expect("told");
    assert!(place("trail_tripped") < place("trail_healed"));
}

#[test]
fn a_copy_on_a_full_device_costs_the_trail_nothing() {
    if !Path::new("/dev/full").exists() {
        return skip("there is no /dev/full");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to([path.as_path(), Path::new("/dev/full")])
        .redact_pii(false)
        .open()
        .expect("a trail");
    log(&audit, 0..1_000);
    audit.flush().expect("written");
    until("the copy's error is told", || {
        audit.status().copies[0].last_error.is_some()
    });
    assert!(audit.status().writable && audit.status().lost == 0);
    audit.close().expect("closed");
    assert_eq!(records(&path).len(), 1_000);
}

/// The children of the tests below.
#[test]
fn child() {
    let Ok(role) = std::env::var("STINGER_TEST_ROLE") else {
        return;
    };
    let trail = std::env::var("STINGER_TEST_TRAIL").expect("set");
    let builder = stinger_audit::to(trail.as_str())
        .redact_pii(false)
        .rotation(Rotation::NEVER)
        .buffer(64 << 10)
        .patience(Duration::from_millis(50));
    match role.as_str() {
        "stdout" => {
            let audit = builder.enable().expect("a trail");
            let begun = Instant::now();
            let resident = resident_kib();
            log(&audit, 0..20_000);
            while begun.elapsed() < outage() {
                log(&audit, 0..20_000);
            }
            // The buffer is 64 KiB; the rest is for what the process needs itself.
            let grown = resident_kib().saturating_sub(resident);
            eprintln!("{grown} KiB more in memory");
            assert!(grown < 4 << 10, "{grown} KiB more in memory");
            let error = audit.status().last_error.unwrap_or_default();
            eprintln!(
                "EMITTED in {} ms, {} lost, {error}",
                begun.elapsed().as_millis(),
                audit.status().lost
            );
        }
        "faults" => {
            let Ok(audit) = builder.enable() else {
                return eprintln!("REFUSED");
            };
            for number in 0..100 {
                log(&audit, number..number + 1);
                if number % 10 == 9 && audit.confirm().is_ok() {
                    eprintln!("CONFIRMED {number}");
                }
            }
            eprintln!("EMITTED");
            // What fails then too is found by the next opening.
            let _ = audit.close();
        }
        "confirm" | "confirm_async" => {
            let audit = builder.enable().expect("a trail");
            for number in 0..CONFIRMED {
                log(&audit, number..number + 1);
                let confirmed = match role.as_str() {
                    "confirm" => audit.confirm(),
                    _ => block_on(audit.confirm_async()),
                };
                confirmed.expect("confirmed");
                // In one call of the system.
                let said = format!("CONFIRMED {number}\n");
                let _ = std::io::stderr().write_all(said.as_bytes());
            }
        }
        "directory removed" => {
            let audit = builder.enable().expect("a trail");
            log(&audit, 0..100);
            audit.flush().expect("written");
            remove_directory_of(Path::new(&trail));
            let journal = format!("{trail}.journal");
            until("the journal is made again", || Path::new(&journal).exists());
            log(&audit, 100..500);
            eprintln!("EMITTED");
            std::process::abort();
        }
        "orphan" => {
            let audit = builder.enable().expect("a trail");
            log(&audit, 0..500);
            eprintln!("EMITTED");
            std::process::abort();
        }
        other => panic!("{other}"),
    }
}

/// How many records are confirmed one by one under strace.
const CONFIRMED: u64 = 10;

/// How long an outage is made to last, beyond what it takes anyway.
fn outage() -> Duration {
    let seconds = std::env::var("STINGER_TEST_OUTAGE_SECONDS").map_or(0, |seconds| {
        seconds
            .parse()
            .expect("STINGER_TEST_OUTAGE_SECONDS is a number")
    });
    Duration::from_secs(seconds)
}

/// Resident memory of this process, where the system tells.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn child_command(program: &str, role: &str, trail: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("STINGER_TEST_ROLE", role)
        .env("STINGER_TEST_TRAIL", trail);
    command
}

fn this_program() -> String {
    std::env::current_exe()
        .expect("a path")
        .to_string_lossy()
        .into_owned()
}

const CHILD: [&str; 4] = ["--exact", "child", "--nocapture", "--test-threads=1"];

#[test]
fn a_stdout_that_nobody_reads_or_that_is_closed_holds_nobody_up() {
    for closed in [true, false] {
        let mut child = child_command(&this_program(), "stdout", "stdout")
            .args(CHILD)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let stdout = child.stdout.take().expect("a pipe");
        // The first records are read, so that the trail opens; then nothing.
        let mut first = BufReader::with_capacity(1, stdout);
        let mut line = String::new();
        while !line.contains("\"trail_sealed\"") {
            line.clear();
            first.read_line(&mut line).expect("the first records");
        }
        let stdout = first.into_inner();
        let kept = (!closed).then_some(stdout);
        let begun = Instant::now();
        let mut said = String::new();
        let mut stderr = child.stderr.take().expect("a pipe");
        // Until the child has said what it has to: its end may wait for the pipe.
        let mut byte = [0];
        while !said.contains("EMITTED") || !said.ends_with('\n') {
            assert_ne!(stderr.read(&mut byte).expect("readable"), 0, "{said}");
            said.push(byte[0] as char);
        }
        assert!(
            begun.elapsed() < outage() + Duration::from_secs(5),
            "held up: {said}"
        );
        println!("{}", said.trim_end());
        assert_eq!(closed, said.contains("Broken pipe"), "{said}");
        assert!(said.contains("lost") && !said.contains(" 0 lost"), "{said}");
        drop(kept);
        child.kill().expect("killed");
        child.wait().expect("it ends");
    }
}

#[test]
fn faults_of_the_kernel_lose_no_record_that_was_confirmed_and_double_none() {
    if !common::can_trace() {
        return;
    }
    // Of the calls that the test harness makes as well, only those for some files fail.
    let trail = &["", ".journal"][..];
    // How many of twelve must come about at least, and how many of them may refuse the start.
    let faults = [
        ("write:error=EIO", trail, 10, 3),
        ("write:error=ENOSPC", trail, 10, 3),
        ("write:error=EDQUOT", trail, 10, 3),
        ("write:error=EROFS", trail, 10, 3),
        ("fdatasync:error=EIO", trail, 8, 2),
        ("fsync:error=EIO", &[".journal.new"], 1, 1),
        // An opening opens the trail's file once.
        ("openat:error=EMFILE", trail, 1, 12),
        ("/^rename:error=EACCES", &[".sealkey"], 1, 1),
        ("/^rename:error=EACCES", &[".journal"], 1, 1),
        ("/^rename:error=EACCES", &[".checkpoint"], 1, 0),
        ("/^unlink:error=EACCES", &[], 1, 0),
        ("statx:error=EIO", trail, 10, 4),
    ];
    let mut told = 0;
    for (fault, files, least, most) in faults {
        let (mut injected, mut refused) = (0, 0);
        for when in 1..=12 {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("audit.log");
            let shown = path.to_str().expect("UTF-8");
            let trace = dir.path().join("trace");
            let mut command = child_command("strace", "faults", shown);
            command.args(["-f", "-qq", "-o"]).arg(&trace);
            for file in files {
                command.args(["-P", &format!("{shown}{file}")]);
            }
            let output = command
                .arg("-e")
                .arg(format!("inject={fault}:when={when}"))
                .arg(this_program())
                .args(CHILD)
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let trace = fs::read_to_string(&trace).expect("a trace");
            let is_injected = trace.contains("(INJECTED)");
            let is_refused = said.contains("REFUSED");
            assert!(
                match is_refused {
                    true => is_injected,
                    false => said.contains("EMITTED"),
                },
                "{fault} at {when}: {said}"
            );
            injected += u64::from(is_injected);
            refused += u64::from(is_refused);
            open(&path).close().expect("opened once more");
            let records = all_records(&path);
            let expected = if is_refused { 0..0 } else { 0..100 };
            assert_eq!(
                numbers(&records),
                expected.collect::<Vec<_>>(),
                "{fault} at {when}: {said}"
            );
            let verified = Trail::open(&path)
                .expect("a trail")
                .verify(&Verify::new())
                .expect("sealed");
            assert!(verified.is_intact(), "{fault} at {when}: {verified:#?}");
            let is_told = |record: &&Record| record.event_type.as_str() == "trail_sync_failed";
            told += records.iter().filter(is_told).count();
        }
        let outcome = format!("{injected} of 12 injected, {refused} refused to start");
        println!("{fault} of {files:?}: {outcome}");
        assert!(
            injected >= least && refused <= most,
            "{fault} of {files:?}: {outcome}"
        );
    }
    assert!(told > 0, "a failed sync is told");
}

/// The records of processes that were killed: what cannot be read is what they were writing then, and
/// `trail_recovered` says how much that is.
fn records_of_killed(trail: &Trail) -> Vec<Record> {
    let (mut records, mut torn, mut told) = (Vec::new(), 0, 0);
    for record in trail.records() {
        match record {
            Ok(record) => {
                let files = record.other.get("torn").and_then(|torn| torn.as_array());
                for file in files.into_iter().flatten() {
                    told += file["bytes"].as_u64().expect("a number");
                }
                records.push(record);
            }
            Err(error) => match error.kind() {
                ErrorKind::Unreadable {
                    length,
                    reason: Unreadable::Torn,
                    ..
                } => torn += length,
                _ => panic!("{error}"),
            },
        }
    }
    assert_eq!(torn, told, "bytes that were torn, and told");
    records
}

#[test]
fn what_a_dead_process_left_is_adopted_and_trails_of_several_are_merged() {
    let dir = tempfile::tempdir().expect("a directory");
    let pattern = dir.path().join("audit.{pid}.log");
    let shown = pattern.to_str().expect("UTF-8");
    let mut pids = Vec::new();
    for _ in 0..2 {
        let child = child_command(&this_program(), "orphan", shown)
            .args(CHILD)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        pids.push(child.id());
        child.wait_with_output().expect("it ends");
    }
    let audit = open(&pattern);
    log(&audit, 0..500);
    audit.close().expect("closed");
    for pid in pids {
        let path = dir.path().join(format!("audit.{pid}.log"));
        let records = records_of_killed(&Trail::open(&path).expect("a trail"));
        let is_next = |pair: &[Record]| pair[0].seq + 1 == pair[1].seq;
        assert!(records.windows(2).all(is_next), "a hole, or out of order");
        assert_eq!(numbers(&records), (0..500).collect::<Vec<_>>());
        let types = records.iter().map(|record| record.event_type.as_str());
        let last: Vec<_> = types.rev().take(2).collect();
        assert_eq!(last, ["trail_sealed", "trail_closed"]);
        assert!(!dir.path().join(format!("audit.{pid}.log.journal")).exists());
    }
    let merged = records_of_killed(&Trail::open(&pattern).expect("trails"));
    assert_eq!(numbers(&merged).len(), 1_500);
    assert!(
        merged
            .windows(2)
            .all(|pair| pair[0].timestamp <= pair[1].timestamp)
    );
}

/// A journal as it stood while entries waited in it.
fn journal_with_entries(journal: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(journal).expect("readable");
    let word = |at: usize| bytes[at..][..8].first_chunk().copied();
    let [head, tail] = [word(16)?, word(24)?].map(u64::from_le_bytes);
    (head < tail).then_some(bytes)
}

#[test]
fn a_journal_older_than_the_trail_as_after_a_loss_of_power_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let journal = dir.path().join("audit.log.journal");
    let mut next = 0;
    for _ in 0..3 {
        let audit = open(&path);
        let mut kept = None;
        until("entries wait in the journal", || {
            log(&audit, next..next + 500);
            next += 500;
            kept = journal_with_entries(&journal);
            kept.is_some()
        });
        // What waits is written and sealed, and more behind it.
        audit.flush().expect("written");
        log(&audit, next..next + 1_500);
        next += 1_500;
        audit.close().expect("closed");
        fs::write(&journal, kept.expect("entries wait")).expect("put back");
    }
    open(&path).close().expect("closed");
    let trail = Trail::open(&path).expect("a trail");
    let read = all_records(&path);
    assert_eq!(numbers(&read), (0..next).collect::<Vec<_>>());
    let recovered = read
        .iter()
        .filter(|record| record.event_type.as_str() == "trail_recovered");
    let replayed = recovered.filter_map(|record| record.other["replayed"].as_u64());
    assert_eq!(replayed.sum::<u64>(), 0);
    let verified = trail.verify(&Verify::new()).expect("sealed");
    assert!(verified.is_intact(), "{verified:#?}");
}

#[test]
fn a_heartbeat_has_the_counts_of_its_moment() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let audit = stinger_audit::to(&path)
        .sealing(false)
        .rotation(Rotation::NEVER)
        .pulse(Duration::from_secs(1))
        .low_space(0)
        .open()
        .expect("a trail");
    // On this thread no subscriber has the layer.
    assert!(!audit.probe().is_complete());
    log(&audit, 0..10);
    // A heartbeat may come between the events. The second one after them is written when all is quiet.
    let mut beats = Vec::new();
    until("two heartbeats", || {
        audit.flush().expect("written");
        beats = lines_of(&path);
        let last_event = beats.iter().rposition(|line| line["event_type"] == "e");
        beats.drain(..=last_event.expect("the events are written"));
        beats.len() >= 2
    });
    assert_eq!(beats[1]["event_type"], "trail_heartbeat");
    let before = beats[1]["seq"].as_u64().expect("a number");
    assert!(before >= 13, "{before}");
    let counts = ["accepted", "written", "lost", "backlog_bytes"].map(|name| &beats[1][name]);
    // Of those written, ten are the application's.
    assert_eq!(counts, [10, before, 0, 0]);
    let starved = audit.status().starved.expect("it was probed");
    assert_eq!(beats[1]["starved"], starved);
    audit.close().expect("closed");
    let is_warning = |line: &Json| line["event_type"] == "trail_low_space";
    assert!(
        !lines_of(&path).iter().any(is_warning),
        "0 bytes are never too few"
    );
}

#[test]
fn a_disk_that_fills_up_is_warned_of_once_with_what_is_left() {
    let Some(disk) = SmallDisk::mount("16m") else {
        return;
    };
    let path = disk.path().join("audit.log");
    let threshold = 8 << 20;
    let audit = stinger_audit::to(&path)
        .rotation(Rotation::NEVER)
        .buffer(128 << 10)
        .pulse(Duration::from_secs(1))
        .low_space(threshold)
        .open()
        .expect("a trail");
    let of_type = |event_type: &str| -> Vec<Json> {
        audit.flush().expect("written");
        let mut lines = lines_of(&path);
        lines.retain(|line| line["event_type"] == event_type);
        lines
    };
    // The disk is looked at with the first heartbeat, and with each fifth from then on.
    until("a look", || !of_type("trail_heartbeat").is_empty());
    assert_eq!(of_type("trail_low_space"), [Json::Null; 0], "half is free");
    fs::write(disk.path().join("filler"), vec![b'x'; 9 << 20]).expect("written");
    until("a warning", || !of_type("trail_low_space").is_empty());
    let beats = of_type("trail_heartbeat").len();
    until("the next look", || {
        of_type("trail_heartbeat").len() >= beats + 6
    });
    let warnings = of_type("trail_low_space");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["threshold_bytes"], threshold);
    // 16 MiB without the filler and what the trail itself takes, which is less than 1 MiB.
    let available = warnings[0]["available_bytes"].as_u64().expect("a number");
    assert!((6 << 20..7 << 20).contains(&available), "{available} bytes");
    audit.close().expect("closed");
}
