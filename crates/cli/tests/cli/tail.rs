//! `tail`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::fixtures::golden;
use crate::process::{command, piped, run, stdout};

/// Somebody writes as fast as he can and begins a new file every 40 lines.
#[test]
fn tail_misses_and_repeats_nothing_while_files_roll() {
    const LINES: u64 = 8_000;
    let dir = tempfile::tempdir().expect("a directory");
    let file = |number: u64| {
        dir.path().join(format!(
            "audit.2026-11-24-{:02}-{:02}.log",
            number / 60,
            number % 60
        ))
    };
    let line = |seq: u64| {
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-24T10:00:00Z\",\"event_type\":\"e\",\"pad\":\"{}\"}}\n",
            "x".repeat((seq % 97) as usize)
        )
    };
    fs::write(file(0), line(0)).expect("written");
    let mut child = command(dir.path())
        .args(["tail", "audit.log", "--json", "-n", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut out = child.stdout.take().expect("a pipe");
    let (sender, read) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut block = vec![0; 64 << 10];
        while let Ok(count @ 1..) = out.read(&mut block) {
            let _ = sender.send(block[..count].to_vec());
        }
    });
    let mut bytes = read
        .recv_timeout(Duration::from_secs(10))
        .expect("the first line");
    for seq in 1..LINES {
        let mut open = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file(seq / 40))
            .expect("open");
        // In two writes, so that the reader sees halves.
        let line = line(seq);
        let (head, rest) = line.split_at(line.len() / 2);
        open.write_all(head.as_bytes()).expect("written");
        open.write_all(rest.as_bytes()).expect("written");
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while bytes.iter().filter(|byte| **byte == b'\n').count() < LINES as usize
        && Instant::now() < deadline
    {
        if let Ok(more) = read.recv_timeout(Duration::from_millis(100)) {
            bytes.extend(more);
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let seqs: Vec<u64> = text
        .lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).expect("a whole line");
            record["seq"].as_u64().expect("a seq")
        })
        .collect();
    assert_eq!(seqs, (0..LINES).collect::<Vec<_>>());
}

#[test]
fn tail_ends_where_it_was_asked_to() {
    let trail = fs::read(golden().join("audit.2026-11-24-10.log")).expect("readable");
    let printed = |arguments: &[&str]| {
        let output = piped(&golden(), arguments, &trail);
        stdout(&output).lines().count()
    };
    assert_eq!(printed(&["tail", "-n", "2", "-"]), 2);
    assert_eq!(printed(&["tail", "-n", "0", "-"]), 0);
    assert_eq!(printed(&["tail", "--no-follow", "-"]), 10);
    assert_eq!(printed(&["tail", "-"]), 14, "all as they come");
    let output = piped(&golden(), &["tail", "-n", "1", "-", "--json"], &trail);
    assert!(stdout(&output).starts_with("{\"seq\":13,"));
    let begun = Instant::now();
    let until = [
        "tail",
        "audit.log",
        "-n",
        "100",
        "--until",
        "2026-11-24T10:16:00Z",
    ];
    let output = run(&golden(), &until);
    assert_eq!(stdout(&output).lines().count(), 5, "{}", stdout(&output));
    assert!(begun.elapsed() < Duration::from_secs(30));
}
