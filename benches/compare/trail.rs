//! The file a contender writes, watched from outside: when it grew, and how many of the bench's
//! records are in it.
//!
//! Nothing is read while a contender may still be writing, so that the watching costs it
//! nothing: only the file's length is looked at, and once it rests the lines are counted, which
//! tells afterwards at which look the last record had arrived.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use memchr::{memchr_iter, memmem};

use crate::cpu;

/// In each record of the bench, and in none that a contender writes of its own accord.
const MARK: &str = "llm_response";
const LOOK_EVERY: Duration = Duration::from_micros(500);
const REST: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Trail {
    writer: &'static str,
    directory: PathBuf,
    read: u64,
    records: usize,
}

/// The moment at which the last awaited record was seen in the file.
pub struct Arrival {
    pub at: Instant,
    /// CPU time of the process by then, without what the watching took.
    pub cpu: Duration,
}

struct Look {
    at: Instant,
    length: u64,
}

impl Trail {
    pub fn of(writer: &'static str, directory: &Path) -> Trail {
        Trail {
            writer,
            directory: directory.to_owned(),
            read: 0,
            records: 0,
        }
    }

    /// Waits until the file has `awaited` records more than at the last call, and no other.
    pub fn wait_for(&mut self, awaited: usize) -> Arrival {
        let own_cpu = cpu::of_thread();
        let deadline = Instant::now() + PATIENCE;
        let target = self.records + awaited;
        let mut looks = vec![self.look()];
        loop {
            self.watch_until_rest(&mut looks);
            let cpu = cpu::of_process() - (cpu::of_thread() - own_cpu);
            // What came behind the last look is for the next.
            let length = looks.last().map_or(0, |look| look.length);
            if let Some(end) = self.count_to(target, length) {
                let first = looks.iter().find(|look| look.length >= end);
                let at = first.expect("read no further than looked").at;
                return Arrival { at, cpu };
            }
            assert!(
                Instant::now() < deadline,
                "{}: {} of {target} records are in the file",
                self.writer,
                self.records
            );
        }
    }

    /// Panics where records came since the last call, which nobody emitted.
    pub fn assert_no_more(&mut self) {
        let _ = self.count_to(self.records, u64::MAX);
    }

    fn look(&self) -> Look {
        let length = self.file().map_or(0, |path| {
            fs::metadata(path).expect("the file has a length").len()
        });
        Look {
            at: Instant::now(),
            length,
        }
    }

    /// Adds a look for each growth, until there is none for a while.
    fn watch_until_rest(&self, looks: &mut Vec<Look>) {
        let mut last_change = Instant::now();
        while last_change.elapsed() < REST {
            thread::sleep(LOOK_EVERY);
            let look = self.look();
            if looks.last().is_none_or(|last| last.length < look.length) {
                last_change = look.at;
                looks.push(look);
            }
        }
    }

    /// Counts the whole lines not yet counted, of the file's first `length` bytes; where the `target`th record
    /// ends, if it is there.
    fn count_to(&mut self, target: usize, length: u64) -> Option<u64> {
        let bytes = self.rest_of_file(length);
        let mark = memmem::Finder::new(MARK);
        let mut begin = 0;
        let mut end = (self.records == target).then_some(self.read);
        for newline in memchr_iter(b'\n', &bytes) {
            if mark.find(&bytes[begin..newline]).is_some() {
                self.records += 1;
                if self.records == target {
                    end = Some(self.read + newline as u64 + 1);
                }
            }
            begin = newline + 1;
        }
        self.read += begin as u64;
        assert!(
            self.records <= target,
            "{}: {} records are in the file, {target} were emitted",
            self.writer,
            self.records
        );
        end
    }

    fn rest_of_file(&self, length: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(path) = self.file() {
            let mut file = File::open(path).expect("the trail can be read");
            file.seek(SeekFrom::Start(self.read)).expect("a file seeks");
            file.take(length.saturating_sub(self.read))
                .read_to_end(&mut bytes)
                .expect("the trail can be read");
        }
        bytes
    }

    /// The one file whose name ends in `.log`; some contenders make it with their first record,
    /// and ours has a symlink to it.
    pub fn file(&self) -> Option<PathBuf> {
        let mut logs: Vec<PathBuf> = fs::read_dir(&self.directory)
            .expect("the directory can be read")
            .map(|entry| entry.expect("the directory can be read"))
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        let file = logs.pop();
        assert!(
            logs.is_empty(),
            "{}: beside {file:?} there is {logs:?}: was it midnight?",
            self.writer
        );
        file
    }
}
