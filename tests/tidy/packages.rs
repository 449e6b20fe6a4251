//! The packages that the project is built on, as Cargo resolves them.

use crate::source::root;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Packages that must do real work, and the package of this project that they do it in.
const REQUIRED: [(&str, &str); 6] = [
    ("ecphory", "cfg-if"),
    ("ecphory", "crossbeam-epoch"),
    ("ecphory-native", "memmap2"),
    ("ecphory-wasm", "js-sys"),
    ("ecphory-wasm", "wasm-bindgen"),
    ("ecphory-wasm", "wasm-bindgen-rayon"),
];

fn metadata(arguments: &[&str]) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(arguments)
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The package of this workspace that has this name.
fn member<'a>(metadata: &'a Value, name: &str) -> &'a Value {
    array(&metadata["packages"])
        .iter()
        .find(|package| package["name"] == name && package["source"].is_null())
        .unwrap_or_else(|| panic!("no package {name}"))
}

/// Names of everything that `package` is built from, itself included.
fn reachable(metadata: &Value, package: &str) -> BTreeSet<String> {
    let nodes = array(&metadata["resolve"]["nodes"]);
    let mut ids = vec![member(metadata, package)["id"].clone()];
    let mut next = 0;
    while let Some(id) = ids.get(next).cloned() {
        let node = nodes.iter().find(|node| node["id"] == id).expect("every id has a node");
        for dependency in array(&node["deps"]) {
            // A kind of null is a normal dependency: not of tests, not of build scripts.
            let shipped = array(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            if shipped && !ids.contains(&dependency["pkg"]) {
                ids.push(dependency["pkg"].clone());
            }
        }
        next += 1;
    }
    array(&metadata["packages"])
        .iter()
        .filter(|package| ids.contains(&package["id"]))
        .filter_map(|package| package["name"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn required_packages_are_dependencies() {
    let metadata = metadata(&["--all-features"]);
    for (package, dependency) in REQUIRED {
        assert!(
            reachable(&metadata, package).contains(dependency),
            "{package} must be built with {dependency}"
        );
    }
    let dev = array(&member(&metadata, "ecphory")["dependencies"])
        .iter()
        .any(|dependency| dependency["name"] == "criterion" && dependency["kind"] == "dev");
    assert!(dev, "the benches of ecphory must be built with criterion");
}

#[test]
fn wasm_maps_no_files() {
    let metadata = metadata(&["--all-features", "--filter-platform", "wasm32-unknown-unknown"]);
    let packages = reachable(&metadata, "ecphory-wasm");
    assert!(packages.contains("ecphory"), "the bindings bind the core");
    assert!(!packages.contains("memmap2"), "memmap2 is reachable from the WebAssembly crate");
}

#[test]
fn the_core_is_small() {
    let packages = reachable(&metadata(&[]), "ecphory");
    for heavy in ["memmap2", "rayon", "serde", "wasm-bindgen"] {
        assert!(!packages.contains(heavy), "the core must not be built with {heavy}");
    }
}
