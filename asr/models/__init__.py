"""The catalogue of recognition models: what there is, where it comes from, whether it is whole."""
