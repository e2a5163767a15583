"""A generation step: in place, with few passes over memory and little overhead per call."""
