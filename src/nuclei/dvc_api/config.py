"""DVC's configuration: where it keeps its cache and its remotes."""

from pathlib import Path

from dvc.config import Config
from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo

from nuclei.dvc_api.files import opened


def cache_folder() -> Path | None:
    """Return the folder of DVC's cache, or None outside of a repository."""
    try:
        with Repo() as repo:
            return Path(repo.cache.local.path).resolve()
    except NotDvcRepoError:
        return None


def set_page_template(path: Path) -> None:
    """Make `dvc plots show` fill the page at `path`, in this clone alone."""
    with Config.from_cwd().edit("local") as config:
        config["plots"]["html_template"] = path.relative_to(".dvc").as_posix()


def default_remote() -> str | None:
    """Return the name of the default remote, or None if none is set."""
    with opened() as repo:
        return repo.config["core"].get("remote")


def remote_options(remote: str) -> dict[str, str]:
    """Return the options of a remote, including its keys."""
    with opened() as repo:
        return repo.config["remote"][remote]
