"""Makes the installed playground work, in its own process and without changing any of its files.

Six things want help in the playground of cmx4mlops 1.0.1: modules that do not compile, code in addresses, scripts in texts,
a list that picks the wrong experiment, a legend without values, and plots that squeeze most results into one corner. A
module is replaced only where the installed one does not compile; the rest does no harm to a playground that needs no help.
"""

import functools
import html
import importlib
import re
import sys
from pathlib import Path

#: Modules that cannot be imported, and ours in their place.
_REPLACEMENTS = {"misc": "misc_replacement", "script": "script_replacement"}
#: Parameters of an address that the playground would run as Python code.
_CODE = ("derived_metrics", "filter")
#: The tags, escaped, that the playground puts around the texts of a result. None of them can do anything.
_OWN_TAGS = re.compile(r"&lt;(/?(b|small|div)|br|div style=&quot;padding:10px;background-color:#FFFFE0;&quot;)&gt;")
#: How many times the smallest value the largest one must be for a logarithmic axis.
_WIDE = 100
#: Where a logarithmic axis has labels; Plotly's own would read 2, 5, 10, 2, 5, 100.
_TICKS = [digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5)]


@functools.cache
def repair_once(folder: str) -> None:
    """Prepares the playground in ``folder`` for being imported. Later calls do nothing."""
    sys.path.append(folder)
    for name, replacement in _REPLACEMENTS.items():
        if not compiles(Path(folder) / f"{name}.py"):
            sys.modules[name] = importlib.import_module(replacement)
    import cmind
    import misc
    import mpld3.plugins
    import plotly.express

    misc.get_params = without_code(misc.get_params)
    cmind.access = with_sorted_experiments(cmind.access)
    mpld3.plugins.connect = with_plain_text(mpld3.plugins.connect)
    plotly.express.scatter = with_wide_axes(with_named_legend(plotly.express.scatter))


def compiles(file: Path) -> bool:
    """Whether Python accepts the file. Nothing of it is run or written."""
    try:
        compile(file.read_bytes(), str(file), "exec")
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def without_code(get_params):
    """Leaves code out of the parameters of an address.

    The playground runs the texts of its two fields "derived metrics" and "filter". Who types there knows what it does; a
    link on some web page that fills them must not run anything on this machine.
    """

    @functools.wraps(get_params)
    def wrapped(st):
        return {key: value for key, value in get_params(st).items() if key not in _CODE}

    return wrapped


def with_plain_text(connect):
    """Shows the texts of results as text in the interactive plot.

    The playground puts them into its pop-up boxes as HTML, and links as they are: what a submitter wrote could be a script,
    which would run with the rights of the page and could type into the fields that take code.
    """

    @functools.wraps(connect)
    def wrapped(figure, *plugins):
        for plugin in plugins:
            parts = getattr(plugin, "dict_", {})
            for name, clean in (("labels", _plain_label), ("targets", _plain_target)):
                if parts.get(name):
                    parts[name] = [clean(text) for text in parts[name]]
        return connect(figure, *plugins)

    return wrapped


def with_sorted_experiments(access):
    """Lists experiments in the order in which the playground shows them.

    It sorts their names for its list, but then takes the chosen one by its number from the unsorted experiments, and so
    shows another one wherever CM does not happen to find them in this order.
    """

    @functools.wraps(access)
    def wrapped(i, *args, **kwargs):
        found = access(i, *args, **kwargs)
        if isinstance(i, dict) and i.get("action") == "find" and str(i.get("automation", "")).startswith("experiment"):
            found.get("list", []).sort(key=_order_in_list)
        return found

    return wrapped


def with_named_legend(scatter):
    """Puts values into the legend of a scatter plot.

    The playground hands the colours and markers that it has chosen for the values to Plotly as if they were the values, so
    that the legend would read "tab:blue, circle". The values themselves are in the text of each point.
    """

    @functools.wraps(scatter)
    def wrapped(frame, *args, **kwargs):
        if "info" in frame:
            chosen = {which: kwargs.get(which) or None for which in ("color", "symbol")}
            keys = [key for key in dict.fromkeys(chosen.values()) if key not in (None, kwargs.get("x"), kwargs.get("y"))]
            frame = frame.assign(**{key: [_value_of(key, info) for info in frame["info"]] for key in keys})
            frame = frame.sort_values(keys, kind="stable") if keys else frame
            kwargs |= chosen
        return scatter(frame, *args, **kwargs)

    return wrapped


def with_wide_axes(scatter):
    """Draws values of very different size on a logarithmic axis: machines have from one to thousands of accelerators."""

    @functools.wraps(scatter)
    def wrapped(frame, *args, **kwargs):
        wide = [axis for axis in "xy" if kwargs.get(axis) in frame and _is_wide(frame[kwargs[axis]])]
        figure = scatter(frame, *args, **{f"log_{axis}": True for axis in wide} | kwargs)
        for axis in wide:
            figure.update_layout({f"{axis}axis": {"tickvals": _TICKS, "ticktext": [f"{value:g}" for value in _TICKS]}})
        return figure

    return wrapped


def _plain_label(label: str) -> str:
    """A label without any HTML but that in which the playground wraps all of them."""
    return _OWN_TAGS.sub(lambda match: html.unescape(match[0]), html.escape(label))


def _plain_target(target: str) -> str:
    """The address of a page of the playground or of the web; an empty one for anything else, such as ``javascript:``."""
    return target.replace("<", "%3C") if target.startswith(("?", "https://", "http://")) else ""


def _is_wide(values) -> bool:
    return values.dtype.kind in "if" and values.min() > 0 and values.max() / values.min() > _WIDE


def _order_in_list(experiment) -> tuple[str, str, str]:
    meta = experiment.meta
    return (",".join(meta.get("tags", [])), meta.get("alias", ""), meta["uid"])


def _value_of(key: str, info: str) -> str:
    """The value of a key in the text of a point, which has a line ``key: value<br>`` for each."""
    start = f"{key}: "
    lines = (line.removesuffix("<br>") for line in info.split("\n"))
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), "not given")
