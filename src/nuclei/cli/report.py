"""Put Vega into the page that `dvc plots show` fills, so that the page opens without a network."""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
from pathlib import Path

import vl_convert

from nuclei.core import files, paths
from nuclei.dvc_api import config
from nuclei.pipeline import stage
from nuclei.pipeline.params import StudyParams
from nuclei.report import document

PAGE = Path(".dvc/page")


def main() -> None:
    """Write the page's template with Vega, its licences and the pictures, and point DVC to it.

    The committed template, which loads Vega from DVC's CDN, stays the one of a clone without this.
    """
    template = (PAGE / "page.html").read_text(encoding="utf-8")
    licences = (PAGE / "licences.txt").read_text(encoding="utf-8")
    vega = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for more
    scripts = f"<!--\n{licences}-->\n<script>{vega}</script>"
    offline = PAGE / "offline.html"
    data = files.read_params(StudyParams).data
    folder = paths.PLOTS / document.folder_of_pictures(data)
    template = template.replace("<!-- nuclei -->", _pictures(folder))
    offline.write_text(template.replace("{scripts}", scripts), encoding="utf-8")
    config.set_page_template(offline)


def _pictures(folder: Path) -> str:
    """Show the pictures of nuclei that are there, from a page that stands beside plots/.

    DVC complains of a listed picture that is missing, and of real nuclei there is none in a clone.
    """
    found = [
        # one that has gone since the template was written is left out by the page itself
        f'<figure><figcaption>{text}</figcaption><img src="../{path.as_posix()}" alt="{text}"'
        ' onerror="this.parentNode.remove()"></figure>'
        for name, text in document.CAPTIONS.items()
        if (path := folder / f"nuclei-{name}.png").exists()
    ]
    heading = "<h2>Nuclei to look at</h2>"
    return "\n".join(['<section id="nuclei">', heading, *found, "</section>"]) if found else ""


if __name__ == "__main__":
    stage.command(main)
