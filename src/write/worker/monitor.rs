//! A thread that watches what events alone do not show: whether macros still arrive, whether the disk fills up, whether
//! the clock jumps. It also records a heartbeat, so that silence shows in the trail.
//!
//! It is not the worker: a check event passes through the application's layers, and the trail must not wait for them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::destination::Output;
use crate::record::system::{ClockJumped, Heartbeat, LowDisk};
use crate::write::worker::progress::Watermark;
use crate::write::{Core, lock};

const TICK: Duration = Duration::from_secs(1);
/// The first tick comes early: an application installs its subscriber right after it opens its trail.
const FIRST_TICK: Duration = Duration::from_millis(100);
/// Ticks between looks at the subscriber and the disk.
const LOOK: u32 = 5;
/// Ticks between looks at the subscriber while its last check event did not arrive.
const LOOK_AGAIN: u32 = 60;

/// A clock that is off by more than this, against the time that passed, has jumped.
const JUMP: i64 = 2_000;

/// A destination that takes nothing for this long hangs.
const HANGS: Duration = Duration::from_secs(5);

/// Starts the thread. It ends soon after the trail is closed.
pub(crate) fn start(core: &Arc<Core>) {
    let mut monitor = Monitor::new(core, Utc::now());
    let thread = std::thread::Builder::new().name("stinger-audit-monitor".to_owned());
    let started = thread.spawn(move || {
        std::thread::sleep(FIRST_TICK);
        while monitor.tick().is_some() {
            std::thread::sleep(TICK);
        }
    });
    if let Err(error) = started {
        core.warn(format_args!("couldn't start its monitor thread: {error}"));
    }
}

pub(crate) struct Monitor {
    core: Weak<Core>,
    ticks: u32,
    /// Both clocks, as they were last seen together.
    clock: (DateTime<Utc>, Instant),
    last_heartbeat: Instant,
    is_low: bool,
    /// How far the worker had come, and when it had.
    written: (Watermark, Instant),
}

impl Monitor {
    /// Begins with the wall clock at `now`.
    pub(crate) fn new(core: &Arc<Core>, now: DateTime<Utc>) -> Monitor {
        Monitor {
            core: Arc::downgrade(core),
            ticks: 0,
            clock: (now, Instant::now()),
            last_heartbeat: Instant::now(),
            is_low: false,
            written: (Watermark::default(), Instant::now()),
        }
    }

    /// `None`: the trail is closed.
    fn tick(&mut self) -> Option<()> {
        let core = self.core.upgrade().filter(|core| !core.is_closed())?;
        self.check_clock(&core);
        self.check_worker(&core);
        if self.ticks.is_multiple_of(LOOK) {
            // A check event that does not arrive shows up in a log of the application's. So there are few of them then.
            let arrives = lock(&core.faults.events_filtered).is_none()
                && lock(&core.faults.log_backend).is_none();
            if arrives || self.ticks.is_multiple_of(LOOK_AGAIN) {
                core.check_global_event_delivery();
            }
            self.check_space(&core);
        }
        core.report_log_refusals();
        self.ticks = self.ticks.wrapping_add(1);
        if self.last_heartbeat.elapsed() >= core.config.heartbeat_interval {
            self.last_heartbeat = Instant::now();
            core.queue_system_record(heartbeat(&core));
        }
        #[cfg(feature = "metrics")]
        publish(&core);
        Some(())
    }

    pub(crate) fn check_clock(&mut self, core: &Core) {
        let (wall, monotonic) = (Utc::now(), Instant::now());
        let (wall_before, monotonic_before) = std::mem::replace(&mut self.clock, (wall, monotonic));
        let passed = monotonic.duration_since(monotonic_before).as_millis() as i64;
        let jumped = (wall - wall_before).num_milliseconds() - passed;
        if jumped.abs() > JUMP {
            core.queue_system_record(ClockJumped {
                milliseconds: jumped,
            });
        }
    }

    /// A write that hangs is no error that the worker could see.
    fn check_worker(&mut self, core: &Core) {
        let written = lock(&core.progress).written;
        if written != self.written.0 || written.reaches(core.watermark()) {
            self.written = (written, Instant::now());
        } else if self.written.1.elapsed() >= HANGS
            && !core.faults.failing.swap(true, Ordering::Relaxed)
        {
            *lock(&core.counts.last_error) = Some("the destination takes nothing".to_owned());
            core.warn("takes nothing; records wait in the journal");
            core.trip("the destination takes nothing");
            // Who waits for a large record looks at the flag.
            core.report(|_| {});
        }
    }

    /// Warns while there still is room for the warning.
    fn check_space(&mut self, core: &Core) {
        let Output::Files(name) = &core.config.outputs.trail else {
            return;
        };
        let Some(available) = available_bytes(name.directory()) else {
            return;
        };
        let threshold = core.config.low_disk_threshold;
        let is_low = available < threshold;
        if is_low && !self.is_low {
            core.warn(format_args!("only {available} bytes are left on the disk"));
            core.queue_system_record(LowDisk {
                available_bytes: available,
                threshold_bytes: threshold,
            });
        }
        self.is_low = is_low;
    }
}

fn heartbeat(core: &Core) -> Heartbeat {
    let status = core.status();
    Heartbeat {
        accepted: status.records.accepted,
        written: status.records.written,
        lost: status.records.lost,
        backlog_bytes: status.writer.backlog_bytes,
        events_filtered: status.events_filtered,
    }
}

/// The status as metrics, in the recorder that the application has installed.
#[cfg(feature = "metrics")]
fn publish(core: &Core) {
    let status = core.status();
    for (name, value) in [
        ("stinger_audit_accepted_total", status.records.accepted),
        ("stinger_audit_written_total", status.records.written),
        ("stinger_audit_synced_total", status.records.synced),
        ("stinger_audit_lost_total", status.records.lost),
        ("stinger_audit_gaps_total", status.records.gaps),
        (
            "stinger_audit_write_errors_total",
            status.writer.write_errors,
        ),
    ] {
        metrics::counter!(name).absolute(value);
    }
    let events_filtered = status.events_filtered.is_some();
    for (name, value) in [
        ("stinger_audit_backlog_bytes", status.writer.backlog_bytes),
        ("stinger_audit_writable", status.writer.writable.into()),
        ("stinger_audit_tripped", status.writer.tripped.into()),
        ("stinger_audit_events_filtered", events_filtered.into()),
    ] {
        metrics::gauge!(name).set(value as f64);
    }
}

#[cfg(unix)]
fn available_bytes(directory: &std::path::Path) -> Option<u64> {
    let found = rustix::fs::statvfs(directory).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn available_bytes(_directory: &std::path::Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BuilderConfig;
    use crate::error::ErrorKind;
    use crate::write::tests::{Disk, record, trail_in, until};

    #[test]
    fn a_large_record_whose_write_hangs_trips_the_trail_under_fail_safe() {
        let (disk, directory) = (Disk::default(), tempfile::tempdir().expect("a directory"));
        let config = BuilderConfig {
            buffer_capacity: Some(64 << 10),
            enqueue_timeout: Some(Duration::from_millis(20)),
            fail_safe: Some(true),
            sealing: Some(false),
            ..BuilderConfig::default()
        };
        let core = trail_in(directory.path(), &disk, config);
        core.flush().expect("written");
        let mut monitor = Monitor::new(&core, Utc::now());
        monitor.check_worker(&core);
        disk.hangs.store(true, Ordering::SeqCst);
        let recorded = std::thread::scope(|scope| {
            let caller = scope.spawn(|| record(&core, "e", &"x".repeat(100_000)));
            until("the write hangs", || disk.hung.load(Ordering::SeqCst) == 1);
            monitor.written.1 -= HANGS;
            monitor.check_worker(&core);
            assert!(core.status().writer.tripped, "before the caller gives up");
            caller.join().expect("no panic")
        });
        let error = recorded.expect_err("it is not in the trail");
        assert!(
            matches!(error.kind(), ErrorKind::Unwritable { lost: false, .. }),
            "{error}"
        );
        disk.hangs.store(false, Ordering::SeqCst);
        until("it heals", || record(&core, "e", "after").is_ok());
        core.close().expect("closed");
        assert_eq!(core.status().records.lost, 0);
    }
}
