"""A language model with a few thousand random weights, and a tokenizer of bytes: trained in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

END = 0


def tokenizer() -> Any:
    """One token for each byte; 0 is the end token and the padding, 1 the beginning."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: number for number, word in enumerate(["<end>", "<begin>", *alphabet])}
    made = Tokenizer(models.BPE(vocab=words, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<end>", pad_token="<end>", bos_token="<begin>"
    )


def model(seed: int = 0) -> Any:
    """A Llama of two layers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=END,
        pad_token_id=END,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


def folder(place: Path, seed: int = 0) -> Path:
    """Both as `save_pretrained` writes them."""
    model(seed).save_pretrained(place)
    tokenizer().save_pretrained(place)
    return place
