"""A folder of weights as a teacher, on a tiny model with random weights."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from cli import quick

from datagen.errors import UsageError
from datagen.request import CallFailed, Prompt, Reply, TeacherUnusable
from datagen.teachers import connect_all, profile, transformers_local

torch = pytest.importorskip("torch", reason="needs the extra train")
transformers = pytest.importorskip("transformers", reason="needs the extra train")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers that knows bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    place = tmp_path_factory.mktemp("models") / "tiny"
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: number for number, word in enumerate([*alphabet, "<end>"])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(place)
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        eos_token_id=256,
        bos_token_id=None,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(place)
    return place


def ask(folder: Path, prompt: Prompt, *, temperature: float = 0.0, sample: int = 0) -> Reply:
    async def work() -> Reply:
        async with connect_all([profile(f"transformers:{folder}")]) as (teacher,):
            request = teacher.request(prompt, seed=0, sample=sample, temperature=temperature)
            return await teacher.complete(request)

    return asyncio.run(work())


def test_greedy_answers_are_those_of_transformers(folder: Path) -> None:
    """Token by token with a cache gives what `generate` gives."""
    reply = ask(folder, Prompt(text="def f(x):", max_tokens=12))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    asked = tokenizer("def f(x):", return_tensors="pt")
    said = model.generate(**asked, max_new_tokens=12, do_sample=False)[0][asked["input_ids"].shape[1] :]
    assert reply.text == tokenizer.decode(said, skip_special_tokens=True)
    assert (reply.tokens_in, reply.tokens_out) == (9, 12)
    assert (reply.finish_reason, reply.model) == ("length", "tiny")


def test_samples_differ_and_come_again(folder: Path) -> None:
    """A sample is drawn by its own seed."""
    prompt = Prompt(text="def f(x):", max_tokens=12)
    first, second = (ask(folder, prompt, temperature=1.0, sample=number) for number in (0, 1))
    assert first.text != second.text
    assert ask(folder, prompt, temperature=1.0, sample=1).text == second.text


def test_it_stops_before_a_text(folder: Path) -> None:
    """What stands from the stop on is left out."""
    whole = ask(folder, Prompt(text="x", max_tokens=12)).text
    reply = ask(folder, Prompt(text="x", max_tokens=12, stop=(whole[3:5],)))
    assert reply.text == whole[: whole.find(whole[3:5])]
    assert reply.finish_reason == "stop"


def test_a_prompt_that_fills_the_context_fails_alone(folder: Path) -> None:
    """Its length is the prompt's fault, not the model's."""
    with pytest.raises(CallFailed, match="the prompt has 100 tokens, and the model takes 64"):
        ask(folder, Prompt(text="x" * 100, max_tokens=4))
    assert ask(folder, Prompt(text="x" * 60, max_tokens=9)).tokens_out == 4


def test_the_journal_knows_a_model_by_its_content(folder: Path, tmp_path: Path) -> None:
    """A copy is the same model; one changed byte of the weights makes another."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert transformers_local.content(str(copy)) == transformers_local.content(str(folder))
    (copy / "README.md").write_text("A card.")
    assert transformers_local.content(str(copy)) == transformers_local.content(str(folder))
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    assert transformers_local.content(str(copy)) != transformers_local.content(str(folder))


def test_weights_that_cannot_be_loaded_end_in_one_line(folder: Path, tmp_path: Path) -> None:
    """Damaged weights, and a parameter that is not known."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(TeacherUnusable, match="transformers:copy: the model cannot be loaded"):
        ask(copy, Prompt(text="x", max_tokens=1))
    one = profile(f"transformers:{folder}")._replace(parameters=(("logit_bias", {}),))

    async def work() -> None:
        async with connect_all([one]):
            pass

    with pytest.raises(UsageError, match="knows no parameter logit_bias"):
        asyncio.run(work())


def test_a_missing_extra_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pip's command."""
    monkeypatch.setattr(transformers_local.importlib.util, "find_spec", lambda _: None)
    words = ["eval", folder, "--limit", 1, "-o", tmp_path / "out"]
    assert "needs an extra: pip install" in quick(*words).error()


def test_a_trained_folder_is_evaluated_once(folder: Path, tmp_path: Path) -> None:
    """It is asked in the format of training; a second evaluation of a copy asks nothing."""
    tasks = [
        {
            "task_id": f"T/{number}",
            "prompt": f'def f(x):\n    """Add {number}."""\n',
            "test": "def check(candidate):\n    assert candidate(1) == 1\n",
            "entry_point": "f",
        }
        for number in range(2)
    ]
    (tmp_path / "toy.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks))
    benchmark = f"jsonl:{tmp_path / 'toy.jsonl'}"
    told = quick("eval", folder, "--benchmark", benchmark, "-o", tmp_path / "out", "--json").json()
    assert told["calls"]["asked"] == 2
    assert (told["pass_at_k"], told["samples"]["judged"]) == ({"1": 0.0}, 2)
    copy = tmp_path / "tiny"
    shutil.copytree(folder, copy)
    again = quick("eval", copy, "--benchmark", benchmark, "-o", tmp_path / "again", "--json").json()
    assert (again["calls"]["asked"], again["calls"]["reused"]) == (0, 2)
    assert again["digest"] == told["digest"]
