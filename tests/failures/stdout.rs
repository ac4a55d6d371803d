//! A trail on stdout that nobody reads.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::child_process::{CHILD, child_command, this_program};

/// How long an outage is made to last, beyond what it takes anyway.
pub(super) fn outage() -> Duration {
    let seconds = std::env::var("STINGER_TEST_OUTAGE_SECONDS").map_or(0, |seconds| {
        seconds
            .parse()
            .expect("STINGER_TEST_OUTAGE_SECONDS is a number")
    });
    Duration::from_secs(seconds)
}

/// Resident memory of this process, where the system tells.
pub(super) fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

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
