"""What people write about licenses, understood as SPDX expressions. Never a guess."""
