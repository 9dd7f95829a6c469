"""The OpenAI wire format, as OpenAI and those who speak it after OpenAI send it."""
