"""Figures, the report page, the run folder and the tables on the screen."""

from __future__ import annotations
