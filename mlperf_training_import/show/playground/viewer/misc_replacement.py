"""Stands in for the playground's module ``misc`` where the installed one does not compile.

The names, arguments and results are those that the pages of the playground call for; what happens inside is our own.
"""

import calendar
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

Answer = dict[str, Any]


def get_params(st: Any) -> dict[str, list[str]]:
    """The parameters of the page's address, each with the list of its values."""
    return {key: st.query_params.get_all(key) for key in st.query_params}


def make_url(
    name: str,
    alias: str = "",
    action: str = "contributors",
    key: str = "name",
    md: bool = True,
    skip_url_quote: bool = False,
) -> str:
    """The address of a page of the playground.

    Args:
        name: what the link reads.
        alias: what it leads to; the name where empty.
        action: the page.
        key: the parameter that takes the alias; none where empty.
        md: whether to return a Markdown link; the bare address otherwise.
        skip_url_quote: the alias is fit for an address as it is.
    """
    target = alias or name
    parameters = [f"action={action}"] if action else []
    if key:
        parameters.append(f"{key}={target if skip_url_quote else quote_plus(target)}")
    address = "?" + "&".join(parameters)
    return f"[{name}]({address})" if md else address


def convert_date(date: str) -> Answer:
    """A date ``20240131`` as ``2024 Jan 31``, in the form of an answer of CM."""
    try:
        text = f"{date[:4]} {calendar.month_abbr[int(date[4:6])]} {int(date[6:8])}"
    except (ValueError, IndexError):
        return {"return": 1, "error": f'date "{date}" is not of the form YYYYMMDD'}
    return {"return": 0, "string": text}


def get_all_deps_tags(i: dict[str, Any]) -> Answer:
    """The tags of all dependencies in a script's description, however deep, but for its own; as an answer of CM."""
    found = _iter_tags({key: value for key, value in i["meta"].items() if key != "tags"})
    return {"return": 0, "all_deps_tags": list(dict.fromkeys(found))}


def _iter_tags(node: Any) -> Iterator[str]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "tags":
            yield ",".join(value) if isinstance(value, list) else value
        else:
            yield from _iter_tags(value)


def make_selection(
    st: Any, selection: list[dict[str, Any]], param_key: str, text: str, x_uid: str, force_index: int = 0
) -> Answer:
    """Lets people choose one of several descriptions by name; the answer's ``meta`` is empty while none is chosen.

    With ``x_uid`` the choice was made already, by the address.
    """
    ordered = sorted(selection, key=lambda meta: meta["name"])
    if not ordered:
        return {"return": 0, "meta": {}}
    if x_uid:
        st.markdown(f"**Selected {text}:** {ordered[0]['name']}")
        return {"return": 0, "meta": ordered[0]}
    options = [{"name": ""}, *ordered]
    number = st.selectbox(
        f"Select {text}:",
        range(len(options)),
        format_func=lambda number: options[number]["name"],
        index=force_index,
        key=param_key,
    )
    return {"return": 0, "meta": options[number] if number else {}}


def get_with_complex_key_safe(meta: Any, key: str) -> Any:
    """The value under a key such as ``a.b.c`` of nested dicts; an empty text where there is none."""
    for part in key.split("."):
        meta = meta.get(part) if isinstance(meta, dict) else None
    return "" if meta is None else meta
