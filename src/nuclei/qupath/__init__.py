"""QuPath's GeoJSON: objects read from it, classes written back, and which image they belong to."""
