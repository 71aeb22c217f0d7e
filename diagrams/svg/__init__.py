"""The sequence diagram as SVG and PNG: measured, laid out, drawn."""
