"""Names, editions and settings of round 6.0 and of the case with new spellings."""

from __future__ import annotations

from collections import Counter

import pytest
from trees import import_tree

KEYS = ("submitter_name", "accelerator_variant", "availability_category", "processor", "framework_family", "edition")

#: Folder of the round 6.0 excerpt, and the names of its result.
NAMES = {
    "AMD/flux1": ("AMD", "MI325X OAM 256 GB", "available on-premise", "EPYC 9575F", "PyTorch", "flux1-5.1"),
    "AMD/llama31_8b": ("AMD", "MI355X OAM 288 GB", "available on-premise", "EPYC 9575F", "Primus", "llama31_8b-5.1"),
    "ASUSTeK/gpt_oss_20b": (
        *("ASUSTeK", "B300 SXM 270 GB", "available on-premise", "Xeon 6767P", "PyTorch", "gpt_oss_20b-6.0"),
    ),
    "CoreWeave/deepseekv3_671b": (
        *("CoreWeave", "GB300", "available cloud", "Neoverse V2", "PyTorch", "deepseekv3_671b-6.0"),
    ),
    "Google/deepseekv3_671b": (*("Google", "GB200", "available cloud", "Neoverse V2", "PyTorch", "deepseekv3_671b-6.0"),),
    "Krai/llama2_70b_lora": (
        *("Krai", "GH200 superchip", "available on-premise", "Neoverse V2", "NeMo + PyTorch", "llama2_70b_lora-4.0"),
    ),
    "MiTAC/llama31_8b": (
        *("MiTAC", "MI325X OAM 256 GB", "available on-premise", "EPYC 9575F", "NeMo + Primus + PyTorch", "llama31_8b-5.1"),
    ),
    "NVIDIA/llama31_405b": ("NVIDIA", "GB300", "available cloud", "Neoverse V2", "NeMo", "llama31_405b-5.0"),
    "NVIDIA/deepseekv3_671b": (*("NVIDIA", "GB200", "available cloud", "Neoverse V2", "NeMo", "deepseekv3_671b-6.0"),),
    "Quanta_Cloud_Technology/dlrm_dcnv2": (
        *("Quanta Cloud Technology", "GB300", "available on-premise", "Neoverse V2", None, "dlrm_dcnv2-3.0"),
    ),
    "TTA/llama31_8b": (
        *("TTA", "RTX PRO 6000 Server Edition PCIe 96 GB", "available on-premise", "EPYC 9654", "NeMo", "llama31_8b-5.1"),
    ),
}


def test_round_6_0_has_names_and_editions(round_6_0):
    entries = {f"{r.submission.submitter}/{r.benchmark.key}": r.entry for r in round_6_0.results.values()}
    assert {name: tuple(map(entry.get, KEYS)) for name, entry in entries.items()} == NAMES
    assert not round_6_0.what("unknown-name")
    assert not round_6_0.what("new-edition")


def test_round_6_0_has_the_settings_that_its_logs_name(round_6_0):
    entries = {f"{r.submission.submitter}/{r.benchmark.key}": r.entry for r in round_6_0.results.values()}
    flux, deepseek = entries["AMD/flux1"], entries["NVIDIA/deepseekv3_671b"]
    assert (flux["precision_linear"], flux["tensor_parallelism"], flux["micro_batch_size"]) == ("fp8", 1, 32)
    assert entries["AMD/llama31_8b"]["precision_linear"] == "mxfp4"  # in the spelling without in_
    assert [deepseek[f"precision_{part}"] for part in ("linear", "attention", "communication")] == ["fp8", "fp8", "bfloat16"]
    parallelism = [deepseek[f"{kind}_parallelism"] for kind in ("tensor", "pipeline", "context", "expert")]
    assert parallelism == [2, 4, 1, 32]


def test_new_spellings_are_named_once_and_those_of_availability_are_known(cases):
    imported = import_tree(cases / "22-spellings", "5.0")
    assert Counter(what.partition(" ")[0] for what in imported.what("unknown-name")) == {
        "accelerator": 1,
        "processor": 1,
        "framework": 1,
    }
    entries = [result.entry for result in imported.results.values()]
    assert sorted(entry["availability_category"] for entry in entries) == [
        *["available cloud"],
        *["available on-premise"] * 4,
    ]
    for entry in entries:
        assert entry["accelerator_model_name"] == "Bilby X1"
        assert not entry.keys() & {"accelerator", "accelerator_variant", "submitter_name", "processor", "framework_family"}


@pytest.mark.parametrize("version", ["0.6", "4.0"])
def test_every_result_with_accelerators_says_which(published, version):
    imported = published(version)
    entries = [result.entry for result in imported.results.values()]
    assert not imported.what("unknown-name")
    assert {entry["system"] for entry in entries if "accelerator" not in entry} == {
        entry["system"] for entry in entries if entry["is_processor_only"]
    }
    assert all(entry["edition"] and entry["submitter_name"] for entry in entries)
