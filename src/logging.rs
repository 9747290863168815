//! Logging of a program that leaves it to noex.

use std::env;
use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Writes log lines to standard error, unless the program has set up its own logging. What can't be
/// written there, as on a full disk, is lost.
///
/// `RUST_LOG` says which, `info` at first; `NOEX_LOG=json` makes each line a JSON object.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // It would say on standard error that it can't write there, which is a panic. What can't
        // be written, because the disk is full or nobody reads any more, is lost; the node goes on.
        .log_internal_errors(false)
        .with_ansi(stderr().is_terminal());
    let json = env::var("NOEX_LOG").is_ok_and(|format| format == "json");
    let set = if json {
        lines.json().try_init()
    } else {
        lines.try_init()
    };
    if let Err(error) = set {
        tracing::debug!(%error, "the program logs in its own way");
    }
}
