//! Runs scripts and nothing else: for the tests here, and for programs that embed this crate and cannot be their own child.

use std::process::ExitCode;

fn main() -> ExitCode {
    pagewire_room::signers::script::child_main().unwrap_or_else(|| ExitCode::from(2))
}
