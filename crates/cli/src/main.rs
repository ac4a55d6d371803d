//! The command `stinger-audit`: see the module `cli` of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    stinger_audit::cli::run(std::env::args_os())
}
