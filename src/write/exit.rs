//! The end of the process: trails are ended in order, with no guard to keep.
//!
//! This file owns the crate's only unsafe code. `atexit` is called with a function of the
//! right type that never unwinds and lives as long as the program; handlers run when `main`
//! returns and in `std::process::exit`, while the other threads still run.

use std::panic::catch_unwind;
use std::sync::Once;

/// Has every open trail closed when the process exits.
pub(super) fn close_at_exit() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        #[expect(
            unsafe_code,
            reason = "there is no safe way to run code in process::exit"
        )]
        // SAFETY: see the head of this file.
        let refused = unsafe { libc::atexit(at_exit) } != 0;
        if refused {
            super::say("the system runs no code at exit; call close() before the process ends");
        }
        close_before_abort();
    });
}

extern "C" fn at_exit() {
    let _ = catch_unwind(super::close_all);
}

/// Where a panic aborts the process, no exit handler runs: the panic hook closes instead.
#[cfg(panic = "abort")]
fn close_before_abort() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        previous(info);
        super::close_all();
    }));
}

#[cfg(not(panic = "abort"))]
fn close_before_abort() {}
