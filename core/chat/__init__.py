"""From conversations to tokens: the chat template of a model, and texts that stay texts in it."""

from core.chat.choosing import carried_template, chosen_template, template_digest
from core.chat.conversation import prompt_ids, prompt_text, response_ids, turn_end
from core.chat.installing import install, load_tokenizer, require_trainable

__all__ = [
    "carried_template",
    "chosen_template",
    "install",
    "load_tokenizer",
    "prompt_ids",
    "prompt_text",
    "require_trainable",
    "response_ids",
    "template_digest",
    "turn_end",
]
