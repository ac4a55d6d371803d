//! Indexes change no answer: what they say is compared with what a scan says, also where they are
//! stale, cut, damaged or gone, and while a trail is written.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use stinger_audit::read::{Query, Trail};

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}

const BEGIN: &str = "2026-11-24T00:00:00Z";

fn time(seconds: u64) -> DateTime<Utc> {
    let begin: DateTime<Utc> = BEGIN.parse().expect("a time");
    begin + TimeDelta::seconds(seconds as i64)
}

/// An id of a few, some with characters that are escaped in JSON.
fn id(random: &mut Random, kind: &str, number: u64) -> String {
    match random.below(number) {
        0 => format!("{kind} \"0\"\n"),
        1 => format!("{kind}-ü"),
        other => format!("{kind}-{other}"),
    }
}

/// A record with a long prompt, of one of a few of each.
fn record(random: &mut Random, seq: u64) -> String {
    let mut record = serde_json::json!({
        "seq": seq,
        "timestamp": time(seq * 3 + random.below(5)).to_rfc3339(),
        "event_type": (["user_prompt", "llm_response", "trail_heartbeat"][random.below(3) as usize]),
        "prompt": "wie weit ist es nach Lyon? ".repeat(10 + random.below(40) as usize),
    });
    let map = record.as_object_mut().expect("an object");
    for (key, kind, number) in [
        ("user_id", "u", 40),
        ("conversation_id", "c", 400),
        ("session_id", "s", 100),
        ("tenant_id", "t", 30),
        ("request_id", "r", 2_000),
    ] {
        if !random.one_in(5) {
            map.insert(key.to_owned(), id(random, kind, number).into());
        }
    }
    if random.one_in(2) {
        let decisions = serde_json::json!([{
            "filter_name": (["pii", "injection"][random.below(2) as usize]),
            "decision": (["allow", "block"][random.below(2) as usize]),
            "latency_ms": random.below(1000) as f64 / 7.0,
        }]);
        map.insert("guardrail_decisions".to_owned(), decisions);
        map.insert(
            "processing_time_ms".to_owned(),
            (random.below(90) as f64 / 3.0).into(),
        );
    }
    // Keys come in the order of the schema, as the writer writes them.
    let line = record.to_string();
    let rest = line
        .trim_start_matches('{')
        .trim_end_matches('}')
        .to_owned();
    let rest = rest.replace(&format!(",\"seq\":{seq}"), "");
    format!("{{\"seq\":{seq},{rest}}}")
}

struct Written {
    dir: tempfile::TempDir,
    path: PathBuf,
    seq: u64,
}

impl Written {
    /// A trail of some files, the last of them ended in order.
    fn new(random: &mut Random, files: u64, is_damaged: bool) -> Written {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let mut written = Written { dir, path, seq: 0 };
        for file in 0..files {
            let mut lines = String::new();
            for _ in 0..700 + random.below(300) {
                let line = record(random, written.seq);
                written.seq += 1;
                lines += &line;
                lines.push('\n');
                if is_damaged && random.one_in(300) {
                    // The medium refused it, and it was written again.
                    lines += &format!("{line}\n");
                }
                if is_damaged && random.one_in(300) {
                    lines +=
                        ["a foreign line\n", "{\"seq\":7,\"torn\n", "\n"][random.below(3) as usize];
                }
            }
            if file + 1 == files {
                lines += &format!(
                    "{{\"seq\":{},\"timestamp\":\"{}\",\"event_type\":\"trail_closed\"}}\n",
                    written.seq,
                    time(written.seq * 3).to_rfc3339()
                );
                written.seq += 1;
            } else if is_damaged && random.one_in(2) {
                lines += "{\"seq\":8,\"time";
            }
            fs::write(written.file(file), lines).expect("written");
        }
        written
    }

    fn file(&self, number: u64) -> PathBuf {
        self.dir
            .path()
            .join(format!("audit.2026-11-24-{number:02}.log"))
    }

    fn trail(&self) -> Trail {
        Trail::open(&self.path).expect("a trail")
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn indexed(&self) -> Trail {
        let trail = self.trail().indexed(self.cache()).expect("a directory");
        trail.index().expect("indexes");
        trail
    }

    /// The files of the indexes.
    fn indexes(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.cache()).expect("a directory");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}

/// What a query finds, as text: lines with their places, and faults.
fn found(trail: &Trail, query: &Query) -> Vec<String> {
    let lines = trail.lines(query.clone());
    let text = lines.map(|line| match line {
        Ok(line) => format!(
            "{:?} {}",
            line.position,
            String::from_utf8_lossy(&line.bytes)
        ),
        Err(error) => error.to_string(),
    });
    text.collect()
}

fn counted(trail: &Trail, query: &Query) -> String {
    let stats = trail.stats(query.clone());
    let faults = stats.unreadable.len();
    format!("{} {faults}", serde_json::to_string(&stats).expect("JSON"))
}

fn any_query(random: &mut Random, records: u64) -> Query {
    let mut query = Query::new();
    for _ in 0..random.below(3) {
        query = match random.below(6) {
            0 => query.user_id(id(random, "u", 50)),
            1 => query.conversation_id(id(random, "c", 500)),
            2 => query.session_id(id(random, "s", 120)),
            3 => query.request_id(id(random, "r", 2_500)),
            4 => query.tenant_id(id(random, "t", 40)),
            _ => query.decision("block"),
        };
    }
    if random.one_in(2) {
        query = query.since(time(random.below(records * 3)));
    }
    if random.one_in(2) {
        query = query.until(time(random.below(records * 3)));
    }
    match random.one_in(8) {
        true => query.by_prefix(),
        false => query,
    }
}

#[test]
fn indexed_and_scanned_answers_are_equal() {
    let mut random = Random(0x5eed);
    let mut hits = 0;
    for is_damaged in [false, true] {
        let written = Written::new(&mut random, 3, is_damaged);
        let (scanned, indexed) = (written.trail(), written.indexed());
        assert_eq!(written.indexes().len(), 3);
        for _ in 0..40 {
            let query = any_query(&mut random, written.seq);
            let expected = found(&scanned, &query);
            hits += expected.len();
            assert_eq!(found(&indexed, &query), expected, "{query:?}");
        }
        for _ in 0..8 {
            let mut query = Query::new();
            if random.one_in(2) {
                query = query.since(time(random.below(written.seq * 3)));
            }
            if random.one_in(2) {
                query = query.until(time(random.below(written.seq * 3)));
            }
            assert_eq!(
                counted(&indexed, &query),
                counted(&scanned, &query),
                "{query:?}"
            );
        }
        let all = Query::new();
        assert_eq!(counted(&indexed, &all), counted(&scanned, &all));
    }
    assert!(hits > 1_000, "{hits}");
}

/// The number of bytes that a query reads.
fn read(trail: &Trail, query: &Query) -> u64 {
    let mut lines = trail.lines(query.clone());
    let read = lines.bytes_read();
    lines.by_ref().for_each(drop);
    read.load(std::sync::atomic::Ordering::Relaxed)
}

#[test]
fn an_index_spares_the_reading() {
    let mut random = Random(77);
    let written = Written::new(&mut random, 3, false);
    let (scanned, indexed) = (written.trail(), written.indexed());
    let unknown = Query::new().conversation_id("c-none");
    assert!(read(&scanned, &unknown) > 1_000_000);
    assert!(
        read(&indexed, &unknown) < 10,
        "{}",
        read(&indexed, &unknown)
    );
    let lately = Query::new().since(time(written.seq * 3 - 60));
    assert!(read(&indexed, &lately) * 3 < read(&scanned, &lately));
    let size: u64 = (0..3).map(|file| length(&written.file(file))).sum();
    let indexes: u64 = written.indexes().iter().map(|path| length(path)).sum();
    assert!(indexes * 10 < size, "{indexes} of {size}");
}

fn length(path: &Path) -> u64 {
    path.metadata().expect("a file").len()
}

#[test]
fn an_index_that_is_cut_damaged_or_gone_is_not_used_and_is_made_again() {
    let mut random = Random(4711);
    let written = Written::new(&mut random, 2, false);
    let scanned = written.trail();
    let query = Query::new().user_id("u-5");
    let expected = found(&scanned, &query);
    assert!(!expected.is_empty());
    let indexed = written.indexed();
    let [first, second] = &written.indexes()[..] else {
        panic!("two indexes");
    };
    let whole = fs::read(first).expect("an index");
    let mut damages: Vec<Vec<u8>> = vec![
        Vec::new(),
        whole[..whole.len() / 2].to_vec(),
        whole[..whole.len() - 1].to_vec(),
        [&whole[..], b"\n"].concat(),
        fs::read(second).expect("an index"),
        vec![0; whole.len()],
    ];
    for _ in 0..15 {
        let mut damaged = whole.clone();
        damaged[random.below(whole.len() as u64) as usize] ^= 1 << random.below(8);
        damages.push(damaged);
    }
    for damaged in damages {
        fs::write(first, damaged).expect("written");
        assert_eq!(found(&indexed, &query), expected);
        assert_eq!(
            counted(&indexed, &Query::new()),
            counted(&scanned, &Query::new())
        );
        assert_eq!(indexed.index().expect("indexes").built, 1);
        assert_eq!(found(&indexed, &query), expected);
    }
    fs::remove_file(first).expect("removed");
    assert_eq!(found(&indexed, &query), expected);
    fs::remove_dir_all(written.cache()).expect("removed");
    assert_eq!(found(&indexed, &query), expected);
}

#[test]
fn a_file_that_changes_behind_its_index_is_scanned() {
    let mut random = Random(99);
    let written = Written::new(&mut random, 2, false);
    let indexed = written.indexed();
    let query = Query::new().user_id("u-evil");
    assert!(found(&indexed, &query).is_empty());
    // As long as before, in the middle of the file, and with the old time of modification.
    let path = written.file(0);
    let text = fs::read_to_string(&path).expect("readable");
    let modified = path
        .metadata()
        .and_then(|found| found.modified())
        .expect("a time");
    let middle = text.len() / 2;
    let at = middle + text[middle..].find("\"user_id\":\"u-1").expect("a user");
    let begin = at + "\"user_id\":\"u-".len();
    let length = text[begin..].find('"').expect("a quote");
    let other = &"evil"[..length];
    let changed = [&text[..begin], other, &text[begin + length..]].concat();
    assert_eq!(changed.len(), text.len());
    fs::write(&path, changed).expect("written");
    let file = fs::File::options().write(true).open(&path).expect("a file");
    file.set_modified(modified).expect("a time");
    let query = Query::new().user_id(format!("u-{other}"));
    assert_eq!(found(&indexed, &query).len(), 1);
}

#[test]
fn what_is_written_after_the_index_is_found() {
    let mut random = Random(3);
    let mut written = Written::new(&mut random, 2, false);
    let indexed = written.indexed();
    let query = Query::new().user_id("u-7");
    let mut lines = indexed.lines(query.clone());
    let first = lines.next().expect("a line").expect("a record");
    // The next process goes on in the newest file, and begins another.
    let grow = |written: &mut Written, file: u64| {
        let record = serde_json::json!({
            "timestamp": time(written.seq * 3).to_rfc3339(), "event_type": "e", "user_id": "u-7",
        });
        let rest = record.to_string();
        let line = format!("{{\"seq\":{},{}\n", written.seq, &rest[1..]);
        written.seq += 1;
        let mut options = fs::File::options();
        let mut file = options
            .append(true)
            .create(true)
            .open(written.file(file))
            .expect("a file");
        std::io::Write::write_all(&mut file, line.as_bytes()).expect("written");
    };
    for file in [1, 2, 2] {
        grow(&mut written, file);
    }
    let mut running: Vec<u64> = vec![first.record.seq];
    running.extend(lines.map(|line| line.expect("a record").record.seq));
    let scanned: Vec<u64> = written
        .trail()
        .query(query.clone())
        .map(|record| record.expect("a record").seq)
        .collect();
    assert_eq!(running, scanned);
    assert_eq!(found(&indexed, &query), found(&written.trail(), &query));
    assert_eq!(
        counted(&indexed, &Query::new()),
        counted(&written.trail(), &Query::new())
    );
}

#[test]
fn the_index_of_a_file_that_is_gone_goes_too() {
    let mut random = Random(12);
    let written = Written::new(&mut random, 3, false);
    let indexed = written.indexed();
    fs::remove_file(written.file(0)).expect("removed");
    let done = indexed.index().expect("indexes");
    assert_eq!((done.files, done.built, written.indexes().len()), (2, 0, 2));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_an_index() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut random = Random(13);
    let written = Written::new(&mut random, 1, false);
    written.indexed();
    let mode = |path: &Path| path.metadata().expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&written.cache()), 0o700);
    let indexes = written.indexes();
    assert_eq!(indexes.len(), 1);
    assert_eq!(mode(&indexes[0]), 0o600);
}
