//! Imports of the core go down only.

use crate::expect_none;
use crate::source::{Source, closing, line_of, sources};
use std::ops::Range;

/// The modules of the core, lowest first. A module imports from layers below its own.
const LAYERS: &[&[&str]] = &[
    &["error", "exec", "limits", "sync"],
    &["arch"],
    &["distance", "quantize"],
    &["memory"],
    &["store"],
    &["graph", "scan"],
    &["control"],
    &["snapshot"],
    &["log"],
    &["index"],
    &["durable"],
    &["lib"],
];

/// Imports between modules of one layer: (who, whom).
const SIBLINGS: &[(&str, &str)] = &[];

#[test]
fn imports_go_down_only() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("src/")) {
        findings.extend(upward_imports(source));
    }
    expect_none(
        "a module imports only from lower layers (table in tests/tidy/layers.rs)",
        &findings,
    );
}

fn upward_imports(source: &Source) -> Vec<String> {
    let Source { path, code, .. } = source;
    let module = module_of(path);
    let Some(layer) = layer_of(module) else {
        return vec![format!("{path}: module `{module}` is in no layer")];
    };
    if source.is_test {
        return Vec::new();
    }
    let refused = |imported: &str| match layer_of(imported) {
        None => Some("is no module; import a name from where it is defined"),
        Some(_) if imported == module => None,
        Some(other) if other < layer => None,
        Some(other) if other == layer && SIBLINGS.contains(&(module, imported)) => None,
        Some(_) => Some("is not below"),
    };
    imports(path, code)
        .into_iter()
        .filter_map(|(line, imported)| {
            let why = refused(&imported)?;
            Some(format!("{path}:{line}: `{module}` imports `{imported}`, which {why}"))
        })
        .collect()
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The top-level module that a file of the core belongs to.
fn module_of(path: &str) -> &str {
    let inside = path.trim_start_matches("src/");
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// How many `super` lead from a file to the crate.
fn depth_of(path: &str) -> usize {
    let parts = path.trim_start_matches("src/").split('/').count();
    if path.ends_with("/lib.rs") {
        0
    } else if path.ends_with("/mod.rs") {
        parts - 1
    } else {
        parts
    }
}

/// What a file takes from the crate's root: lines and first names of `crate::…` and of `super::…`
/// chains that lead there.
fn imports(path: &str, code: &str) -> Vec<(usize, String)> {
    let inline = inline_modules(code);
    let mut imports = Vec::new();
    for start in path_starts(code) {
        let path_text = &code[start..];
        let supers = path_text.split("::").take_while(|part| *part == "super").count();
        let nested = inline.iter().filter(|module| module.contains(&start)).count();
        let name = if path_text.starts_with("crate::") {
            start + "crate::".len()
        } else if 0 < supers && supers == depth_of(path) + nested {
            start + supers * "super::".len()
        } else {
            continue;
        };
        let line = line_of(code, start);
        imports.extend(first_names(code, name).into_iter().map(|name| (line, name)));
    }
    imports
}

/// Where paths begin with `crate` or `super`.
fn path_starts(code: &str) -> impl Iterator<Item = usize> {
    let of = |word| code.match_indices(word).map(|(offset, _)| offset);
    of("crate::").chain(of("super::")).filter(|offset| {
        let before = code[..*offset].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$' || c == ':')
    })
}

/// The extents of modules that are written inside the file.
fn inline_modules(code: &str) -> Vec<Range<usize>> {
    code.match_indices("mod ")
        .filter_map(|(offset, keyword)| {
            let name = offset + keyword.len();
            let open = name + code[name..].find(|c: char| !c.is_alphanumeric() && c != '_')?;
            let brace = open + code[open..].find(|c: char| !c.is_whitespace())?;
            (code.as_bytes()[brace] == b'{').then(|| brace..closing(code, brace))
        })
        .collect()
}

/// The name at `at`, or the first name of each path in a group.
fn first_names(code: &str, at: usize) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    if !code[at..].starts_with('{') {
        return vec![name(&code[at..])];
    }
    let group = &code[at + 1..closing(code, at) - 1];
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (offset, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[start..offset]));
                start = offset + 1;
            }
            _ => {}
        }
    }
    names.push(name(&group[start..]));
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn imports_are_read() {
    let code = "use crate::arch::Isa;\nuse crate::{error::{A, B}, store};\nuse super::Local;\n\
                let x = super::super::scan::f();\nmod inner { use super::super::Near; }";
    let read = imports("src/graph/probe.rs", code);
    let mut names: Vec<_> = read.iter().map(|(line, name)| (*line, name.as_str())).collect();
    names.sort_unstable();
    assert_eq!(names, [(1, "arch"), (2, "error"), (2, "store"), (4, "scan")]);
}

#[test]
fn an_upward_import_is_found() {
    let source = |path: &str, code: &str| Source {
        path: path.to_owned(),
        text: code.to_owned(),
        code: code.to_owned(),
        test_lines: 0,
        is_test: false,
    };
    assert!(upward_imports(&source("src/graph/mod.rs", "use crate::store::Space;")).is_empty());
    assert_eq!(upward_imports(&source("src/store/mod.rs", "use crate::graph::Links;")).len(), 1);
    assert_eq!(upward_imports(&source("src/scan.rs", "use super::graph::Links;")).len(), 1);
    assert_eq!(upward_imports(&source("src/index/mod.rs", "use crate::Error;")).len(), 1);
    assert_eq!(upward_imports(&source("src/novel.rs", "")).len(), 1);
}
