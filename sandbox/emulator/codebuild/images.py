"""AWS CodeBuild: the images that AWS manages, in the names of November 2026."""

from typing import Any

from sandbox.emulator.core import decisions

IMAGES = {
    "AMAZON_LINUX_2": (
        "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        "aws/codebuild/amazonlinux-x86_64-standard:6.0",
    ),
    "UBUNTU": ("aws/codebuild/standard:6.0", "aws/codebuild/standard:7.0", "aws/codebuild/standard:8.0"),
}
"""Images by platform."""


def offered() -> list[dict[str, Any]]:
    """Return the images that AWS has not retired, as ListCuratedEnvironmentImages tells them."""
    retired = decisions.current().retired_images
    return [
        {
            "platform": platform,
            "languages": [
                {
                    "language": "BASE",
                    "images": [
                        {"name": name, "description": name, "versions": [name]}
                        for name in images
                        if name not in retired
                    ],
                }
            ],
        }
        for platform, images in IMAGES.items()
    ]
