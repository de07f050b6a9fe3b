"""The five styles: package, version, checksum, licence."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Style:
    """One emoji style as an npm package of SVG drawings.

    Attributes:
        name: the domain's name.
        package: npm package.
        version: the version the checksum belongs to.
        sha256: of the package's tarball.
        licence: SPDX name.
        attribution: who drew it.
    """

    name: str
    package: str
    version: str
    sha256: str
    licence: str
    attribution: str


STYLES = (
    Style(
        name="fluent_flat",
        package="@iconify-json/fluent-emoji-flat",
        version="1.2.6",
        sha256="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
        licence="MIT",
        attribution="Fluent Emoji by Microsoft Corporation",
    ),
    Style(
        name="fluent_high_contrast",
        package="@iconify-json/fluent-emoji-high-contrast",
        version="1.2.6",
        sha256="0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
        licence="MIT",
        attribution="Fluent Emoji by Microsoft Corporation",
    ),
    Style(
        name="noto",
        package="@iconify-json/noto",
        version="1.2.9",
        sha256="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
        licence="Apache-2.0",
        attribution="Noto Emoji by Google Inc.",
    ),
    Style(
        name="openmoji",
        package="@iconify-json/openmoji",
        version="1.2.29",
        sha256="03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
        licence="CC-BY-SA-4.0",
        attribution="OpenMoji, the open-source emoji and icon project",
    ),
    Style(
        name="twemoji",
        package="@iconify-json/twemoji",
        version="1.2.5",
        sha256="19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
        licence="CC-BY-4.0",
        attribution="Twemoji by Twitter, Inc. and other contributors",
    ),
)
