"""Tests of the engine: fixtures `engine`, `services`, `empty_engine`."""

from skifftest.engine import *  # noqa: F401,F403
