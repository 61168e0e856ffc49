"""Put Vega into the page that `dvc plots show` fills, so that the page opens without a network."""

import environment  # noqa: F401, first: it needs no package

# isort: split
from pathlib import Path

import vl_convert

import stage
from repository import config

PAGE = Path(".dvc/page")


def main() -> None:
    """Write the page's template with Vega and its licences inside, and point DVC to it.

    The committed template, which loads Vega from DVC's CDN, stays the one of a clone without this.
    """
    template = (PAGE / "page.html").read_text(encoding="utf-8")
    licences = (PAGE / "licences.txt").read_text(encoding="utf-8")
    vega = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for more
    scripts = f"<!--\n{licences}-->\n<script>{vega}</script>"
    offline = PAGE / "offline.html"
    offline.write_text(template.replace("{scripts}", scripts), encoding="utf-8")
    config.set_page_template(offline)


if __name__ == "__main__":
    stage.command(main)
