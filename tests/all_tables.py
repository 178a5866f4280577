"""Load the tables of every package, so that `tables.metadata` knows them all."""

import importlib
import pkgutil

import trustsvc


def load():
    for module in pkgutil.walk_packages(trustsvc.__path__, "trustsvc."):
        if module.name.endswith(
            ("models", ".event_log", ".heartbeat", ".clock_check", ".key_checks")
        ):
            importlib.import_module(module.name)
