//! Memory that is going to be written is fetched into this core's cache while the thread does something else.
//!
//! What another core has read lies in its cache, and a thread that writes there waits until it is given up: 50 to 100 ns
//! for each 64 bytes, as long as all else that is done with them. The processor does not foresee it, for the
//! bytes were here before.

/// Has so many bytes fetched, of many the first. They may lie anywhere; nothing is read or written.
#[inline]
pub(super) fn fetch_to_write(from: *const u8, length: usize) {
    /// The rest is left to the processor.
    const MOST: usize = 2 << 10;
    const LINE: usize = 64;
    let lines = (0..length.min(MOST)).step_by(LINE);
    lines.for_each(|at| fetch_line(from.wrapping_add(at)));
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn fetch_line(byte: *const u8) {
    #[expect(
        unsafe_code,
        reason = "the intrinsic fetches to read where the processor is not known to fetch to write"
    )]
    // SAFETY: it is a hint. It changes nothing and cannot fault, and a processor that does not have it
    // passes it over.
    unsafe {
        std::arch::asm!(
            "prefetchw [{}]",
            in(reg) byte,
            options(nostack, preserves_flags, readonly)
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn fetch_line(_byte: *const u8) {}
