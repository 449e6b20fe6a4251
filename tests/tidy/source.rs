//! Source files, and their code without comments, strings and tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file of the tree.
pub(crate) struct Source {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    /// The file as it is.
    pub(crate) text: String,
    /// The code that is shipped: as long as `text`, line by line, but comments, the insides of
    /// strings and everything under `#[cfg(test)]` are spaces.
    pub(crate) code: String,
    /// Lines under `#[cfg(test)]`.
    pub(crate) test_lines: usize,
    /// Whether the whole file is test code.
    pub(crate) is_test: bool,
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root")
}

/// Paths from the root of all files that people write.
pub(crate) fn files() -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let path = directory.join(entry.file_name());
            let name = path.to_str().expect("names are UTF-8").replace('\\', "/");
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !is_generated(&name) => directories.push(path),
                kind if kind.is_file() && name != ".git" && !name.ends_with(".log") => {
                    files.push(name);
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

fn is_generated(directory: &str) -> bool {
    let name = directory.rsplit('/').next().unwrap_or(directory);
    directory == ".git"
        || directory.starts_with("target")
        || name == "target"
        || name == "node_modules"
        || ["npm/dist", "npm/.build"].contains(&directory)
}

/// Every Rust file of the tree.
pub(crate) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let mut test_modules = BTreeSet::new();
    for path in files().into_iter().filter(|path| path.ends_with(".rs")) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let mut code = blank_comments_and_strings(&text);
        let (test_lines, modules) = blank_tests(&mut code);
        test_modules
            .extend(modules.iter().map(|name| format!("{}{name}", module_directory(&path))));
        sources.push(Source { path, text, code, test_lines, is_test: false });
    }
    for source in &mut sources {
        source.is_test = ["tests/", "benches/", "native/tests/"]
            .iter()
            .any(|directory| source.path.starts_with(directory))
            || test_modules.iter().any(|module| {
                let rest = source.path.strip_prefix(module.as_str());
                rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            });
    }
    assert!(sources.len() > 20, "the tree was not found");
    sources
}

/// Where the modules that a file declares lie, with a final `/`.
fn module_directory(path: &str) -> String {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => format!("{directory}/"),
        _ => format!("{}/", path.trim_end_matches(".rs")),
    }
}

/// The identifiers of some code, with the line of each (from 1).
pub(crate) fn identifiers(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(line, text)| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(move |word| (line + 1, word))
    })
}

/// The line (from 1) of a byte offset.
pub(crate) fn line_of(code: &str, offset: usize) -> usize {
    code[..offset].matches('\n').count() + 1
}

/// The offset behind the bracket that closes the one at `open`.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return offset + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Replaces comments and the insides of string and character literals by spaces.
fn blank_comments_and_strings(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(text, at);
        for byte in out[at..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at = end.max(at + 1);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The end of the comment or literal that starts at `at`; `at` itself if none does.
fn literal_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let find = |from: usize, end: &str| {
        text.as_bytes()[from..]
            .windows(end.len())
            .position(|window| window == end.as_bytes())
            .map_or(text.len(), |found| from + found + end.len())
    };
    let rest = &bytes[at..];
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => find(at, "\n") - usize::from(find(at, "\n") < text.len()),
        [b'/', b'*', ..] => block_comment_end(bytes, at),
        [b'"', ..] => quoted_end(bytes, at, b'"'),
        [b'r', b'"' | b'#', ..] if !after_word => {
            let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
            if rest.get(1 + hashes) == Some(&b'"') {
                find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)))
            } else {
                at
            }
        }
        // A character, not a lifetime: `'x'` or `'\…'`.
        [b'\'', b'\\', ..] => quoted_end(bytes, at, b'\''),
        [b'\'', ..] => {
            let character = text[at + 1..].chars().next().map_or(0, char::len_utf8);
            if bytes.get(at + 1 + character) == Some(&b'\'') { at + 2 + character } else { at }
        }
        _ => at,
    }
}

fn quoted_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Blanks every item under a `#[cfg(…test…)]`; returns their lines and the modules they declare in
/// files of their own.
fn blank_tests(code: &mut String) -> (usize, Vec<String>) {
    let (mut lines, mut modules, mut from) = (0, Vec::new(), 0);
    while let Some(found) = code[from..].find("#[cfg(").map(|offset| from + offset) {
        let attribute_end = closing(code, found + 1);
        let condition = &code[found..attribute_end];
        from = attribute_end;
        if !identifiers(condition).any(|(_, word)| word == "test") || condition.contains("not(test")
        {
            continue;
        }
        let end = item_end(code, attribute_end);
        let item = &code[attribute_end..end];
        let words: Vec<&str> = identifiers(item).map(|(_, word)| word).collect();
        if let Some(keyword) = words.iter().position(|word| *word == "mod")
            && item.trim_end().ends_with(';')
        {
            modules.extend(words.get(keyword + 1).map(|name| (*name).to_owned()));
        }
        lines += code[found..end].matches('\n').count() + 1;
        let blank: String =
            code[found..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(found..end, &blank);
    }
    (lines, modules)
}

/// The end of the item at `start`, which may begin with more attributes.
fn item_end(code: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = code.as_bytes().get(at) {
        match byte {
            b';' => return at + 1,
            b'{' => return closing(code, at),
            b'(' | b'[' => at = closing(code, at),
            _ => at += 1,
        }
    }
    code.len()
}

#[test]
fn only_code_is_left() {
    let text =
        "let a = \"unsafe // no\"; // unsafe\nlet b = 'x'; /* a /* b */ c */ fn f<'a>() {}\n";
    let code = blank_comments_and_strings(text);
    assert_eq!(code.len(), text.len());
    let words: Vec<_> = identifiers(&code).map(|(_, word)| word).collect();
    assert_eq!(words, ["let", "a", "let", "b", "fn", "f", "a"]);
    let raw = blank_comments_and_strings("r#\"a \" b\"# c '\"' d '\\'' e");
    assert_eq!(identifiers(&raw).map(|(_, word)| word).collect::<Vec<_>>(), ["c", "d", "e"]);
}

#[test]
fn tests_are_not_shipped() {
    let mut code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n#[cfg(all(test, loom))]\nmod models;\n\
                    #[cfg(not(test))]\nfn c() {}\n"
        .to_owned();
    let (lines, modules) = blank_tests(&mut code);
    assert_eq!((lines, modules), (6, vec!["models".to_owned()]));
    let words: Vec<_> = identifiers(&code).map(|(_, word)| word).collect();
    assert_eq!(words, ["fn", "a", "cfg", "not", "test", "fn", "c"]);
}
