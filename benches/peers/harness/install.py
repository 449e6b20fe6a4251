"""Installing libraries, one at a time, at the releases of `requirements.txt` and `rust/`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adapters import Library
from harness.contender import Failed

HERE = Path(__file__).resolve().parents[1]
REQUIREMENTS = HERE / "requirements.txt"
SECONDS = 900

RUST = ("hnsw_rs", "instant-distance")
"""The libraries of `rust/`."""


def install(name: str, library: Library) -> None:
    """Provides a library in this environment.

    Raises:
        Failed: it is not to be had here.
    """
    if library.package is None:
        if importlib.util.find_spec(name) is None:
            raise Failed(f"not installed: {library.hint}")
        return
    try:
        if f"{library.package}=={version(library.package)}" in REQUIREMENTS.read_text().split():
            return
    except PackageNotFoundError:
        pass
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*command, "--constraint", str(REQUIREMENTS), library.package], "ERROR")


def rust_program(out: Path) -> Path:
    """The command with the Rust libraries."""
    return out / "rust/release/peers"


def install_rust(out: Path) -> None:
    """Builds the command with the Rust libraries, for this very processor.

    Raises:
        Failed: it does not build here.
    """
    command = [os.environ.get("CARGO", "cargo"), "build", "--release", "--quiet", "--locked"]
    command += ["--manifest-path", str(HERE / "rust/Cargo.toml")]
    command += ["--target-dir", str(out / "rust")]
    _run([*command, "--config", 'build.rustflags=["-Ctarget-cpu=native"]'], "error")


def _run(command: list[str], mark: str) -> None:
    """Runs a command; the last of its lines that begin with `mark` says why it failed."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except FileNotFoundError as error:
        raise Failed(f"does not install: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"did not install within {SECONDS} s") from error
    if run.returncode != 0:
        lines = [line for line in run.stderr.splitlines() if line.startswith(mark)]
        raise Failed(f"does not install: {(lines or ['no message'])[-1]}")
