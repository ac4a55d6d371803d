//! The test program as a child process, and a child that a fork makes.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stinger_audit::config::Rotation;
use stinger_audit::error::ErrorKind;

use crate::common::records;
use crate::confirm::{CONFIRMED, block_on};
use crate::live_file::remove_directory_of;
use crate::stdout::{outage, resident_kib};
use crate::{log, numbers, open, until};

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
        let refused = audit.log(stinger_audit::emit::event("from the child"));
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

/// A child that another thread forks holds a copy of each descriptor until it executes its program, and with it a lock
/// that was only closed and not unlocked.
#[cfg(unix)]
#[test]
fn a_closed_trail_opens_again_while_other_threads_start_processes() {
    use std::os::unix::process::CommandExt as _;
    const ROUNDS: usize = 100;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("audit.log");
    let is_over = AtomicBool::new(false);
    let refused = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let mut command = Command::new("true");
                    #[expect(unsafe_code, reason = "a hook makes the library fork")]
                    // SAFETY: the hook does nothing.
                    unsafe {
                        command.pre_exec(|| Ok(()));
                    }
                    command.status().expect("it runs");
                }
            });
        }
        let open = || {
            let trail = stinger_audit::to(&path).buffer_capacity(64 << 10);
            trail.rotation(Rotation::NEVER).open()
        };
        let refused = (0..ROUNDS).filter(|_| match open() {
            Ok(audit) => audit.close().is_err(),
            Err(_) => true,
        });
        let refused = refused.count();
        is_over.store(true, Ordering::Relaxed);
        refused
    });
    assert_eq!(refused, 0, "of {ROUNDS}");
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
        .buffer_capacity(64 << 10)
        .enqueue_timeout(Duration::from_millis(50));
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
            let error = audit.status().writer.last_error.unwrap_or_default();
            eprintln!(
                "EMITTED in {} ms, {} lost, {error}",
                begun.elapsed().as_millis(),
                audit.status().records.lost
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

pub(super) fn child_command(program: &str, role: &str, trail: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("STINGER_TEST_ROLE", role)
        .env("STINGER_TEST_TRAIL", trail);
    command
}

pub(super) fn this_program() -> String {
    std::env::current_exe()
        .expect("a path")
        .to_string_lossy()
        .into_owned()
}

pub(super) const CHILD: [&str; 4] = [
    "--exact",
    "child_process::child",
    "--nocapture",
    "--test-threads=1",
];
