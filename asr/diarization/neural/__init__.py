"""Everything that needs PyTorch or pyannote.audio (the extra `diarize`); the only door to both."""
