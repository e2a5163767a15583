"""Records to beat: what their tracks allow, their files, and every reason for which one doesn't count."""
