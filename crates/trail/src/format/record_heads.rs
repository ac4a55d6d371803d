//! When the last records of a trail were, and of which type: enough to tell which of a journal's entries they are.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::catalog::Catalog;
use super::reverse_blocks::ReverseBlocks;
use super::seq_of;

/// What is looked at of a record.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordHead {
    pub timestamp: DateTime<Utc>,
    pub event_type: String,
}

/// The records of a trail from `seq` on, up to the first that is missing or cannot be read.
pub fn record_heads(catalog: &mut Catalog, seq: u64) -> impl Iterator<Item = RecordHead> + use<> {
    let mut begun = Vec::new();
    let mut index = 0;
    while let Some(file) = catalog.newest(index) {
        index += 1;
        let Ok((reader, is_before)) = reader(file, seq) else {
            continue;
        };
        begun.push(reader);
        if is_before {
            break;
        }
    }
    let mut lines = begun.into_iter().rev().flat_map(|file| file.split(b'\n'));
    let mut next = seq;
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?.ok()?;
            match seq_of(&line) {
                Some(seq) if seq > next => return None,
                // A line may be torn, and what a file held that could not be synced stands in the next one again.
                Some(seq) if seq == next => {
                    if let Ok(head) = serde_json::from_slice(&line) {
                        next += 1;
                        return Some(head);
                    }
                }
                _ => {}
            }
        }
    })
}

/// A file from a line on that is not behind `seq`, or from its beginning, and whether there is such a line.
fn reader(path: &Path, seq: u64) -> io::Result<(BufReader<File>, bool)> {
    let mut begin = 0;
    let mut is_before = false;
    let mut blocks = ReverseBlocks::open(path)?;
    while !is_before && let Some(block) = blocks.next_block()? {
        begin = block.begin;
        is_before = seq_of(&block.bytes).is_some_and(|first| first <= seq);
    }
    let mut file = blocks.into_file();
    file.seek(SeekFrom::Start(begin))?;
    Ok((BufReader::new(file), is_before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::TrailName;

    #[test]
    fn the_records_from_a_seq_on_are_found_over_files_and_blocks() {
        let dir = tempfile::tempdir().expect("a directory");
        let line = |seq: u64| {
            let filler = "y".repeat(if seq == 70 { 600_000 } else { 9_000 });
            let time = format!("2026-11-23T10:00:00.{seq:06}Z");
            format!(
                "{{\"seq\":{seq},\"timestamp\":\"{time}\",\"event_type\":\"e\",\"x\":\"{filler}\"}}\n"
            )
        };
        let write = |name: &str, seqs: std::ops::Range<u64>| {
            let path = dir.path().join(name);
            std::fs::write(&path, seqs.map(line).collect::<String>()).expect("written");
            path
        };
        let files = [
            write("audit.2026-11-23-10.log", 0..50),
            write("audit.2026-11-23-11.log", 50..120),
            write("audit.2026-11-23-12.log", 120..120),
            write("audit.2026-11-23-13.log", 110..160),
        ];
        let name = TrailName::new(dir.path().join("audit.log")).expect("a name");
        let record_heads = |seq| record_heads(&mut Catalog::list(&name).expect("readable"), seq);
        for seq in [0, 1, 49, 50, 69, 70, 71, 119, 120, 121, 159, 160, 500] {
            let found = record_heads(seq).map(|head| head.timestamp.timestamp_subsec_micros());
            let found: Vec<u64> = found.map(u64::from).collect();
            assert_eq!(found, (seq..160).collect::<Vec<_>>(), "{seq}");
        }
        // Up to the first that is missing, cut or no record.
        let whole = std::fs::read_to_string(&files[3]).expect("readable");
        let hole = line(130);
        for instead in [
            "",
            "\n",
            "{\"seq\":130,\"time",
            "{\"seq\":130,\"event_type\":\"e\"}\n",
        ] {
            std::fs::write(&files[3], whole.replace(&hole, instead)).expect("written");
            assert_eq!(record_heads(100).count(), 30, "{instead}");
        }
        std::fs::write(&files[3], &whole).expect("written");
        // Not more than that is read.
        let (_, is_before) = reader(&files[3], 155).expect("readable");
        assert!(is_before);
    }
}
