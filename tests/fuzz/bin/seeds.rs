//! Writes the inputs that the fuzzers begin with into a folder for each reader.

use std::path::PathBuf;

use ecphory_tests::readers::READERS;
// What counts the places that were reached calls into it, also where nobody looks.
use libfuzzer_sys as _;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(std::io::Error::other("name a folder to write to"));
    };
    for reader in &READERS {
        let folder = folder.join(reader.name);
        std::fs::create_dir_all(&folder)?;
        for (number, input) in (reader.seeds)().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:03}")), input)?;
        }
    }
    Ok(())
}
