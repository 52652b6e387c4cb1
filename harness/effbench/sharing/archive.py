"""The archive of a pack: a zip file whose members are stored as they are, and its unpacking.

Members are not compressed, so an archive never unpacks to more than its own size. A name that
leads out of the folder, a link or a member that the manifest lacks refuses the whole archive.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import msgspec

from effbench.api.errors import EffbenchError
from effbench.plan.learned import MANIFEST
from effbench.sharing.manifest import Manifest, Member, MemberName, read_manifest
from effbench.store import space
from effbench.store.digests import file_sha256
from effbench.store.disk import on_disk, sealed, write_atomically
from effbench.store.door import LARGEST
from effbench.text.words import plain_line

MOST_MEMBERS = 200_000
CHUNK = 1 << 20
MEND = "name another disk with TMPDIR, or free some"
ADVICE = "get the pack again, or make it anew"


def member_of(path: Path) -> Member:
    """Return the entry of a file in a manifest."""
    return Member(file_sha256(path), path.stat().st_size)


def write_archive(target: Path, manifest: Manifest, files: Mapping[str, Path]) -> None:
    """Write an archive of ``files`` (name in the pack -> file), whole or not at all.

    Raises:
        DiskError: the disk refuses it.
        EffbenchError: a file has changed since the manifest was made.

    """

    def write(path: Path) -> None:
        with ZipFile(path, "w", ZIP_STORED) as archive:
            text = sealed(msgspec.to_builtins(manifest))
            archive.writestr(ZipInfo(MANIFEST), text)
            for name, file in files.items():
                with archive.open(ZipInfo(name), "w", force_zip64=True) as member:
                    digest = _copied(file, member)
                if digest != manifest.members[name].sha256:
                    raise EffbenchError(f"{file}: has changed meanwhile (pack again)")

    write_atomically(target, write)


def unpack(path: Path, folder: Path) -> Manifest:
    """Unpack an archive into an empty folder; check the name and digest of each member.

    Raises:
        EffbenchError: the file is no pack, is damaged or is not safe, or the disk is too small.

    """
    try:
        with ZipFile(path) as archive:
            members = {info.filename: info for info in _safe(archive, path)}
            if MANIFEST not in members or members[MANIFEST].file_size > LARGEST:
                raise EffbenchError(f"{path}: no pack of effbench: it lacks {MANIFEST}")
            total = sum(info.file_size for info in members.values())
            space.check([space.Need(folder, total, MEND)])
            _extract(archive, members[MANIFEST], folder)
            manifest = _manifest(folder, path)
            _check_names(members, manifest, path)
            for name, member in manifest.members.items():
                if _extract(archive, members[name], folder) != member.sha256:
                    raise EffbenchError(
                        f"{path}: {name}: its digest is not that of {MANIFEST} ({ADVICE})"
                    )
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        message = plain_line(str(error), 200)
        raise EffbenchError(f"{path}: no pack of effbench: {message} ({ADVICE})") from error
    return manifest


def _manifest(folder: Path, path: Path) -> Manifest:
    """Return the manifest of a pack; a mistake in it names the pack, not the folder."""
    try:
        return read_manifest(folder)
    except EffbenchError as error:
        fault = str(error).removeprefix(f"{folder / MANIFEST}: ")
        raise EffbenchError(f"{path}: {MANIFEST}: {fault}") from error


def _safe(archive: ZipFile, path: Path) -> list[ZipInfo]:
    """Return the entries of an archive; refuse those that do not stay in a folder."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise EffbenchError(f"{path}: more than {MOST_MEMBERS:,} members ({ADVICE})")
    for info in infos:
        shown = plain_line(info.filename, 100)
        try:
            msgspec.convert(info.filename, MemberName)
        except msgspec.ValidationError:
            raise EffbenchError(
                f"{path}: {shown!r}: a name that leads out of the folder ({ADVICE})"
            ) from None
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir() or kind not in (0, stat.S_IFREG):
            raise EffbenchError(f"{path}: {shown!r}: no plain file ({ADVICE})")
        if info.compress_type != ZIP_STORED or info.compress_size != info.file_size:
            raise EffbenchError(f"{path}: {shown!r}: is packed in another way than ours")
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise EffbenchError(f"{path}: its members are larger than the file ({ADVICE})")
    if len({info.filename.casefold() for info in infos}) < len(infos):
        raise EffbenchError(f"{path}: a name is there twice ({ADVICE})")
    return infos


def _check_names(members: Mapping[str, ZipInfo], manifest: Manifest, path: Path) -> None:
    """Refuse an archive whose members are not those of its manifest."""
    listed = {MANIFEST, *manifest.members}
    for name in sorted(members.keys() ^ listed):
        where = "does not list it" if name in members else "lists it, and it is not there"
        raise EffbenchError(f"{path}: {name}: {MANIFEST} {where} ({ADVICE})")


def _extract(archive: ZipFile, info: ZipInfo, folder: Path) -> str:
    """Write a member into a folder; return its SHA-256."""
    target, digest = folder / info.filename, hashlib.sha256()
    with on_disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as member, target.open("xb") as file:
            while block := member.read(CHUNK):
                digest.update(block)
                file.write(block)
    return digest.hexdigest()


def _copied(path: Path, member: IO[bytes]) -> str:
    """Copy a file into a member; return its SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
            member.write(block)
    return digest.hexdigest()
