"""The host of dynamic providers: the SDK's own, which ends with the engine that started it."""

import runpy

from sandbox.processes import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
