//! Rules of the source that neither the compiler nor clippy checks, read off the text.
//!
//! Each rule is a function from the [`Tree`] of sources to its findings, with a test that applies
//! it to this repository and one that shows it a tree which breaks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// `(rule, file, reason)`: one exception a line, with the reason why the rule is wrong there.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// The arrows between crates: what each may name in `[dependencies]`, no more and no less.
const ARROWS: &[(&str, &[&str])] = &[
    ("noex-core", &[]),
    ("noex-gen-server", &["noex-core"]),
    ("noex-registry", &["noex-core", "noex-gen-server"]),
    (
        "noex-supervisor",
        &["noex-core", "noex-gen-server", "noex-registry"],
    ),
    ("noex-cluster", &["noex-core"]),
    ("noex-macros", &[]),
    ("noex-sim", &["noex-cluster", "noex-core"]),
    (
        "noex",
        &[
            "noex-cluster",
            "noex-core",
            "noex-gen-server",
            "noex-macros",
            "noex-registry",
            "noex-supervisor",
        ],
    ),
];

/// What a file that calls itself pure must do without.
const IMPURE: &[&str] = &[
    "async",
    ".await",
    "tokio::",
    "std::fs",
    "std::net::Tcp",
    "std::thread",
    "TcpListener",
    "TcpStream",
    "Mutex",
    "RwLock",
    "mpsc",
    "Instant::now",
    "SystemTime",
    "HashMap",
    "HashSet",
    "rand::rng",
];

/// Ways to spawn a task of the runtime, and the file that may.
const SPAWNS: &[&str] = &[
    "tokio::spawn",
    "tokio::task::spawn",
    "Handle::current().spawn(",
    "runtime.spawn(",
    "runtime().spawn(",
];
const SPAWNER: &str = "noex-core/src/task.rs";

/// `(file, reason)`: the files that may hold `unsafe`, each with the reason why it must.
const UNSAFE: &[(&str, &str)] = &[
    (
        "noex-core/src/call/cell/reply_cell.rs",
        "a call's cell is shared without a lock: its word says whose the waker and the body are",
    ),
    (
        "noex-core/src/call/cell/waiting.rs",
        "the caller takes the body out of its cell, as the type that its handle wrote",
    ),
    (
        "noex-core/src/call/cell/handle.rs",
        "a handle is one word, a pointer to a cell that lives for ever, and writes its body",
    ),
];

/// Commands that README.md shows and `.ci/run` calls.
const COMMANDS: &[&str] = &[
    "cargo run --release --example cluster",
    "cargo test --workspace",
];

/// The table of what is promised, and of what shows that it is kept.
const CONTRACT: &str = "docs/contract.md";

const UNITS: &[&str] = &["_ms", "_millis", "_secs", "_micros", "_nanos"];
const VAGUE_NAMES: &[&str] = &["util", "helper", "common", "misc", "types"];
const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

// ---- the rules, applied to this repository ----

#[test]
fn every_file_opens_with_a_line_of_documentation() {
    assert_tidy("opening line", opening_lines);
}

#[test]
fn pure_files_do_nothing_impure() {
    assert_tidy("pure", purity);
}

#[test]
fn files_are_short_and_narrow() {
    assert_tidy("size", sizes);
}

#[test]
fn crates_depend_on_what_the_design_says() {
    assert_tidy("arrows", arrows);
}

#[test]
fn lib_and_mod_files_hold_no_code() {
    assert_tidy("no code", module_roots);
}

#[test]
fn features_choose_modules_and_whole_items() {
    assert_tidy("features", features);
}

#[test]
fn public_signatures_have_no_units() {
    assert_tidy("units", units);
}

#[test]
fn names_say_what_is_inside() {
    assert_tidy("names", names);
}

#[test]
fn nothing_is_left_for_later() {
    assert_tidy("left for later", left_for_later);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    assert_tidy("lints", lints);
}

#[test]
fn every_example_is_in_the_readme() {
    assert_tidy("examples", examples);
}

#[test]
fn ci_runs_the_commands_of_the_readme() {
    assert_tidy("commands", commands);
}

#[test]
fn each_row_of_the_contract_has_its_tests_and_a_change_that_can_be_made() {
    assert_tidy("contract", contract);
    assert_tidy("tests of the contract", untold_tests);
}

#[test]
fn tasks_are_spawned_in_one_place() {
    assert_tidy("spawn", spawns);
}

#[test]
fn unsafe_code_stands_where_it_is_justified() {
    assert_tidy("unsafe", unsafe_code);
    let tree = Tree::of_this_repository();
    assert!(
        UNSAFE
            .iter()
            .all(|(file, _)| tree.files.contains_key(*file))
    );
}

fn assert_tidy(rule: &str, findings: fn(&Tree) -> Vec<Finding>) {
    let found = findings(&Tree::of_this_repository());
    let excepted = |file: &str| EXCEPTIONS.iter().any(|&(r, f, _)| (r, f) == (rule, file));
    let mut lines: Vec<String> = found
        .iter()
        .filter(|finding| !excepted(&finding.file))
        .map(|Finding { file, line, what }| format!("{file}:{line}: {rule}: {what}"))
        .collect();
    for (_, file, reason) in EXCEPTIONS.iter().filter(|exception| exception.0 == rule) {
        if reason.len() < 20 || !found.iter().any(|finding| finding.file == *file) {
            lines.push(format!(
                "{file}: {rule}: drop its exception, or give it a real reason"
            ));
        }
    }
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

// ---- the rules ----

/// Rule 1.
fn opening_lines(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        let first = source.text.lines().next().unwrap_or_default();
        let in_proto = source.path.split('/').any(|part| part == "proto");
        if !first.starts_with("//! ") {
            findings.push(source.finding(1, "begin with a `//! ` line that says what this is"));
        } else if in_proto && source.name() != "tests.rs" && !source.is_pure() {
            findings.push(source.finding(
                1,
                "files under proto/ are pure: begin with `//! Pure: `, or move this to a shell",
            ));
        }
    }
    findings
}

/// Rule 2.
fn purity(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust().filter(|source| source.is_pure()) {
        for (line, code) in source.lines_before_tests() {
            for word in IMPURE.iter().filter(|word| code.contains(*word)) {
                let what = format!(
                    "`{word}` in a pure file: take it as an argument, hand it out as an output, \
                     or use an ordered map"
                );
                findings.push(source.finding(line, what));
            }
        }
    }
    findings
}

/// Rule 3.
fn sizes(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        let count = source.text.lines().count();
        if count > LINES_MAX && !source.may_be_long() {
            let what = format!("{count} lines, at most {LINES_MAX}: split it by concept");
            findings.push(source.finding(LINES_MAX + 1, what));
        }
        for (line, text) in numbered(&source.text) {
            let columns = text.chars().count();
            if columns > COLUMNS_MAX {
                let what = format!("{columns} columns, at most {COLUMNS_MAX}: break the line");
                findings.push(source.finding(line, what));
            }
        }
    }
    findings
}

/// Rule 4.
fn arrows(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unseen: BTreeSet<&str> = ARROWS.iter().map(|arrow| arrow.0).collect();
    for manifest in tree.manifests() {
        let krate = manifest.package_name();
        let Some((_, allowed)) = ARROWS.iter().find(|arrow| arrow.0 == krate) else {
            findings.push(manifest.finding(1, "add this crate to the table in tests/tidy.rs"));
            continue;
        };
        unseen.remove(krate.as_str());
        let mut missing: BTreeSet<&str> = allowed.iter().copied().collect();
        for (line, section, dependency) in manifest.own_dependencies() {
            if section == "dependencies" {
                missing.remove(dependency.as_str());
            }
            if !allowed.contains(&dependency.as_str()) {
                let what = format!(
                    "{krate} may not know {dependency}: move the code up, or add an edge to the \
                     lower crate; a new arrow needs a design page first"
                );
                findings.push(manifest.finding(line, what));
            }
        }
        for dependency in missing {
            let what = format!("{krate} stands on {dependency}: name it in [dependencies]");
            findings.push(manifest.finding(1, what));
        }
    }
    findings.extend(unseen.into_iter().map(|krate| Finding {
        file: "Cargo.toml".into(),
        line: 1,
        what: format!("the crate {krate} is gone: take it out of the table in tests/tidy.rs"),
    }));
    findings
}

/// Rule 5.
fn module_roots(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree
        .rust()
        .filter(|source| ["lib.rs", "mod.rs"].contains(&source.name()))
    {
        let allowance = match source.path.as_str() {
            "src/lib.rs" => Allowance::InlineModules,
            "noex-macros/src/lib.rs" => Allowance::MacroEntryPoints,
            _ => Allowance::Nothing,
        };
        if let Some(at) = first_code(&source.code, allowance) {
            let line = source.code[..at].matches('\n').count() + 1;
            findings.push(source.finding(
                line,
                "this file holds docs, `mod` and `use` only: move the code to a file that is \
                 named after it",
            ));
        }
    }
    findings
}

/// Rule 6.
fn features(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree
        .rust()
        .filter(|source| !["lib.rs", "mod.rs"].contains(&source.name()))
    {
        for (line, code) in numbered(&source.code) {
            if code.contains("cfg") && code.contains("feature =") {
                findings.push(source.finding(
                    line,
                    "`cfg(feature)` stands in lib.rs and mod.rs: make this a module of its own",
                ));
            }
        }
    }
    findings
}

/// Rule 7.
fn units(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        for (at, public) in public_declarations(&source.code) {
            for (offset, name) in declared_names(public) {
                if UNITS.iter().any(|unit| name.ends_with(unit)) {
                    let line = source.code[..at + offset].matches('\n').count() + 1;
                    let what = format!("`{name}` is public: take a `Duration`, without the unit");
                    findings.push(source.finding(line, what));
                }
            }
        }
    }
    findings
}

/// Rule 8, the names.
fn names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.files.keys() {
        let vague = |part: &&str| {
            VAGUE_NAMES
                .iter()
                .any(|name| part.to_lowercase().starts_with(name))
        };
        if let Some(part) = path.split('/').find(vague) {
            let what = format!("`{part}` says nothing: name it after the concept inside");
            findings.push(Finding {
                file: path.clone(),
                line: 1,
                what,
            });
        }
    }
    findings
}

/// Rule 8, the words. They are put together here so that this file does not hold them.
fn left_for_later(tree: &Tree) -> Vec<Finding> {
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), "X".repeat(3)];
    let mut findings = Vec::new();
    for source in tree
        .sources()
        .filter(|source| !source.path.ends_with(".md"))
    {
        for (line, text) in numbered(&source.text) {
            for word in words.iter().filter(|word| contains_word(text, word)) {
                let what = format!("`{word}`: do it now, or open an issue");
                findings.push(source.finding(line, what));
            }
        }
    }
    findings
}

/// Rule 9, the manifests.
fn lints(tree: &Tree) -> Vec<Finding> {
    let takes_lints = |manifest: &Source| {
        manifest.toml_entries().iter().any(|entry| {
            entry.section == "lints" && entry.key == "workspace" && entry.value == "true"
        })
    };
    let lax = tree.manifests().filter(|manifest| !takes_lints(manifest));
    lax.map(|manifest| manifest.finding(1, "add `[lints]` with `workspace = true`"))
        .collect()
}

/// Rule 9, the examples.
fn examples(tree: &Tree) -> Vec<Finding> {
    let readme = tree.text("README.md");
    let mut findings = Vec::new();
    for path in tree.files.keys() {
        let Some(inside) = path.strip_prefix("examples/") else {
            continue;
        };
        let Some(name) = inside
            .strip_suffix("/main.rs")
            .or_else(|| inside.strip_suffix(".rs"))
        else {
            continue;
        };
        let command = format!("--example {name}");
        if !name.contains('/') && !readme.lines().any(|line| contains_word(line, &command)) {
            let what = format!("README.md does not say `{command}`: tell its readers of it");
            findings.push(Finding {
                file: path.clone(),
                line: 1,
                what,
            });
        }
    }
    findings
}

/// Rule 10.
fn commands(tree: &Tree) -> Vec<Finding> {
    let (readme, ci) = (tree.text("README.md"), tree.text(".ci/run"));
    let shown = fenced_lines(readme);
    let mut findings = Vec::new();
    for command in COMMANDS {
        if !shown.contains(command) {
            let what = format!("show `{command}` on a line of its own in a block of code");
            findings.push(Finding {
                file: "README.md".into(),
                line: 1,
                what,
            });
        }
        if !ci.lines().any(|line| line.trim() == *command) {
            let what = format!("run `{command}` on a line of its own, as README.md says it");
            findings.push(Finding {
                file: ".ci/run".into(),
                line: 1,
                what,
            });
        }
    }
    findings
}

/// Rule 11.
fn spawns(tree: &Tree) -> Vec<Finding> {
    let exempt = |source: &&Source| {
        source.path == SPAWNER
            || source.name() == "tests.rs"
            || source
                .path
                .split('/')
                .any(|part| ["tests", "examples", "benches", "peers"].contains(&part))
    };
    let mut findings = Vec::new();
    for source in tree.rust().filter(|source| !exempt(source)) {
        for (line, code) in source.lines_before_tests() {
            for spawn in SPAWNS.iter().filter(|spawn| code.contains(*spawn)) {
                let what = format!("`{spawn}`: use noex_core::task, so that the task has an owner");
                findings.push(source.finding(line, what));
            }
        }
    }
    findings
}

/// Rule 12.
fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        let lines = || numbered(&source.code).filter(|(_, code)| contains_word(code, "unsafe"));
        let is_listed = UNSAFE.iter().any(|(file, _)| *file == source.path);
        if !is_listed {
            findings.extend(lines().map(|(line, _)| {
                let what = "write it in safe Rust, or justify the file in tests/tidy.rs";
                source.finding(line, what)
            }));
            continue;
        }
        if lines().next().is_none() {
            findings.push(source.finding(1, "nothing unsafe is left: take it off the list"));
        }
        let expected = source.code.split("#![expect(").nth(1).unwrap_or_default();
        let expected = expected.split(")]").next().unwrap_or_default();
        if !(contains_word(expected, "unsafe_code") && contains_word(expected, "reason")) {
            let what = "say `#![expect(unsafe_code, reason = \"…\")]` at its top";
            findings.push(source.finding(1, what));
        }
        let texts: Vec<&str> = source.text.lines().collect();
        for (line, _) in lines() {
            if !is_justified(&texts, line) {
                let what = "say above it why it is sound: `// SAFETY:`, or `# Safety` of a `fn`";
                findings.push(source.finding(line, what));
            }
        }
    }
    findings
}

/// Rule 13: what `scripts/contract_red.sh` stands on, seen without building anything.
fn contract(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in numbered(tree.text(CONTRACT)) {
        let Some(row) = text.strip_prefix("| C").and_then(|rest| rest.get(..2)) else {
            continue;
        };
        if let Some(what) = flaw_of_row(tree, row, text) {
            findings.push(Finding {
                file: CONTRACT.into(),
                line,
                what,
            });
        }
    }
    findings
}

fn flaw_of_row(tree: &Tree, row: &str, text: &str) -> Option<String> {
    let cells: Vec<&str> = text.trim_end_matches(" |").split(" | ").collect();
    let [_, _, tests, change] = cells[..] else {
        return Some("a row has four cells".to_owned());
    };
    if (tests, change) == ("not yet", "not yet") {
        return None;
    }
    let name = format!(" contract_c{row}_");
    let tests = between_backquotes(tests);
    if tests.is_empty() || !tests.iter().all(|test| test.contains(&name)) {
        return Some(format!("its tests are named `package/target{name}…`"));
    }
    if let Some(lost) = tests.iter().find(|test| !is_where_it_says(tree, test)) {
        return Some(format!("there is no test `{lost}`"));
    }
    match between_backquotes(change)[..] {
        [file, old, new] if old != new && tree.text(file).matches(old).count() == 1 => None,
        _ => Some("its change is a file, a text that is in it once, and another text".to_owned()),
    }
}

/// Also rule 13: a test that bears the number of a row is in the table.
fn untold_tests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        for (line, text) in numbered(&source.code) {
            let head = text.split("fn contract_c").nth(1);
            let Some(rest) = head.and_then(|head| head.split_once("()")) else {
                continue;
            };
            let name = format!("contract_c{}", rest.0);
            if !tree.text(CONTRACT).contains(&format!(" {name}`")) {
                let what = format!("`{name}` is missing from {CONTRACT}");
                findings.push(source.finding(line, what));
            }
        }
    }
    findings
}

/// Whether the target of `package/target test` has the test.
fn is_where_it_says(tree: &Tree, test: &str) -> bool {
    let Some((target, name)) = test.split_once(' ') else {
        return false;
    };
    let (package, target) = target.split_once('/').unwrap_or((target, "lib"));
    let package = match package {
        "noex" => String::new(),
        other => format!("{other}/"),
    };
    let folder = match target {
        "lib" => format!("{package}src/"),
        other => format!("{package}tests/{other}/"),
    };
    let file = format!("{}.rs", folder.trim_end_matches('/'));
    let head = format!("fn {name}()");
    tree.rust().any(|source| {
        (source.path == file || source.path.starts_with(&folder)) && source.code.contains(&head)
    })
}

fn between_backquotes(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether the statement or item around a line, or what it begins in, is explained just above.
fn is_justified(texts: &[&str], line: usize) -> bool {
    /// How far above its `unsafe` a statement begins, its explanation included.
    const ABOVE_MAX: usize = 8;
    let above = texts.iter().take(line).rev().take(ABOVE_MAX);
    above
        .take_while(|text| !text.trim().is_empty())
        .any(|text| text.contains("// SAFETY: ") || text.contains("/// # Safety"))
}

// ---- the tree of sources ----

#[derive(Debug)]
struct Finding {
    file: String,
    line: usize,
    what: String,
}

/// The files of the repository by path, with `/` between the parts.
struct Tree {
    files: BTreeMap<String, Source>,
}

struct Source {
    path: String,
    text: String,
    /// The text with comments and the insides of literals blanked; every line and byte keeps its
    /// place. Empty if this is no Rust.
    code: String,
}

struct TomlEntry {
    line: usize,
    section: String,
    key: String,
    value: String,
}

impl Tree {
    fn of_this_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the repository can be read") {
                let path = entry.expect("the repository can be read").path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if path.is_symlink() {
                    continue;
                } else if !path.is_dir() {
                    files.push(path);
                } else if name == ".ci" || (name != "target" && !name.starts_with('.')) {
                    folders.push(path);
                }
            }
        }
        Self::new(files.into_iter().map(|path| {
            let relative = path.strip_prefix(root).expect("the walk began there");
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            let text = if is_source(&parts.join("/")) {
                fs::read_to_string(&path).expect("sources are UTF-8")
            } else {
                String::new()
            };
            (parts.join("/"), text)
        }))
    }

    fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files = files.into_iter().map(|(path, text)| {
            let code = if path.ends_with(".rs") {
                blanked(&text)
            } else {
                String::new()
            };
            (path.clone(), Source { path, text, code })
        });
        Self {
            files: files.collect(),
        }
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        self.files.values().filter(|source| is_source(&source.path))
    }

    fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files
            .values()
            .filter(|source| source.path.ends_with(".rs"))
    }

    /// The manifests of the workspace's crates; `fuzz/` and `peers/` are workspaces of their own.
    fn manifests(&self) -> impl Iterator<Item = &Source> {
        let is_crate = |path: &str| {
            path == "Cargo.toml" || (path.starts_with("noex-") && path.matches('/').count() == 1)
        };
        let all = self
            .files
            .values()
            .filter(|source| source.name() == "Cargo.toml");
        all.filter(move |source| is_crate(&source.path))
    }

    /// A file's text; empty if there is no such file.
    fn text(&self, path: &str) -> &str {
        self.files
            .get(path)
            .map_or("", |source| source.text.as_str())
    }
}

impl Source {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_pure(&self) -> bool {
        self.text.starts_with("//! Pure: ")
    }

    fn may_be_long(&self) -> bool {
        self.name() == "tests.rs"
            || self
                .path
                .split('/')
                .any(|part| ["tests", "testdata"].contains(&part))
    }

    fn lines_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.code).take_while(|(_, code)| !code.contains("#[cfg(test)]"))
    }

    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            file: self.path.clone(),
            line,
            what: what.into(),
        }
    }

    /// The entries of a manifest. `a.b = c` and `[x.a]` keep their dots; values stay text.
    fn toml_entries(&self) -> Vec<TomlEntry> {
        let mut entries = Vec::new();
        let mut section = String::new();
        for (line, text) in numbered(&self.text) {
            let text = text.trim();
            if let Some(header) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                section = header.0.trim_matches('[').to_owned();
                entries.push(TomlEntry {
                    line,
                    section: section.clone(),
                    key: String::new(),
                    value: String::new(),
                });
            } else if let Some((key, value)) = text.split_once('=') {
                entries.push(TomlEntry {
                    line,
                    section: section.clone(),
                    key: key.trim().to_owned(),
                    value: value.trim().to_owned(),
                });
            }
        }
        entries
    }

    fn package_name(&self) -> String {
        let entries = self.toml_entries();
        let name = entries
            .iter()
            .find(|entry| entry.section == "package" && entry.key == "name");
        name.map(|entry| entry.value.trim_matches('"').to_owned())
            .unwrap_or_default()
    }

    /// `(line, section, crate)` for each crate of noex in any section of dependencies, whether it
    /// is a key, a header of its own, or the package behind another name.
    fn own_dependencies(&self) -> Vec<(usize, String, String)> {
        let mut found = Vec::new();
        for entry in self.toml_entries() {
            let mut words = entry.section.split('.');
            let Some(section) = words.find(|word| word.ends_with("dependencies")) else {
                continue;
            };
            if entry.section.starts_with("workspace.") {
                continue;
            }
            let named = [
                words.next().unwrap_or_default(),
                entry.key.as_str(),
                &entry.value,
            ];
            for name in named
                .into_iter()
                .flat_map(|text| text.split(|c| !is_crate_char(c)))
            {
                if name == "noex" || name.starts_with("noex-") {
                    found.push((entry.line, section.to_owned(), name.to_owned()));
                    break;
                }
            }
        }
        found
    }
}

fn is_source(path: &str) -> bool {
    path == ".ci/run"
        || [".rs", ".toml", ".md", ".sh", ".yml"]
            .iter()
            .any(|suffix| path.ends_with(suffix))
}

// ---- reading Rust as text ----

/// Lines with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_crate_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_".contains(character)
}

/// Whether `text` holds `word` with no letter, digit or underscore next to it.
fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].bytes().next_back();
        let after = text[at + word.len()..].bytes().next();
        !before.is_some_and(is_word_byte) && !after.is_some_and(is_word_byte)
    })
}

/// The trimmed lines of a Markdown text that stand between fences.
fn fenced_lines(markdown: &str) -> BTreeSet<&str> {
    let mut inside = false;
    let mut lines = BTreeSet::new();
    for line in markdown.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            lines.insert(line);
        }
    }
    lines
}

/// The text with comments and the insides of strings and characters replaced by spaces.
fn blanked(text: &str) -> String {
    let mut code = text.as_bytes().to_vec();
    let mut at = 0;
    while at < code.len() {
        let in_word = at > 0 && is_word_byte(text.as_bytes()[at - 1]);
        let Some(Span {
            open,
            inside,
            close,
        }) = unread_span(&text.as_bytes()[at..], in_word)
        else {
            at += 1;
            continue;
        };
        for byte in code[at + open..][..inside]
            .iter_mut()
            .filter(|byte| **byte != b'\n')
        {
            *byte = b' ';
        }
        at += open + inside + close;
    }
    String::from_utf8(code).expect("whole characters are blanked")
}

/// The lengths of a comment's or literal's inside, and of the marks around it that stay.
struct Span {
    open: usize,
    inside: usize,
    close: usize,
}

/// The comment or literal that begins here, if one does.
fn unread_span(rest: &[u8], in_word: bool) -> Option<Span> {
    if rest.starts_with(b"//") {
        let inside = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len());
        return Some(Span {
            open: 0,
            inside,
            close: 0,
        });
    }
    if rest.starts_with(b"/*") {
        return Some(Span {
            open: 0,
            inside: block_comment_length(rest),
            close: 0,
        });
    }
    if let Some((open, hashes)) = raw_string(rest).filter(|_| !in_word) {
        let mark = format!("\"{}", "#".repeat(hashes));
        let body = &rest[open..];
        let end = body
            .windows(mark.len())
            .position(|window| window == mark.as_bytes());
        return Some(match end {
            Some(inside) => Span {
                open,
                inside,
                close: mark.len(),
            },
            None => Span {
                open,
                inside: body.len(),
                close: 0,
            },
        });
    }
    if rest[0] == b'"' || (rest[0] == b'\'' && is_character(rest)) {
        let inside = quoted_length(&rest[1..], rest[0]);
        return Some(Span {
            open: 1,
            inside,
            close: 1,
        });
    }
    None
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at.min(rest.len())
}

/// The number of bytes before the closing quote.
fn quoted_length(body: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < body.len() && body[at] != quote {
        at += if body[at] == b'\\' { 2 } else { 1 };
    }
    at.min(body.len())
}

/// The lengths of the opening mark and of its `#`s, if a raw string begins here.
fn raw_string(rest: &[u8]) -> Option<(usize, usize)> {
    let prefix = [&b"br"[..], b"cr", b"r"]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..]
        .iter()
        .take_while(|&&byte| byte == b'#')
        .count();
    let open = prefix.len() + hashes + 1;
    (rest.get(open - 1) == Some(&b'"')).then_some((open, hashes))
}

/// Whether the quote at the start opens a character rather than a lifetime.
fn is_character(rest: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&rest[1..rest.len().min(8)]);
    let mut characters = text.chars();
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

/// The byte behind the bracket that closes the one at `open`.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// What a file of modules may hold besides attributes, `mod` and `use`.
#[derive(Clone, Copy, PartialEq)]
enum Allowance {
    Nothing,
    InlineModules,
    MacroEntryPoints,
}

/// Where the first item stands that is neither `mod` nor `use` nor allowed.
fn first_code(code: &str, allowance: Allowance) -> Option<usize> {
    let mut at = 0;
    let mut attributes = at;
    loop {
        at += code[at..].find(|c: char| !c.is_whitespace())?;
        if code[at..].starts_with('#') {
            at = closing(code, at + code[at..].find('[')?);
            continue;
        }
        let item = item_after_visibility(code, at);
        let end = item + code[item..].find([';', '{']).unwrap_or(code.len() - item);
        let is_block = code[end..].starts_with('{');
        let rest = &code[item..];
        if rest.starts_with("use ") {
            at = item + rest.find(';')? + 1;
        } else if rest.starts_with("mod ") && !is_block {
            at = end + 1;
        } else if rest.starts_with("mod ") && allowance == Allowance::InlineModules {
            let after = closing(code, end);
            if let Some(inside) = first_code(&code[end + 1..after - 1], allowance) {
                return Some(end + 1 + inside);
            }
            at = after;
        } else if allowance == Allowance::MacroEntryPoints
            && code[attributes..at].contains("#[proc_macro")
        {
            at = closing(code, end);
        } else {
            return Some(at);
        }
        attributes = at;
    }
}

fn item_after_visibility(code: &str, at: usize) -> usize {
    let Some(rest) = code[at..].strip_prefix("pub") else {
        return at;
    };
    let after = code.len() - rest.len();
    let after = if rest.starts_with('(') {
        closing(code, after)
    } else {
        after
    };
    after
        + code[after..]
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(0)
}

/// The public functions' signatures, the public fields, and the whole of public enums and traits,
/// whose parts need no `pub`; each with its place.
fn public_declarations(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("pub ") {
        let in_word = code[..at].bytes().next_back().is_some_and(is_word_byte);
        if in_word {
            continue;
        }
        let rest = &code[at..];
        let end = rest.find([';', '{']).unwrap_or(rest.len());
        let head = &rest[..end];
        let end = if contains_word(head, "fn") {
            end
        } else if head.starts_with("pub enum ") || head.starts_with("pub trait ") {
            closing(code, at + end) - at
        } else if ["struct", "mod", "use", "const", "static", "type"]
            .iter()
            .any(|keyword| head.starts_with(&format!("pub {keyword} ")))
        {
            continue;
        } else {
            rest.find([',', '\n']).unwrap_or(end)
        };
        found.push((at, &rest[..end]));
    }
    found
}

/// The names that have a type or a value after one colon, with their places.
fn declared_names(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (colon, _) in code.match_indices(':') {
        let before = code[..colon].trim_end();
        if code[colon + 1..].starts_with(':') || before.ends_with(':') {
            continue;
        }
        let start = before
            .bytes()
            .rposition(|byte| !is_word_byte(byte))
            .map_or(0, |last| last + 1);
        found.push((start, &before[start..]));
    }
    found
}

// ---- each rule can fail ----

/// How many findings a rule has in a tree of these files.
fn found(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<(String, usize)> {
    let tree = Tree::new(
        files
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned())),
    );
    rule(&tree)
        .into_iter()
        .map(|finding| (finding.file, finding.line))
        .collect()
}

fn at(file: &str, line: usize) -> Vec<(String, usize)> {
    vec![(file.to_owned(), line)]
}

#[test]
fn a_missing_opening_line_is_found() {
    assert_eq!(
        found(opening_lines, &[("src/a.rs", "use x;\n//! A.\n")]),
        at("src/a.rs", 1)
    );
    assert_eq!(found(opening_lines, &[("src/a.rs", "")]), at("src/a.rs", 1));
    for name in ["c/src/proto/a.rs", "c/src/proto/mod.rs"] {
        assert_eq!(found(opening_lines, &[(name, "//! A.\n")]), at(name, 1));
        assert_eq!(found(opening_lines, &[(name, "//! Pure: a.\n")]), []);
    }
    assert_eq!(
        found(opening_lines, &[("c/src/proto/tests.rs", "//! Tests.\n")]),
        []
    );
}

#[test]
fn every_impure_word_is_found_in_code_alone() {
    for word in IMPURE {
        let text = format!("//! Pure: {word}.\n/* {word} */ const A: &str = \"{word}\";\n{word}\n");
        assert!(
            found(purity, &[("a.rs", &text)]).contains(&("a.rs".into(), 3)),
            "{word}"
        );
        let in_test = text.replace(&format!("\n{word}\n"), "\n#[cfg(test)]\n{word}\n");
        assert_eq!(found(purity, &[("a.rs", &in_test)]), [], "{word}");
        assert_eq!(
            found(purity, &[("a.rs", &text.replace("Pure: ", ""))]),
            [],
            "{word}"
        );
    }
}

#[test]
fn long_files_and_wide_lines_are_found() {
    let long = "\n".repeat(LINES_MAX + 1);
    assert_eq!(found(sizes, &[("a.rs", &long)]), at("a.rs", LINES_MAX + 1));
    for name in ["a/tests.rs", "tests/a.rs", "a/testdata/b.rs"] {
        assert_eq!(found(sizes, &[(name, &long)]), []);
    }
    let wide = format!(
        "\n{}\n{}",
        "é".repeat(COLUMNS_MAX),
        "é".repeat(COLUMNS_MAX + 1)
    );
    assert_eq!(found(sizes, &[("tests/a.rs", &wide)]), at("tests/a.rs", 3));
}

#[test]
fn arrows_that_are_missing_or_point_up_are_found() {
    let in_core = |rest: &str| {
        let text = format!("[package]\nname = \"noex-cluster\"\n{rest}");
        let mut findings = found(arrows, &[("noex-cluster/Cargo.toml", &text)]);
        findings.retain(|finding| finding.0 != "Cargo.toml");
        findings
    };
    let file = "noex-cluster/Cargo.toml";
    assert_eq!(in_core("[dependencies]\nnoex-core.workspace = true\n"), []);
    assert_eq!(
        in_core("[dependencies]\nnoex-core = { path = \"../noex-core\" }\n"),
        []
    );
    assert_eq!(in_core("[dependencies.noex-core]\nworkspace = true\n"), []);
    assert_eq!(
        in_core("[dependencies]\nbytes.workspace = true\n"),
        at(file, 1)
    );
    assert_eq!(
        in_core("[dev-dependencies]\nnoex-core.workspace = true\n"),
        at(file, 1)
    );
    let core = "[dependencies]\nnoex-core.workspace = true\n";
    for upward in [
        "noex-registry.workspace = true",
        "[dev-dependencies]\nnoex.workspace = true",
        "[build-dependencies]\nnoex-registry.workspace = true",
        "[target.'cfg(unix)'.dependencies]\nnoex-supervisor.workspace = true",
        "other = { package = \"noex-registry\" }",
    ] {
        assert_eq!(in_core(&format!("{core}{upward}\n")).len(), 1, "{upward}");
    }
    let unknown = [("noex-new/Cargo.toml", "[package]\nname = \"noex-new\"\n")];
    assert!(found(arrows, &unknown).contains(&("noex-new/Cargo.toml".into(), 1)));
    assert_eq!(
        found(arrows, &[]).len(),
        ARROWS.len(),
        "all crates are gone"
    );
}

#[test]
fn code_in_lib_and_mod_files_is_found() {
    let modules = "//! A.\n#![doc = \"}\"]\npub mod a;\n#[cfg(test)]\nmod b;\n\
                   pub(crate) use a::{\n    c,\n    d as e,\n};\n";
    assert_eq!(
        found(
            module_roots,
            &[("a/mod.rs", modules), ("b/src/lib.rs", modules)]
        ),
        []
    );
    for code in [
        "fn a() {}",
        "pub struct A;",
        "mod a {}",
        "macro_rules! a { () => {} }",
        "a!();",
    ] {
        assert_eq!(
            found(module_roots, &[("a/mod.rs", &format!("{modules}{code}"))]).len(),
            1
        );
        assert_eq!(found(module_roots, &[("a.rs", code)]), []);
    }
    let inline = "//! A.\npub mod a {\n    pub use b::c;\n}\npub use d::e;\n";
    assert_eq!(found(module_roots, &[("src/lib.rs", inline)]), []);
    assert_eq!(
        found(module_roots, &[("b/src/lib.rs", inline)]),
        at("b/src/lib.rs", 2)
    );
    let code_inside = inline.replace("pub use b::c;", "fn c() {}");
    assert_eq!(
        found(module_roots, &[("src/lib.rs", &code_inside)]),
        at("src/lib.rs", 3)
    );
    let entry =
        "mod a;\n/// A.\n#[proc_macro_attribute]\npub fn b(c: D) -> D { a::b(c) }\nuse e;\n";
    assert_eq!(
        found(module_roots, &[("noex-macros/src/lib.rs", entry)]),
        []
    );
    let other = format!("{entry}fn f() {{}}\n");
    let file = "noex-macros/src/lib.rs";
    assert_eq!(found(module_roots, &[(file, &other)]), at(file, 6));
}

#[test]
fn features_inside_of_files_are_found() {
    let text = "//! `cfg(feature = \"a\")`\n#[cfg(all(unix, feature = \"a\"))]\nfn a() {}\n";
    assert_eq!(found(features, &[("a.rs", text)]), at("a.rs", 2));
    assert_eq!(found(features, &[("mod.rs", text)]), []);
}

#[test]
fn units_in_public_signatures_are_found() {
    for (text, line) in [
        ("pub fn a(\n    b: u8,\n    wait_ms: u64,\n) {}", 3),
        ("pub const fn a(age_nanos: u64);", 1),
        ("pub struct A {\n    pub age_secs: u64,\n}", 2),
        ("pub enum A {\n    B { age_micros: u64 },\n}", 2),
        ("pub trait A {\n    fn b(&self, age_millis: u64);\n}", 2),
    ] {
        assert_eq!(found(units, &[("a.rs", text)]), at("a.rs", line), "{text}");
    }
    let fine = "pub fn a(wait: Duration) { let b_ms: u64 = c_ms::<u8>(); }\nfn d(e_ms: u64) {}\n\
                pub struct A {\n    b_secs: u64,\n}\npub(crate) fn c(b_ms: u64) {}\n";
    assert_eq!(found(units, &[("a.rs", fine)]), []);
}

#[test]
fn vague_names_are_found() {
    for name in [
        "src/utils.rs",
        "helpers/a.rs",
        "tests/common/mod.rs",
        "src/misc.md",
        "types.rs",
    ] {
        assert_eq!(found(names, &[(name, "")]), at(name, 1));
    }
    assert_eq!(found(names, &[("src/commit.rs", "")]), []);
}

#[test]
fn work_left_for_later_is_found() {
    for word in [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat()) {
        let text = format!("\n// {word}: a\nconst {word}_A: B = c;\n");
        for name in ["a.rs", "Cargo.toml", ".ci/run"] {
            assert_eq!(found(left_for_later, &[(name, &text)]), at(name, 2));
        }
        assert_eq!(found(left_for_later, &[("STYLE.md", &text)]), []);
    }
}

#[test]
fn manifests_without_the_lints_are_found() {
    let file = "noex-core/Cargo.toml";
    assert_eq!(found(lints, &[(file, "[lints]\nworkspace = true\n")]), []);
    assert_eq!(
        found(lints, &[(file, "[lints]\n[a]\nworkspace = true\n")]),
        at(file, 1)
    );
    assert_eq!(found(lints, &[("Cargo.toml", "")]), at("Cargo.toml", 1));
}

#[test]
fn examples_that_the_readme_leaves_out_are_found() {
    let readme = ("README.md", "Run `cargo run --example cluster_b`.");
    for (file, count) in [
        ("examples/a.rs", 1),
        ("examples/cluster/main.rs", 1),
        ("examples/cluster_b.rs", 0),
    ] {
        assert_eq!(
            found(examples, &[readme, (file, "")]).len(),
            count,
            "{file}"
        );
    }
    assert_eq!(
        found(examples, &[readme, ("examples/cluster_b/words.rs", "")]),
        []
    );
}

#[test]
fn commands_that_the_readme_or_ci_lacks_are_found() {
    let script = COMMANDS.join("\n    ");
    let readme = format!("Text.\n```sh\n{}\n```\n", COMMANDS.join("\n"));
    assert_eq!(
        found(commands, &[("README.md", &readme), (".ci/run", &script)]),
        []
    );
    assert_eq!(found(commands, &[("README.md", &readme)]).len(), 2);
    assert_eq!(found(commands, &[(".ci/run", &script)]).len(), 2);
    let outside = readme.replace("```", "");
    assert_eq!(
        found(commands, &[("README.md", &outside), (".ci/run", &script)]).len(),
        2
    );
    let other = script.replace("--workspace", "--workspace --quiet");
    let both = [("README.md", readme.as_str()), (".ci/run", other.as_str())];
    assert_eq!(found(commands, &both), at(".ci/run", 1));
}

#[test]
fn rows_of_the_contract_whose_test_or_change_is_wrong_are_found() {
    let tests = "`noex/a contract_c01_x`<br>`b/lib contract_c01_y`";
    let change = "`a.rs`: `one` → `two`";
    for (tests, change, count) in [
        (tests, change, 0),
        ("not yet", "not yet", 0),
        ("not yet", change, 1),
        (tests, "not yet", 1),
        ("`noex/a contract_c02_x`", change, 1),
        (
            "`noex/a contract_c01_x`<br>`noex/b contract_c01_y`",
            change,
            1,
        ),
        ("`noex/a contract_c01_x`<br>`b/a contract_c01_y`", change, 1),
        (tests, "`a.rs`: `one` → `one`", 1),
        (tests, "`a.rs`: `twice` → `two`", 1),
        (tests, "`b.rs`: `one` → `two`", 1),
    ] {
        let table = format!("| row |\n|---|\n| C01 | a promise | {tests} | {change} |\n");
        let files = [
            (CONTRACT, &*table),
            ("a.rs", "one, twice, twice"),
            ("tests/a/main.rs", "fn contract_c01_x() {"),
            ("b/src/inner/c.rs", "async fn contract_c01_y() {"),
        ];
        assert_eq!(found(contract, &files).len(), count, "{table}");
    }
    assert_eq!(
        found(contract, &[(CONTRACT, "| C01 | a promise |")]).len(),
        1
    );
}

#[test]
fn tests_that_the_contract_leaves_out_are_found() {
    let tests = "fn contract_c01_x() {}\n// fn contract_c01_y()\nasync fn contract_c01_z() {}\n";
    let files = [(CONTRACT, "`noex/a contract_c01_x`"), ("tests/a.rs", tests)];
    assert_eq!(found(untold_tests, &files), at("tests/a.rs", 3));
}

#[test]
fn spawned_tasks_are_found() {
    for spawn in SPAWNS {
        let text = format!("//! {spawn}\n/// {spawn}\nfn a() {{ {spawn}(b) }}\n");
        assert_eq!(
            found(spawns, &[("src/a.rs", &text)]),
            at("src/a.rs", 3),
            "{spawn}"
        );
        for name in [
            SPAWNER,
            "a/tests.rs",
            "tests/a.rs",
            "examples/a.rs",
            "c/benches/a.rs",
        ] {
            assert_eq!(found(spawns, &[(name, &text)]), []);
        }
        let in_test = format!("#[cfg(test)]\n{text}");
        assert_eq!(found(spawns, &[("src/a.rs", &in_test)]), []);
    }
}

#[test]
fn unsafe_code_is_found() {
    let text = "#![deny(unsafe_code)]\n// unsafe\nconst A: &str = \"unsafe\";\nunsafe { a() }\n";
    assert_eq!(found(unsafe_code, &[("a.rs", text)]), at("a.rs", 4));
}

#[test]
fn unsafe_code_that_is_not_justified_is_found() {
    let file = UNSAFE[0].0;
    let text = "//! A.\n#![expect(unsafe_code, reason = \"b\")]\n// SAFETY: c.\nunsafe { d() }\n";
    assert_eq!(found(unsafe_code, &[(file, text)]), []);
    for (from, to, line) in [
        ("// SAFETY: c.", "// It works.", 4),
        ("unsafe_code, ", "", 1),
        (", reason = \"b\"", "", 1),
        ("// SAFETY: c.\nunsafe ", "", 1),
    ] {
        let text = text.replace(from, to);
        assert_eq!(found(unsafe_code, &[(file, &text)]), at(file, line), "{to}");
    }
    assert!(UNSAFE.iter().all(|(_, reason)| reason.len() > 20));
}

// ---- reading Rust as text works ----

#[test]
fn comments_and_literals_are_blanked_and_all_else_keeps_its_place() {
    for (text, code) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("a(\"b \\\" c\", d)", "a(\"      \", d)"),
        ("a(r#\"b \" c\"#, d)", "a(r#\"     \"#, d)"),
        ("a(br\"b\\\", c)", "a(br\"  \", c)"),
        ("for\"b\"", "for\" \""),
        ("a('\"', '\\'', b)", "a(' ', '  ', b)"),
        ("fn a<'b>(c: &'b d, e: 'f')", "fn a<'b>(c: &'b d, e: ' ')"),
        ("a(\"\", \"//\") // b", "a(\"\", \"  \")     "),
        ("a(\"b\n// c\") d", "a(\" \n    \") d"),
        ("r#type", "r#type"),
        ("a \"b", "a \" "),
        ("r\"a", "r\" "),
        ("/* a", "    "),
    ] {
        assert_eq!(blanked(text), code, "{text}");
    }
    let multi_byte = blanked("a(\"é\", 'é') // é\nb");
    assert_eq!(multi_byte.lines().last(), Some("b"));
    assert_eq!(multi_byte.len(), "a(\"é\", 'é') // é\nb".len());
}

#[test]
fn words_end_where_identifiers_do() {
    assert!(contains_word("unsafe {", "unsafe"));
    assert!(contains_word("(unsafe)", "unsafe"));
    assert!(!contains_word("unsafe_code", "unsafe"));
    assert!(!contains_word("not_unsafe", "unsafe"));
    assert!(contains_word("unsafe_code unsafe", "unsafe"));
}
