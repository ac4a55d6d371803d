//! CPU time as Linux counts it, in nanoseconds. What a thread has used is brought up to date when it leaves its
//! core.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// The time of the thread that has made it.
pub(crate) struct OfThread(File);

impl OfThread {
    pub(crate) fn new() -> OfThread {
        OfThread(File::open("/proc/thread-self/schedstat").expect("Linux counts CPU time"))
    }

    pub(crate) fn read(&self) -> f64 {
        thread::sleep(Duration::from_nanos(1));
        let mut counted = [0; 64];
        let length = self.0.read_at(&mut counted, 0).expect("readable");
        first_number(&counted[..length]).expect("it begins with the time")
    }
}

/// Of all threads that live, when those of the trail have come to rest.
pub(crate) fn of_process() -> f64 {
    thread::sleep(Duration::from_millis(3));
    let tasks = fs::read_dir("/proc/self/task").expect("Linux lists threads");
    let of_task = |path: &Path| first_number(&fs::read(path.join("schedstat")).ok()?);
    tasks.filter_map(|task| of_task(&task.ok()?.path())).sum()
}

fn first_number(counted: &[u8]) -> Option<f64> {
    let counted = str::from_utf8(counted).ok()?;
    counted.split(' ').next()?.parse().ok()
}
