"""What moto and botocore would work out anew each time, and is always the same."""

from functools import cache

import botocore.session
from moto.core import responses, utils
from moto.core.loaders import create_loader

# Names of a class's methods, at each request: up to a fifth of its work.
responses.method_names_from_class = cache(utils.method_names_from_class)  # type: ignore[attr-defined]
# A loader remembers which services there are and what it has read. Each of moto's, and of a session's, would look
# through hundreds of folders and read the same models.
utils.create_loader = cache(create_loader)  # type: ignore[attr-defined]
botocore.session.create_loader = cache(botocore.session.create_loader)
