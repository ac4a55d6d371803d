//! The system calls of a process.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::skip::skip;

/// Whether strace is installed and may trace. Says why not.
pub fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    let can_trace = traced.is_ok_and(|status| status.success());
    if !can_trace {
        skip("strace is not installed, or may not trace");
    }
    can_trace
}

/// The system calls of a command that succeeds, one a line, with the paths of file descriptors.
pub fn trace(command: &Command) -> Vec<String> {
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let variables = command.get_envs();
    let status = Command::new("strace")
        .args(["-f", "-y", "-o"])
        .arg(trace.path())
        .arg(command.get_program())
        .args(command.get_args())
        .envs(variables.filter_map(|(name, value)| Some((name, value?))))
        .stdout(Stdio::null())
        .status()
        .expect("strace runs");
    assert!(status.success());
    let trace = fs::read_to_string(trace.path()).expect("a trace");
    trace.lines().map(str::to_owned).collect()
}

/// Whether somewhere a thread syncs a temporary file, renames it to `name`, and syncs its directory.
pub fn is_durable(calls: &[String], directory: &Path, name: &str) -> bool {
    let thread = |call: &str| call.split(' ').next().unwrap_or_default().to_owned();
    let target = format!("{}\"", directory.join(name).display());
    let synced = |call: &str, path: &str| {
        let is_sync = call.contains(" fsync(") || call.contains(" fdatasync(");
        is_sync && call.contains(&format!("<{path}>"))
    };
    let renames = calls.iter().enumerate().filter(|(_, call)| {
        call.contains(" rename") && call.contains(&target) && call.contains(".new\"")
    });
    let mut renames = renames.map(|(at, call)| {
        let temporary = call.split('"').nth(1).expect("a path");
        let by_thread = |other: &&String| thread(other) == thread(call);
        let before = calls[..at].iter().filter(by_thread);
        let after = calls[at + 1..].iter().filter(by_thread);
        before.rev().any(|call| synced(call, temporary))
            && after
                .take(5)
                .any(|call| synced(call, &directory.to_string_lossy()))
    });
    renames.next().is_some_and(|first| first) && renames.all(|durable| durable)
}
