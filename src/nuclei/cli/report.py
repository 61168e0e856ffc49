"""Draw the study's charts as one page, which opens without a network."""

import subprocess
import sys
from pathlib import Path

from nuclei.pipeline.params import StudyParams

import vl_convert

from nuclei.core import files, paths
from nuclei.dvc_api import config
from nuclei.report import document

PAGE = Path(".dvc/page")


def report() -> None:
    """Write the page's template with Vega, its licences and the pictures, and have DVC fill it.

    From then on `dvc plots` fills it in this clone, not the one that loads Vega from a CDN.
    """
    template = (PAGE / "page.html").read_text(encoding="utf-8")
    licences = (PAGE / "licences.txt").read_text(encoding="utf-8")
    vega = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub asks for more
    scripts = f"<!--\n{licences}-->\n<script>{vega}</script>"
    folder = paths.PLOTS / document.folder_of_pictures(files.read_params(StudyParams).data)
    template = template.replace("<!-- nuclei -->", _pictures(folder))
    offline = PAGE / "offline.html"
    offline.write_text(template.replace("{scripts}", scripts), encoding="utf-8")
    config.set_page_template(offline)
    # DVC prints where the page is.
    done = subprocess.run([sys.executable, "-m", "dvc", "plots", "show"], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _pictures(folder: Path) -> str:
    """Return HTML for the pictures of nuclei in `folder`, for a page in a folder beside plots/.

    DVC complains of a listed picture that is missing, and no clone has those of real nuclei.
    """
    figures = [
        # The page itself leaves out a picture that has gone since the template was written.
        f'<figure><figcaption>{text}</figcaption><img src="../{path.as_posix()}" alt="{text}"'
        ' onerror="this.parentNode.remove()"></figure>'
        for name, text in document.CAPTIONS.items()
        if (path := folder / f"nuclei-{name}.png").exists()
    ]
    parts = ['<section id="nuclei">', "<h2>Nuclei to look at</h2>", *figures, "</section>"]
    return "\n".join(parts) if figures else ""
