//! The CPU time of the process and of the calling thread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// User and system time of all threads, those that ended included.
pub fn of_process() -> Duration {
    read(ClockId::ProcessCPUTime)
}

pub fn of_thread() -> Duration {
    read(ClockId::ThreadCPUTime)
}

fn read(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).expect("CPU time is never negative")
}
