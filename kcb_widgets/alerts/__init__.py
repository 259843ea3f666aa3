"""Alerts: conditions on a run that are looked at while it trains, and told once when they hold."""
