"""Writes `sift-128`: SIFT descriptors of photographs, as whole numbers of one byte.

Takes every image under a folder, in the order of their names; Debian's wallpaper packages will do
(`desktop-base`, `gnome-backgrounds`, `mate-backgrounds`, `plasma-workspace-wallpapers`). Rows and
queries are drawn without replacement from the descriptors of all images.

Needs `pip install opencv-python-headless`. Writes `sift-128.u8.npy` and `sift-queries-128.u8.npy`.

usage: sift.py --images FOLDER --out FOLDER [--rows 200000] [--queries 2000] [--seed 0]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
SIDE = 1600
"""Longer side that an image is reduced to: descriptors of larger ones are mostly of grain."""


def descriptors(path: Path, sift: cv2.SIFT) -> NDArray[np.uint8]:
    """The descriptors of an image; none if it can not be read or shows nothing."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        return np.empty((0, 128), np.uint8)
    scale = min(1.0, SIDE / max(image.shape))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, found = sift.detectAndCompute(image, None)
    if found is None:
        return np.empty((0, 128), np.uint8)
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()

    images = sorted(p for p in given.images.rglob("*") if p.suffix.lower() in SUFFIXES)
    sift = cv2.SIFT_create()
    found = np.concatenate(
        [np.empty((0, 128), np.uint8), *(descriptors(path, sift) for path in images)]
    )
    wanted = given.rows + given.queries
    if len(found) < wanted:
        raise SystemExit(
            f"{len(found):,} descriptors in {len(images)} images, {wanted:,} wanted; add images"
        )
    chosen = np.random.default_rng(given.seed).choice(len(found), wanted, replace=False)
    given.out.mkdir(parents=True, exist_ok=True)
    np.save(given.out / "sift-128.u8.npy", found[chosen[: given.rows]])
    np.save(given.out / "sift-queries-128.u8.npy", found[chosen[given.rows :]])


if __name__ == "__main__":
    main()
