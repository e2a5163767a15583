"""Plug-ins of ssmttm, one of each kind."""
