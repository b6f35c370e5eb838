"""A plugin of pytest that tells ``fuzz.py`` which test begins, and how many inputs it tried when it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from typing import Any

import damage
import pytest


def _tell(**facts: Any) -> None:
    os.write(int(os.environ["CARROUSEL_TALLY"]), (json.dumps(facts) + "\n").encode())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    damage.tried = damage.asked = 0
    _tell(begins=item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.failed or report.skipped:
        # A test that hands its copies out in a process of its own has not counted them here.
        tried = damage.tried or damage.asked or int(os.environ["CARROUSEL_FUZZ"])
        _tell(ends=report.nodeid, outcome=report.outcome, tried=tried)
