"""A language model converted for OpenVINO GenAI generates the same text without its framework."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.stack_data import load_exporters
from tests.lifecycle.projects import PLATFORM_LOCKS, Project, pins_of, succeeded
from tests.support.copier_runs import render

pytestmark = [pytest.mark.network, pytest.mark.slow]

EXPORTER = "openvino-genai"
PROMPTS = ["the quick", "a small", "reproducible"]
MAKE_MODEL = """
import json, sys
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

folder, *prompts = sys.argv[1:]
set_seed(0)
texts = ["the quick brown fox jumps over the lazy dog", "a small model learns a small text",
         "reproducible projects pin every package"]
bytes_of = Tokenizer(models.BPE())
bytes_of.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytes_of.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
bytes_of.train_from_iterator(texts * 40, trainers.BpeTrainer(
    vocab_size=384, special_tokens=["<s>", "</s>", "<pad>"], initial_alphabet=alphabet,
    show_progress=False))
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=bytes_of, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
model = LlamaForCausalLM(LlamaConfig(
    vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
    num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=128, bos_token_id=0,
    eos_token_id=1, pad_token_id=2))
optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
batch = tokenizer([f"{text}</s>" for text in texts], return_tensors="pt", padding=True,
                  return_token_type_ids=False)
labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
for _ in range(80):
    model(**batch, labels=labels).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
model.eval()
answers = []
for prompt in prompts:
    given = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    made = model.generate(**given, max_new_tokens=12, do_sample=False)[0]
    answers.append(tokenizer.decode(made[given["input_ids"].shape[1]:], skip_special_tokens=True))
model.save_pretrained(folder)
tokenizer.save_pretrained(folder)
print(json.dumps(answers))
"""
GENERATE = """
import json, sys
import openvino_genai

folder, *prompts = sys.argv[1:]
pipeline = openvino_genai.LLMPipeline(folder, "CPU", INFERENCE_PRECISION_HINT="f32")
settings = openvino_genai.GenerationConfig()
settings.max_new_tokens, settings.do_sample, settings.apply_chat_template = 12, False, False
print(json.dumps([pipeline.generate(prompt, settings) for prompt in prompts]))
"""


def run(python: Path, *arguments: object) -> str:
    """Run an interpreter; it must succeed."""
    command = [str(python), *map(str, arguments)]
    return succeeded(subprocess.run(command, capture_output=True, text=True, check=False)).stdout


def texts(printed: str) -> list[str]:
    """Return the texts that a program printed last."""
    found: list[str] = json.loads(printed.splitlines()[-1])
    return found


def ask_for_exporter(project: Project, template: Path) -> None:
    """Add the exporter to a project as the template does."""
    folder = project.folder / "requirements" / "stack" / "exporters"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for row in load_exporters(template / "stack") if row.exporter == EXPORTER]
    wanted = "".join(f"{row.package}\n" for row in rows)
    (folder / f"{EXPORTER}.in").write_text(wanted, encoding="utf-8")
    pins = (template / "stack" / "exporters" / f"{EXPORTER}.txt").read_text(encoding="utf-8")
    (folder / f"{EXPORTER}.txt").write_text(pins, encoding="utf-8")


def test_a_converted_model_generates_the_same_text(
    template: Path, answers: dict[str, str], torch_index_of_exporters: str, tmp_path: Path
) -> None:
    torch_index = torch_index_of_exporters
    project = Project(render(template, tmp_path / "project", answers))
    ask_for_exporter(project, template)
    succeeded(project.tools("lock", TORCH_INDEX=torch_index))
    (locks,) = (project.folder / PLATFORM_LOCKS).glob("*-cpu")
    pins = pins_of((locks / "exporters" / f"{EXPORTER}.txt").read_text(encoding="utf-8"))
    made = succeeded(project.tools("exporter", EXPORTER, TORCH_INDEX=torch_index)).stdout
    exporter = Path(made.splitlines()[-1])

    source, small = tmp_path / "model", tmp_path / "small"
    expected = texts(run(exporter, "-c", MAKE_MODEL, source, *PROMPTS))
    assert all(expected)
    run(Path(sys.executable), "-m", "venv", small)
    production = small / "bin" / "python"
    run(production, "-m", "pip", "install", "-q", f"openvino-genai=={pins['openvino-tokenizers']}")

    (worker,) = (template / "template").glob("src/*/export/openvino_genai_worker.py")
    sizes = {}
    for precision in ("float32", "int8", "int4"):
        target = tmp_path / precision
        run(exporter, "-I", worker, source, target, precision)
        generated = texts(run(production, "-c", GENERATE, target, *PROMPTS))
        assert generated == expected if precision == "float32" else all(generated)
        sizes[precision] = (target / "openvino_model.bin").stat().st_size
    assert sizes["int8"] < 0.3 * sizes["float32"]
    assert sizes["int4"] < 0.75 * sizes["int8"]
    assert not list(tmp_path.glob(".*")), "nothing half-made is left"

    again = [str(exporter), "-I", str(worker), str(source), str(tmp_path / "int4"), "int4"]
    refused = subprocess.run(again, capture_output=True, text=True, check=False)
    assert refused.stderr.splitlines()[-1] == f"FileExistsError: {tmp_path / 'int4'} exists"
