"""Text as LaTeX shows it."""


def escape_latex(text: str) -> str:
    """Escape what LaTeX would read as a command; ± becomes its symbol."""
    escaped = text.replace("\\", r"\textbackslash{}")
    for character in "%&_#$":
        escaped = escaped.replace(character, f"\\{character}")
    return escaped.replace("±", r"$\pm$")
