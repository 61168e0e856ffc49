"""Where DVC keeps what."""

from pathlib import Path

from dvc.config import Config
from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo


def cache_folder() -> Path | None:
    """Return the folder of DVC's cache, or None outside of a repository."""
    try:
        with Repo() as repo:
            return Path(repo.cache.local.path).resolve()
    except NotDvcRepoError:
        return None


def set_page_template(path: Path) -> None:
    """Have `dvc plots show` fill the page at `path`, in this clone alone."""
    with Config.from_cwd().edit("local") as config:
        config["plots"]["html_template"] = path.relative_to(".dvc").as_posix()


def default_remote() -> str | None:
    """Return the name of the default remote, None where there is none."""
    with Repo() as repo:
        return repo.config["core"].get("remote")


def remote_options(remote: str) -> dict[str, str]:
    """Return a remote's options, its keys among them."""
    with Repo() as repo:
        return repo.config["remote"][remote]
