"""The tables of one study: collected from score files once, and everything derived from them."""
