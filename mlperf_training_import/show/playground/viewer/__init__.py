"""What runs in the playground's own process, beside the installed pages."""

#: The header in which every answer of that process has the key that its launcher gave it.
KEY_HEADER = "x-playground-key"
