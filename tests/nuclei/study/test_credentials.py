"""No credential lies in what git holds, now or ever: a clone and its history can be given away."""

import re
import secrets
import subprocess

import pytest
from commands import ENVIRONMENT, ROOT, run

CREDENTIALS = {
    "access key id": rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "private key": rb"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----",
    "token": rb"\b(gh[pousr]_\w{36}|github_pat_\w{22}|hf_\w{30}|xox[bp]-[\w-]{20}|pypi-\w{50})",
    "secret option": rb"(?m)^[ \t]*(password|passphrase|access_key_id|secret_access_key|"
    rb"session_token|account_key|sas_token|connection_string|client_secret)[ \t]*=[ \t]*[^\s(]+$",
    "assigned secret": rb"(?i)(secret|passw(or)?d|token|api_?key)\w*[\"']?\s*[=:]\s*"
    rb"[\"']?(?=[\w+/]*\d)[\w+/]{20}",
    "password in a URL": rb"\b[a-z][a-z0-9+]*://[^\s/:@\"'{}<>]+:[^\s/:@\"'{}<>]+@",
}


def found(content):
    """The kinds of credential that bytes hold."""
    return [kind for kind, pattern in CREDENTIALS.items() if re.search(pattern, content)]


def leaks(repository):
    """Every credential in the files that git tracks and in all objects of its history."""
    tracked = run(repository, "git", "ls-files").splitlines()
    files = [name for name in tracked if (repository / name).is_file()]
    now = [(name, found((repository / name).read_bytes())) for name in files]
    before = [(name, found(content)) for name, content in _history(repository)]
    return {f"{name}: {kind}" for name, kinds in now + before for kind in kinds}


def _history(repository):
    """The name and the content of every commit and file that any branch, tag or stash reaches."""
    listed = run(repository, "git", "rev-list", "--objects", "--all").splitlines()
    asked = "\n".join(line.split(" ", 1)[0] for line in listed)
    words = ["git", "cat-file", "--batch"]
    told = subprocess.run(
        words,
        cwd=repository,
        env=ENVIRONMENT,
        input=asked.encode(),
        capture_output=True,
        check=True,
    ).stdout
    at = 0
    for line in listed:
        end = told.index(b"\n", at)
        size = int(told[at:end].split()[2])
        yield line, told[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _needs_git():
    if not (ROOT / ".git").exists():
        pytest.skip("no git history here, as in an unpacked archive")


@pytest.mark.slow
def test_neither_the_files_nor_the_history_hold_a_credential():
    _needs_git()
    assert leaks(ROOT) == set()


def test_git_ignores_the_file_that_holds_credentials():
    _needs_git()
    assert run(ROOT, "git", "check-ignore", ".dvc/config.local").strip() == ".dvc/config.local"
    assert run(ROOT, "git", "log", "--all", "--format=%h", "--", ".dvc/config.local") == ""


PLANTED = {
    "access key id": lambda word: "AKIA" + word.upper()[:16],
    "private key": lambda word: f"-----BEGIN {'OPENSSH'} PRIVATE KEY-----\n{word}",
    "token": lambda word: "ghp" + "_" + (word + word)[:36],
    "secret option": lambda word: f"['remote \"storage\"']\n    password = {word[:6]}",
    "assigned secret": lambda word: f'secret_access_key: "{word}1"',
    "password in a URL": lambda word: f"ssh://me:{word}@host/study",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_credential_that_was_committed_once_is_found(tmp_path, kind):
    run(tmp_path, "git", "init", "--quiet")
    config = tmp_path / "config"
    for content in (PLANTED[kind](secrets.token_hex(16)), "url = s3://study"):
        config.write_text(content, encoding="utf-8")
        run(tmp_path, "git", "add", ".")
        run(tmp_path, "git", "commit", "--quiet", "-m", "Configure the remote")
    (leak,) = leaks(tmp_path)
    assert leak.endswith(f"config: {kind}")
