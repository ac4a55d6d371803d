//! The command as a process.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The command that Cargo has built for these tests.
pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_stinger-audit");

/// The command in a directory, with nothing of this environment that changes what it prints.
pub(super) fn command(directory: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .current_dir(directory)
        .env_remove("STINGER_AUDIT_DESTINATION")
        .env("NO_COLOR", "1")
        // Nothing may be kept for this user.
        .env("XDG_CACHE_HOME", directory.join("no-cache"))
        .stdin(Stdio::null());
    command
}

pub(super) fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory)
        .args(arguments)
        .output()
        .expect("it runs")
}

pub(super) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

pub(super) fn piped(directory: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(directory)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("written");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// The command as a user whom the mode of a file keeps out, also where this is root.
#[cfg(unix)]
pub(super) fn unprivileged(directory: &Path, program: &Path, arguments: &[&str]) -> Output {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .env("NO_COLOR", "1")
        .env("XDG_CACHE_HOME", directory.join("no-cache"))
        .stdin(Stdio::null())
        .args(arguments);
    if fs::metadata("/proc/self")
        .is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0)
    {
        command.uid(65_534);
    }
    command.output().expect("it runs")
}

/// Under a terminal of its own, where `script` is installed.
#[cfg(unix)]
pub(super) fn on_a_terminal(
    directory: &Path,
    variables: &[(&str, &str)],
    arguments: &str,
) -> Option<String> {
    let mut script = Command::new("script");
    let line = format!("{PROGRAM} {arguments}");
    script
        .current_dir(directory)
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env("XDG_CACHE_HOME", directory.join("no-cache"))
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    script.envs(variables.iter().copied());
    let output = script.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}
