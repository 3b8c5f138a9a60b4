"""Looks after memory, heat and power: does less before the kernel kills or throttles something, and more again after.

`sensors` reads the machine, `policy` decides, `governor` acts and says so. docs/governor.md explains it to people.
"""
