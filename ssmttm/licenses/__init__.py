"""What people write about licenses, understood as SPDX expressions, and the policy. Never a guess."""
