//! The command `stinger-audit`: see the library of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    stinger_audit_cli::run(std::env::args_os())
}
