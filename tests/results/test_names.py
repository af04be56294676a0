"""One name for one thing: published spellings, made-up ones, and pairs that must not be mixed up."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest
import yaml
from support import PROJECT
from trees import import_tree, write_result

from mlperf_training_import.model import System
from mlperf_training_import.results.names import (
    find_accelerator,
    find_availability,
    find_framework,
    find_processor,
    find_submitter,
    is_processor_only,
    means_nothing,
    name_keys,
)
from mlperf_training_import.tables.files import FOLDER
from mlperf_training_import.tables.names import accelerators_table, names_table, row_to_add, submitters_table

#: What spellings of each key of the published descriptions are looked up with.
FINDERS = {
    "accelerator_model_name": ("accelerator", find_accelerator),
    "submitter": ("submitter", find_submitter),
    "submitter_folder": ("submitter", find_submitter),
    "availability": ("availability", find_availability),
    "host_processor_model_name": ("processor", find_processor),
    "framework": ("framework", find_framework),
}

#: Published spellings that mean nothing.
NOTHING = {
    ("accelerator_model_name", "N/A"),
    ("accelerator_model_name", "NA"),
    ("host_processor_model_name", "CPUName"),
    ("framework", "NGC MLPerf Training v3.0"),
    ("framework", "NGC MLPerf Training v3.1"),
    ("framework", "NGC MLPerf v2.1/2.0"),
    ("framework", "NGC MLPerf v4.0"),
}


def published_spellings(path=FOLDER / "spellings.csv"):
    with path.open(encoding="utf-8", newline="") as stream:
        return [(row["key"], row["spelling"]) for row in csv.DictReader(stream)]


def variant_of(spelling, system=None):
    accelerator = find_accelerator(spelling, system)
    return accelerator and accelerator.variant


def test_every_published_spelling_has_a_name_or_means_nothing():
    nameless = set()
    for key, spelling in published_spellings():
        kind, find = FINDERS[key]
        if find(spelling) is None:
            nameless.add((key, spelling))
        assert means_nothing(kind, spelling) == ((key, spelling) in NOTHING)
    assert nameless == NOTHING | {("accelerator_model_name", "TPU")}  # the system's name says which


def test_the_published_spellings_are_those_of_the_facts(shared):
    assert set(published_spellings()) == set(published_spellings(shared / "facts/spellings.csv"))


def test_ninety_spellings_of_accelerators_are_thirty_five_accelerators():
    spellings = [spelling for key, spelling in published_spellings() if key == "accelerator_model_name"]
    names = {found.name for found in map(find_accelerator, spellings) if found}
    assert (len(spellings), len(names)) == (90, 34)


def test_published_submitters_are_one_each():
    folders = defaultdict(set)
    for key, spelling in published_spellings():
        if key.startswith("submitter"):
            folders[find_submitter(spelling).name].add(spelling)
    assert folders["NVIDIA"] == {"NVIDIA", "nvidia"}
    assert folders["Dell"] == {"Dell", "Dell EMC", "DellEMC"}
    assert folders["Supermicro"] == {"Supermicro", "SUPERMICRO"}
    assert folders["Quanta Cloud Technology"] == {"QCT", "Quanta_Cloud_Technology"}
    assert folders["IEI"] == {"Inspur", "IEI"}
    assert folders["Giga Computing"] == {"GIGABYTE", "GigaComputing"}
    assert folders["Intel-HabanaLabs"] == {"Habana", "HabanaLabs", "Intel-HabanaLabs"}
    assert folders["Sustainable Metal Cloud"] == {"Sustainable Metal Cloud", "smc", "smc-ac-power", "smc-dc-power"}


@pytest.mark.parametrize(
    ("spelling", "variant", "watts"),
    [
        ("NVIDIA A100-SXM4-80GB (400W)", "A100 SXM 80 GB", 400),
        ("A100-SXM4-80GB", "A100 SXM 80 GB", None),
        ("NVIDIA A100-SXM-80GB CTS", "A100 SXM 80 GB", None),
        ("NVIDIA A100-PCIe-40GB(250W)", "A100 PCIe 40 GB", 250),
        ("NVIDIA A100 - PCIe - 80 GB", "A100 PCIe 80 GB", None),
        ("NVIDIA A100", "A100", None),
        ("NVIDIA A30", "A30 PCIe 24 GB", None),
        ("NVIDIA A30-PCIE-24GB", "A30 PCIe 24 GB", None),
        ("H100 NVL Tensor Core GPU (PCIe)", "H100 NVL 94 GB", None),
        ("NVIDIA H100 80GB HBM3", "H100 SXM 80 GB", None),
        ("NVIDIA H100-PCIe", "H100 PCIe 80 GB", None),
        ("NVIDIA Blackwell GPU (B200-SXM-180GB)", "B200 SXM 180 GB", None),
        ("NVIDIA Blackwell GPU (GB200)", "GB200", None),
        ("Tesla V100-SXM3-H-32GB", "V100 SXM 32 GB 450 W", 450),
        ("NVIDIA V100-SXM3-32GB (450W)", "V100 SXM 32 GB 450 W", 450),
        ("Intel(R) Gaudi(R) 2 AI Accelerator", "Gaudi 2 OAM 96 GB", None),
        ("AMD Instinct MI325X 256GB HBM3E DLC", "MI325X OAM 256 GB", None),
        ("Ascend 910 Premium A", "Ascend 910 Premium A 32 GB", None),
        ("tpuv2-512", "TPU v2 16 GB", None),
        ("TPU-trillium", "TPU Trillium 32 GB", None),
        # 6.0
        ("NVIDIA Hopper GPU (GH200)", "GH200 superchip", None),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000 Server Edition PCIe 96 GB", None),
        ("NVIDIA RTX Pro 6000 SE PCIe 96GB", "RTX PRO 6000 Server Edition PCIe 96 GB", None),
        ("AMD Instinct MI355X 288GB HBM3e", "MI355X OAM 288 GB", None),
        # no table has these
        ("NVIDIA H100 SXM5 94GB", "H100 SXM 94 GB", None),
        ("nvidia h100-sxm5-80gb", "H100 SXM 80 GB", None),
        ("NVIDIA® H100™ NVL", "H100 NVL 94 GB", None),
        ("NVIDIA(R) H100(TM) Tensor Core GPU", "H100", None),
        ("8x NVIDIA H100", "H100", None),
        ("8xH100-SXM5-80GB", "H100 SXM 80 GB", None),
        ("8\N{MULTIPLICATION SIGN} A100 80 GB", "A100 80 GB", None),
        ("16 NVIDIA A100 GPUs", "A100", None),
        ("H100x8", "H100", None),
        ("H100SXM5 80G", "H100 SXM 80 GB", None),
        ("NVIDIA A100 80GB PCIe Gen4 x16", "A100 PCIe 80 GB", None),
        ("NVIDIA A100-SXM4-80GB 400 W TDP", "A100 SXM 80 GB", 400),
        ("AMD Instinct™ MI 300X", "MI300X OAM 192 GB", None),
        ("AMD Instinct MI355X (CDNA4)", "MI355X OAM 288 GB", None),
        ("NVIDIA L40S Ada Lovelace", "L40S PCIe 48 GB", None),
        ("NVIDIA GB200 NVL72", "GB200", None),
        ("NVIDIA GB300 NVL72 Grace Blackwell Ultra Superchip", "GB300", None),
        ("NVIDIA GH200 144GB HBM3e", "GH200 superchip 144 GB", None),
        ("NVIDIA GH200 480GB", "GH200 superchip", None),  # that is the processor's memory
        ("NVIDIA B200 SXM6 192GB", "B200 SXM 192 GB", None),
        ("Google Cloud TPU v5p", "TPU v5p 95 GB", None),
        ("Cloud TPU v4 Pod slice", "TPU v4 32 GB", None),
        ("TPU v5litepod-256", "TPU v5e 16 GB", None),
        ("TPU v6e", "TPU Trillium 32 GB", None),
        ("GeForce RTX4090", "RTX 4090 PCIe 24 GB", None),
        ("RX 7900XTX", "RX 7900 XTX PCIe 24 GB", None),
        ("Habana Labs Gaudi-2 HL-225H", "Gaudi 2 OAM 96 GB", None),
    ],
)
def test_an_accelerator_has_one_variant_and_a_power_limit_beside_it(spelling, variant, watts):
    assert variant_of(spelling) == variant
    assert find_accelerator(spelling).power_limit_watts == watts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NVIDIA Hopper GPU (GH200)", "NVIDIA H200-SXM5-141GB"),
        ("NVIDIA Hopper GPU (GH200)", "NVIDIA Blackwell GPU (GB200)"),
        ("NVIDIA H200", "NVIDIA GB200"),
        ("NVIDIA B200", "NVIDIA GB200"),
        ("NVIDIA B200", "NVIDIA B300"),
        ("NVIDIA B300", "NVIDIA GB300"),
        ("NVIDIA GB200 NVL72", "NVIDIA GB300 NVL72"),
        ("Habana Gaudi", "Habana Gaudi2"),
        ("Graphcore Bow IPU", "Graphcore IPU GC200"),
        ("AMD Instinct MI325X", "AMD Instinct MI355X"),
        ("AMD Instinct MI300X", "AMD Instinct MI325X"),
        ("AMD Instinct MI350X", "AMD Instinct MI355X"),
        ("NVIDIA L40", "NVIDIA L40S"),
        ("NVIDIA L4", "NVIDIA L40"),
        ("NVIDIA V100", "NVIDIA V100S"),
        ("NVIDIA A30", "NVIDIA A40"),
        ("TPU-v5e", "TPU-v5p"),
        ("tpuv3-8", "tpuv2-8"),
        ("NVIDIA H100-SXM5-80GB", "NVIDIA H200-SXM5-141GB"),
    ],
)
def test_two_accelerators_are_not_mixed_up(one, other):
    names = [find_accelerator(spelling).name for spelling in (one, other)]
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    "spelling",
    [
        *("Instinct MI400X", "MI300", "AMD Instinct MI300A", "MI355", "MI3250X", "NVIDIA MI300X"),
        *("tpu-v7-64", "TPU v5", "TPU v4i", "tpu-v6p", "Graphcore Bow-2000", "Bow Pod16", "Graphcore IPU"),
        *("Intel Gaudi 3", "Gaudi3", "Habana Gaudi2D", "Intel Gaudi2 HL-205"),
        *("H100X", "NVIDIA H1000", "NVIDIA H100 CNX", "H800", "A800", "A1000", "A10", "A100X"),
        *("B100", "GB2000", "L40G", "L4S", "MI355X CDNA3", "MI300X 3", "Gaudi 2 3"),
        *("RTX 4090 D", "RTX 4090 Ti", "RTX 5090", "RTX 6000 Ada", "RTX 5000 Ada Generation", "RTX A6000", "RX 7900 XT"),
        *("Ascend 910B", "Ascend 910 Pro B", "NVIDIA A100 MIG 1g.5gb", "NVIDIA VR200", "NVIDIA", "GPU", "Bilby X1"),
        *("NVIDIA A100/H100", "GH200 (H100)", "Intel A100", "NVIDIA Hopper GPU (GB200)"),
        *("x" * 10_000, "A100 " * 1000, "A100加速", "加速器"),
    ],
)
def test_what_no_row_explains_has_no_name(spelling):
    assert find_accelerator(spelling) is None
    assert not means_nothing("accelerator", spelling)


@pytest.mark.parametrize("spelling", ["N/A", "n.a.", "None", "-", "--", "", "unknown", "TBD", "CPU only"])
def test_what_stands_for_no_name_means_nothing(spelling):
    assert means_nothing("accelerator", spelling)


@pytest.mark.parametrize(
    ("system", "variant"),
    [
        ("tpu-v4-128", "TPU v4 32 GB"),
        ("TPU v3-8192", "TPU v3 32 GB"),
        ("tpu-v7-64", None),
        ("tpu", None),
        (None, None),
        ("tpu-v3 and tpu-v4", None),
    ],
)
def test_where_the_model_says_only_tpu_the_system_tells_which(system, variant):
    assert variant_of("TPU", system) == variant


def test_the_system_tells_nothing_where_the_model_says_something():
    assert variant_of("Bilby X1", "tpu-v4-128") is None
    assert variant_of("TPU-v5p", "tpu-v4-128") == "TPU v5p 95 GB"


@pytest.mark.parametrize(
    ("spelling", "name", "members"),
    [
        ("PCL & PKU", "PCL + PKU", ("PCL", "PKU")),
        ("Supermicro-RedHat", "Red Hat + Supermicro", ("Red Hat", "Supermicro")),
        ("RedHat-Supermicro", "Red Hat + Supermicro", ("Red Hat", "Supermicro")),
        ("Supermicro_MangoBoost", "MangoBoost + Supermicro", ("MangoBoost", "Supermicro")),
        ("IBM+CoreWeave+NVIDIA", "CoreWeave + IBM + NVIDIA", ("CoreWeave", "IBM", "NVIDIA")),
        ("NVIDIA_CoreWeave", "CoreWeave + NVIDIA", ("CoreWeave", "NVIDIA")),
        ("Intel-HabanaLabs", "Intel-HabanaLabs", ("Habana Labs", "Intel")),
        ("Intel + Habana", "Intel-HabanaLabs", ("Habana Labs", "Intel")),
        ("Dell and NVIDIA", "Dell + NVIDIA", ("Dell", "NVIDIA")),
        ("Dell Technologies, Inc.", "Dell", ()),
        ("NVIDIA Corporation", "NVIDIA", ()),
        ("Super Micro Computer, Inc.", "Supermicro", ()),
        ("hewlett packard enterprise", "HPE", ()),
        ("Google_1", "Google", ()),
        ("Red_Hat", "Red Hat", ()),
    ],
)
def test_a_joint_submission_keeps_all_its_members(spelling, name, members):
    found = find_submitter(spelling)
    assert (found.name, found.members) == (name, members)


@pytest.mark.parametrize("spelling", ["Quokka Labs", "Dell + Quokka Labs", "Delly", "Google_2", "", "+", "Inc."])
def test_a_submitter_that_no_row_has_gets_no_name(spelling):
    assert find_submitter(spelling) is None


@pytest.mark.parametrize(
    ("spelling", "category"),
    [
        ("Available cloud", "available cloud"),
        ("Available in cloud", "available cloud"),
        ("CLOUD", "available cloud"),
        ("Available onprem", "available on-premise"),
        ("available on premise", "available on-premise"),
        ("Available on-premises", "available on-premise"),
        ("On Prem", "available on-premise"),
        ("Preview", "preview"),
        ("preview cloud", "preview"),
        ("research, development, or internal", "research"),
        ("RDI", "research"),
        ("available", "available"),
        ("not available", None),
        ("unavailable", None),
        ("available cloud and on-premise", None),
        ("available soon", None),
        ("cloudy", None),
    ],
)
def test_availability_is_one_of_five_categories(spelling, category):
    assert find_availability(spelling) == category


@pytest.mark.parametrize(
    ("spelling", "name", "vendor"),
    [
        ("2x Intel(R) Xeon(R) CPU E5-2698 v4 @ 2.20GHz", "Xeon E5-2698 v4", "Intel"),
        ("Intel(R) Xeon(R) E5-2690 v3 @ 2.60GHz", "Xeon E5-2690 v3", "Intel"),
        ("Intel(R) Xeon(R) Platinum 8480+ @ 2.00GHz", "Xeon Platinum 8480+", "Intel"),
        ("Intel(R) Xeon(R) Platinum 8480CL", "Xeon Platinum 8480CL", "Intel"),
        ("INTEL(R) XEON(R) PLATINUM 8562Y+", "Xeon Platinum 8562Y+", "Intel"),
        ("Intel(R)Xeon(R)Platinum 8490H", "Xeon Platinum 8490H", "Intel"),
        ("Intel(R) Xeon(R) 6767P", "Xeon 6767P", "Intel"),
        ("Intel Xeon 6 6787P", "Xeon 6787P", "Intel"),
        ("Intel(R) Xeon(R) Gold 8280 CPU @ 2.60GHz", "Xeon Platinum 8280", "Intel"),
        ("Intel(R) Xeon(R) code named Sapphire Rapids", "Xeon Sapphire Rapids", "Intel"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Xeon", "Intel"),
        ("Intel Xeon Phi Processor 7250", "Xeon Phi 7250", "Intel"),
        ("AMD EYPC 7513", "EPYC 7513", "AMD"),
        ("AMD EPYC 9684X 96-Core Processor", "EPYC 9684X", "AMD"),
        ("AMD Rome", "EPYC Rome", "AMD"),
        ("Node1: AMD EPYC 9755, Node2: AMD EPYC 9575F", "EPYC 9755 + EPYC 9575F", "AMD"),
        ("AMD EPYC 9755, Intel Xeon Platinum 8480C", "EPYC 9755 + Xeon Platinum 8480C", None),
        ("IBM POWER 9 model 2.2", "POWER9", "IBM"),
        ("FUJITSU Processor A64FX", "A64FX", "Fujitsu"),
        ("NVIDIA Grace CPU (Neoverse-V2)", "Grace", "NVIDIA"),
        ("Neoverse-V2", "Neoverse V2", "Arm"),
    ],
)
def test_a_processor_has_one_name(spelling, name, vendor):
    found = find_processor(spelling)
    assert (found.name, found.vendor) == (name, vendor)


@pytest.mark.parametrize("spelling", ["Emu 64", "AMD", "Intel Xeon w9-3495X", "Intel Core i9", "CPUName", "EPYC", ""])
def test_a_processor_that_no_rule_explains_has_no_name(spelling):
    assert find_processor(spelling) is None


@pytest.mark.parametrize(
    ("spelling", "family"),
    [
        ("TenorFLow 2.2", "TensorFlow"),
        ("tf2.0", "TensorFlow"),
        ("torch/1.8.0a0+56b43f4", "PyTorch"),
        ("PyTorch 2.8.0, ROCm 7.0", "PyTorch"),
        ("ROCm 6.4.0-47", "ROCm"),
        ("NVIDIA PyTorch/MxNeti/DGL", "DGL + MXNet + PyTorch"),
        ("MXNet NVIDIA Release 24.04 or PyTorch NVIDIA Release 24.04", "MXNet + PyTorch"),
        ("NVIDIA NeMo Megatron Release 23.04", "NeMo"),
        ("merlin_hugectr NVIDIA Release 22.04", "HugeCTR"),
        ("Lingvo-JAX", "JAX"),
        ("AMD Primus Framework 0.2.0", "Primus"),
        ("Numbat 1.2", None),
        ("NVIDIA Release 22.04", None),
    ],
)
def test_a_framework_has_one_family(spelling, family):
    assert find_framework(spelling) == family


@pytest.mark.parametrize(
    ("spelling", "count", "answer"),
    [
        ("N/A", 0, True),
        (None, 0, True),
        ("N/A", None, True),
        ("NVIDIA A100", 8, False),
        ("NVIDIA A100", None, False),
        ("Bilby X1", 8, False),
        (None, None, None),
        (None, 8, None),
        ("N/A", 8, None),
        ("NVIDIA A100", 0, None),
    ],
)
def test_processor_only_is_said_where_the_description_says_it(spelling, count, answer):
    assert is_processor_only(System(accelerator_model_name=spelling, accelerators_per_node=count)) is answer


def test_what_has_no_name_is_named_with_its_kind_and_its_keys_are_absent():
    record = System(
        submitter="Quokka Labs",
        availability="soon",
        host_processor_model_name="Emu 64",
        accelerator_model_name="Bilby X1",
        framework="Numbat 1.2",
    )
    keys, unknown = name_keys(record, "Dell", "sys")
    assert {key for key, value in keys.items() if value is not None} == {"is_processor_only"}
    assert {(name.kind, name.spelling) for name in unknown} == {
        ("submitter", "Quokka Labs"),
        ("availability", "soon"),
        ("processor", "Emu 64"),
        ("accelerator", "Bilby X1"),
        ("framework", "Numbat 1.2"),
    }


def test_the_system_file_tells_which_tpu_it_is_too():
    keys, unknown = name_keys(System(name="Cloud TPU", accelerator_model_name="TPU"), "Google", "tpu-v4-128-TF")
    assert (keys["accelerator"], unknown) == ("TPU v4", [])


def test_of_a_tpu_that_no_row_has_the_system_is_named():
    _, unknown = name_keys(System(name="tpu-v7-64", accelerator_model_name="TPU", accelerators_per_node=4), "Google", "x")
    assert [(name.kind, name.spelling) for name in unknown] == [("accelerator", "tpu-v7-64")]


@pytest.mark.parametrize("kind", ["accelerator", "submitter", "availability", "processor", "framework"])
def test_the_row_to_add_is_yaml_for_the_place_that_is_named(kind):
    place, row = row_to_add(kind, 'Quokka "Q" Labs: 1')
    file, _, line = place.rpartition(":")
    lines = (PROJECT / file).read_text(encoding="utf-8").splitlines()
    lines.insert(int(line) - 1, f"  {row}")
    extended = yaml.safe_load("\n".join(lines))
    section = next(section for section in extended if "Quokka" in str(extended[section]))
    assert section in ("accelerators", "submitters", "availability", "processors", "frameworks")


def test_what_is_not_said_is_no_unknown_name():
    keys, unknown = name_keys(
        System(accelerator_model_name="N/A", accelerators_per_node=0, framework="N/A"), "DellEMC", "sys"
    )
    assert (unknown, keys["submitter_name"], keys["is_processor_only"]) == ([], "Dell", True)


def test_a_spelling_that_no_row_has_is_one_finding_per_round_with_the_row_to_add(tmp_path):
    new = {"accelerator_model_name": "Bilby X1"}
    write_result(tmp_path, system="a", description=new)
    write_result(tmp_path, system="b", description=new)
    imported = import_tree(tmp_path, "3.0")
    (finding,) = [finding for finding in imported.findings if finding.code == "unknown-name"]
    file, _, line = finding.where.partition(":")
    assert (file, line.isdigit()) == ("mlperf_training_import/tables/accelerators.yaml", True)
    assert finding.what == (
        "accelerator Bilby X1 is not in the table (first seen in Org/results/a/resnet); to be added: "
        '"Bilby X1": {vendor: VENDOR, generation: GENERATION, colour: "#RRGGBB", forms: {FORM: [GB]}}'
    )
    assert all(result.entry["accelerator_model_name"] == "Bilby X1" for result in imported.results.values())
    assert not any("accelerator" in result.entry for result in imported.results.values())


def test_a_joint_submission_and_a_power_limit_stand_in_the_entry(tmp_path):
    description = {"submitter": "NVIDIA+CoreWeave", "accelerator_model_name": "NVIDIA A100-SXM4-80GB (400W)"}
    write_result(tmp_path, description=description)
    entry = import_tree(tmp_path, "3.0").only.entry
    assert (entry["submitter"], entry["submitter_name"]) == ("NVIDIA+CoreWeave", "CoreWeave + NVIDIA")
    assert entry["submitter_members"] == ["CoreWeave", "NVIDIA"]
    assert {key: value for key, value in entry.items() if key.startswith("accelerator_") and "minutes" not in key} == {
        "accelerator_model_name": "NVIDIA A100-SXM4-80GB (400W)",
        "accelerator_variant": "A100 SXM 80 GB",
        "accelerator_vendor": "NVIDIA",
        "accelerator_generation": "Ampere",
        "accelerator_form": "SXM",
        "accelerator_memory_gb": 80,
        "accelerator_power_limit_watts": 400,
    }
    assert (entry["accelerator"], entry["is_processor_only"]) == ("A100", False)


def test_every_name_and_spelling_of_the_tables_means_its_row():
    table = accelerators_table()
    for name, row in table.accelerators.items():
        assert row.vendor in table.vendors, name
        assert set(row.forms) <= set(table.forms), name
        assert {find_accelerator(spelling).name for spelling in (name, *row.spellings)} == {name}
    submitters = submitters_table()
    for name, spellings in submitters.submitters.items():
        assert {find_submitter(spelling).name for spelling in (name, *spellings)} == {name}
    for name, row in submitters.joint.items():
        assert list(row.members) == sorted(row.members, key=str.casefold)
        assert {find_submitter(spelling).name for spelling in (name, *row.spellings)} == {name}


def test_there_are_five_categories_of_availability():
    assert set(names_table().availability) == {
        *("available cloud", "available on-premise", "preview", "research", "available"),
    }


@pytest.mark.parametrize(
    ("spelling", "capacity_gb", "variant"),
    [
        ("NVIDIA GB200", 186.0, "GB200 186 GB"),
        ("NVIDIA GB200", 189_471 / 1024, "GB200 186 GB"),
        ("NVIDIA GB200", 192.0, "GB200 192 GB"),
        ("NVIDIA GB300", 279.0, "GB300 279 GB"),
        ("NVIDIA GB200", 372.0, "GB200"),  # that of the two of a superchip
        ("NVIDIA A100", 40.0, "A100 40 GB"),
        ("NVIDIA A100-SXM4-80GB", 40.0, "A100 SXM 80 GB"),  # the name counts
        ("NVIDIA V100", 8.0, "V100"),
    ],
)
def test_the_capacity_says_the_memory_where_the_name_does_not(spelling, capacity_gb, variant):
    accelerator = find_accelerator(spelling, None, capacity_gb)
    assert accelerator is not None
    assert accelerator.variant == variant


@pytest.mark.parametrize(
    ("spelling", "system", "variant", "watts"),
    [
        ("NVIDIA V100-SXM3-32GB", "DGX-2H", "V100 SXM 32 GB 450 W", 450),
        ("NVIDIA V100-SXM3-32GB", "dgx2_ngc20", "V100 SXM 32 GB 350 W", 350),
        ("NVIDIA V100-SXM3-32GB (350W)", "DGX-2H", "V100 SXM 32 GB 350 W", 350),
        ("NVIDIA V100-SXM2-32GB", "box", "V100 SXM 32 GB", None),
        ("NVIDIA V100-SXM2-16GB (300W)", "box", "V100 SXM 16 GB", 300),
        ("NVIDIA A100-SXM4-40GB (400W)", "DGX-2H", "A100 SXM 40 GB", 400),
    ],
)
def test_a_variant_with_several_power_limits_says_which(spelling, system, variant, watts):
    accelerator = find_accelerator(spelling, system)
    assert accelerator is not None
    assert (accelerator.variant, accelerator.power_limit_watts) == (variant, watts)


def test_a_gb200_is_one_gpu_and_no_superchip(tmp_path):
    write_result(tmp_path, description={"accelerator_model_name": "NVIDIA GB200", "accelerator_memory_capacity": "186 GB"})
    entry = import_tree(tmp_path).only.entry
    assert (entry["accelerator_variant"], entry["accelerators_count"]) == ("GB200 186 GB", 8)
    assert "accelerator_form" not in entry
