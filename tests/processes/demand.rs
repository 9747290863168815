//! Tests that need what not every machine allows: there they are not run, and say so.

use std::io::Write;

/// Makes tests that need a namespace fail where there is none.
const DEMAND: &str = "NOEX_REQUIRE_NAMESPACES";

/// What was made. Where the machine did not allow it, this says so past the harness, which keeps
/// the output of tests that pass to itself; `needs` is what the test can't do without.
///
/// # Panics
/// Where the machine did not allow it and the environment demands it.
pub(crate) fn allowed<T>(made: Result<T, String>, needs: &str) -> Option<T> {
    let error = match made {
        Ok(made) => return Some(made),
        Err(error) => error,
    };
    assert!(
        std::env::var_os(DEMAND).is_none_or(|value| value != "1"),
        "this test needs {needs}: {error}"
    );
    let told = writeln!(
        std::io::stderr(),
        "NOT RUN, and not tested: it needs {needs}: {error}"
    );
    told.unwrap();
    None
}
