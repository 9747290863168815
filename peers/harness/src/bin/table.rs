//! Reads result lines (peer \t runtime \t figure \t value \t unit) on stdin; prints one table:
//! for each figure, each peer's median, min and max over the rounds, and how many times
//! worse than the floor the median is (below 1: better), and the highest share of the machine
//! that went to other processes in any of the rounds kept.
use std::collections::BTreeMap;
use std::io::Read;

fn short(v: f64) -> String {
    let a = v.abs();
    if a >= 1e6 {
        format!("{:.2}M", v / 1e6)
    } else if a >= 1e4 {
        format!("{:.1}k", v / 1e3)
    } else if a >= 100.0 {
        format!("{v:.0}")
    } else {
        format!("{v:.2}")
    }
}

fn main() {
    let mut s = String::new();
    std::io::stdin().read_to_string(&mut s).unwrap();
    // figure -> (unit, (peer, rt) -> values)
    let mut figs: BTreeMap<String, (String, BTreeMap<(String, String), Vec<f64>>)> =
        BTreeMap::new();
    let mut load: BTreeMap<(String, String, String), f64> = BTreeMap::new();
    for l in s.lines() {
        let f: Vec<&str> = l.split('\t').collect();
        if f.len() < 5 {
            continue;
        }
        let Ok(v) = f[3].parse::<f64>() else { continue };
        if let Some(o) = f.get(5).and_then(|o| o.parse::<f64>().ok()) {
            let e = load
                .entry((f[2].into(), f[0].into(), f[1].into()))
                .or_insert(0.0);
            *e = e.max(o);
        }
        let e = figs
            .entry(f[2].into())
            .or_insert_with(|| (f[4].into(), BTreeMap::new()));
        e.1.entry((f[0].into(), f[1].into())).or_default().push(v);
    }
    println!("| figure | peer | runtime | median | min | max | n | unit | x floor | others % |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (fig, (unit, peers)) in &mut figs {
        let rate = unit.ends_with("/s");
        let med = |v: &mut Vec<f64>| {
            v.sort_by(f64::total_cmp);
            if v.len() % 2 == 1 {
                v[v.len() / 2]
            } else {
                (v[v.len() / 2 - 1] + v[v.len() / 2]) / 2.0
            }
        };
        let mut floors: BTreeMap<String, f64> = BTreeMap::new();
        for ((p, rt), v) in peers.iter_mut() {
            if p == "floor:tokio-unbounded" || p == "floor:tcp-mux" {
                floors.insert(rt.clone(), med(v));
            }
        }
        let mut rows: Vec<_> = peers.iter_mut().map(|(k, v)| (med(v), k, v)).collect();
        rows.sort_by(|a, b| {
            if rate {
                b.0.total_cmp(&a.0)
            } else {
                a.0.total_cmp(&b.0)
            }
        });
        for (m, (p, rt), v) in rows {
            let f = floors.get(rt).or_else(|| floors.get("mt2"));
            let x = match f {
                Some(f) if rate => format!("{:.2}", f / m),
                Some(f) => format!("{:.2}", m / f),
                None => "-".into(),
            };
            let others = load
                .get(&(fig.clone(), p.clone(), rt.clone()))
                .copied()
                .unwrap_or(0.0);
            println!(
                "| {fig} | {p} | {rt} | {} | {} | {} | {} | {unit} | {x} | {others} |",
                short(m),
                short(v[0]),
                short(v[v.len() - 1]),
                v.len()
            );
        }
    }
}
