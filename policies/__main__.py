"""The policy pack as the engine starts it. Making a PolicyPack starts its server and waits, so
rules live elsewhere."""

from pulumi_policy import EnforcementLevel, PolicyPack
from rules import POLICIES

PolicyPack("stowage", policies=list(POLICIES), enforcement_level=EnforcementLevel.MANDATORY)
