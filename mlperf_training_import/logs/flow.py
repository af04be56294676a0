"""Parses flow mappings of YAML, which some logs of round 0.6 have in place of JSON: text in, values out."""

from __future__ import annotations

import yaml

#: A longer integer is rejected: Python refuses to write out a number of a few thousand hexadecimal digits.
_LONGEST_INTEGER = 1000


class _Loader(yaml.SafeLoader):
    """Reads YAML without aliases: with them, a short line can expand to billions of values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if len(node.value) > _LONGEST_INTEGER:
            raise ValueError("a number is too long")
        return super().construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def parse_flow(text: str) -> object:
    """What a text says as YAML.

    Raises:
        ValueError: it says nothing.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - this loader is safe
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, LookupError, AttributeError) as error:
        # Besides its own errors, PyYAML lets errors of its constructors through: `!!int ""`, `!!bool x`, `!!timestamp x`.
        raise ValueError(f"not YAML ({type(error).__name__})") from None
