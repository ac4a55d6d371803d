//! The end of the process: trails are ended in order, with no guard to keep.
//!
//! Exit handlers run when `main` returns and in `std::process::exit`, while the other threads still run. The standard
//! library has no hook for either, and neither has a crate without `unsafe` on its user's side.

use std::panic::catch_unwind;
use std::sync::Once;

use super::fork;

/// Has every open trail closed when the process exits.
pub(super) fn close_at_exit() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        #[expect(
            unsafe_code,
            reason = "there is no safe way to run code in process::exit"
        )]
        // SAFETY: the handler has the type that `atexit` asks for, lives as long as the program, and never unwinds.
        let refused = unsafe { libc::atexit(at_exit) } != 0;
        if refused {
            super::warn("the system runs no code at exit; call close() before the process ends");
        }
        if !fork::notice_forks() {
            super::warn("the system does not tell of forks; a forked child must not record");
        }
        close_before_abort();
    });
}

extern "C" fn at_exit() {
    let _ = catch_unwind(super::registry::close_all);
}

/// Where a panic aborts the process, no exit handler runs: the panic hook closes instead.
#[cfg(panic = "abort")]
fn close_before_abort() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        previous(info);
        super::registry::close_all();
    }));
}

#[cfg(not(panic = "abort"))]
fn close_before_abort() {}
