//! What time it is, on the emitting thread.

/// Microseconds since 1970, by the system's clock.
///
/// The standard library's `SystemTime` takes five functions for this. After a pause of the thread, when they are not
/// in the caches, these take longer than the clock itself.
#[cfg(unix)]
#[inline]
pub(crate) fn micros() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    #[allow(
        clippy::unnecessary_cast,
        reason = "some systems have 32 bits for nanoseconds"
    )]
    let nanoseconds = now.tv_nsec as i64;
    now.tv_sec * 1_000_000 + nanoseconds / 1_000
}

#[cfg(not(unix))]
pub(crate) fn micros() -> i64 {
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
