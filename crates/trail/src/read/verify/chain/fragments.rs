//! Lines that are no records, and those that stand in another file already: a writer may have left them so, and says it.

use std::collections::VecDeque;
use std::fs::File;

use super::{Chain, LinePlace, SeenRecord};
use crate::format::files::read_at;
use crate::format::is_record;
use crate::format::tail::TornLine;
use crate::read::file::End;
use crate::read::verify::{TamperingKind as Kind, is_json};

#[derive(Debug)]
pub(super) struct Fragment {
    pub(super) place: LinePlace,
    line: TornLine,
    /// Of the end of a file, which may begin again in the next: what it holds.
    bytes: Vec<u8>,
    pub(super) end: End,
    /// How many seals stand in front of it.
    seals: u64,
    /// It is a record for every reader, and not written as the writer writes one.
    is_record: bool,
}

impl Fragment {
    /// There may be many, and long: what is not needed is not kept.
    fn new(place: LinePlace, bytes: Vec<u8>, end: End, seals: u64) -> Fragment {
        Fragment {
            place,
            line: TornLine::of(&bytes),
            is_record: is_record(&bytes),
            bytes: if end == End::Cut { bytes } else { Vec::new() },
            end,
            seals,
        }
    }
}

/// Records that follow each other in a file, and that were there before.
#[derive(Debug)]
pub(super) struct Repeated {
    first: u64,
    last: u64,
    bytes: u64,
    place: LinePlace,
    /// How many seals stand in front of it.
    seals: u64,
}

/// Lines that are no records, and lines that stand there again.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// Foreign lines are somebody else's.
    pub(super) is_stream: bool,
    /// Lines that are no records, in their order.
    pub(super) lines: VecDeque<Fragment>,
    /// Lines at the head of a file that stand in another already: those that are going by, and others before them.
    repeated: Option<Repeated>,
    repeats: Vec<Repeated>,
}

impl Chain {
    /// A record that was there before.
    pub(super) fn again(&mut self, entry: SeenRecord) {
        let SeenRecord {
            seq, place, length, ..
        } = entry;
        let bytes = length as u64 + 1;
        match &mut self.fragments.repeated {
            Some(run) if run.place.file == place.file && run.bytes == place.byte => {
                run.bytes += bytes;
                run.last = seq;
            }
            None if place.byte == 0 && place.file > 0 => {
                self.fragments.repeated = Some(Repeated {
                    first: seq,
                    last: seq,
                    bytes,
                    place,
                    seals: self.findings.report.seals,
                });
            }
            _ => self.find(
                Kind::Duplicated,
                Some(seq),
                Some(place),
                format!("record {seq} stands there again"),
            ),
        }
    }

    /// Lines at the head of a file that another has already: a writer may come to tell why.
    pub(super) fn end_repeated(&mut self) {
        self.fragments
            .repeats
            .extend(self.fragments.repeated.take());
    }

    fn check_repeats(&mut self, repeats: Vec<Repeated>) {
        for run in repeats {
            let told = self.system_events.rewritten.get_mut(&run.bytes);
            if let Some(left) = told.filter(|left| **left > 0) {
                *left -= 1;
                continue;
            }
            let detail = format!("records {} to {} stand there again", run.first, run.last);
            self.find(Kind::Duplicated, Some(run.first), Some(run.place), detail);
        }
    }

    pub(super) fn foreign(&mut self, place: LinePlace, bytes: Vec<u8>, end: End) {
        // Among other lines of a stream only what poses as a record is of interest.
        if !self.fragments.is_stream || is_record(&bytes) {
            let seals = self.findings.report.seals;
            let fragment = Fragment::new(place, bytes, end, seals);
            self.fragments.lines.push_back(fragment);
        }
    }

    /// A file may end with the beginning of a record that stands whole at the head of the next.
    pub(super) fn drop_begun_again(&mut self, next: LinePlace) {
        let Some(last) = self.fragments.lines.back() else {
            return;
        };
        if last.end != End::Cut || last.place.file + 1 != next.file || next.line != 1 {
            return;
        }
        let begin = self.bytes_at(next.file, 0, last.bytes.len());
        if begin.is_some_and(|begin| begin == last.bytes) {
            self.fragments.lines.pop_back();
        }
    }

    /// What stands in a file, where it can be read.
    fn bytes_at(&self, file: usize, at: u64, length: usize) -> Option<Vec<u8>> {
        let file = File::open(self.findings.files.get(file)?).ok()?;
        let mut bytes = vec![0; length];
        let read = read_at(&file, &mut bytes, at).ok()?;
        (read == length).then_some(bytes)
    }

    /// Whether the writer has told of it, which it does once. No writer leaves a whole record torn.
    fn is_told(&mut self, fragment: &Fragment) -> bool {
        let told = self.system_events.torn.get_mut(&fragment.line.sha256);
        match told.filter(|left| !fragment.is_record && **left > 0) {
            Some(left) => {
                *left -= 1;
                true
            }
            None => false,
        }
    }

    /// Takes a line for what a writer has left torn, where it is no record at all.
    pub(super) fn take_torn(&mut self, entry: &SeenRecord) -> bool {
        let LinePlace { file, byte, .. } = entry.place;
        let bytes = self.bytes_at(file, byte, entry.length);
        let torn = bytes.filter(|bytes| !is_json(bytes));
        let is_torn = torn.is_some();
        if let Some(bytes) = torn {
            let fragment =
                Fragment::new(entry.place, bytes, End::Ended, self.findings.report.seals);
            self.fragments.lines.push_back(fragment);
            self.findings.report.records -= 1;
        }
        is_torn
    }

    /// Lines that are no records, and those that stand there again, against what the writers say of them.
    pub(super) fn check_fragments(&mut self) {
        let seals = self.findings.report.seals;
        let (behind, sealed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.fragments.lines)
            .into_iter()
            .partition(|fragment| fragment.seals == seals);
        self.check_fragments_told(sealed);
        self.end_repeated();
        let (open, sealed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.fragments.repeats)
            .into_iter()
            .partition(|run| run.seals == seals);
        self.check_repeats(sealed);
        // Of what no seal covers, what is said there is the only account, and as good as it.
        for (_, line) in std::mem::take(&mut self.system_events.unproven) {
            self.own(&line, None);
        }
        self.check_fragments_told(behind);
        self.check_repeats(open);
    }

    fn check_fragments_told(&mut self, fragments: Vec<Fragment>) {
        for fragment in fragments {
            let length = fragment.line.bytes;
            if self.is_told(&fragment) {
                continue;
            }
            // Behind the newest file with records an empty one may stand: its writer rolled before it wrote.
            let is_last = fragment.place.file + 1 == self.findings.files.len();
            if fragment.end == End::Open || fragment.end == End::Cut && is_last {
                let what = "the last line has no end: it is being written, or was torn";
                self.unknown(format!("{what} ({length} bytes)"));
                continue;
            }
            let detail = match fragment.is_record {
                true => format!(
                    "a line of {length} bytes is a record to readers, and no writer writes one so"
                ),
                false => format!(
                    "a line of {length} bytes is no record, and the trail does not tell of it"
                ),
            };
            self.find(Kind::Inserted, None, Some(fragment.place), detail);
        }
    }
}
