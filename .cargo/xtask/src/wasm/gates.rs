//! What a finished binary must be, read from its bytes.

use super::compile::private_directories;
use super::{SHARED_PAGES_MAX, Simd, Threads, Variant};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use wasmparser::{MemoryType, Parser, Payload, TypeRef, Validator, WasmFeatures};

/// One property of a binary and whether it has it.
pub(crate) struct Gate {
    pub(crate) what: String,
    pub(crate) holds: bool,
}

/// Checks one binary.
pub(crate) fn check(variant: Variant, wasm: &[u8]) -> anyhow::Result<Vec<Gate>> {
    let allowed = allowed_features(variant);
    let module = Module::read(wasm)?;
    let gzip = gzip_size(wasm)?;
    let budget = variant.threads.gzip_budget();
    let gate = |what: &str, holds| Gate { what: what.to_owned(), holds };

    let mut gates = vec![
        // Also says: atomics only in `mt`, relaxed instructions only in `relaxed`.
        gate("valid with this variant's features alone", valid(wasm, allowed)),
        gate("uses v128 instructions", !valid(wasm, allowed - WasmFeatures::SIMD)),
        gate("has no name section", !module.has_names),
        gate("names no directory of this machine", !names_private_directory(wasm)?),
        Gate { what: format!("{gzip} bytes after gzip, budget {budget}"), holds: gzip <= budget },
    ];
    if variant.simd == Simd::Relaxed {
        let without = allowed - WasmFeatures::RELAXED_SIMD;
        gates.push(gate("uses relaxed vector instructions", !valid(wasm, without)));
    }
    if variant.threads == Threads::Many {
        let shared = module
            .imported_memory
            .is_some_and(|memory| memory.shared && memory.maximum == Some(SHARED_PAGES_MAX));
        gates.push(gate("imports a shared memory of at most 4 GiB", shared));
        gates.push(gate("uses atomics", module.has_atomics));
    } else {
        gates.push(gate("owns its memory", module.imported_memory.is_none()));
    }
    Ok(gates)
}

fn allowed_features(variant: Variant) -> WasmFeatures {
    let mut features = WasmFeatures::WASM2;
    if variant.simd == Simd::Relaxed {
        features |= WasmFeatures::RELAXED_SIMD;
    }
    if variant.threads == Threads::Many {
        features |= WasmFeatures::THREADS;
    }
    features
}

fn valid(wasm: &[u8], features: WasmFeatures) -> bool {
    Validator::new_with_features(features).validate_all(wasm).is_ok()
}

/// What the gates need to know of a module's sections.
#[derive(Default)]
struct Module {
    has_names: bool,
    has_atomics: bool,
    imported_memory: Option<MemoryType>,
}

impl Module {
    fn read(wasm: &[u8]) -> anyhow::Result<Self> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::CustomSection(section) => module.has_names |= section.name() == "name",
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        if let TypeRef::Memory(memory) = import?.ty {
                            module.imported_memory = Some(memory);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) if !module.has_atomics => {
                    for operator in body.get_operators_reader()? {
                        // Named `I32AtomicLoad`, `MemoryAtomicNotify` and so on.
                        module.has_atomics |= format!("{:?}", operator?).contains("Atomic");
                    }
                }
                _ => {}
            }
        }
        Ok(module)
    }
}

fn names_private_directory(wasm: &[u8]) -> anyhow::Result<bool> {
    Ok(private_directories()?.iter().any(|(directory, _)| {
        let name = directory.as_os_str().as_encoded_bytes();
        // A home of `/` would be found in every string.
        name.len() > 1 && wasm.windows(name.len()).any(|window| window == name)
    }))
}

fn gzip_size(bytes: &[u8]) -> anyhow::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ST: Variant = Variant { threads: Threads::Single, simd: Simd::Simd128 };
    const MT: Variant = Variant { threads: Threads::Many, simd: Simd::Simd128 };

    /// An empty module: a header alone.
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    /// Imports `env.memory` with these limits.
    fn importing_memory(limits: &[u8]) -> Vec<u8> {
        let mut import = vec![1, 3];
        import.extend(b"env\x06memory\x02");
        import.extend(limits);
        let mut module = EMPTY.to_vec();
        module.extend([2, import.len() as u8]);
        module.extend(import);
        module
    }

    fn fails(variant: Variant, wasm: &[u8], what: &str) -> bool {
        let gates = check(variant, wasm).unwrap();
        !gates.iter().find(|gate| gate.what.contains(what)).unwrap().holds
    }

    #[test]
    fn a_module_without_vectors_is_refused() {
        assert!(fails(ST, EMPTY, "v128"));
        assert!(!fails(ST, EMPTY, "valid"));
    }

    #[test]
    fn a_name_section_is_refused() {
        let named = [EMPTY, &[0, 5, 4], b"name"].concat();
        assert!(fails(ST, &named, "name section"));
        assert!(!fails(ST, EMPTY, "name section"));
    }

    #[test]
    fn shared_memory_must_be_imported_with_the_full_maximum() {
        let full = importing_memory(&[3, 1, 0x80, 0x80, 4]);
        let small = importing_memory(&[3, 1, 2]);
        assert!(!fails(MT, &full, "shared memory"));
        assert!(fails(MT, &small, "shared memory"));
        assert!(fails(MT, EMPTY, "shared memory"));
        assert!(fails(ST, &full, "valid"), "threads are not for the single-threaded binary");
    }
}
