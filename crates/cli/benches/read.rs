//! The command over a large trail, beside ripgrep and jq.
//!
//! `cargo bench --bench read` writes a seeded trail of 1,000,000 records, about 1 GB in 12 files, to the
//! target directory, and has the command, `rg` and `jq` answer the same questions of it, each as a process of
//! its own, in interleaved rounds. What they find is compared. `RATIO <name> <value>` is the median time of
//! the command over that of the other; a tool that is not installed is named.
//!
//! `STINGER_BENCH_RECORDS` and `STINGER_BENCH_ROUNDS` set how many records and rounds there are.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Set in a process that is the command: where it leaves its peak memory.
const ROLE: &str = "STINGER_BENCH_PEAK";
const FILES: u64 = 12;
const FILTERS: [&str; 4] = ["prompt_injection", "pii", "toxicity", "confidential"];
/// The hour that is asked about, the last one of the trail.
const HOUR: &str = "2026-11-24T23:00:00Z";

fn main() -> ExitCode {
    if let Some(peak) = std::env::var_os(ROLE) {
        let code = stinger_audit_cli::run(std::env::args_os());
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak_line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        fs::write(peak, peak_line.unwrap_or_default()).expect("the peak can be written");
        return code;
    }
    // Cargo's own argument.
    let number = |name: &str, default| match std::env::var(name) {
        Ok(number) => number.parse().expect("a number"),
        Err(_) => default,
    };
    let records = number("STINGER_BENCH_RECORDS", 1_000_000);
    let rounds = number("STINGER_BENCH_ROUNDS", 7);
    Bench::new(records, rounds as usize).run();
    ExitCode::SUCCESS
}

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Words of prompts and answers.
const WORDS: [&str; 24] = [
    "the",
    "capital",
    "of",
    "France",
    "train",
    "takes",
    "about",
    "two",
    "hours",
    "on",
    "an",
    "ordinary",
    "day",
    "in",
    "spring",
    "and",
    "costs",
    "\\\"less\\\"",
    "than",
    "one",
    "would",
    "think,\\n",
    "für",
    "Reisende",
];

fn text(random: &mut Random, length: usize, out: &mut String) {
    let begin = out.len();
    while out.len() < begin + length {
        out.push_str(WORDS[random.below(WORDS.len() as u64) as usize]);
        out.push(' ');
    }
}

/// Writes a day of conversations: ten records each, some of them at the same time.
fn write_trail(directory: &Path, records: u64) -> std::io::Result<()> {
    let mut random = Random(0x0057_1463_e201);
    let begin: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().expect("a time");
    let per_file = records.div_ceil(FILES);
    let conversations = (records / 10).max(1);
    let mut file = None;
    let mut line = String::new();
    for seq in 0..records {
        if seq % per_file == 0 {
            let name = format!("audit.2026-11-24-{:02}.log", seq / per_file * 2);
            file = Some(BufWriter::new(File::create(directory.join(name))?));
        }
        // A hundred conversations run side by side.
        let (group, place) = (seq / 1_000, seq % 1_000);
        let conversation = (group * 100 + place % 100) % conversations;
        let step = place / 100;
        let micros = seq as f64 / records as f64 * 86_400e6;
        let time = (begin + TimeDelta::microseconds(micros as i64))
            .to_rfc3339_opts(SecondsFormat::Micros, true);
        let user = conversation * 7_919 % 5_000;
        let turn = step / 5 + 1;
        line.clear();
        let kind = match step % 5 {
            0 => "user_prompt",
            4 => "llm_response",
            _ => "guardrail_decision",
        };
        let _ = write!(
            line,
            "{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"{kind}\",\
             \"request_id\":\"01935c2e-{conversation:08x}-{turn:04x}\",\"user_id\":\"u-{user}\",\
             \"session_id\":\"s-{}\",\"user_ip\":\"10.1.{}.{}\",\"user_agent\":\"chat/2.1\",\
             \"conversation_id\":\"c-{conversation:08x}\",\"turn_number\":{turn},",
            conversation / 2,
            user / 250,
            user % 250,
        );
        match kind {
            "user_prompt" => {
                line.push_str("\"conversation_state\":\"prompted\",\"prompt\":\"");
                text(&mut random, 1_000, &mut line);
                line.push('"');
            }
            "llm_response" => {
                line.push_str("\"conversation_state\":\"answered\",\"response\":\"");
                text(&mut random, 2_200, &mut line);
                let _ = write!(
                    line,
                    "\",\"processing_time_ms\":{}.5,\"model_used\":\"large-{}\",\"tokens_processed\":{}",
                    random.below(3_000),
                    random.below(3),
                    random.below(900),
                );
            }
            _ => {
                let decision = match random.below(20) {
                    0 => "block",
                    1 => "warn",
                    _ => "allow",
                };
                let _ = write!(
                    line,
                    "\"conversation_state\":\"prompted\",\"guardrail_decisions\":[{{\"filter_name\":\"{}\",\
                     \"decision\":\"{decision}\",\"confidence\":0.{},\"latency_ms\":{}.25,\"reason\":\"",
                    FILTERS[random.below(4) as usize],
                    random.below(99),
                    random.below(30),
                );
                text(&mut random, 300, &mut line);
                line.push_str("\"}]");
            }
        }
        line.push_str("}\n");
        let file = file
            .as_mut()
            .expect("invariant: the first record opens one");
        file.write_all(line.as_bytes())?;
    }
    let end = format!(
        "{{\"seq\":{records},\"timestamp\":\"2026-11-24T23:59:59.999999Z\",\"event_type\":\"trail_closed\"}}\n"
    );
    let mut file = file.expect("a file");
    file.write_all(end.as_bytes())?;
    file.flush()
}

struct Bench {
    directory: PathBuf,
    cache: PathBuf,
    peak: PathBuf,
    files: Vec<PathBuf>,
    bytes: u64,
    rounds: usize,
    conversation: String,
    /// One of the last users of the day.
    user: String,
    /// The highest peak of memory, MB, of each of our calls.
    peaks: BTreeMap<&'static str, f64>,
}

/// What a process found, and how long it took.
struct Took {
    seconds: f64,
    lines: Vec<String>,
}

impl Bench {
    fn new(records: u64, rounds: usize) -> Bench {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("read");
        let directory = home.join(format!("trail-{records}"));
        if !directory.join("complete").exists() {
            // A trail that was begun is none.
            let _ = fs::remove_dir_all(&directory);
            fs::create_dir_all(&directory).expect("a directory");
            write_trail(&directory, records).expect("a trail");
            File::create(directory.join("complete")).expect("a file");
        }
        let entries = fs::read_dir(&directory).expect("a directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let mut files: Vec<PathBuf> = paths
            .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
            .collect();
        files.sort();
        let length = |path: &PathBuf| path.metadata().expect("a file").len();
        Bench {
            bytes: files.iter().map(length).sum(),
            cache: home.join("cache"),
            peak: home.join("peak"),
            files,
            directory,
            rounds,
            conversation: format!("c-{:08x}", records / 20),
            user: format!("u-{}", (records / 10).saturating_sub(1) * 7_919 % 5_000),
            peaks: BTreeMap::new(),
        }
    }

    /// Runs the command.
    fn ours(&mut self, what: &'static str, arguments: &[&str]) -> Took {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(
                [arguments[0], "--color", "never"]
                    .iter()
                    .take(match arguments[0] {
                        "export" | "index" => 1,
                        _ => 3,
                    }),
            )
            .args(&arguments[1..])
            .arg(self.directory.join("audit.log"))
            .env(ROLE, &self.peak)
            .env("XDG_CACHE_HOME", &self.cache);
        let took = run(command).expect("the command runs");
        let peak = fs::read_to_string(&self.peak).unwrap_or_default();
        let kilobytes = peak.trim().trim_end_matches(" kB").parse::<f64>();
        let peak = self.peaks.entry(what).or_default();
        *peak = peak.max(kilobytes.unwrap_or(f64::NAN) / 1024.0);
        took
    }

    /// Runs another tool over the files.
    fn theirs(&self, tool: &str, arguments: &[&str]) -> Option<Took> {
        let mut command = Command::new(tool);
        command.args(arguments).args(&self.files);
        run(command)
    }

    fn run(&mut self) {
        println!(
            "{} files, {:.0} MB; medians of {} interleaved rounds, whole processes",
            self.files.len(),
            self.bytes as f64 / 1e6,
            self.rounds
        );
        let conversation = self.conversation.clone();
        let needle = format!("\"conversation_id\":\"{conversation}\"");
        let user = self.user.clone();
        let hour = format!(
            "\"timestamp\":\"{}[^\"]*\".*\"user_id\":\"{user}\"",
            &HOUR[..14]
        );
        let decision = "\"filter_name\":\"[^\"]*\",\"decision\":\"[^\"]*\"";
        let rg = |pattern: &str, option: &str| -> Vec<OsString> {
            [
                "--no-config",
                "--no-filename",
                "--no-line-number",
                option,
                "-e",
                pattern,
            ]
            .map(OsString::from)
            .to_vec()
        };
        let _ = fs::remove_dir_all(&self.cache);
        let built = self.ours("index", &["index"]);
        println!(
            "{}\nindex built in {:.2} s",
            built.lines.join("\n"),
            built.seconds
        );

        let mut times: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        let mut note = |name, took: &Took| times.entry(name).or_default().push(took.seconds);
        let mut has_rg = true;
        for _ in 0..self.rounds {
            let query = ["query", "--json", "--conversation", &conversation];
            let scanned = self.ours(
                "conversation, scanned",
                &[&query[..], &["--no-index"]].concat(),
            );
            let indexed = self.ours("conversation, indexed", &query);
            let last_hour = self.ours(
                "a user's last hour",
                &["query", "--json", "--user", &user, "--since", HOUR],
            );
            let stats = self.ours("counts", &["stats", "--json"]);
            note("scan", &scanned);
            note("indexed", &indexed);
            note("last hour", &last_hour);
            note("counts", &stats);
            assert_eq!(scanned.lines.len(), 10, "records of a conversation");
            assert_eq!(scanned.lines, indexed.lines);
            let call = |pattern, option| {
                let arguments = rg(pattern, option);
                let arguments: Vec<&str> = arguments
                    .iter()
                    .map(|word| word.to_str().expect("text"))
                    .collect();
                self.theirs("rg", &arguments)
            };
            let Some(fixed) = call(&needle, "--fixed-strings") else {
                has_rg = false;
                continue;
            };
            let regex = call(&hour, "--no-heading").expect("rg runs");
            let counted = call(decision, "--only-matching").expect("rg runs");
            note("rg conversation", &fixed);
            note("rg last hour", &regex);
            note("rg counts", &counted);
            assert_eq!(sorted(&fixed), sorted(&scanned));
            assert_eq!(sorted(&regex), sorted(&last_hour));
            assert!(!last_hour.lines.is_empty());
            let stats: serde_json::Value = serde_json::from_str(&stats.lines[0]).expect("JSON");
            let by_filter = stats["decisions"].as_object().expect("an object").values();
            let all: u64 = by_filter
                .flat_map(|verdicts| verdicts.as_object().expect("an object").values())
                .filter_map(|count| count.as_u64())
                .sum();
            assert_eq!(all, counted.lines.len() as u64, "decisions");
        }
        let columns = "[.seq,.timestamp,.event_type,.request_id,.user_id,.session_id,.user_ip,\
                       .user_agent,.conversation_id,.turn_number,.conversation_state,.prompt,.response,\
                       (.guardrail_decisions|tojson),.processing_time_ms,.model_used,.tokens_processed]|@csv";
        let mut has_jq = true;
        for _ in 0..self.rounds.div_ceil(3) {
            let csv = self.ours("export to CSV", &["export"]);
            note("csv", &csv);
            match self.theirs("jq", &["-r", columns]) {
                Some(jq) => note("jq csv", &jq),
                None => has_jq = false,
            }
        }

        println!("\n{:<28}{:>10}{:>12}", "", "seconds", "peak MB");
        for (name, peak) in [
            ("scan", "conversation, scanned"),
            ("indexed", "conversation, indexed"),
            ("rg conversation", ""),
            ("last hour", "a user's last hour"),
            ("rg last hour", ""),
            ("counts", "counts"),
            ("rg counts", ""),
            ("csv", "export to CSV"),
            ("jq csv", ""),
        ] {
            let Some(time) = times.get(name) else {
                continue;
            };
            let shown = match self.peaks.get(peak) {
                Some(megabytes) => format!("{megabytes:.0}"),
                None => String::new(),
            };
            let name = if peak.is_empty() { name } else { peak };
            println!("{name:<28}{:>10.3}{shown:>12}", median(time));
        }
        println!(
            "{:<28}{:>10.3}{:>12.0}\n",
            "index, built", built.seconds, self.peaks["index"]
        );
        for (name, ours, theirs) in [
            ("conversation_scan_vs_rg", "scan", "rg conversation"),
            ("conversation_indexed_vs_rg", "indexed", "rg conversation"),
            ("last_hour_vs_rg", "last hour", "rg last hour"),
            ("counts_vs_rg", "counts", "rg counts"),
            ("csv_vs_jq", "csv", "jq csv"),
        ] {
            if let (Some(ours), Some(theirs)) = (times.get(ours), times.get(theirs)) {
                println!("RATIO {name} {:.3}", median(ours) / median(theirs));
            }
        }
        for (tool, is_there) in [("rg", has_rg), ("jq", has_jq)] {
            if !is_there {
                println!("{tool} is not installed: nothing was compared with it");
            }
        }
    }
}

fn sorted(took: &Took) -> Vec<&String> {
    let mut lines: Vec<&String> = took.lines.iter().collect();
    lines.sort();
    lines
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// What a process prints is kept up to so many bytes.
const KEPT: usize = 128 << 20;

/// Runs a process to its end. `None`: it is not installed.
fn run(mut command: Command) -> Option<Took> {
    let begun = Instant::now();
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{command:?}: {error}"),
    };
    let mut output = BufReader::with_capacity(1 << 20, child.stdout.take().expect("a pipe"));
    let mut bytes = Vec::new();
    loop {
        let read = output.fill_buf().expect("output");
        if read.is_empty() {
            break;
        }
        let length = read.len();
        if bytes.len() < KEPT {
            bytes.extend_from_slice(read);
        }
        output.consume(length);
    }
    let status = child.wait().expect("an end");
    let seconds = begun.elapsed().as_secs_f64();
    assert!(status.success(), "{command:?}: {status}");
    let lines = String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::to_owned)
        .collect();
    Some(Took { seconds, lines })
}
