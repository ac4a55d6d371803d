//! What is printed: tables for people, and a `RATIO` line for each figure that is watched.

use crate::measure::Round;
use crate::rivals::{Candidate, Role};

/// The medians of one contender.
pub struct Row<'a> {
    candidate: &'a Candidate,
    figures: Round,
}

type Pick = fn(&Round) -> f64;

struct Column {
    /// Stands above the first of the columns that belong together.
    group: &'static str,
    name: &'static str,
    pick: Pick,
}

const COLUMN_WIDTH: usize = 10;

const LATENCIES: [Column; 10] = [
    column("burst", "mean", |round| round.burst.mean),
    column("", "p50", |round| round.burst.p50),
    column("", "p99", |round| round.burst.p99),
    column("paced", "mean", |round| round.paced.mean),
    column("", "p50", |round| round.paced.p50),
    column("", "p99", |round| round.paced.p99),
    column("sparse", "mean", |round| round.sparse.mean),
    column("", "p50", |round| round.sparse.p50),
    column("", "p99", |round| round.sparse.p99),
    column("2 threads", "mean", |round| round.burst_two_threads),
];

const THROUGHPUT: [Column; 3] = [
    column("records/s", "1 thread", |round| round.sustained),
    column("", "2 threads", |round| round.sustained_two_threads),
    column("CPU", "ns each", |round| round.cpu_per_record),
];

const fn column(group: &'static str, name: &'static str, pick: Pick) -> Column {
    Column { group, name, pick }
}

const RATIOS: [(&str, Pick); 10] = [
    ("burst_mean", |round| round.burst.mean),
    ("burst_p99", |round| round.burst.p99),
    ("paced_mean", |round| round.paced.mean),
    ("paced_p99", |round| round.paced.p99),
    ("sparse_mean", |round| round.sparse.mean),
    ("sparse_p99", |round| round.sparse.p99),
    ("burst_two_threads", |round| round.burst_two_threads),
    ("sustained", |round| round.sustained),
    ("sustained_two_threads", |round| round.sustained_two_threads),
    ("cpu_per_record", |round| round.cpu_per_record),
];

const RATIOS_OF_RIVALS: [&str; 4] = ["burst_mean", "paced_mean", "sustained", "cpu_per_record"];

impl<'a> Row<'a> {
    pub fn new(candidate: &'a Candidate, rounds: &[Round]) -> Row<'a> {
        Row {
            candidate,
            figures: Round::median(rounds),
        }
    }
}

pub fn print(rows: &[Row], rounds: usize) {
    println!("medians of {rounds} interleaved rounds\n");
    print_table(
        "ns per event, on the thread that emits it",
        &LATENCIES,
        rows,
    );
    print_table("until the records are in the file", &THROUGHPUT, rows);
    let peer = rows
        .iter()
        .find(|row| matches!(row.candidate.role, Role::Peer))
        .expect("the peer always runs");
    for row in rows {
        print_ratios(row, &peer.figures);
    }
}

fn print_table(title: &str, columns: &[Column], rows: &[Row]) {
    let width = rows.iter().map(|row| row.candidate.what.len());
    let width = width.max().unwrap_or(0) + 1;
    println!("{title}");
    print_line("", width, columns, |column| column.group.to_owned());
    print_line("", width, columns, |column| column.name.to_owned());
    for row in rows {
        print_line(row.candidate.what, width, columns, |column| {
            grouped((column.pick)(&row.figures))
        });
    }
    println!();
}

fn print_line(label: &str, width: usize, columns: &[Column], cell: impl Fn(&Column) -> String) {
    let cells: String = columns
        .iter()
        .map(|column| format!("{:>COLUMN_WIDTH$}", cell(column)))
        .collect();
    println!("{label:<width$}{cells}");
}

fn print_ratios(row: &Row, peer: &Round) {
    for (name, pick) in &RATIOS {
        let ratio = pick(&row.figures) / pick(peer);
        match row.candidate.role {
            Role::Ours { suffix } => println!("RATIO {name}{suffix} {ratio:.3}"),
            Role::Rival if RATIOS_OF_RIVALS.contains(name) => {
                println!("RATIO rival_{}_{name} {ratio:.3}", row.candidate.name);
            }
            Role::Rival | Role::Peer => {}
        }
    }
}

/// A whole number, its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
