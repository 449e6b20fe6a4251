//! Writing a file so that it is there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::StorageError;

/// Writes under a temporary name in the same directory, syncs, renames to `path`, and syncs the
/// directory. Whoever opens `path` sees the old file or the whole new one, after a crash too.
///
/// A file that is replaced keeps its permissions. Where `path` is a link, the file it leads to is
/// replaced.
///
/// # Errors
/// [`StorageError::Write`], also if `path` is there and no regular file; then `path` is as it was
/// and the temporary file is gone.
pub fn write_atomically(
    path: impl AsRef<Path>,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), StorageError> {
    let path = path.as_ref();
    replace(path, content).map_err(|cause| StorageError::Write { path: path.to_owned(), cause })
}

fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let resolved = fs::canonicalize(path);
    let path = resolved.as_deref().unwrap_or(path);
    let replaced = fs::metadata(path).ok();
    match &replaced {
        Some(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A rename would put a file in the place of a device.
        Some(found) if !found.is_file() => return Err(io::Error::other("not a regular file")),
        _ => {}
    }
    let mut temporary = Temporary::beside(path)?;
    if let Some(replaced) = replaced {
        temporary.file.set_permissions(replaced.permissions())?;
    }
    let mut out = BufWriter::with_capacity(1 << 20, &mut temporary.file);
    content(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    temporary.rename(path)?;
    sync_directory(directory(path))
}

pub(super) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name in a directory is durable once the directory is.
#[cfg(unix)]
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Directories cannot be opened for syncing here; the rename is as durable as the system makes it.
#[cfg(not(unix))]
pub(super) fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// A new file that is removed again unless it gets its final name.
struct Temporary {
    file: File,
    name: PathBuf,
    renamed: bool,
}

impl Temporary {
    fn beside(path: &Path) -> io::Result<Self> {
        /// Keeps threads of one process apart; the process id keeps processes apart.
        static NEXT: AtomicU32 = AtomicU32::new(0);

        let file_name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut name = OsString::from(".");
        name.push(file_name);
        let serial = NEXT.fetch_add(1, Ordering::Relaxed);
        name.push(format!(".{}-{serial}.tmp", std::process::id()));
        let name = directory(path).join(name);
        let file = File::create_new(&name)?;
        Ok(Self { file, name, renamed: false })
    }

    fn rename(&mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.name, to)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Best effort: the error that led here is the one to report.
            let _ = fs::remove_file(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("ecphory-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    fn names(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn replaces_the_whole_file() {
        let directory = scratch("replace");
        let path = directory.join("a");
        for text in ["first", "2nd"] {
            write_atomically(&path, |out| out.write_all(text.as_bytes())).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(&directory), ["a"]);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let directory = scratch("failed");
        let path = directory.join("a");
        fs::write(&path, "old").unwrap();
        let error = write_atomically(&path, |out| {
            out.write_all(b"half of the ne")?;
            Err(io::Error::other("disk full"))
        });
        assert!(matches!(error, Err(StorageError::Write { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(&directory), ["a"]);
        fs::remove_dir_all(directory).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_replaced_keeps_its_permissions_and_links_to_it() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let directory = scratch("links");
        let (path, link) = (directory.join("a"), directory.join("b"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a", &link).unwrap();
        write_atomically(&link, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_dir_all(directory).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_replaced() {
        let directory = scratch("device");
        let link = directory.join("null");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(write_atomically(&link, |_| Ok(())).is_err());
        assert!(!fs::metadata(&link).unwrap().is_file());
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        let path = scratch("missing").join("no").join("a");
        assert!(write_atomically(&path, |_| Ok(())).is_err());
        fs::remove_dir_all(path.ancestors().nth(2).unwrap()).unwrap();
    }
}
