"""Policies and roles as data: every statement that the platform grants is written here."""
