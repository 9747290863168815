//! What the workloads share: arguments, output, clocks, runtimes.

use std::future::Future;
use std::time::Instant;

pub fn emit(peer: &str, rt: &str, fig: &str, value: f64, unit: &str) {
    use std::io::Write;
    let mut o = std::io::stdout().lock();
    let _ = writeln!(o, "{peer}\t{rt}\t{fig}\t{value:.3}\t{unit}");
    let _ = o.flush();
}

pub fn rss_bytes() -> u64 {
    let s = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = s.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// `--name value` from the command line.
pub fn arg(name: &str) -> Option<String> {
    let a: Vec<String> = std::env::args().collect();
    a.iter()
        .position(|x| x == name)
        .and_then(|i| a.get(i + 1).cloned())
}

pub fn wanted(fig: &str) -> bool {
    match arg("--only") {
        None => fig != "L5",
        Some(l) => l
            .split(',')
            .any(|p| p == fig || fig.starts_with(&format!("{p}."))),
    }
}

/// Multiplier on every loop count (default 1); smoke runs use 0.01.
pub fn scaled(n: u64) -> u64 {
    let s: f64 = arg("--scale").map(|s| s.parse().unwrap()).unwrap_or(1.0);
    ((n as f64 * s) as u64).max(1)
}

pub fn pct(v: &mut [u64], p: f64) -> f64 {
    v.sort_unstable();
    v[((v.len() - 1) as f64 * p) as usize] as f64
}

pub async fn timed<F: Future>(f: F) -> (f64, F::Output) {
    let t = Instant::now();
    let o = f.await;
    (t.elapsed().as_secs_f64(), o)
}

/// tokio, as every peer on tokio gets it: `mt2` = multi_thread with 2 workers, `ct` =
/// current_thread.
pub fn tokio_rt(rt: &str) -> tokio::runtime::Runtime {
    match rt {
        "ct" => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
        _ => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap(),
    }
}
