//! Imports of the core go down only.

use crate::expect_none;
use crate::source::{Source, closing, line_of, sources};

/// The modules of the core, lowest first. A module imports from layers below its own.
const LAYERS: &[&[&str]] = &[
    &["error", "exec", "limits", "sync"],
    &["arch"],
    &["distance", "quantize"],
    &["store"],
    &["graph", "scan"],
    &["snapshot"],
    &["index"],
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
    let depth = depth_of(path);
    let up = "super::".repeat(depth);
    let mut imports = Vec::new();
    for start in ["crate::", up.as_str()].into_iter().filter(|start| !start.is_empty()) {
        for (offset, _) in code.match_indices(start) {
            let before = code[..offset].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$' || c == ':') {
                continue;
            }
            let line = line_of(code, offset);
            let names = first_names(code, offset + start.len());
            // In an inline module `super` is the file itself: only modules lead out of it.
            let leaves =
                |name: &String| start == "crate::" || !name.starts_with(char::is_uppercase);
            imports.extend(names.into_iter().filter(leaves).map(|name| (line, name)));
        }
    }
    imports
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
    let code = "use crate::arch::Isa;\nuse crate::{error::{A, B}, store};\nuse super::Local;\nlet x = super::super::scan::f();";
    let read = imports("src/graph/probe.rs", code);
    let names: Vec<_> = read.iter().map(|(line, name)| (*line, name.as_str())).collect();
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
