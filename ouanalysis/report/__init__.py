"""The one page that says what was found: a self-contained HTML file."""
