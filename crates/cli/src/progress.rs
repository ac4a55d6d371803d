//! Progress on stderr, if that is a terminal and reading takes longer than a moment.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stinger_audit_trail::read::{Query, Trail};

/// Shows progress until it is dropped.
pub(super) struct Progress {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Nothing is shown before.
const DELAY: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(100);

impl Progress {
    /// `read` of `total` bytes. Nothing is shown if stdout is a terminal too: output would mix with it.
    pub(super) fn of(read: Arc<AtomicU64>, total: u64) -> Progress {
        let ended = Arc::<AtomicBool>::default();
        let is_seen = io::stderr().is_terminal() && !io::stdout().is_terminal();
        let thread = (is_seen && total > 0).then(|| {
            let ended = ended.clone();
            thread::spawn(move || show(&read, total, &ended))
        });
        Progress { ended, thread }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It writes to stderr and ends.
            let _ = thread.join();
        }
    }
}

fn show(read: &AtomicU64, total: u64, ended: &AtomicBool) {
    let begun = Instant::now();
    let mut is_shown = false;
    while !ended.load(Ordering::Relaxed) {
        thread::park_timeout(INTERVAL);
        let took = begun.elapsed();
        if took < DELAY || ended.load(Ordering::Relaxed) {
            continue;
        }
        let done = read.load(Ordering::Relaxed);
        let rate = done as f64 / took.as_secs_f64();
        let left = total.saturating_sub(done) as f64 / rate.max(1.0);
        let percent = (100 * done / total.max(1)).min(100);
        let _ = write!(
            io::stderr(),
            "\r\u{1b}[K{percent:>3} %  {:.0} of {:.0} MB  {:.0} MB/s  {left:.0} s left",
            done as f64 / 1e6,
            total as f64 / 1e6,
            rate / 1e6,
        );
        is_shown = true;
    }
    if is_shown {
        let _ = write!(io::stderr(), "\r\u{1b}[K");
    }
}

/// The bytes of the files of a trail that may hold what a query selects.
pub(super) fn total_bytes(trail: &Trail, query: &Query) -> u64 {
    let files = trail.files_of(query).into_iter();
    files
        .filter_map(|file| fs::metadata(file).ok())
        .map(|file| file.len())
        .sum()
}
