//! A destination that fails when it is told to.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::record::Record;
use crate::write::lock;

#[derive(Clone, Default)]
pub(crate) struct Disk {
    pub(super) written: Arc<Mutex<Vec<u8>>>,
    /// Every write fails.
    pub(crate) broken: Arc<AtomicBool>,
    /// Every sync fails.
    pub(crate) unsyncable: Arc<AtomicBool>,
    /// At most this many bytes go in one write; 0 is no limit.
    pub(super) at_most: Arc<AtomicUsize>,
    /// A write does not return while this is so.
    pub(crate) hangs: Arc<AtomicBool>,
    /// How many writes have begun to hang.
    pub(crate) hung: Arc<AtomicUsize>,
    /// A write takes this many milliseconds.
    pub(crate) slow: Arc<AtomicUsize>,
    /// The write or sync of this number fails: 1 is the next; a write takes half before.
    pub(super) fails_at: Arc<AtomicUsize>,
    /// The next write panics.
    pub(super) panics: Arc<AtomicBool>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(
            self.slow.load(Ordering::Relaxed) as u64
        ));
        if self.hangs.load(Ordering::SeqCst) {
            self.hung.fetch_add(1, Ordering::SeqCst);
            while self.hangs.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        assert!(
            !self.panics.swap(false, Ordering::SeqCst),
            "a bug below the worker"
        );
        if self.fails_now() {
            let half = bytes.len() / 2;
            lock(&self.written).extend_from_slice(&bytes[..half]);
            return if half > 0 {
                Ok(half)
            } else {
                Err(io::ErrorKind::StorageFull.into())
            };
        }
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let limit = match self.at_most.load(Ordering::Relaxed) {
            0 => bytes.len(),
            limit => limit.min(bytes.len()),
        };
        lock(&self.written).extend_from_slice(&bytes[..limit]);
        Ok(limit)
    }

    /// A sync.
    fn flush(&mut self) -> io::Result<()> {
        match self.fails_now() || self.unsyncable.load(Ordering::SeqCst) {
            true => Err(io::Error::other("the medium failed")),
            false => Ok(()),
        }
    }
}

/// Whether it has come to 1.
fn count_down(left: &AtomicUsize) -> bool {
    let now = left.load(Ordering::SeqCst);
    left.store(now.saturating_sub(1), Ordering::SeqCst);
    now == 1
}

impl Disk {
    fn fails_now(&self) -> bool {
        count_down(&self.fails_at)
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        lock(&self.written).clone()
    }

    /// The records, of which none is missing, without the seals: they come when they are due.
    pub(crate) fn records(&self) -> Vec<Record> {
        let written = lock(&self.written).clone();
        let records: Vec<Record> = written
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).expect("every line is a record"))
            .collect();
        for (place, record) in records.iter().enumerate() {
            assert_eq!(record.seq, place as u64, "seq has no hole");
        }
        let is_seal = |record: &Record| record.event_type.as_str() == "trail_sealed";
        records
            .into_iter()
            .filter(|record| !is_seal(record))
            .collect()
    }
}
