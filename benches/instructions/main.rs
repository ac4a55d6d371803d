//! How many instructions a record takes: on the thread that emits it, and behind that thread.
//!
//! `cargo bench --bench instructions` runs itself under valgrind's callgrind, each case with few records and with
//! many: the difference is what records take, without the beginning and the end of the trail. Behind the calling
//! thread are the worker, which makes the lines, writes and seals them, and the threads that help it. Counts hardly
//! swing where times do, because other processes share the machine, so that a change of the code shows. They are
//! not times: what the processor waits for and what the system does for the process is not in them.
//!
//! The figures are compared with those of the table `benches/instructions.txt`, and the bench fails where one has
//! grown by more than 3 %. `STINGER_BENCH_BLESS=1 cargo bench --bench instructions` writes the table anew.
//!
//! Valgrind knows no AVX-512 and no SHA instructions: SHA-256 counts many times what it takes outside.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

mod callgrind;
mod cases;
mod table;

use callgrind::{CASE, child, said};
use cases::CASES;
use table::{BEHIND, CALLING, CHANGE, FIGURE, Figures, NAME, Table, grouped, table_path};

/// A figure may grow by so many percent, or by so many instructions: callgrind's counts swing a little.
const GROWTH_ALLOWED: f64 = 3.0;
const SWING: i64 = 5;

/// Set where the table is to be written anew.
const BLESS: &str = "STINGER_BENCH_BLESS";

fn main() -> ExitCode {
    if let Ok(case) = std::env::var(CASE) {
        child(&case);
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) {
        println!("not measured: only what `cargo bench` builds compares with the table");
        return ExitCode::SUCCESS;
    }
    let Some(valgrind) = said(Command::new("valgrind").arg("--version")) else {
        println!(
            "not measured: valgrind is not installed (Debian and Ubuntu: apt-get install valgrind)"
        );
        return ExitCode::SUCCESS;
    };
    let platform = platform(&valgrind);
    let path = table_path();
    let before = Table::read(&path);
    if std::env::var_os(BLESS).is_some() {
        return bless(&path, platform, &before.unwrap_or_default());
    }
    match before {
        Ok(before) => compare(&before, platform),
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            eprintln!("{BLESS}=1 cargo bench --bench instructions writes it anew");
            ExitCode::FAILURE
        }
    }
}

/// Writes the table anew.
fn bless(path: &Path, platform: String, before: &Table) -> ExitCode {
    let measured = measure_all(before, platform);
    fs::write(path, measured.to_string()).expect("the table can be written");
    println!("\nwritten to {}", path.display());
    ExitCode::SUCCESS
}

/// Fails where a figure has grown.
fn compare(before: &Table, platform: String) -> ExitCode {
    let measured = measure_all(before, platform);
    println!();
    if before.platform != measured.platform {
        println!("Counts depend on where they are made, which has changed:");
        println!("was {}\nis  {}", before.platform, measured.platform);
    }
    let grown = growth(before, &measured);
    if grown.is_empty() {
        println!("No figure has grown by more than {GROWTH_ALLOWED} %.");
        return ExitCode::SUCCESS;
    }
    println!("Grown by more than {GROWTH_ALLOWED} %:");
    for line in grown {
        println!("{line}");
    }
    ExitCode::FAILURE
}

/// Measures case after case, and prints each as soon as it is known.
fn measure_all(before: &Table, platform: String) -> Table {
    println!("Instructions per record, and the change against the table\n");
    println!(
        "{:<NAME$}{:>FIGURE$}{:>CHANGE$}{:>FIGURE$}{:>CHANGE$}",
        "case", CALLING, "", BEHIND, ""
    );
    let mut measured = Table {
        platform,
        rows: BTreeMap::new(),
    };
    for case in CASES {
        let figures = case.measure();
        print_row(case.name, &figures, before.rows.get(case.name));
        measured.rows.insert(case.name.to_owned(), figures);
    }
    measured
}

fn print_row(name: &str, now: &Figures, before: Option<&Figures>) {
    let was_calling = before.map(|before| before.calling);
    let was_behind = before.and_then(|before| before.behind);
    println!(
        "{name:<NAME$}{:>FIGURE$}{:>CHANGE$}{:>FIGURE$}{:>CHANGE$}",
        grouped(now.calling),
        change(Some(now.calling), was_calling),
        now.behind.map_or("-".to_owned(), grouped),
        change(now.behind, was_behind),
    );
}

/// A line for each figure that has grown by more than is allowed.
fn growth(before: &Table, measured: &Table) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, now) in measured.in_order() {
        let Some(was) = before.rows.get(name) else {
            continue;
        };
        let columns = [
            (CALLING, Some(was.calling).zip(Some(now.calling))),
            (BEHIND, was.behind.zip(now.behind)),
        ];
        for (column, figures) in columns {
            if let Some((was, now)) = figures
                && has_grown(was, now)
            {
                lines.push(format!(
                    "{column}, {name}: {}, was {}: {}",
                    grouped(now),
                    grouped(was),
                    change(Some(now), Some(was))
                ));
            }
        }
    }
    lines
}

fn has_grown(was: i64, now: i64) -> bool {
    let more = now - was;
    more > SWING && more as f64 * 100.0 > GROWTH_ALLOWED * was as f64
}

/// In percent, or in instructions where there were none.
fn change(now: Option<i64>, was: Option<i64>) -> String {
    match now.zip(was) {
        None => String::new(),
        Some((now, was)) if was <= 0 => format!("{:+}", now - was),
        Some((now, was)) => format!("{:+.1} %", (now - was) as f64 * 100.0 / was as f64),
    }
}

fn platform(valgrind: &str) -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let mut version = Command::new(rustc);
    version
        .arg("--version")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let rustc = said(&mut version).unwrap_or("rustc of an unknown version".to_owned());
    format!("{}, {rustc}, {valgrind}", std::env::consts::ARCH)
}
