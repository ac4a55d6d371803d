//! What time it is, on the emitting thread.

/// Microseconds since 1970, by the system's clock.
///
/// What `SystemTime` makes of it passes through five functions of the standard library, which take longer
/// than the clock where they are not in the caches.
#[cfg(unix)]
#[inline]
pub(super) fn micros() -> i64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    #[expect(unsafe_code, reason = "the system's clock writes through a pointer")]
    // SAFETY: the pointer is to a timespec of this function's own.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) } != 0;
    if failed {
        return micros_of_library();
    }
    #[allow(
        clippy::unnecessary_cast,
        reason = "some systems have 32 bits for them"
    )]
    let (seconds, nanoseconds) = (now.tv_sec as i64, now.tv_nsec as i64);
    seconds * 1_000_000 + nanoseconds / 1_000
}

#[cfg(not(unix))]
pub(super) fn micros() -> i64 {
    micros_of_library()
}

#[cold]
fn micros_of_library() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_time_is_that_of_the_standard_library() {
        let before = chrono::Utc::now().timestamp_micros();
        let now = super::micros();
        let after = chrono::Utc::now().timestamp_micros();
        assert!(before <= now && now <= after, "{before} {now} {after}");
    }
}
