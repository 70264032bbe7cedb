"""Chat templates in the manner of well-known models, and what transformers makes of messages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.catalog import ROOT

CHATML = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
TRIMMING = """{% for message in messages %}
    {% set content = message['content'] | trim %}
    {% if loop.first and message['role'] == 'system' %}
{{ '<<SYS>> ' ~ content ~ ' <</SYS>>' }}
    {% else %}
{{ '<|' ~ message.role ~ '|> ' ~ content }}
    {% endif %}
{% endfor %}
{% if add_generation_prompt %}
<|assistant|>
{% endif %}
"""
STRICT = (
    "{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate user/assistant/user/assistant/...') }}"
    "{% endif %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' if message['role'] == 'user'"
    " else ' ' + message['content'] }}"
    "{% endfor %}"
)
TEMPLATES = {"chatml": CHATML, "trimming": TRIMMING, "strict": STRICT}

Talk = Sequence[dict[str, str]]
TALK = [
    {"role": "user", "content": "  Who is {{ Alice }}?\nSay it briefly. "},
    {"role": "assistant", "content": "A girl."},
    {"role": "user", "content": "Where was she"},
]
SYSTEM = {"role": "system", "content": " Be brief. "}
TALKS = {name: [TALK, TALK[:1] if name == "strict" else [SYSTEM, *TALK]] for name in TEMPLATES}
"""What is said, for each template; the strict one takes no system message."""

REFUSED = TALK[1:]
"""What the strict one does not take: it begins with the assistant."""

EXPECT = """
import json, sys
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
asked = json.load(sys.stdin)
print(json.dumps([tokenizer.apply_chat_template(
    messages, chat_template=template, tokenize=False, add_generation_prompt=True)
    for template, messages in asked]))
"""
WITH_TEMPLATE = """
import hashlib, json, shutil, sys
from pathlib import Path
runtime, source, target, template = sys.argv[1:]
if runtime == "llama-cpp":
    from gguf.scripts.gguf_new_metadata import main
    sys.argv = ["", "--force", "--chat-template", template, source, target]
    main()
else:
    shutil.copytree(source, target)
    folder = Path(target)
    config = folder / "tokenizer_config.json"
    known = json.loads(config.read_text()) if config.exists() else {}
    config.write_text(json.dumps({**known, "chat_template": template}))
    metadata = folder / "metadata.json"
    if metadata.exists():  # of what export wrote: its hashes are checked
        description = json.loads(metadata.read_text())
        sha256 = hashlib.sha256(config.read_bytes()).hexdigest()
        description["files"][config.name] = sha256
        metadata.write_text(json.dumps(description))
"""


def interpreter_with_transformers(folder: Path) -> Path:
    """Make an environment with transformers, of the stack's version, and return its interpreter."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    pins = ["--constraints", ROOT / "stack" / "constraints.txt"]
    install = [*uv, "pip", "install", "--quiet", "--python", str(python), *map(str, pins)]
    subprocess.run([*install, "transformers", "jinja2"], check=True)
    return python


def texts_of(python: Path, name: str) -> list[str]:
    """Return what transformers makes of what is said, with a template."""
    asked = [(TEMPLATES[name], talk) for talk in TALKS[name]]
    done = subprocess.run(
        [python, "-c", EXPECT], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))
