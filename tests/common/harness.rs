//! The test binaries whose `main` is their own take the arguments that every test binary takes.
#![allow(
    unused_imports,
    unused_macros,
    reason = "each test binary uses its own part"
)]

use libtest_mimic::{Arguments, Trial};

/// Runs the tests that the arguments select, one after the other: each wants the machine for itself.
pub fn run<N: Into<String>, T: FnOnce() + Send + 'static>(
    tests: impl IntoIterator<Item = (N, T)>,
) -> ! {
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    let trial = |(name, test): (N, T)| {
        Trial::test(name, || {
            test();
            Ok(())
        })
    };
    let trials = tests.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit()
}

/// Functions with their names.
macro_rules! named {
    ($($test:path),* $(,)?) => {
        [$((stringify!($test), $test as fn())),*]
    };
}
pub(crate) use named;
