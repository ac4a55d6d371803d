use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::MOST_RECORDS;
use super::files::read_at;
use super::reverse_blocks::ReverseBlocks;
use crate::record::{Record, SystemEvent};

/// The end of a file of a trail.
#[derive(Debug, Default)]
pub struct Tail {
    /// The last record that can be read.
    pub last: Option<Record>,
    /// Bytes after the last line feed that make no record: a torn line.
    pub torn: u64,
    /// What stands torn behind the last record, ended or not, as a recovery tells of it.
    pub torn_lines: Vec<TornLine>,
    /// Whether the last line lacks its line feed, torn or not.
    pub is_unended: bool,
}

/// A line that a writer left unfinished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornLine {
    pub bytes: u64,
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl TornLine {
    pub fn of(line: &[u8]) -> TornLine {
        TornLine {
            bytes: line.len() as u64,
            sha256: HEXLOWER.encode(&Sha256::digest(line)),
        }
    }
}

impl Tail {
    /// Takes in what stands after the last line feed, and says whether it is a whole record
    /// that lacks nothing but its own.
    fn take_end(&mut self, bytes: &[u8]) -> bool {
        self.is_unended = !bytes.is_empty();
        self.last = parse(bytes);
        if self.last.is_none() {
            self.torn = bytes.len() as u64;
            if !bytes.is_empty() {
                self.torn_lines.push(TornLine::of(bytes));
            }
        }
        self.last.is_some()
    }
}

/// Reads the end of a file, as far back as its last readable record.
pub fn tail(path: &Path) -> io::Result<Tail> {
    let mut tail = Tail::default();
    let mut blocks = ReverseBlocks::open(path)?;
    let mut is_end = true;
    while let Some(block) = blocks.next_block()? {
        // The first of them stands behind the last line feed.
        for line in block.bytes.rsplit(|&byte| byte == b'\n') {
            if std::mem::take(&mut is_end) {
                if tail.take_end(line) {
                    return Ok(tail);
                }
            } else if let Some(record) = parse(line) {
                tail.last = Some(record);
                return Ok(tail);
            } else if is_begun(line) {
                // Ended by a writer that did not come to tell of it.
                tail.torn_lines.push(TornLine::of(line));
            }
        }
    }
    Ok(tail)
}

/// Whether a line is the beginning of a record, or begins as one does.
fn is_begun(line: &[u8]) -> bool {
    const BEGIN: &[u8] = b"{\"seq\":";
    line.starts_with(BEGIN) || !line.is_empty() && BEGIN.starts_with(line)
}

/// The first record of a file.
pub fn head(path: &Path) -> io::Result<Option<Record>> {
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        if let Some(record) = parse(&line?) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// The records of the last `bytes` bytes of a file, in order, and unnamed torn lines among them.
///
/// Records follow such a line, but no opening, recovery or other event that names it: the writer that terminated it died
/// while it wrote what its journal had inherited.
pub fn recent(path: &Path, bytes: u64) -> io::Result<(Vec<Record>, Vec<TornLine>)> {
    let file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(bytes);
    let mut read = vec![0; bytes as usize];
    let length = read_at(&file, &mut read, start)?;
    // The first line may be the end of a longer one.
    let lines = read[..length].split(|&byte| byte == b'\n');
    let (mut records, mut unnamed, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines.skip(usize::from(start > 0)) {
        let Some(record) = parse(line) else {
            last.extend(is_begun(line).then(|| TornLine::of(line)));
            continue;
        };
        match record.system_event() {
            Some(
                SystemEvent::Opened(_)
                | SystemEvent::Recovered(_)
                | SystemEvent::FileRestored(_)
                | SystemEvent::Closed(_),
            ) => {
                unnamed.clear();
                last.clear();
            }
            _ => unnamed.append(&mut last),
        }
        records.push(record);
    }
    Ok((records, unnamed))
}

fn parse(line: &[u8]) -> Option<Record> {
    let record = serde_json::from_slice::<Record>(line).ok();
    record.filter(|record| record.seq < MOST_RECORDS)
}

/// Whether readers take a line for a record.
pub(crate) fn is_record(line: &[u8]) -> bool {
    // Most lines of others are told apart without being parsed. A name may be written with escapes.
    let has = |what: &[u8]| memchr::memmem::find(line, what).is_some();
    (has(b"\"seq\"") || has(b"\\u")) && parse(line).is_some()
}

/// The `seq` with which a line begins, if it begins as a record does.
pub(crate) fn seq_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let mut seq = 0_u64;
    for (place, byte) in rest.iter().enumerate() {
        match byte {
            b'0'..=b'9' => seq = seq.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?,
            b',' if place == 1 || place > 1 && rest[0] != b'0' => {
                return Some(seq).filter(|seq| *seq < MOST_RECORDS);
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, filler: usize) -> String {
        format!(
            "{{\"seq\":{seq},\"timestamp\":\"2026-11-23T10:00:00Z\",\"event_type\":\"e\",\"x\":\"{}\"}}",
            "y".repeat(filler)
        )
    }

    #[test]
    fn the_last_record_is_found_behind_foreign_torn_and_long_lines() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let long = line(4, 300_000);
        let cases = [
            (String::new(), None, 0),
            ("torn".to_owned(), None, 4),
            ("foreign\n".to_owned(), None, 0),
            (format!("{}\n", line(3, 1)), Some(3), 0),
            (format!("{}\n{}", line(3, 1), line(4, 1)), Some(4), 0),
            (line(4, 1), Some(4), 0),
            (format!("{}\n{long}\n", line(3, 1)), Some(4), 0),
            (format!("{long}\nforeign\n\n{{\"to",), Some(4), 4),
            (
                format!("{}\n{}", line(3, 1), &long[..200_000]),
                Some(3),
                200_000,
            ),
        ];
        for (content, seq, torn) in cases {
            std::fs::write(&path, &content).expect("written");
            let tail = tail(&path).expect("read");
            assert_eq!(tail.last.map(|r| r.seq), seq);
            assert_eq!(tail.torn, torn);
        }
    }

    #[test]
    fn a_torn_line_that_a_writer_has_ended_is_found_however_short_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.log");
        let whole = line(4, 1);
        for length in 1..whole.len() {
            let torn = &whole[..length];
            std::fs::write(&path, format!("{}\nforeign\n\n{torn}\n", line(3, 1))).expect("written");
            let tail = tail(&path).expect("read");
            assert_eq!(tail.torn_lines, [TornLine::of(torn.as_bytes())], "{torn}");
        }
    }
}
