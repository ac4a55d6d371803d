//! Tests of stinger-audit beside what its users have beside it (tower, OpenTelemetry, metrics), and against other
//! implementations of its formats. They are in `tests/`.

/// The README's programs are compiled, each as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
