"""Charts as SVG, made on the server: series from readings, axes, marks, plots."""
