"""Microsoft Dynamics GP: sales documents through eConnect. Settings and limits: README.md."""

from __future__ import annotations

from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings

SETTINGS = DynamicsGpSettings
REMOTE = "database"
