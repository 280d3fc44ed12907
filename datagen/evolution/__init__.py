"""Evol-Instruct: how a task is made harder, and when an attempt to do so failed."""
