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
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use stinger_audit::record::GuardrailDecision;
use stinger_audit::{Audit, Rotation, TARGET};
use tracing::{Dispatch, Subscriber, dispatcher, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;

/// In these processes everything is the same but the number of records.
const FEW: usize = 2_000;
const MANY: usize = 12_000;

/// So many records may wait for the worker without filling the buffer, at which the calling thread would wait.
const BUFFER: usize = 64 << 20;

/// A figure may grow by so many percent, or by so many instructions: callgrind's counts swing a little.
const GROWTH_ALLOWED: f64 = 3.0;
const SWING: i64 = 5;

/// Set where the table is to be written anew.
const BLESS: &str = "STINGER_BENCH_BLESS";
/// Set in a process that is measured: the case, what of it, and how many records.
const CASE: &str = "STINGER_BENCH_CASE";
const PART: &str = "STINGER_BENCH_PART";
const RECORDS: &str = "STINGER_BENCH_RECORDS";

struct Case {
    name: &'static str,
    /// Records so many times.
    work: fn(usize),
    /// What is not to be counted of it, where there is something.
    besides: Option<fn(usize)>,
}

const CASES: &[Case] = &[
    Case::of("plain", |records| {
        emit(records, Trail::PLAIN, &Texts::harmless());
    }),
    Case::of("redacting", |records| {
        emit(records, Trail::REDACTING, &Texts::harmless());
    }),
    Case::of("redacting and sealed", |records| {
        emit(records, Trail::SEALED, &Texts::harmless());
    }),
    Case::of("redacting and sealed, PII", |records| {
        emit(records, Trail::SEALED, &Texts::personal());
    }),
    Case::of("typed function", |records| {
        log(records, Trail::SEALED, &Texts::harmless());
    }),
    Case {
        name: "foreign event",
        work: foreign_beside_trail,
        besides: Some(foreign),
    },
];

impl Case {
    const fn of(name: &'static str, work: fn(usize)) -> Case {
        Case {
            name,
            work,
            besides: None,
        }
    }

    fn measure(&self) -> Figures {
        let work = per_record(self, Part::Work);
        match self.besides {
            // A foreign event gives the other threads nothing to do.
            Some(_) => Figures {
                calling: work.calling - per_record(self, Part::Besides).calling,
                behind: None,
            },
            None => Figures {
                calling: work.calling,
                behind: Some(work.behind),
            },
        }
    }
}

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

// The table.

const CALLING: &str = "calling thread";
const BEHIND: &str = "behind it";

/// Widths of its columns.
const NAME: usize = 28;
const FIGURE: usize = 16;
const CHANGE: usize = 10;

/// Instructions per record.
struct Figures {
    calling: i64,
    /// `None`: it isn't asked for.
    behind: Option<i64>,
}

#[derive(Default)]
struct Table {
    /// What the counts depend on beside the code.
    platform: String,
    rows: BTreeMap<String, Figures>,
}

const HEAD: &str = "\
# Instructions that a record takes, counted by valgrind's callgrind.
#
#   cargo bench --bench instructions                        compares with these
#   STINGER_BENCH_BLESS=1 cargo bench --bench instructions  writes this file anew
#
# They depend on the processor, the compiler and the C library. Valgrind has no AVX-512 and no SHA
# instructions: SHA-256 counts many times what it takes outside, and is most of what sealing takes here.";

const PLATFORM: &str = "# Made on: ";

impl Table {
    fn in_order(&self) -> impl Iterator<Item = (&'static str, &Figures)> {
        CASES
            .iter()
            .filter_map(|case| Some((case.name, self.rows.get(case.name)?)))
    }

    fn read(path: &Path) -> Result<Table, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        Table::parse(&text)
    }

    fn parse(text: &str) -> Result<Table, String> {
        let platform = text.lines().find_map(|line| line.strip_prefix(PLATFORM));
        let platform = platform.ok_or(format!("no line begins with {PLATFORM:?}"))?;
        let mut rows = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let (name, figures) = row(line).ok_or(format!(
                "line {number} is not a case that there is and its two figures: {line:?}"
            ))?;
            if rows.insert(name.to_owned(), figures).is_some() {
                return Err(format!("line {number}: {name:?} is there already"));
            }
        }
        match CASES.iter().find(|case| !rows.contains_key(case.name)) {
            Some(case) => Err(format!("no line for {:?}", case.name)),
            None => Ok(Table {
                platform: platform.to_owned(),
                rows,
            }),
        }
    }
}

/// The name of a case that there is, and its figures.
fn row(line: &str) -> Option<(&str, Figures)> {
    let (rest, behind) = line.trim_end().rsplit_once(' ')?;
    let (name, calling) = rest.trim_end().rsplit_once(' ')?;
    let behind = match behind {
        "-" => None,
        figure => Some(ungrouped(figure)?),
    };
    let calling = ungrouped(calling)?;
    let name = name.trim_end();
    let is_known = CASES.iter().any(|case| case.name == name);
    is_known.then_some((name, Figures { calling, behind }))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n#\n{PLATFORM}{}\n#", self.platform)?;
        let name = "# case";
        writeln!(f, "{name:<NAME$}{CALLING:>FIGURE$}{BEHIND:>FIGURE$}")?;
        for (name, figures) in self.in_order() {
            let calling = grouped(figures.calling);
            let behind = figures.behind.map_or("-".to_owned(), grouped);
            writeln!(f, "{name:<NAME$}{calling:>FIGURE$}{behind:>FIGURE$}")?;
        }
        Ok(())
    }
}

fn table_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.txt")
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

/// With a comma in front of each three digits.
fn grouped(figure: i64) -> String {
    let digits = figure.unsigned_abs().to_string();
    let mut text = if figure < 0 { "-" } else { "" }.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn ungrouped(text: &str) -> Option<i64> {
    text.replace(',', "").parse().ok()
}

// Measuring: processes under callgrind.

#[derive(Clone, Copy)]
enum Part {
    Work,
    Besides,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Part::Work => "work",
            Part::Besides => "besides",
        }
    }
}

/// Instructions on the calling thread, and on all others together.
struct Counts {
    calling: i64,
    behind: i64,
}

/// What a program prints, where it is there and succeeds.
fn said(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn per_record(case: &Case, part: Part) -> Counts {
    let few = count(case, part, FEW);
    let many = count(case, part, MANY);
    let each = |few: i64, many: i64| {
        let records = (MANY - FEW) as f64;
        ((many - few) as f64 / records).round() as i64
    };
    Counts {
        calling: each(few.calling, many.calling),
        behind: each(few.behind, many.behind),
    }
}

/// Counts what a process does that records so many times.
fn count(case: &Case, part: Part, records: usize) -> Counts {
    let directory = tempfile::tempdir().expect("a directory");
    let mut out_option = OsString::from("--callgrind-out-file=");
    out_option.push(directory.path().join("callgrind"));
    let output = Command::new("valgrind")
        .args(["-q", "--tool=callgrind", "--separate-threads=yes"])
        .arg(out_option)
        .arg(std::env::current_exe().expect("a path"))
        .env(CASE, case.name)
        .env(PART, part.as_str())
        .env(RECORDS, records.to_string())
        .output()
        .expect("valgrind runs");
    assert!(output.status.success(), "{}: {output:?}", case.name);
    counts_in(directory.path())
}

/// The threads' counts, each in a file whose name ends in the number of the thread.
fn counts_in(directory: &Path) -> Counts {
    let mut counts = Counts {
        calling: 0,
        behind: 0,
    };
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(OsStr::to_str).expect("a name");
        let Some((_, thread)) = name.rsplit_once('-') else {
            continue;
        };
        let total = total_in(&fs::read_to_string(&path).expect("readable"));
        match thread {
            "01" => counts.calling += total,
            _ => counts.behind += total,
        }
    }
    assert!(
        counts.calling > 0,
        "callgrind has counted the calling thread"
    );
    counts
}

/// The instructions in a file of callgrind's.
fn total_in(profile: &str) -> i64 {
    let total = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "));
    let total = total.expect("callgrind tells the total of a thread");
    total.trim().parse().expect("one kind of event is counted")
}

// What is measured, in a process of its own.

fn child(name: &str) {
    let case = CASES.iter().find(|case| case.name == name);
    let case = case.expect("a case that there is");
    let records = std::env::var(RECORDS).expect("how many records");
    let records = records.parse().expect("a number of records");
    let is_work = std::env::var(PART).as_deref() == Ok(Part::Work.as_str());
    let run = match is_work {
        true => case.work,
        false => case.besides.expect("a case with something besides"),
    };
    run(records);
}

struct Trail {
    redacts: bool,
    seals: bool,
}

impl Trail {
    const PLAIN: Trail = Trail {
        redacts: false,
        seals: false,
    };
    const REDACTING: Trail = Trail {
        redacts: true,
        seals: false,
    };
    const SEALED: Trail = Trail {
        redacts: true,
        seals: true,
    };

    fn open(&self, directory: &Path) -> Audit {
        stinger_audit::to(directory.join("audit.log"))
            .redact_pii(self.redacts)
            .sealing(self.seals)
            .rotation(Rotation::NEVER)
            .buffer(BUFFER)
            .open()
            .expect("the trail opens")
    }
}

/// 500 characters of prompt and 300 of response.
struct Texts {
    prompt: String,
    response: String,
}

const WORDS: &str = "The quick brown fox jumps over the lazy dog, and nobody minds. ";
const PERSONAL: &str =
    "I am jane.doe@example.com, call me at +1 415 555 2671. My card is 4111 1111 1111 1111. ";

impl Texts {
    fn harmless() -> Texts {
        Texts::beginning_with("")
    }

    fn personal() -> Texts {
        Texts::beginning_with(PERSONAL)
    }

    fn beginning_with(words: &str) -> Texts {
        let prompt = words.to_owned() + &WORDS.repeat(8);
        Texts {
            prompt: prompt[..500].to_owned(),
            response: WORDS.repeat(5)[..300].to_owned(),
        }
    }
}

/// Records by the macro, within two spans that say whom the record is about.
fn emit(records: usize, trail: Trail, texts: &Texts) {
    with_trail(records, trail, || {
        info!(
            target: TARGET,
            event_type = "llm_response",
            user_ip = "192.0.2.17",
            user_agent = "Mozilla/5.0 (X11; Linux x86_64)",
            prompt = texts.prompt.as_str(),
            response = texts.response.as_str(),
            filter_name = "prompt_injection",
            decision = "allow",
            confidence = 0.97,
            processing_time_ms = 812.5,
            model_used = "large-model-1",
            tokens_processed = 321_u64,
            turn_number = 3_u64,
        );
    });
}

/// Records the same by the typed function, within the same spans.
fn log(records: usize, trail: Trail, texts: &Texts) {
    with_trail(records, trail, || {
        stinger_audit::prompt(&texts.prompt)
            .user_ip("192.0.2.17")
            .user_agent("Mozilla/5.0 (X11; Linux x86_64)")
            .field("response", texts.response.as_str())
            .decision(GuardrailDecision::allow("prompt_injection").confidence(0.97))
            .processing_time_ms(812.5)
            .model_used("large-model-1")
            .tokens_processed(321)
            .turn_number(3)
            .log()
            .expect("recorded");
    });
}

fn with_trail(records: usize, trail: Trail, mut record: impl FnMut()) {
    let directory = tempfile::tempdir().expect("a directory");
    let audit = trail.open(directory.path());
    let subscriber = tracing_subscriber::registry().with(audit.layer());
    dispatcher::with_default(&Dispatch::new(subscriber), || {
        let _request = info_span!(
            "request",
            user_id = "user-4711",
            session_id = "session-0815"
        )
        .entered();
        let _turn = info_span!(
            "turn",
            conversation_id = "conversation-42",
            request_id = "request-1"
        )
        .entered();
        for _ in 0..records {
            record();
        }
    });
    audit.flush().expect("written");
    audit.close().expect("closed");
}

/// A layer that does nothing: events are enabled for it.
struct Idle;

impl<S: Subscriber> Layer<S> for Idle {}

fn foreign_beside_trail(records: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let audit = Trail::SEALED.open(directory.path());
    let subscriber = tracing_subscriber::registry()
        .with(audit.layer())
        .with(Idle);
    emit_foreign(records, &Dispatch::new(subscriber));
    audit.close().expect("closed");
}

fn foreign(records: usize) {
    emit_foreign(
        records,
        &Dispatch::new(tracing_subscriber::registry().with(Idle)),
    );
}

/// Events of the application's own, which are not the trail's.
fn emit_foreign(records: usize, dispatch: &Dispatch) {
    dispatcher::with_default(dispatch, || {
        for number in 0..records {
            info!(target: "app", number, route = "/v1/chat/completions");
        }
    });
}
