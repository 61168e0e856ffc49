"""The command `nuclei`: every subcommand's words and help, and the short subcommands themselves.

What a subcommand needs is imported when it is called, so that help is there at once.
"""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
import sys
from pathlib import Path

import click

from nuclei.core.errors import InputError


class Commands(click.Group):
    """Subcommands, listed in the order of this file, whose InputErrors end in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> None:
        """Run the subcommand that was typed; a user's mistake ends with exit code 1."""
        try:
            super().invoke(ctx)
        except BrokenPipeError:
            raise  # click ends quietly when a reader such as `head` has left
        except (InputError, OSError) as error:
            # One line, even where the name of a file or a key holds a line end.
            sys.exit(f"error: {' '.join(str(error).split())}")


@click.group(cls=Commands)
def main() -> None:
    """Measure which image augmentation helps a network tell nuclei apart.

    Type these in the project's folder. `dvc repro` and `dvc exp run` run the study's stages one
    after another; `nuclei study` runs them side by side.
    """


def _check_folder() -> None:
    """Raise InputError in a folder that is not the project's: DVC would answer with a traceback."""
    if not Path("dvc.yaml").exists():
        raise InputError(f"{Path.cwd()} holds no dvc.yaml; type `cd` to the project's folder first")


@main.command()
@click.argument("images")
@click.option("--model", required=True, metavar="FOLDER", help="models/AUG/xVOLUME of a study.")
@click.option("--mpp", type=float, help="Microns per pixel, if the images do not say it.")
@click.option("--out", metavar="PATH", help="Default: predicted.csv; with GeoJSON, predicted.")
def predict(images: str, model: str, mpp: float | None, out: str | None) -> None:
    """Classify new nuclei with a trained model.

    IMAGES is a folder. An image with a CSV of the same name beside it, columns x and y in pixels,
    is a field of view with the centres of its nuclei. With GeoJSON beside it, the same GeoJSON is
    written with classes, into a folder. Any other image is the crop of one nucleus.
    """
    from nuclei.cli.predict import predict

    predict(images, model, out, mpp)


@main.command()
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; default: all cores or GPUs.")
@click.option("--scheduler", metavar="tcp://HOST:8786", help="Run on the cluster of this Dask.")
def study(jobs: int | None, scheduler: str | None) -> None:
    """Run what is outdated, many trainings side by side."""
    from nuclei.study import run

    _check_folder()
    report = Path("plots/report.md")
    before = report.stat().st_mtime_ns if report.exists() else None
    run.study(jobs, scheduler)
    if before and report.stat().st_mtime_ns == before:  # evaluate did not run and print the table
        click.get_current_context().invoke(table)


@main.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
def add(recipes: tuple[str, ...]) -> None:
    """Add augmentations to the study's list in dvc.yaml.

    A RECIPE is operations joined by +, such as dihedral+stain or rotation-90.
    """
    from nuclei.cli.augmentations import add

    add(recipes)


@main.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
def remove(recipes: tuple[str, ...]) -> None:
    """Remove augmentations from the study's list."""
    from nuclei.cli.augmentations import remove

    remove(recipes)


@main.command()
def table() -> None:
    """Print the answer and every augmentation's scores."""
    from nuclei.core import files, paths
    from nuclei.report import document

    tables = [paths.PLOTS / "answer.csv", paths.PLOTS / "configurations.csv"]
    if missing := [path for path in tables if not path.exists()]:
        raise InputError(f"{missing[0]} is missing; `dvc repro` makes it")
    answer, configurations = map(files.read_csv, tables)
    print(*answer["text"], "", document.terminal(configurations), sep="\n")
    print(f"report: {paths.PLOTS / 'report.md'}")


@main.command()
def report() -> None:
    """Draw the study's charts as one page for the browser.

    The page is dvc_plots/index.html. It needs no network.
    """
    from nuclei.cli.report import report

    report()


@main.command()
@click.argument("recipe", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Default: shown/RECIPE.png.")
def show(recipe: str | None, out: Path | None) -> None:
    """Draw what an augmentation does to some of your nuclei.

    Without RECIPE, every operation is drawn.
    """
    from nuclei.cli.show import show

    show(recipe, out)


@main.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write a page in Markdown there.")
def operations(out: Path | None) -> None:
    """Print what every operation does and what its number means."""
    from nuclei.report import operations

    if out:
        out.write_text(operations.page(), encoding="utf-8")
    else:
        print(operations.terminal())


@main.command()
def verify() -> None:
    """Rehash all outputs; set aside what is corrupt.

    DVC's cache is rehashed, too. `dvc repro` then makes anew what was set aside.
    """
    from nuclei.dvc_api import files

    _check_folder()
    if problems := files.mend():
        print(*problems, sep="\n")
        sys.exit("error: not all was whole; type `dvc repro`, with --pull if a remote has the data")
    print("whole: every object of the cache and every output")


if __name__ == "__main__":
    main(prog_name="nuclei")
