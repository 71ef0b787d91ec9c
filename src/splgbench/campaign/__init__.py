"""Campaigns: many methods on many instances, isolated, resumable, on one machine or many."""
