"""The host of dynamic providers: the SDK's own, which ends with the engine that started it."""

import gc
import runpy

from sandbox.processes import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    gc.disable()  # it ends with the operation: to look for cycles took a third of its time
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
