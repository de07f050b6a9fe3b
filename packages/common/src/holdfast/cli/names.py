"""Names are text: a domain called 2019, 010, no or 1e3 keeps its name on its way to our code.

YAML reads those four as a number, the number 8, False and a float. Values of the keys below are
therefore read as the text that the user typed, in files, on the command line and in sweeps.
"""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from holdfast.errors import ConfigError

NAME_KEYS = frozenset({"test_domains", "domains", "class_names", "sequences"})
"""The last parts of dotted keys whose values are names."""
_TEXT = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"


def is_name_key(key: str) -> bool:
    """Tell whether a dotted key, with or without ``--`` and ``+``, holds names."""
    return key.removesuffix("+").rsplit(".", 1)[-1].removeprefix("--") in NAME_KEYS


def parse_names(text: str) -> list[str]:
    """Return the names that a user typed: ``2019``, ``[2019, 010]``, ``[]``.

    Raises:
        ConfigError: neither a name nor a list of names.

    Examples:
        >>> parse_names("[2019, 010, no, '1e3']")
        ['2019', '010', 'no', '1e3']
        >>> parse_names("site_a")
        ['site_a']
    """
    if not text.strip().startswith("["):
        return [text]
    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (makes text only)
    except yaml.YAMLError as error:
        raise ConfigError(f"'{text}' is no list of names: write [one,two].") from error
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ConfigError(f"'{text}' is no list of names: write [one,two].")
    return found


def quote_names(text: str) -> str:
    """Return a YAML text in which every value under a name's key is quoted.

    Lines keep their numbers only where nothing had to be quoted.

    Raises:
        yaml.YAMLError: the text is not YAML.
    """
    if not any(key in text for key in NAME_KEYS):
        return text
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None or not _quote_below(node):
        return text
    return str(yaml.serialize(node, Dumper=yaml.SafeDumper, width=float("inf")))


def quote_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command line in which every value of a name's option is quoted.

    Examples:
        >>> quote_words(["fit", "--data.init_args.test_domains=[010]", "--run.name", "no"])
        ['fit', '--data.init_args.test_domains=["010"]', '--run.name', 'no']
        >>> quote_words(["--data.init_args.test_domains", "2019"])
        ['--data.init_args.test_domains', '["2019"]']
    """
    quoted: list[str] = []
    awaited = False
    for word in words:
        option, equals, value = word.partition("=")
        if awaited and not word.startswith("--"):
            quoted.append(_as_json(word))
        elif option.startswith("--") and equals and is_name_key(option):
            quoted.append(f"{option}={_as_json(value)}")
        else:
            quoted.append(word)
        awaited = word.startswith("--") and not equals and is_name_key(word)
    return quoted


def load_yaml(text: str) -> Any:  # noqa: ANN401  (whatever the text describes)
    """Return what a YAML text describes, with names as text.

    Raises:
        yaml.YAMLError: the text is not YAML.

    Examples:
        >>> load_yaml("{domains: [2019, 010, no], seeds: [1]}")
        {'domains': ['2019', '010', 'no'], 'seeds': [1]}
    """
    return yaml.safe_load(quote_names(text))


def _as_json(value: str) -> str:
    if "${" in value or value.strip() == "null":
        return value
    return json.dumps(parse_names(value), ensure_ascii=False)


def _quote_below(node: yaml.Node) -> bool:
    """Quote the names below a node; tell whether there were any."""
    changed = False
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and is_name_key(key.value):
                changed |= _quote(value)
            else:
                changed |= _quote_below(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            changed |= _quote_below(item)
    return changed


def _quote(node: yaml.Node, *, item: bool = False) -> bool:
    """Make text of a scalar, and of every scalar in a list; an absent value stays absent."""
    if isinstance(node, yaml.SequenceNode):
        return sum(_quote(one, item=True) for one in node.value) > 0
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return False  # a style is a quotation mark that stands there already
    if node.tag == _NULL and not item:
        return False
    node.tag, node.style = _TEXT, '"'
    return True
