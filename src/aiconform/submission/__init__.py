"""Submissions to the programme: reading them, predicting its gate, and writing them. Offline, but for `follow`."""
