"""Who speaks when in a recording of both sides on one channel; stereo recordings never need it."""
