"""Campaigns: plans drawn along independent axes, and how each is carried out."""
