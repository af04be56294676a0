"""The flags that Collective Mind and MLCFlow accept themselves, and a check for unknown ones, because they refuse none."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import BadInput
from .suggest import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping, Sequence

#: Flags of ``cm run script``. Source: the automation "script" of cmx4mlops 1.0.1 (``run`` and what it reads).
_SCRIPT_FLAGS = """
    accept_license ad add_deps add_deps_recursive adr cmd const const_state debug debug_script debug_script_tags
    debug_uid detected_versions dirty docker_run_deps dump_version_info env extra_cache_tags fake_deps fake_run
    force_cache force_new_env_keys force_new_state_keys gh_token git_ssh hf_token ignore_script_error input j json
    local_const local_const_state local_env local_state name new only_execute_from_cache outbasename outdirname
    output path pause prepare print_deps print_env print_readme print_versions quiet recursion recursion_int
    recursion_spaces remembered_selections renew repro repro_dir repro_prefix run_state s save_env
    script_call_prefix shell silent skip_cache skip_compile skip_remembered_selections skip_run skip_sudo
    skip_sys_utils skip_system_deps skip_write_test space state tags time v verbose version version_max
    version_max_usable version_min
"""
#: Flags that CM's core accepts or adds for every command. Source: cmind 4.2.0, ``core.py`` and ``cli.py``.
_CORE_FLAGS = """
    action artifact artifacts automation cmd common control h help ignore_inheritance log logfile out parsed_artifact
    parsed_artifacts parsed_automation raise save_to_json save_to_json_file save_to_yaml_file unparsed_cmd
"""
#: Further flags that MLCFlow accepts or adds; its scripts run like those of CM. Source: mlcflow 1.3.8, ``main.py``,
#: ``script_action.py`` and ``automation/script/module.py``.
_MLC_FLAGS = """
    action artifacts automation cache_expiration cmd default_env details folder help mlc_input_file mlc_isolate
    mlc_output mlc_run_cmd path_only script_tags search_folder_path target verify_ssl
"""
CM_FLAGS, MLC_FLAGS = (frozenset(f"{_SCRIPT_FLAGS} {others}".split()) for others in (_CORE_FLAGS, _MLC_FLAGS))
#: Flags of ``run.py``, and the flags of the script that they correspond to.
_OF_RUN_PY = {"round": "version", "output": "output_dir"}
#: Flags that remove something stored, which no message suggests.
_DELETING = frozenset({"prune"})


class Typed(NamedTuple):
    """The words typed to run a script.

    ``flags`` are names with ``_`` instead of ``-``; ``theirs`` are the flags of the automation. ``words`` are those on the
    command line (empty without one), and ``strays`` those that are neither flags nor tags. ``between_tags`` names the
    separator of tags.
    """

    flags: Collection[str]
    theirs: Container[str]
    words: Sequence[str]
    strays: Sequence[str]
    between_tags: str


def typed_in_cm(given: Mapping[str, Any]) -> Typed:
    """The words typed to run a script of Collective Mind.

    Args:
        given: the input of a run, as CM hands it to a script: flags by name; from a command line also ``cmd``, its words,
            and ``artifacts``, those after the first that are not flags.
    """
    words = given.get("cmd")
    strays = [str(word) for word in given.get("artifacts", ())]
    if strays and (" " in strays[0] or "," in strays[0]):
        del strays[0]  # CM treats it as more tags
    words = [str(word) for word in words] if isinstance(words, list) else []
    return Typed(given.keys(), CM_FLAGS, words, strays, "space")


def typed_in_mlc(given: Mapping[str, Any]) -> Typed:
    """The words typed to run a script of MLCFlow.

    Args:
        given: the input of a run: flags by name; from a command line also ``mlc_run_cmd``, the whole of it, and ``details``,
            the tags. Other words that are not flags are lost.
    """
    try:
        words = shlex.split(str(given.get("mlc_run_cmd", "")))[1:]
    except ValueError:
        words = []
    expected = ("run", "script", given.get("details"))
    strays = [word for word in words if word[:1] != "-" and word not in expected]
    return Typed(given.keys(), MLC_FLAGS, words, strays, "comma")


def check_typed(typed: Typed, ours: Collection[str]) -> None:
    """Refuses flags and words that neither the script nor the automation accepts.

    Args:
        typed: what was typed.
        ours: the flags of the script.

    Raises:
        BadInput: a flag is unknown or was given twice, or a word belongs to no flag.
    """
    words = typed.words
    for word in typed.strays:
        if word.startswith("_"):
            raise BadInput(f"{word}: a variation belongs in the first argument, after the tags and a {typed.between_tags}")
        before = words[words.index(word) - 1] if word in words[1:] else ""
        flag = before if _name_of(before) in ours else "--flag"
        raise BadInput(f"{word}: not expected here; write {flag}={word}, without a space")
    for name in typed.flags:
        if name not in ours and name not in typed.theirs:
            meant = f"; did you mean --{_OF_RUN_PY[name]}?" if name in _OF_RUN_PY else flag_meant(name, ours)
            raise BadInput(f"--{name}: no such flag{meant}")
    for name, count in Counter(map(_name_of, words)).items():
        if name in ours and count > 1:
            raise BadInput(f"--{name}: given {count} times; give it once, with commas between several values")


def flag_meant(name: str, flags: Collection[str]) -> str:
    """The question at the end of a message; empty if no flag is similar, or the most similar one deletes something."""
    return "" if nearest(name, flags) in _DELETING else did_you_mean(name, flags, "--")


def _name_of(word: str) -> str:
    return word.partition("=")[0].lstrip("-").replace("-", "_") if word.startswith("-") else ""
